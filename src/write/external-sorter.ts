/**
 * All rows of one partition in the table's sort order, however many: what memory can't hold is sorted in runs that are
 * written to disk, and the runs are merged block by block. Rows that compare equal stay in the order they came in.
 */
import type { RecordBatch } from 'apache-arrow'
import { batchSizeBytes, concatBatches } from '../format/arrow-concat.ts'
import { parseArrowBatch, printArrowStream } from '../format/arrow-ipc.ts'
import { takeRows } from '../format/arrow-take.ts'
import type { ByteRange } from '../io/file-io.ts'
import type { TempFile } from '../io/temp-file.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { Schema } from '../spec/types.ts'
import { ROWS_PER_BATCH, sortBatches, sortedRows } from './sorter.ts'

export interface ExternalSorterOptions {
  readonly schema: Schema
  readonly order: SortOrder
  /** Memory for a block of a run while runs are merged: of at most about 64 runs at once. */
  readonly blockBytes: number
  /** Where runs go, asked for when the first does. */
  readonly openTemp: () => Promise<TempFile>
  readonly signal?: AbortSignal | undefined
}

/** Sorted rows on disk. */
interface Run {
  readonly blocks: readonly ByteRange[]
  /** How often its rows were merged already. */
  readonly level: number
}

/** So many runs of one level become one of the next. */
const RUNS_PER_LEVEL = 32

export class ExternalSorter {
  readonly #schema: Schema
  readonly #order: SortOrder
  readonly #blockBytes: number
  readonly #openTemp: () => Promise<TempFile>
  readonly #signal: AbortSignal | undefined
  #gathered: RecordBatch[] = []
  #gatheredBytes = 0
  #runs: Run[] = []
  #arrowSchema: RecordBatch['schema'] | undefined

  constructor({ schema, order, blockBytes, openTemp, signal }: ExternalSorterOptions) {
    this.#schema = schema
    this.#order = order
    this.#blockBytes = blockBytes
    this.#openTemp = openTemp
    this.#signal = signal
  }

  /** Arrow data in memory. */
  get heldBytes(): number {
    return this.#gatheredBytes
  }

  add(batch: RecordBatch): void {
    if (batch.numRows === 0) return
    this.#gathered.push(batch)
    this.#gatheredBytes += batchSizeBytes(batch)
  }

  /** Moves what is in memory to disk. */
  async spill(): Promise<void> {
    const sorted = this.#takeGathered(this.#blockBytes)
    if (sorted === undefined) return
    this.#runs.push(await this.#store(sorted, 0))
    for (let tail = this.#fullTail(); tail !== undefined; tail = this.#fullTail()) {
      // They follow one another, so that equal rows stay in order.
      const merged = await this.#store(this.#merge(tail), (tail[0]?.level ?? 0) + 1)
      this.#runs.splice(-RUNS_PER_LEVEL, RUNS_PER_LEVEL, merged)
    }
  }

  /** All rows so far in order; the sorter then starts again empty. */
  async *drain(): AsyncGenerator<RecordBatch> {
    if (this.#runs.length === 0) {
      yield* this.#takeGathered() ?? []
      return
    }
    await this.spill()
    yield* this.#merge(this.#runs.splice(0))
  }

  #takeGathered(batchBytes?: number): Iterable<RecordBatch> | undefined {
    const [first, ...others] = this.#gathered
    if (first === undefined) return undefined
    const bytes = this.#gatheredBytes
    const rows = this.#gathered.reduce((sum, batch) => sum + batch.numRows, 0)
    this.#gathered = []
    this.#gatheredBytes = 0
    const rowsPerBatch = batchBytes === undefined ? undefined : Math.max(1, Math.floor((batchBytes * rows) / bytes))
    return sortBatches([first, ...others], { schema: this.#schema, order: this.#order, rowsPerBatch })
  }

  #fullTail(): readonly Run[] | undefined {
    const tail = this.#runs.slice(-RUNS_PER_LEVEL)
    const isFull = tail.length === RUNS_PER_LEVEL && tail.every(({ level }) => level === tail[0]?.level)
    return isFull ? tail : undefined
  }

