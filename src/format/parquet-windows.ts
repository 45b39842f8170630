/**
 * Row groups decoded window by window: some rows each, which bounds the memory of decoder and reader. Of large windows,
 * pages are unfolded, and nested columns decoded, in threads, a few windows ahead of the consumer; small ones are done
 * where they are asked for. The pages of the next row group are fetched meanwhile. Called by parquet-reader.ts.
 */
import type { RecordBatch } from 'apache-arrow'
import { mapConcurrent } from '../base/concurrency.ts'
import { InvalidDataError } from '../base/errors.ts'
import type { RowRange } from './parquet-page-selection.ts'
import type { Projection } from './parquet-projection.ts'
import type { FlatColumn } from './parquet-flat.ts'
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
export type AssembledRows = () => { readonly file: Uint8Array; readonly firstRow: number }

/** Rows whose pages were fetched, column by column: those that are decoded here, and a file of the others, if any. */
export interface FetchedRows {
  readonly flat: readonly (FlatColumn | undefined)[]
  readonly assemble: AssembledRows | undefined
}

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
    for await (const { rows, batchRows, rowGroup, flat, nested } of decoded) {
      for (let row = rows.start; row < rows.end; row += batchRows) {
        signal?.throwIfAborted()
        const part = { start: row, end: Math.min(row + batchRows, rows.end) }
        // Each is let go of as it is taken.
        const others = nested.shift()?.data.children.values()
        const columns = flat.flatMap((column) => column?.read(part) ?? others?.next().value ?? [])
        yield { batch: projection.convert(columns, part.end - part.start), position: rowGroup.work.position + row }
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
  take(range: number, isLast: boolean): FetchedRows {
    const fetched = this.#fetched.get(range) ?? { flat: [], assemble: undefined }
    const assembled = isLast ? undefined : fetched.assemble?.()
    if (isLast) this.#fetched.delete(range)
    else if (assembled !== undefined) this.#fetched.set(range, { ...fetched, assemble: () => assembled })
    return assembled === undefined ? fetched : { ...fetched, assemble: () => assembled }
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

interface DecodedWindow extends Pick<Window, 'rows' | 'batchRows' | 'rowGroup'> {
  /** Their pages unfolded. */
  readonly flat: readonly (FlatColumn | undefined)[]
  /** Batches of the other columns. */
  readonly nested: RecordBatch[]
}

async function decodeWindow(
  window: Window,
  options: WindowOptions & { readonly isAside: boolean },
): Promise<DecodedWindow> {
  const { rows, batchRows, rowGroup, range, isLastOfRange } = window
  await rowGroup.begin()
  const { flat, assemble } = rowGroup.take(range, isLastOfRange)
  const [nested] = await Promise.all([
    assemble === undefined ? [] : decodeNested(assemble(), window, options),
    ...flat.map((column) => column?.prepare(rows, options)),
  ])
  return { rows, batchRows, rowGroup, flat, nested }
}

async function decodeNested(
  { file, firstRow }: ReturnType<AssembledRows>,
  { rows, batchRows }: Window,
  { location, signal, isAside }: WindowOptions & { readonly isAside: boolean },
): Promise<RecordBatch[]> {
  const limit = rows.end - rows.start
  const window = { offset: rows.start - firstRow, limit, batchRows }
  const batches = isAside
    ? await decodeParquetAside(file, window, { location, signal })
    : decodeParquet(file, window, location)
  const decoded = batches.reduce((sum, batch) => sum + batch.numRows, 0)
  const isWhole = batches.every(({ numRows }, i) => numRows === Math.min(batchRows, limit - i * batchRows))
  if (decoded === limit && isWhole) return batches
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
