/**
 * Row groups decoded window by window: some rows each, which bounds the memory of decoder and reader. Large windows go to
 * worker threads, a few ahead of the consumer; small ones are decoded where they are asked for. The pages of the next
 * row group are fetched meanwhile. Called by parquet-reader.ts.
 */
import type { RecordBatch } from 'apache-arrow'
import { mapConcurrent } from '../base/concurrency.ts'
import { InvalidDataError } from '../base/errors.ts'
import type { RowRange } from './parquet-page-selection.ts'
import type { Projection } from './parquet-projection.ts'
import { decodeParquet, decodeParquetAside, hasWorkers } from './parquet-wasm.ts'

/** Decoded data of one batch: rows that are large come in fewer a batch. */
const MAX_BATCH_BYTES = 32 * 2 ** 20
/** Decoded data of one window, of one batch at least. */
export const MAX_WINDOW_BYTES: number = 32 * 2 ** 20
export const MAX_WINDOW_BATCHES = 8
/** Below this, the way to a thread costs more than it saves. */
const ASIDE_BYTES = 2 ** 20
/** Windows of a file that are decoded at once aside: the consumer's and the next. */
export const WINDOWS_IN_FLIGHT = 2
/** The row group that is decoded and the next one. */
const ROW_GROUPS_IN_FLIGHT = 2

/** Some rows of a file that follow one another. */
export interface FileRows {
  readonly batch: RecordBatch
  /** The first row's number in the file, from 0 (`_pos`). */
  readonly position: number
}

/** Puts together a Parquet file of rows whose pages were fetched; `firstRow` is its first row's number in the row group. */
export type FetchedRows = () => { readonly file: Uint8Array; readonly firstRow: number }

export interface RowGroupWork {
  /** Number in the file of its first row. */
  readonly position: number
  /** The rows wanted, by their numbers in the row group. */
  readonly ranges: readonly RowRange[]
  /** Decoded bytes of a row, about. */
  readonly rowBytes: number
  /** One for each of the ranges. */
  readonly fetch: () => Promise<readonly FetchedRows[]>
}

interface WindowOptions {
  readonly projection: Projection
  readonly batchRows: number
  readonly location: string
  /** Decoded bytes from which a window is worth the way to a thread: 1 MiB unless said. */
  readonly asideBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

interface Window {
  readonly rows: RowRange
  readonly batchRows: number
  readonly rowGroup: FetchedRowGroup
  readonly range: number
  readonly isLastOfRange: boolean
  readonly isAside: boolean
}

/** Batches of the rows wanted, in order. */
export async function* decodeWindows(
  work: readonly RowGroupWork[],
  options: WindowOptions,
): AsyncGenerator<FileRows, void, undefined> {
  const { projection, signal } = options
  const rowGroups = work.map((each) => new FetchedRowGroup(each))
  const windows = rowGroups.flatMap((rowGroup) => [...planWindows(rowGroup, options)])
  if (projection.columnIndexes.length === 0) {
    yield* rowsWithoutColumns(windows, projection)
    return
  }
  const isAside = windows.some((window) => window.isAside) && hasWorkers()
  const inFlight = isAside ? WINDOWS_IN_FLIGHT : 1
  try {
    const decoded = mapConcurrent(
      windows,
      inFlight,
      (window) => {
        const from = rowGroups.indexOf(window.rowGroup)
        for (const rowGroup of rowGroups.slice(from, from + ROW_GROUPS_IN_FLIGHT)) void rowGroup.begin()
        return decodeWindow(window, { ...options, isAside: isAside && window.isAside })
      },
      signal,
    )
    for await (const { rows, rowGroup, batches } of decoded) {
      let position = rowGroup.work.position + rows.start
      // Each is let go of as it is taken.
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
        signal?.throwIfAborted()
        yield { batch: projection.convert(batch.data.children, batch.numRows), position }
        position += batch.numRows
      }
    }
  } finally {
    await Promise.allSettled(rowGroups.flatMap(({ pending }) => pending ?? []))
  }
}

/** The pages of a row group: fetched once, given out range by range, and forgotten with the last window of each. */
class FetchedRowGroup {
  readonly work: RowGroupWork
  pending: Promise<void> | undefined
  #fetched = new Map<number, FetchedRows>()

  constructor(work: RowGroupWork) {
    this.work = work
  }

  begin(): Promise<void> {
    this.pending ??= this.work.fetch().then((fetched) => void (this.#fetched = new Map(fetched.entries())))
    // It may fail before anybody waits for it.
    this.pending.catch(() => {})
    return this.pending
  }

  /** Once it was fetched. */
  takeFile(range: number, isLast: boolean): ReturnType<FetchedRows> {
    const assembled = this.#fetched.get(range)?.() ?? { file: new Uint8Array(0), firstRow: 0 }
    if (isLast) this.#fetched.delete(range)
    else this.#fetched.set(range, () => assembled)
    return assembled
  }
}

function* planWindows(
  rowGroup: FetchedRowGroup,
  { batchRows: mostBatchRows, asideBytes = ASIDE_BYTES }: WindowOptions,
): Generator<Window, void, undefined> {
  const { ranges, rowBytes } = rowGroup.work
  const atMost = (bytes: number): number => Math.max(1, Math.floor(bytes / Math.max(rowBytes, 1)))
  const batchRows = Math.min(mostBatchRows, atMost(MAX_BATCH_BYTES))
  const batches = Math.floor(atMost(MAX_WINDOW_BYTES) / batchRows)
  const windowRows = batchRows * Math.min(Math.max(batches, 1), MAX_WINDOW_BATCHES)
  for (const [range, { start, end }] of ranges.entries()) {
    for (let row = start; row < end; row += windowRows) {
      const rows = { start: row, end: Math.min(row + windowRows, end) }
      const isAside = (rows.end - row) * rowBytes >= asideBytes
      yield { rows, batchRows, rowGroup, range, isLastOfRange: rows.end === end, isAside }
    }
  }
}

async function decodeWindow(
  { rows, batchRows, rowGroup, range, isLastOfRange }: Window,
  { location, signal, isAside }: WindowOptions & { readonly isAside: boolean },
): Promise<{ readonly rows: RowRange; readonly rowGroup: FetchedRowGroup; readonly batches: RecordBatch[] }> {
  await rowGroup.begin()
  const { file, firstRow } = rowGroup.takeFile(range, isLastOfRange)
  const limit = rows.end - rows.start
  const window = { offset: rows.start - firstRow, limit, batchRows }
  const batches = isAside
    ? await decodeParquetAside(file, window, { location, signal })
    : decodeParquet(file, window, location)
  const decoded = batches.reduce((sum, batch) => sum + batch.numRows, 0)
  if (decoded === limit) return { rows, rowGroup, batches }
  throw new InvalidDataError(
    `${location}: ${limit} rows from row ${rows.start} of a row group were expected, its pages hold ${decoded}`,
    { context: { location } },
  )
}

function* rowsWithoutColumns(windows: readonly Window[], projection: Projection): Generator<FileRows, void, undefined> {
  for (const { rows, batchRows, rowGroup } of windows) {
    for (let row = rows.start; row < rows.end; row += batchRows) {
      const batch = projection.convert([], Math.min(batchRows, rows.end - row))
      yield { batch, position: rowGroup.work.position + row }
    }
  }
}
