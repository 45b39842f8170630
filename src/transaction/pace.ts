/**
 * When a commit that lost tries again, and when one that keeps winning lets others go first. A loss proves that somebody
 * committed: the store is not in trouble, so that waiting longer and longer would only starve whoever is behind. Who lost
 * looks at the pointer, one small GET, until the commits of others leave it the time that its own way takes.
 */
import type { Runtime } from '../base/runtime.ts'
import type { TableOperations } from './operations.ts'

/** Commits in a row, one right after another, after which others go first. */
const STREAK = 10
/** How long a loss tells that there are others, in milliseconds. */
const LOSS_COUNTS_MS = 10_000
/** The longest window between two looks, in commits of the others. */
const MAX_WINDOW_COMMITS = 16
/** With this chance a commit is tried though the others are quick: what they do is known by looks only. */
const TRY_ANYWAY = 0.2

export interface WaitLimits {
  readonly leastMs: number
  readonly capMs: number
}

/** Of one handle of a table. */
export class Pace {
  readonly #runtime: Runtime
  #lostAtMs = -Infinity
  #wonAtMs = -Infinity
  #commitMs = 0
  #inARow = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  lost(): void {
    this.#lostAtMs = this.#runtime.monotonicMs()
    this.#inARow = 0
  }

  /** `commitMs` is what the attempt took. */
  won(commitMs: number): void {
    this.#wonAtMs = this.#runtime.monotonicMs()
    this.#commitMs = commitMs
    this.#inARow += 1
  }

  /** How long the next commit lets others go first. */
  courtesyMs(): number {
    const nowMs = this.#runtime.monotonicMs()
    const isHot = nowMs - this.#wonAtMs < this.#commitMs && nowMs - this.#lostAtMs < LOSS_COUNTS_MS
    if (!isHot || this.#inARow < STREAK) return 0
    this.#inARow = 0
    // Who waits looks, reads and uploads before it can move the pointer: about twice a warm commit.
    return this.#commitMs * (2 + 2 * this.#runtime.random())
  }
}

const paces = new WeakMap<TableOperations, Pace>()

export function paceOf(operations: TableOperations): Pace {
  const known = paces.get(operations) ?? new Pace(operations.runtime)
  paces.set(operations, known)
  return known
}

/** Resolves when the next attempt should begin. `ownMs` is what the last one took; `untilMs` is the end of patience. */
export async function awaitTurn(
  operations: Pick<TableOperations, 'runtime' | 'peek'>,
  attempt: { readonly ownMs: number; readonly untilMs: number },
  { limits, signal }: { readonly limits: WaitLimits; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const { runtime } = operations
  let paceMs = attempt.ownMs
  let seen = await operations.peek?.(signal)
  let seenMs = runtime.monotonicMs()
  for (let looks = 0; runtime.monotonicMs() < attempt.untilMs; looks++) {
    const windowMs = paceMs * Math.min(MAX_WINDOW_COMMITS, 2 ** (looks + 1))
    await runtime.sleep(runtime.random() * Math.min(limits.capMs, Math.max(limits.leastMs, windowMs)), signal)
    const version = await operations.peek?.(signal)
    const nowMs = runtime.monotonicMs()
    if (seen === undefined || version === undefined || version <= seen) return
    paceMs = (nowMs - seenMs) / (version - seen)
    if (attempt.ownMs <= paceMs || runtime.random() < TRY_ANYWAY) return
    seen = version
    seenMs = nowMs
  }
}
