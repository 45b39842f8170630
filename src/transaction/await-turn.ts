/**
 * When a commit that lost tries again. A loss proves that somebody committed: the store is not in trouble, so that waiting
 * longer and longer would only starve whoever is behind. After a loss to one who goes on, or after many, the writer puts
 * itself into the line that the pointer holds, and comes when those before it had their turn, or don't come.
 */
import type { Standing, TableOperations } from './operations.ts'
import { TURN_MS } from './pace.ts'
import { isGoingOn, placeOf } from './turn.ts'
import type { Turn } from './turn.ts'

/** After so many losses a writer waits in line, whoever it lost to. */
const PATIENT_LOSSES = 5
/** The longest window between two looks outside the line, in commits of the others. */
const MAX_WINDOW_COMMITS = 16
/** With this chance a commit is tried though the others are quick: what they do is known by looks only. */
const TRY_ANYWAY = 0.2
/** How long each place in line leaves to the one before it, in commits. */
const PLACE_COMMITS = 3
/** What a writer sleeps of the time that those before it will need: looks come closer as its turn does. */
const AHEAD = 0.5

export interface WaitLimits {
  readonly leastMs: number
  readonly capMs: number
}

export interface LostAttempt {
  /** What it took. */
  readonly ownMs: number
  /** Attempts of this commit that others came before. */
  readonly losses: number
  /** The end of patience. */
  readonly untilMs: number
  /** Names the writer in the line. */
  readonly mark: string
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

/**
 * Takes a place in the line, if it has none, and resolves when it is its turn: when it is the first and the pointer tells
 * that the last turn is over, or when the pointer stands still for longer than those before it would let it.
 */
export async function waitInLine(
  operations: Looking,
  { mark, ownMs, untilMs }: Pick<LostAttempt, 'mark' | 'ownMs' | 'untilMs'>,
  { limits, signal }: Waiting,
): Promise<void> {
  const { runtime } = operations
  const within = (ms: number): number => Math.min(limits.capMs, Math.max(limits.leastMs, ms))
  let seen = await operations.peek?.(signal)
  let sinceMs = runtime.monotonicMs()
  let moved: { readonly place: number; readonly atMs: number } | undefined
  let placeMs = 0
  let isStill = false
  while (seen !== undefined && runtime.monotonicMs() < untilMs) {
    const { turn }: Standing = seen
    const place = placeOf(turn, mark)
    if (turn === undefined || place === undefined) {
      if (!isGoingOn(turn) && (turn?.line.length ?? 0) === 0) return
      seen = await operations.join?.(mark, signal)
      sinceMs = runtime.monotonicMs()
      // The line is full.
      if (placeOf(seen?.turn, mark) === undefined) await runtime.sleep(runtime.random() * limits.capMs, signal)
      continue
    }
    const nowMs = runtime.monotonicMs()
    const commitMs = within(turn.commitMs > 0 ? turn.commitMs : ownMs)
    if (moved === undefined || place < moved.place) {
      if (moved !== undefined) placeMs = (nowMs - moved.atMs) / (moved.place - place)
      moved = { place, atMs: nowMs }
    } else placeMs = Math.max(placeMs, nowMs - moved.atMs)
    placeMs = Math.min(placeMs, Math.max(2 * TURN_MS, 8 * commitMs))
    const stillMs = nowMs - sinceMs
    const patienceMs = Math.min(limits.capMs, turn.quietMs) + PLACE_COMMITS * commitMs * place
    if (stillMs >= patienceMs) return
    const nearMs = untilNearMs({ turn, place, commitMs, placeMs })
    const restMs = isStill ? Math.min(patienceMs - stillMs, nearMs) : nearMs
    await runtime.sleep(Math.min(limits.capMs, Math.max(commitMs / 2, restMs)), signal)
    const now: Standing | undefined = await operations.peek?.(signal)
    isStill = now?.metadataLocation === seen.metadataLocation
    if (!isStill) sinceMs = runtime.monotonicMs()
    seen = now
  }
}

/** How long nobody needs to look: the first of the line looks about once a commit, the others when their turn comes closer. */
function untilNearMs({
  turn,
  place,
  commitMs,
  placeMs,
}: {
  turn: Turn
  place: number
  commitMs: number
  placeMs: number
}): number {
  if (place === 0) return Math.min(turn.leftMs, 1.5 * commitMs)
  return Math.max(commitMs, (place - 0.5) * Math.max(placeMs, PLACE_COMMITS * commitMs) * AHEAD)
}