  async #store(batches: Iterable<RecordBatch> | AsyncIterable<RecordBatch>, level: number): Promise<Run> {
    const temp = await this.#openTemp()
    const blocks: ByteRange[] = []
    for await (const batch of batches) {
      this.#signal?.throwIfAborted()
      const rows = Math.max(1, Math.floor((this.#blockBytes * batch.numRows) / batchSizeBytes(batch)))
      for (let from = 0; from < batch.numRows; from += rows) {
        const block = batch.slice(from, Math.min(batch.numRows, from + rows))
        blocks.push(await temp.append(printArrowStream(block.schema, [block])))
      }
      this.#arrowSchema ??= batch.schema
    }
    return { blocks, level }
  }

  async *#merge(runs: readonly Run[]): AsyncGenerator<RecordBatch> {
    let cursors: Cursor[] = []
    for (const { blocks } of runs) cursors.push(...(await this.#next({ blocks, rows: undefined })))
    while (cursors.length > 0) {
      this.#signal?.throwIfAborted()
      const { taking, last } = this.#ready(cursors)
      const [first, ...others] = taking.map(({ rows }) => rows)
      if (first === undefined) return
      const together = concatBatches([first, ...others])
      const starts = startsOf(taking)
      const order = sortedRows(together, this.#schema, this.#order) ?? identity(together.numRows)
      const end = last === undefined ? order.length : order.indexOf((starts[last + 1] as number) - 1) + 1
      for (let from = 0; from < end; from += ROWS_PER_BATCH) {
        yield takeRows(together, order.subarray(from, Math.min(end, from + ROWS_PER_BATCH)))
      }
      const counts = countByRun(order.subarray(0, end), starts)
      const left: Cursor[] = []
      for (const cursor of cursors) {
        const count = counts[taking.indexOf(cursor)] ?? 0
        const rows = count < cursor.rows.numRows ? cursor.rows.slice(count) : undefined
        left.push(...(await this.#next({ blocks: cursor.blocks, rows })))
      }
      cursors = left
    }
  }

  /**
   * The runs that have rows to give now, and which of them (`last`) has its block end first: up to there all rows are
   * known. Without one all rows of all runs are.
   */
  #ready(cursors: readonly Cursor[]): { readonly taking: readonly Cursor[]; readonly last: number | undefined } {
    const [first, ...others] = cursors.flatMap(({ rows }) => [rows.slice(0, 1), rows.slice(rows.numRows - 1)])
    if (first === undefined || cursors.every(({ blocks }) => blocks.length === 0)) {
      return { taking: cursors, last: undefined }
    }
    const edges = concatBatches([first, ...others])
    const order = sortedRows(edges, this.#schema, this.#order) ?? identity(edges.numRows)
    const known: Cursor[] = []
    for (const edge of order) {
      const cursor = cursors[edge >> 1] as Cursor
      if ((edge & 1) === 0) known.push(cursor)
      else if (cursor.blocks.length > 0) {
        // In the order of the runs, again.
        const taking = cursors.filter((each) => known.includes(each))
        return { taking, last: taking.indexOf(cursor) }
      }
    }
    return { taking: cursors, last: undefined }
  }

  /** The run behind rows that are left, or with its next block; none where it ends. */
  async #next({ blocks, rows }: { blocks: readonly ByteRange[]; rows: RecordBatch | undefined }): Promise<Cursor[]> {
    if (rows !== undefined) return [{ blocks, rows }]
    const [block, ...others] = blocks
    if (block === undefined || this.#arrowSchema === undefined) return []
    const bytes = await (await this.#openTemp()).read(block)
    return [{ blocks: others, rows: parseArrowBatch(bytes, this.#arrowSchema) }]
  }
}

/** A run as it is merged: rows in memory, at least one, and the blocks after them. */
interface Cursor {
  readonly blocks: readonly ByteRange[]
  readonly rows: RecordBatch
}

function startsOf(cursors: readonly Cursor[]): number[] {
  const starts = [0]
  for (const { rows } of cursors) starts.push((starts.at(-1) ?? 0) + rows.numRows)
  return starts
}

/** How many of these rows come from each run; a run's rows are given in their order. */
function countByRun(rows: Uint32Array, starts: readonly number[]): number[] {
  const runs = starts.length - 1
  const runOf = new Uint32Array(starts[runs] ?? 0)
  for (let run = 0; run < runs; run++) runOf.fill(run, starts[run], starts[run + 1])
  const counts = Array.from({ length: runs }, () => 0)
  for (const row of rows) counts[runOf[row] as number] = (counts[runOf[row] as number] as number) + 1
  return counts
}

function identity(length: number): Uint32Array {
  return new Uint32Array(length).map((_, row) => row)
}
