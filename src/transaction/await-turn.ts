/**
 * When a commit that lost tries again. A loss proves that somebody committed: the store is not in trouble, so that waiting
 * longer and longer would only starve whoever is behind. After a loss to one who goes on, or after many, the writer puts
 * itself into the line that the pointer holds, and comes when those before it had their turn, or don't come.
 */
import { LineWatch } from './line-watch.ts'
import type { Watcher } from './line-watch.ts'
import type { Standing, TableOperations } from './operations.ts'
import type { WaitLimits } from './retry-policy.ts'
import { isGoingOn, placeOf } from './turn.ts'

/** After so many losses a writer waits in line, whoever it lost to. */
const PATIENT_LOSSES = 5
/** The longest window between two looks outside the line, in commits of the others. */
const MAX_WINDOW_COMMITS = 16
/** With this chance a commit is tried though the others are quick: what they do is known by looks only. */
const TRY_ANYWAY = 0.2

export interface LostAttempt extends Watcher {
  /** Attempts of this commit that others came before. */
  readonly losses: number
  /** The end of patience. */
  readonly untilMs: number
}

export interface Waiting {
  readonly limits: WaitLimits
  readonly signal: AbortSignal | undefined
}

type Looking = Pick<TableOperations, 'runtime' | 'peek' | 'join'>

/** Resolves when the next attempt should begin. Without `peek` it waits once, at random. */
export async function awaitTurn(operations: Looking, attempt: LostAttempt, waiting: Waiting): Promise<void> {
  const { runtime, peek } = operations
  const { limits, signal } = waiting
  const { ownMs, losses, untilMs } = attempt
  const sleep = (windowMs: number): Promise<void> =>
    runtime.sleep(runtime.random() * Math.min(limits.capMs, Math.max(limits.leastMs, windowMs)), signal)
  if (peek === undefined) return sleep(ownMs * losses)
  let seen = await operations.peek?.(signal)
  let seenMs = runtime.monotonicMs()
  let paceMs = ownMs
  for (let looks = losses; seen !== undefined && runtime.monotonicMs() < untilMs; looks++) {
    if (isGoingOn(seen.turn) || looks >= PATIENT_LOSSES) return waitInLine(operations, attempt, waiting)
    // The first loss is followed up at once: the conflict just told what the table is now.
    if (looks === 1) return
    await sleep(paceMs * Math.min(MAX_WINDOW_COMMITS, 2 ** (looks - 1)))
    const now: Standing | undefined = await operations.peek?.(signal)
    if (now === undefined || now.version <= seen.version) return
    const nowMs = runtime.monotonicMs()
    paceMs = (nowMs - seenMs) / (now.version - seen.version)
    if (!isGoingOn(now.turn) && (ownMs <= paceMs || runtime.random() < TRY_ANYWAY)) return
    seen = now
    seenMs = nowMs
  }
}

/** Takes a place in the line, if it has none, and resolves when it is its turn (line-watch.ts). */
export async function waitInLine(
  operations: Looking,
  { mark, ownMs, untilMs }: Pick<LostAttempt, 'mark' | 'ownMs' | 'untilMs'>,
  waiting: Waiting,
): Promise<void> {
  const { runtime } = operations
  const watch = new LineWatch({ mark, ownMs }, waiting.limits)
  let seen = await operations.peek?.(waiting.signal)
  while (seen !== undefined && runtime.monotonicMs() < untilMs) {
    const restMs: number | undefined = watch.look(seen, runtime.monotonicMs())
    if (restMs === 0) return
    if (restMs === undefined) seen = await takePlace(operations, mark, waiting)
    else {
      await runtime.sleep(restMs, waiting.signal)
      seen = await operations.peek?.(waiting.signal)
    }
  }
}

/** At the end of the line; where that is full, it waits a while. */
async function takePlace(
  operations: Looking,
  mark: string,
  { limits, signal }: Waiting,
): Promise<Standing | undefined> {
  const { runtime } = operations
  const seen = await operations.join?.(mark, signal)
  if (placeOf(seen?.turn, mark) === undefined) await runtime.sleep(runtime.random() * limits.capMs, signal)
  return seen
}
