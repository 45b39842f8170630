/**
 * Object rows → Arrow record batches in the table's schema: the first step of an append of plain objects, and its hot
 * path. Rows are packed column by column; nothing is committed when one doesn't fit, and the error names the first.
 */
import { Data, RecordBatch, Struct } from 'apache-arrow'
import type { Schema as ArrowSchema } from 'apache-arrow'
import { ValidationError } from '../base/errors.ts'
import { toArrowSchema } from '../format/arrow-schema.ts'
import type { Schema } from '../spec/types.ts'
import { describeInput } from '../spec/value.ts'
import { CellMismatch, LateMismatch, findLoneSurrogate } from './cell-mismatch.ts'
import { KeyCheck, isPlainObject } from './key-check.ts'
import { Member } from './nested-builders.ts'

/** A row as users give it: values by column name (spec/value.ts tells which stand for what). */
export type InputRow = object

/** A row by the names of its columns: what any object is once it has been looked at. */
type Named = Readonly<Record<string, unknown>>

/** Rows packed column by column at a time: few enough to stay in the cache. */
export const ROWS_PER_RUN = 1024

interface Failure {
  readonly index: number
  readonly column: string
  readonly mismatch: CellMismatch
}

export class RowPacker {
  readonly #members: readonly Member[]
  readonly #schema: ArrowSchema
  readonly #keys: KeyCheck
  /** Rows of the whole input before those of the current batch. */
  #rowsBefore: number
  #rows = 0

  /** `firstRow` is the number that the first row has in errors. */
  constructor(schema: Schema, firstRow = 1) {
    this.#schema = toArrowSchema(schema)
    this.#members = schema.fields.map(
      (field, i) => new Member(field, this.#schema.fields[i] as ArrowSchema['fields'][0]),
    )
    this.#keys = new KeyCheck(schema.fields.map((field) => field.name))
    this.#rowsBefore = firstRow - 1
  }

  /** Rows of the current batch. */
  get rows(): number {
    return this.#rows
  }

  /** Bytes that the current batch takes. */
  get sizeBytes(): number {
    return this.#members.reduce((sum, { builder }) => sum + builder.sizeBytes, 0)
  }

  /**
   * Adds `rows[from]` up to `rows[to]`, at best some ROWS_PER_RUN. ValidationError for the first row that doesn't fit,
   * with `context` {row, column, expected, found}; the packer is not to be used after it.
   */
  append(rows: readonly unknown[], from = 0, to: number = rows.length): void {
    let end = this.#checkShapes(rows, from, to)
    let failure: Failure | undefined
    // After a failure the other columns are still packed up to its row: an earlier one may fail there.
    for (const member of this.#members) {
      const found = packColumn(member, rows as readonly Named[], from, end)
      if (found === undefined) continue
      failure = found
      end = found.index
    }
    if (failure !== undefined) throw failure.mismatch.at(this.#rowNumber(failure.index - from), failure.column)
    if (end < to) this.#refuse(rows[end], this.#rowNumber(end - from))
    this.#rows += to - from
  }

  /** The batch so far; the packer goes on with the next. */
  finish(): RecordBatch {
    const children = this.#members.map(({ builder }) => builder.finish())
    const data = new Data(new Struct(this.#schema.fields), 0, this.#rows, 0, undefined, children)
    this.#rowsBefore += this.#rows
    this.#rows = 0
    return new RecordBatch(this.#schema, data)
  }

  /** Counts rows of the input that came another way; only between batches. */
  skipRows(rows: number): void {
    this.#rowsBefore += rows
  }

  /** Index of the first row that is no object or has keys that no column has; `to` where all are well. */
  #checkShapes(rows: readonly unknown[], from: number, to: number): number {
    for (let i = from; i < to; i++) {
      const row = rows[i]
      if (!isPlainObject(row) || this.#keys.unknownKey(row) !== undefined) return i
    }
    return to
  }

  #refuse(input: unknown, row: number): never {
    if (!isPlainObject(input)) {
      const found = describeInput(input)
      throw new ValidationError(`row ${row}: expected an object with a value for each column, found ${found}`, {
        context: { row, expected: 'an object', found },
      })
    }
    const column = this.#keys.unknownKey(input)
    throw new ValidationError(`row ${row}: the table has no column "${column}"; its columns are ${this.#keys.list()}`, {
      context: { row, column },
    })
  }

  #rowNumber(index: number): number {
    return this.#rowsBefore + this.#rows + index + 1
  }
}

function packColumn(member: Member, rows: readonly Named[], from: number, to: number): Failure | undefined {
  let index = from
  try {
    for (; index < to; index++) member.append(rows[index] as Named)
    member.builder.settle()
    return undefined
  } catch (error) {
    if (error instanceof LateMismatch) return locate(member, rows, from, to)
    if (error instanceof CellMismatch) return { index, column: member.name, mismatch: error }
    throw error
  }
}

function locate(member: Member, rows: readonly Named[], from: number, to: number): Failure | undefined {
  for (let index = from; index < to; index++) {
    const mismatch = findLoneSurrogate(rows[index]?.[member.name])
    if (mismatch !== undefined) return { index, column: member.name, mismatch }
  }
  throw new ValidationError(`column "${member.name}" holds text that is not well-formed`)
}

/** All rows as one batch, for small inputs and tests; toBatches (append-input.ts) streams. */
export function rowsToBatch(rows: readonly InputRow[], schema: Schema): RecordBatch {
  const packer = new RowPacker(schema)
  for (let from = 0; from < rows.length; from += ROWS_PER_RUN) {
    packer.append(rows, from, Math.min(rows.length, from + ROWS_PER_RUN))
  }
  return packer.finish()
}
