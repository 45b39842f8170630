/**
 * One window of rows decoded: the columns that a filter needs first, then of the others just what it leaves. Flat columns
 * have their pages unfolded, and page by page only those of which a row is wanted; the others come from arrow-rs.
 * Behind parquet-windows.ts, which has several under way.
 */
import type { Data, RecordBatch } from 'apache-arrow'
import { InvalidDataError } from '../base/errors.ts'
import { takeData } from './arrow-take.ts'
import type { FlatColumn } from './parquet-flat.ts'
import type { RowRange } from './parquet-page-selection.ts'
import type { Projection } from './parquet-projection.ts'
import { decodeParquet, decodeParquetAside } from './parquet-wasm.ts'

/** Some rows of a file that follow one another; where a filter was given, maybe just those of them that it wants. */
export interface FileRows {
  readonly batch: RecordBatch
  /** The first row's number in the file, from 0 (`_pos`). */
  readonly position: number
  /** Of the batch's rows, 1 for each that the filter wants; undefined where it wants all of them. */
  readonly mask?: Uint8Array | undefined
}

/** What tells which rows are wanted, from some of the columns: these are decoded first. */
export interface RowFilter {
  /** By the children of the projection's schema, whether it needs them. */
  readonly isEarly: readonly boolean[]
  /** A byte a row, 1 where it is wanted, from the early columns in their order. Asked for the rows of a file in order. */
  readonly maskOf: (columns: readonly Data[], rows: number, position: number) => Uint8Array
}

/** Puts together a Parquet file of rows whose pages were fetched; `firstRow` is its first row's number in the row group. */
export type AssembledRows = () => { readonly file: Uint8Array; readonly firstRow: number }

/** Rows whose pages were fetched, column by column: those that are decoded here, and a file of the others, if any. */
export interface FetchedRows {
  readonly flat: readonly (FlatColumn | undefined)[]
  readonly assemble: AssembledRows | undefined
}

export interface DecodeOptions {
  readonly projection: Projection
  readonly location: string
  readonly filter?: RowFilter | undefined
  readonly signal?: AbortSignal | undefined
}

interface DecodedWindow {
  /** By their numbers in the row group. */
  readonly rows: RowRange
  readonly batchRows: number
  /** Number in the file of the row group's first row. */
  readonly position: number
}

/** Rows of a window that make one batch. */
interface WindowPart {
  readonly rows: RowRange
  /** As FileRows has it. */
  readonly mask: Uint8Array | undefined
  /** Where few are wanted, their numbers, counted from the first: no others are decoded. */
  readonly places: Int32Array | undefined
  /** Those that were decoded to decide, by the children of the projection's schema: of `places`, where there are some. */
  readonly early: ReadonlyMap<number, Data>
}

/** Where one row in so many is wanted, or fewer, they are decoded one by one. */
const SPARSE = 4

/** Of one window, in two steps that may be under way while windows before it are read; batches then come in order. */
export class WindowDecoding {
  readonly #window: DecodedWindow
  readonly #options: DecodeOptions & { readonly isAside: boolean }
  #fetched: FetchedRows = { flat: [], assemble: undefined }
  /** Batches of the columns that are not flat, each let go of as it is taken. */
  #nested: Map<number, RecordBatch> | undefined
  /** Where the columns that are not flat are in these. */
  #nestedPlaces = new Map<number, number>()
  #parts: WindowPart[] = []

  constructor(window: DecodedWindow, options: DecodeOptions & { readonly isAside: boolean }) {
    this.#window = window
    this.#options = options
  }

  get flat(): FetchedRows['flat'] {
    return this.#fetched.flat
  }

