/**
 * Row groups decoded window by window: some rows each, which bounds the memory of decoder and reader. Of large windows,
 * pages are unfolded, and nested columns decoded, in threads, a few windows ahead of the consumer; small ones are done
 * where they are asked for. The pages of the next row group are fetched meanwhile. Called by parquet-reader.ts.
 */
import { mapConcurrent } from '../base/concurrency.ts'
import type { RowRange } from './parquet-page-selection.ts'
import { hasWorkers } from './parquet-wasm.ts'
import { type DecodeOptions, type FetchedRows, type FileRows, WindowDecoding } from './parquet-window.ts'

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

interface WindowOptions extends DecodeOptions {
  readonly batchRows: number
  /** Decoded bytes from which a window is worth the way to a thread: 1 MiB unless said. */
  readonly asideBytes?: number | undefined
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
    yield* rowsWithoutColumns(windows, options)
    return
  }
  const isAside = windows.some((window) => window.isAside) && hasWorkers()
  const inFlight = isAside ? WINDOWS_IN_FLIGHT : 1
  // Columns are read forwards: each window waits until that of the one before it was decided.
  let decided: Promise<unknown> = Promise.resolve()
  const open = new Set<FetchedRows['flat']>()
  const close = (columns: FetchedRows['flat']): void => {
    for (const column of columns) column?.close()
    open.delete(columns)
  }
  try {
    const decoded = mapConcurrent(
      windows,
      inFlight,
      (window) => {
        const from = rowGroups.indexOf(window.rowGroup)
        for (const rowGroup of rowGroups.slice(from, from + ROW_GROUPS_IN_FLIGHT)) void rowGroup.begin()
        const { rows, batchRows, rowGroup, range, isLastOfRange } = window
        const fetched = rowGroup.begin().then(() => rowGroup.take(range, isLastOfRange))
        fetched.then(({ flat }) => open.add(flat)).catch(() => {})
        const decoding = new WindowDecoding(
          { rows, batchRows, position: rowGroup.work.position },
          { ...options, isAside: isAside && window.isAside },
        )
        const deciding = decoding.decide(fetched, decided)
        decided = deciding.catch(() => {})
        return deciding.then(async () => ({ decoding: await decoding.prepare(), isLastOfRange }))
      },
      signal,
    )
    for await (const { decoding, isLastOfRange } of decoded) {
      for (const rows of decoding.batches()) {
        signal?.throwIfAborted()
        yield rows
      }
      if (isLastOfRange) close(decoding.flat)
    }
  } finally {
    for (const columns of open) close(columns)
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
    if (isLast) this.#fetched.delete(range)
    else if (fetched.assemble !== undefined)
      this.#fetched.set(range, { ...fetched, assemble: onlyOnce(fetched.assemble) })
    return this.#fetched.get(range) ?? fetched
  }
}

function onlyOnce<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
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

function* rowsWithoutColumns(
  windows: readonly Window[],
  { projection, filter }: WindowOptions,
): Generator<FileRows, void, undefined> {
  for (const { rows, batchRows, rowGroup } of windows) {
    for (let row = rows.start; row < rows.end; row += batchRows) {
      const count = Math.min(batchRows, rows.end - row)
      const position = rowGroup.work.position + row
      yield { batch: projection.convert([], count), position, mask: filter?.maskOf([], count, position) }
    }
  }
}
