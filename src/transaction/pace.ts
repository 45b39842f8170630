/**
 * The pace of one writer of a table, and what it tells others of it. Commits right after one another are a turn: with a
 * warm base they come in half the time that another writer needs to take over, so that turns of several are what a table
 * is written fastest by. Who knows of others that wait ends its turn and goes to the end of the line.
 */
import type { Runtime } from '../base/runtime.ts'
import type { TableOperations } from './operations.ts'
import { leaveLine } from './turn.ts'
import type { Turn } from './turn.ts'

/** How long a turn lasts while others wait, in milliseconds. */
export const TURN_MS = 300
/** Where a commit takes long, a turn has this many all the same: the first of a turn takes the longest. */
const LEAST_COMMITS = 4
/** A commit belongs to the turn of the last if it begins so soon after it, in times of a commit. */
const SOON = 2
/** After so many times of a commit without one, a writer that meant to go on is taken for gone. */
const QUIET = 2.5
/** The same before a commit that merges manifests. */
const LONG = 40

/** Of one handle of a table. */
export class Pace {
  /** Names the handle in the line. */
  readonly mark: string
  readonly #runtime: Runtime
  #wonAtMs = -Infinity
  #commitMs = 0
  #isGoingOn = false
  #turn: { readonly startMs: number; commits: number } | undefined
  #told: Turn | undefined

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.mark = runtime.uuid().slice(0, 8)
  }

  /** What a commit takes, in milliseconds; 0 before the first. */
  get commitMs(): number {
    return this.#commitMs
  }

  /** A commit is about to begin. Returns whether it has to wait in line first. */
  begin(): boolean {
    this.#isGoingOn = this.#runtime.monotonicMs() - this.#wonAtMs <= SOON * this.#commitMs
    if (!this.#isGoingOn) this.#turn = undefined
    return this.#isGoingOn && this.#told?.line.includes(this.mark) === true
  }

  /** What the body of its next commit tells, on one that tells `turn`; with `isNextLong` the one after that takes long. */
  tell(turn: Turn | undefined, isNextLong = false): Turn | undefined {
    this.#told = this.#next(leaveLine(turn, this.mark), isNextLong ? LONG : QUIET)
    return this.#told
  }

  #next(line: readonly string[], quiet: number): Turn | undefined {
    const commitMs = this.#commitMs
    const last = { line, leftMs: 0, commitMs, quietMs: 0 }
    if (line.length === 0) this.#turn = undefined
    if (!this.#isGoingOn) return line.length === 0 ? undefined : last
    const goingOn = { line, leftMs: TURN_MS, commitMs, quietMs: quiet * commitMs }
    if (line.length === 0) return goingOn
    const nowMs = this.#runtime.monotonicMs()
    this.#turn ??= { startMs: nowMs, commits: 0 }
    const leftMs = Math.max(this.#turn.startMs + TURN_MS - nowMs, (LEAST_COMMITS - 1 - this.#turn.commits) * commitMs)
    return leftMs > 0 ? { ...goingOn, leftMs } : { ...last, line: [...line, this.mark] }
  }

  /** `commitMs` is what the attempt took. */
  won(commitMs: number): void {
    this.#wonAtMs = this.#runtime.monotonicMs()
    // Among a crowd, or where it merges manifests, one may take many times what it takes alone.
    this.#commitMs = this.#commitMs === 0 ? commitMs : Math.min(commitMs, 1.3 * this.#commitMs)
    if (this.#turn !== undefined) this.#turn.commits += 1
  }

  /** Another has committed, or the turn of others is over. */
  startOver(): void {
    this.#turn = undefined
  }
}

const paces = new WeakMap<TableOperations, Pace>()

export function paceOf(operations: TableOperations): Pace {
  const known = paces.get(operations) ?? new Pace(operations.runtime)
  paces.set(operations, known)
  return known
}
