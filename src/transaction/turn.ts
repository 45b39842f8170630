/**
 * What a pointer tells of those who commit to its table again and again, so that they come one after another instead of
 * all at once. Only hints of when to try: who ignores them, or never reads them, loses more attempts and nothing else.
 */

export interface Turn {
  /** Marks of the writers that wait, the next first. */
  readonly line: readonly string[]
  /** How long the writer of this body means to go on, in milliseconds; 0: the next may come. */
  readonly leftMs: number
  /** What a commit takes it, in milliseconds: the unit of waiting. */
  readonly commitMs: number
  /** How long the pointer may stand still until its writer has gone without a word. */
  readonly quietMs: number
}

/** Writers beyond it wait at random: what bounds the pointer. */
const MAX_LINE = 64

export function isGoingOn(turn: Turn | undefined): boolean {
  return turn !== undefined && turn.leftMs > 0
}

/** How many are before it; undefined where it is not in the line. */
export function placeOf(turn: Turn | undefined, mark: string): number | undefined {
  const place = turn?.line.indexOf(mark) ?? -1
  return place < 0 ? undefined : place
}

/** With `mark` at the end of the line; undefined where it is there already, or the line is full. */
export function joinLine(turn: Turn | undefined, mark: string): Turn | undefined {
  const { line, ...rest } = turn ?? { line: [], leftMs: 0, commitMs: 0, quietMs: 0 }
  if (line.includes(mark) || line.length >= MAX_LINE) return undefined
  return { line: [...line, mark], ...rest }
}

/** The line after a commit of `mark`: who was before it had its chance, and is gone or comes again. */
export function leaveLine(turn: Turn | undefined, mark: string): readonly string[] {
  return turn?.line.slice(turn.line.indexOf(mark) + 1) ?? []
}

/** After a body of `mark`, if that has nothing more to commit; undefined where it makes no difference to anybody. */
export function endTurn(turn: Turn | undefined, mark: string): Turn | undefined {
  const line = turn?.line.filter((other) => other !== mark) ?? []
  if (turn === undefined || line.length === 0) return undefined
  return isGoingOn(turn) || line.length < turn.line.length ? { ...turn, line, leftMs: 0, quietMs: 0 } : undefined
}

/** After a body that is no commit: the line stays, but who goes on is not known. */
export function carryTurn(turn: Turn | undefined): Turn | undefined {
  return turn === undefined || turn.line.length === 0 ? undefined : { ...turn, leftMs: 0, quietMs: 0 }
}
