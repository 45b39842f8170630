/**
 * Whatever `append` takes → batches in the table's Arrow schema, streamed: rows are packed in batches bounded by rows and
 * bytes, Arrow data is cast. The input is pulled only as fast as the batches are consumed.
 */
import { RecordBatch, Table } from 'apache-arrow'
import { ValidationError } from '../base/errors.ts'
import type { Schema } from '../spec/types.ts'
import { describeInput } from '../spec/value.ts'
import { castBatch } from './arrow-input.ts'
import { ROWS_PER_RUN, RowPacker } from './rows-to-arrow.ts'
import type { InputRow } from './rows-to-arrow.ts'

type AppendItem = InputRow | RecordBatch | Table

/** Rows as objects, Arrow tables or batches, or an iterable of any of these. */
export type AppendInput = Table | RecordBatch | Iterable<AppendItem> | AsyncIterable<AppendItem>

export interface ToBatchesOptions {
  readonly batchRows?: number | undefined
  readonly batchSizeBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const DEFAULT_BATCH_ROWS = 65_536
const DEFAULT_BATCH_BYTES = 32 * 2 ** 20

/** Errors: ValidationError naming row (from 1, over the whole input), column, value and expected type. */
export async function* toBatches(
  input: AppendInput,
  schema: Schema,
  options: ToBatchesOptions = {},
): AsyncGenerator<RecordBatch, void, undefined> {
  const { batchRows = DEFAULT_BATCH_ROWS, batchSizeBytes = DEFAULT_BATCH_BYTES, signal } = options
  const packer = new RowPacker(schema)
  let firstRow = 1
  for await (const run of runsOf(input)) {
    signal?.throwIfAborted()
    if (run instanceof RecordBatch) {
      if (packer.rows > 0) yield packer.finish()
      for (let from = 0; from < run.numRows; from += batchRows) {
        const part = run.numRows <= batchRows ? run : run.slice(from, Math.min(run.numRows, from + batchRows))
        yield castBatch(part, schema, firstRow)
        firstRow += part.numRows
        packer.skipRows(part.numRows)
      }
      continue
    }
    packer.append(run.rows, run.from, run.to)
    firstRow += run.to - run.from
    if (packer.rows >= batchRows || packer.sizeBytes >= batchSizeBytes) yield packer.finish()
  }
  if (packer.rows > 0) yield packer.finish()
}

/** A few rows of an array. */
interface RowRun {
  readonly rows: readonly unknown[]
  readonly from: number
  readonly to: number
}

async function* runsOf(input: AppendInput): AsyncGenerator<RowRun | RecordBatch, void, undefined> {
  if (isArrow(input)) yield* batchesOf(input)
  else if (Array.isArray(input)) yield* runsOfArray(input)
  else if (isIterable(input)) yield* runsOfItems(input)
  else if (isAsyncIterable(input)) yield* runsOfAsyncItems(input)
  else {
    const found = describeInput(input)
    throw new ValidationError(`append takes an array of rows, Arrow data, or an iterable of these, found ${found}`, {
      context: { found },
    })
  }
}

/** Where nothing in it is Arrow data, an array is read in place. */
function* runsOfArray(items: readonly unknown[]): Generator<RowRun | RecordBatch, void, undefined> {
  for (let from = 0; from < items.length; from += ROWS_PER_RUN) {
    const to = Math.min(items.length, from + ROWS_PER_RUN)
    let arrow = from
    while (arrow < to && !isArrow(items[arrow])) arrow++
    if (arrow === to) yield { rows: items, from, to }
    else yield* runsOfItems(items.slice(from, to))
  }
}

function* runsOfItems(items: Iterable<unknown>): Generator<RowRun | RecordBatch, void, undefined> {
  const collector = new RunCollector()
  for (const item of items) yield* collector.add(item)
  yield* collector.rest()
}

async function* runsOfAsyncItems(items: AsyncIterable<unknown>): AsyncGenerator<RowRun | RecordBatch, void, undefined> {
  const collector = new RunCollector()
  for await (const item of items) {
    if (!isArrow(item) && !collector.push(item)) continue
    yield* isArrow(item) ? collector.add(item) : collector.rest()
  }
  yield* collector.rest()
}

/** Gathers single rows to runs, and hands Arrow data on in its turn. */
class RunCollector {
  #rows: unknown[] = []

  /** Adds a row; true when a run is full. */
  push(row: unknown): boolean {
    return this.#rows.push(row) >= ROWS_PER_RUN
  }

  *add(item: unknown): Generator<RowRun | RecordBatch, void, undefined> {
    if (isArrow(item)) {
      yield* this.rest()
      yield* batchesOf(item)
    } else if (this.push(item)) yield* this.rest()
  }

  *rest(): Generator<RowRun, void, undefined> {
    const rows = this.#rows
    this.#rows = []
    if (rows.length > 0) yield { rows, from: 0, to: rows.length }
  }
}

function isArrow(input: unknown): input is Table | RecordBatch {
  return input instanceof RecordBatch || input instanceof Table
}

function batchesOf(input: Table | RecordBatch): readonly RecordBatch[] {
  return input instanceof Table ? input.batches : [input]
}

function isIterable(input: unknown): input is Iterable<unknown> {
  return typeof input === 'object' && input !== null && Symbol.iterator in input
}

function isAsyncIterable(input: unknown): input is AsyncIterable<unknown> {
  return typeof input === 'object' && input !== null && Symbol.asyncIterator in input
}
