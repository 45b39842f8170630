/**
 * Why one cell of an input doesn't fit its column. Column builders and casts throw it with what they know, each level
 * of nesting puts its step in front of the path, and whoever knows the row turns it into the user's ValidationError.
 */
import { ValidationError } from '../base/errors.ts'
import { describeInput } from '../spec/value.ts'

export class CellMismatch extends ValidationError {
  /** Way from the column to the value, as it is appended to the column's name: `[3].zip`; empty for the cell itself. */
  readonly path: string
  readonly expected: string
  readonly found: string
  /** Where the failing value lies in a column of Arrow data; 0 for single values. */
  readonly position: number

  constructor(expected: string, found: string, path = '', position = 0) {
    super(`expected ${expected}, found ${found}`, { context: { expected, found } })
    this.expected = expected
    this.found = found
    this.path = path
    this.position = position
  }

  /** The same, seen from one level up. */
  within(step: string, position: number = this.position): CellMismatch {
    return new CellMismatch(this.expected, this.found, step + this.path, position)
  }

  /** What the user gets; `row` counts from 1 over the whole input. */
  at(row: number, column: string): ValidationError {
    const { expected, found } = this
    const path = column + this.path
    const message = `row ${row}, column "${path}": expected ${expected}, found ${found}`
    return new ValidationError(message, { context: { row, column: path, expected, found } })
  }
}

/** A mismatch of some cell since the last `settle`, not of the one being added: `findLoneSurrogate` tells which. */
export class LateMismatch extends CellMismatch {
  override within(): LateMismatch {
    return this
  }
}

const LONE_SURROGATE = /\p{Surrogate}/u

/** The mismatch of the first string within `input`, at any depth, that UTF-8 can't say. */
export function findLoneSurrogate(input: unknown): CellMismatch | undefined {
  if (typeof input === 'string') {
    return LONE_SURROGATE.test(input) ? new CellMismatch('well-formed text', describeInput(input)) : undefined
  }
  if (typeof input !== 'object' || input === null || ArrayBuffer.isView(input)) return undefined
  if (input instanceof Map) {
    for (const entry of input) {
      const found = findLoneSurrogate(entry[0]) ?? findLoneSurrogate(entry[1])
      if (found !== undefined) return found.within(`[${describeInput(entry[0])}]`)
    }
    return undefined
  }
  for (const [key, member] of Object.entries(input)) {
    const found = findLoneSurrogate(member) ?? findLoneSurrogate(key)
    if (found !== undefined) return found.within(Array.isArray(input) ? `[${key}]` : `.${key}`)
  }
  return undefined
}

/** Rethrows a failure one level up: mismatches get the step, anything else passes. */
export function rethrowWithin(error: unknown, step: string): never {
  throw error instanceof CellMismatch ? error.within(step) : error
}

/** A mismatch out of what `fromRowValue` threw. */
export function asMismatch(error: unknown): unknown {
  if (!(error instanceof ValidationError) || error instanceof CellMismatch) return error
  const expected = /^expected (.*), found /s.exec(error.message)?.[1] ?? String(error.context['expected'])
  return new CellMismatch(expected, String(error.context['found']))
}