  /** Which of its rows are wanted; as columns are read forwards, `before` stands for the windows before it. */
  async decide(fetched: Promise<FetchedRows>, before: Promise<unknown>): Promise<void> {
    const { rows, batchRows } = this.#window
    const { filter } = this.#options
    this.#fetched = await fetched
    const { flat } = this.#fetched
    const nested = [...flat.keys()].filter((i) => flat[i] === undefined)
    this.#nestedPlaces = new Map(nested.map((column, place) => [column, place]))
    if (filter !== undefined) {
      const early = flat.filter((_, i) => filter.isEarly[i])
      const prepared = early.map((column) => column?.prepare(rows, this.#options) ?? this.#decodeNested())
      await Promise.all([before, ...prepared])
    }
    for (let row = rows.start; row < rows.end; row += batchRows) {
      const part = { start: row, end: Math.min(row + batchRows, rows.end) }
      const decided = filter === undefined ? ALL : this.#decide(part, filter)
      if (decided !== undefined) this.#parts.push({ rows: part, ...decided })
    }
  }

  /** Undefined where no row is wanted. */
  #decide(rows: RowRange, { isEarly, maskOf }: RowFilter): Omit<WindowPart, 'rows'> | undefined {
    const early = new Map<number, Data>()
    for (const [i, column] of this.#fetched.flat.entries()) {
      if (isEarly[i] !== true) continue
      const data = column === undefined ? this.#nestedColumn(rows, i) : column.read(rows)
      if (data !== undefined) early.set(i, data)
    }
    const mask = maskOf([...early.values()], rows.end - rows.start, this.#window.position + rows.start)
    const places = placesOf(mask)
    if (places.length === 0) return undefined
    if (places.length === mask.length) return { ...ALL, early }
    if (places.length * SPARSE > mask.length) return { mask, places: undefined, early }
    const taken = [...early].map(([i, data]): [number, Data] => [i, takeData(data, places)])
    return { mask: undefined, places, early: new Map(taken) }
  }

  /** Brings what the batches still lack. */
  async prepare(): Promise<this> {
    if (this.#parts.length === 0) return this
    const { filter } = this.#options
    const isWanted = filter && ((rows: RowRange): boolean => this.#parts.some((part) => overlaps(part, rows)))
    const late = this.#fetched.flat.filter((_, i) => filter?.isEarly[i] !== true)
    await Promise.all([
      this.#fetched.assemble && this.#decodeNested(),
      ...late.map((column) => column?.prepare(this.#window.rows, { ...this.#options, isWanted })),
    ])
    return this
  }

  async #decodeNested(): Promise<void> {
    const { assemble } = this.#fetched
    if (this.#nested === undefined && assemble !== undefined)
      this.#nested = new Map((await decodeNested(assemble(), this.#window, this.#options)).entries())
  }

  *batches(): Generator<FileRows, void, undefined> {
    const { projection } = this.#options
    for (let part = this.#parts.shift(); part !== undefined; part = this.#parts.shift()) {
      const { rows, mask, places } = part
      const columns = this.#fetched.flat.flatMap((_, i) => this.#column(i, part) ?? [])
      this.#nested?.delete(this.#batchOf(rows))
      const batch = projection.convert(columns, places?.length ?? rows.end - rows.start)
      yield { batch, position: this.#window.position + rows.start, mask }
    }
  }

  #column(index: number, { rows, places, early }: WindowPart): Data | undefined {
    const known = early.get(index)
    if (known !== undefined) return known
    const column = this.#fetched.flat[index]
    if (column !== undefined) return column.read(rows, places)
    const data = this.#nestedColumn(rows, index)
    return data === undefined || places === undefined ? data : takeData(data, places)
  }

  #nestedColumn(rows: RowRange, index: number): Data | undefined {
    const place = this.#nestedPlaces.get(index) ?? -1
    return this.#nested?.get(this.#batchOf(rows))?.data.children[place]
  }

  #batchOf({ start }: RowRange): number {
    return (start - this.#window.rows.start) / this.#window.batchRows
  }
}

const ALL = { mask: undefined, places: undefined, early: new Map<number, Data>() } as const

function placesOf(mask: Uint8Array): Int32Array {
  const places = new Int32Array(mask.length)
  let count = 0
  for (let row = mask.indexOf(1); row !== -1; row = mask.indexOf(1, row + 1)) places[count++] = row
  return places.slice(0, count)
}

function overlaps({ rows, places }: WindowPart, { start, end }: RowRange): boolean {
  if (rows.end <= start || rows.start >= end) return false
  return places === undefined || (places[firstFrom(places, start - rows.start)] ?? Infinity) < end - rows.start
}

/** Where the first of the ascending `places` is that is not before `place`, by binary search. */
function firstFrom(places: Int32Array, place: number): number {
  let [low, high] = [0, places.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((places[middle] as number) < place) low = middle + 1
    else high = middle
  }
  return low
}

async function decodeNested(
  { file, firstRow }: ReturnType<AssembledRows>,
  { rows, batchRows }: DecodedWindow,
  { location, signal, isAside }: DecodeOptions & { readonly isAside: boolean },
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
