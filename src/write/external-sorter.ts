/**
 * All rows of one partition in the table's sort order, however many: what memory can't hold is sorted in runs that are
 * written to disk, and the runs are merged block by block. Rows that compare equal stay in the order they came in.
 */
import type { RecordBatch } from 'apache-arrow'
import { batchSizeBytes } from '../format/arrow-concat.ts'
import { parseArrowBatch, printArrowStream } from '../format/arrow-ipc.ts'
import type { ByteRange } from '../io/file-io.ts'
import type { TempFile } from '../io/temp-file.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { Schema, Value } from '../spec/types.ts'
import { RowOrder } from './row-order.ts'
import type { RowReader } from './row-order.ts'
import { sortBatches } from './sorter.ts'

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
  readonly #rowOrder: RowOrder
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
    this.#rowOrder = new RowOrder(schema, order)
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

  /** At each step the rows that nothing on disk can precede, of each run: so that every row is looked at once. */
  async *#merge(runs: readonly Run[]): AsyncGenerator<RecordBatch> {
    let cursors: Cursor[] = []
    for (const { blocks } of runs) cursors.push(...(await this.#load(blocks)))
    while (cursors.length > 0) {
      this.#signal?.throwIfAborted()
      const ends = this.#ends(cursors)
      const pieces = cursors.map(({ rows, from }, run) => rows.slice(from, ends[run]))
      const [first, ...others] = pieces.filter(({ numRows }) => numRows > 0)
      if (first === undefined) return
      yield* sortBatches([first, ...others], { schema: this.#schema, order: this.#order })
      const left: Cursor[] = []
      for (const [run, cursor] of cursors.entries()) {
        const from = ends[run] as number
        left.push(...(from < cursor.rows.numRows ? [{ ...cursor, from }] : await this.#load(cursor.blocks)))
      }
      cursors = left
    }
  }

  /**
   * Up to which row of its block each run can be given: to where the first of the blocks ends that others follow. Of
   * equal rows those of earlier runs come first.
   */
  #ends(cursors: readonly Cursor[]): number[] {
    let cut: { readonly run: number; readonly row: readonly (Value | null)[] } | undefined
    for (const [run, { blocks, rows, valuesOf }] of cursors.entries()) {
      const row = blocks.length > 0 ? valuesOf(rows.numRows - 1) : undefined
      if (row !== undefined && (cut === undefined || this.#rowOrder.compare(row, cut.row) < 0)) cut = { run, row }
    }
    return cursors.map(({ rows, from, valuesOf }, run) => {
      if (cut === undefined || run === cut.run) return rows.numRows
      let [low, high] = [from, rows.numRows]
      while (low < high) {
        const middle = (low + high) >> 1
        const order = this.#rowOrder.compare(valuesOf(middle), cut.row)
        if (order < 0 || (order === 0 && run < cut.run)) low = middle + 1
        else high = middle
      }
      return low
    })
  }

  /** A run whose next block is read; none where it ends. */
  async #load([block, ...blocks]: readonly ByteRange[]): Promise<Cursor[]> {
    if (block === undefined || this.#arrowSchema === undefined) return []
    const bytes = await (await this.#openTemp()).read(block)
    const rows = parseArrowBatch(bytes, this.#arrowSchema)
    return [{ rows, from: 0, valuesOf: this.#rowOrder.reader(rows), blocks }]
  }
}

/** A run as it is merged: a block in memory, of which the rows before `from` are given, and the blocks after it. */
interface Cursor {
  readonly rows: RecordBatch
  readonly from: number
  readonly valuesOf: RowReader
  readonly blocks: readonly ByteRange[]
}
