/**
 * Columns at the top level of a schema, without lists around them, decoded here, straight into Arrow's layout: several
 * times as fast as by WebAssembly, whose memory all data has to be copied into and out of. Dictionaries and plain values
 * of most types; all else (other encodings, nesting) is for arrow-rs. Called by parquet-windows.ts, rows in their order.
 */
import { BufferType, Data } from 'apache-arrow'
import { InvalidDataError, messageOf } from '../base/errors.ts'
import { type PageBody, canDecompress, decompressPages } from './parquet-decompress.ts'
import { type AnyKind, type FlatKind, flatKind, packBits } from './parquet-flat-kinds.ts'
import { HybridReader } from './parquet-hybrid.ts'
import type { RowRange } from './parquet-page-selection.ts'
import type { Page } from './parquet-pages.ts'
import { type ParquetField, type ParquetLeaf, isLeaf } from './parquet-schema.ts'
import type { PageValues } from './parquet-values.ts'

/** Encoding */
const PLAIN = 0
const PLAIN_DICTIONARY = 2
const RLE = 3
const RLE_DICTIONARY = 8

export interface FlatSource {
  /** What the column is to be taken for (parquet-promote.ts). */
  readonly field: ParquetField
  readonly codec: number
  /** Those of a chunk, or some data pages of it that follow one another, behind its dictionary. */
  readonly pages: readonly Page[]
  /** Number in the row group of the first page's first row. */
  readonly firstRow: number
  readonly location: string
}

interface PrepareOptions {
  readonly isAside: boolean
  /** Whether any of these rows is to be read: pages of which none is stay folded. All are where it isn't given. */
  readonly isWanted?: ((rows: RowRange) => boolean) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface FlatColumn {
  /** Unfolds the pages of these rows, which are to be read next or after others. Errors: as decompressPages. */
  prepare(rows: RowRange, options: PrepareOptions): Promise<void>
  /**
   * Rows that were prepared, or of these the ones at `places`, ascending, counted from the first; rows before them can't
   * be read any more. Throws InvalidDataError.
   */
  read(rows: RowRange, places?: Int32Array): Data
  /** Gives up what was unfolded and not read: once nothing more is prepared or read. */
  close(): void
}

/** Undefined where the column is one for arrow-rs. */
export function flatColumn(source: FlatSource): FlatColumn | undefined {
  const { field, codec, pages } = source
  if (!isLeaf(field) || field.repetition === 'repeated' || !canDecompress(codec)) return undefined
  const kind = flatKind(field)
  if (kind === undefined || !pages.every((page, i) => isKnown(page, i, kind))) return undefined
  return kind.isFixed ? new PagedColumn(source, field, kind) : new PagedColumn(source, field, kind)
}

function isKnown({ kind: page, encoding }: Page, index: number, kind: AnyKind): boolean {
  if (page === 'other') return false
  if (page === 'dictionary')
    return index === 0 && kind.indexed !== undefined && (encoding === PLAIN || encoding === PLAIN_DICTIONARY)
  if (encoding === RLE) return kind.runs !== undefined
  return encoding === PLAIN || (kind.indexed !== undefined && isIndexed(encoding))
}

function isIndexed(encoding: number): boolean {
  return encoding === PLAIN_DICTIONARY || encoding === RLE_DICTIONARY
}

interface DataPage<T> {
  readonly page: Page
  readonly rows: RowRange
  unfolding?: Promise<void> | undefined
  body?: PageBody | undefined
  open?: OpenPage<T> | undefined
}

/** A page under way. */
interface OpenPage<T> {
  /** The next row to be read. */
  row: number
  /** 1 where a row has a value; undefined where all have one. */
  readonly levels: HybridReader | undefined
  readonly values: PageValues<T>
}

interface FoundRows {
  readonly rows: number
  readonly present: Uint8Array | undefined
  /** The row of the row group behind those that were read. */
  readonly end: number
}

class PagedColumn<T extends { readonly count: number }> implements FlatColumn {
  readonly #source: FlatSource
  readonly #leaf: ParquetLeaf
  readonly #kind: FlatKind<T>
  readonly #dictionary: Page | undefined
  readonly #pages: DataPage<T>[]
  #firstUnfolding: Promise<void> | undefined
  #dictionaryBody: Uint8Array | undefined
  #indexed: ((body: Uint8Array) => PageValues<T>) | undefined

  constructor(source: FlatSource, leaf: ParquetLeaf, kind: FlatKind<T>) {
    this.#source = source
    this.#leaf = leaf
    this.#kind = kind
    this.#dictionary = source.pages.find((page) => page.kind === 'dictionary')
    let row = source.firstRow
    this.#pages = source.pages.flatMap((page) => {
      if (page.kind === 'dictionary') return []
      const rows = { start: row, end: row + page.values }
      row = rows.end
      return [{ page, rows }]
    })
  }

  async prepare({ start, end }: RowRange, options: PrepareOptions): Promise<void> {
    const { isWanted = () => true } = options
    const needed = this.#pages.filter(
      ({ rows }) =>
        rows.end > start &&
        rows.start < end &&
        isWanted({ start: Math.max(rows.start, start), end: Math.min(rows.end, end) }),
    )
    const folded = needed.filter(({ unfolding }) => unfolding === undefined)
    if (folded.length > 0) {
      const unfolding = this.#unfold(folded, options)
      this.#firstUnfolding ??= unfolding
      for (const each of folded) each.unfolding = unfolding
    }
    await Promise.all([this.#firstUnfolding, ...needed.map(({ unfolding }) => unfolding)])
  }

  /** With the first pages comes the dictionary. */
  async #unfold(folded: readonly DataPage<T>[], options: PrepareOptions): Promise<void> {
    const dictionary = this.#firstUnfolding === undefined ? this.#dictionary : undefined
    const pages = folded.map(({ page }) => page)
    const bodies = await this.#bodiesOf(dictionary === undefined ? pages : [dictionary, ...pages], options)
    if (dictionary !== undefined) {
      // It is needed for longer than those that it shares memory with.
      const { bytes, release } = bodies.shift() ?? {}
      this.#dictionaryBody = release === undefined ? bytes : bytes?.slice()
      release?.()
    }
    for (const [i, each] of folded.entries()) each.body = bodies[i]
  }

  close(): void {
    this.#letGo(Infinity)
  }

  read(rows: RowRange, places?: Int32Array): Data {
    try {
      return places === undefined ? this.#read(rows) : this.#take(rows, places)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return this.#fail(messageOf(error), error)
    }
  }

  #read({ start, end }: RowRange): Data {
    this.#letGo(start)
    const rows = end - start
    const values = this.#kind.create(rows)
    let present: Uint8Array | undefined
    for (let row = start; row < end;) {
      const page = this.#pageOf(row)
      const open = (page.open ??= this.#open(page))
      if (row > open.row) skipRows(open, row - open.row)
      const next = Math.min(end, page.rows.end)
      const levels = nextLevels(open, next - row)
      if (levels !== undefined) (present ??= new Uint8Array(rows).fill(1)).set(levels, row - start)
      open.values.read(values, levels === undefined ? next - row : countOnes(levels))
      open.row = next
      row = next
    }
    return this.#finish(values, { rows, present, end })
  }

  /** Pages without any of the rows are passed over. */
  #take({ start, end }: RowRange, places: Int32Array): Data {
    this.#letGo(start)
    const values = this.#kind.create(places.length)
    let present: Uint8Array | undefined
    for (let row = start, taken = 0; row < end && taken < places.length;) {
      const page = this.#pageOf(row)
      const next = Math.min(end, page.rows.end)
      const first = taken
      while (taken < places.length && start + (places[taken] as number) < next) taken++
      if (taken > first) {
        const open = (page.open ??= this.#open(page))
        if (row > open.row) skipRows(open, row - open.row)
        const own = places.subarray(first, taken).map((place) => place + start - row)
        const levels = nextLevels(open, next - row)
        if (levels === undefined) open.values.take(values, own, next - row)
        else {
          const found = valuesAmong(levels, own)
          ;(present ??= new Uint8Array(places.length).fill(1)).set(found.present, first)
          open.values.take(values, found.places, found.count)
        }
        open.row = next
      }
      row = next
    }
    return this.#finish(values, { rows: places.length, present, end })
  }

  #finish(values: T, { rows, present, end }: FoundRows): Data {
    const nulls = rows - values.count
    const buffers = this.#kind.finish(values, rows, nulls === 0 ? undefined : present)
    this.#letGo(end)
    const validity = nulls === 0 || present === undefined ? {} : { [BufferType.VALIDITY]: packBits(present) }
    return new Data(this.#kind.type, 0, rows, nulls, { ...buffers, ...validity })
  }

  #pageOf(row: number): DataPage<T> {
    const page = this.#pages.find(({ rows }) => rows.end > row)
    return page === undefined || page.rows.start > row ? this.#fail(`it has no row ${row} in its row group`) : page
  }

  /** Lets go of the pages before a row: not while values of theirs have still to be moved. */
  #letGo(row: number): void {
    const kept = this.#pages.findIndex(({ rows }) => rows.end > row)
    for (const { body } of this.#pages.splice(0, kept === -1 ? Infinity : kept)) body?.release?.()
  }

  #open({ page, body, rows }: DataPage<T>): OpenPage<T> {
    if (body === undefined) return this.#fail('a page that was not prepared')
    const { levels, behind } = this.#levels(page, body.bytes)
    const isOptional = this.#leaf.repetition === 'optional'
    return {
      row: rows.start,
      levels: isOptional ? new HybridReader(levels, 1) : undefined,
      values: this.#valuesOf(page, behind),
    }
  }

  #valuesOf({ encoding }: Page, body: Uint8Array): PageValues<T> {
    if (encoding === PLAIN) return this.#kind.plain(body)
    if (encoding === RLE) return this.#kind.runs?.(body) ?? this.#fail('runs')
    const dictionary = this.#dictionaryBody
    if (dictionary === undefined) return this.#fail('a page refers to a dictionary that is not there')
    this.#indexed ??= this.#kind.indexed?.(dictionary, this.#dictionary?.values ?? 0)
    return this.#indexed?.(body) ?? this.#fail('a dictionary')
  }

  /** Definition levels, and the values behind them. */
  #levels(page: Page, body: Uint8Array): { readonly levels: Uint8Array; readonly behind: Uint8Array } {
    if (page.levels !== undefined) {
      const { repetitionBytes, definitionBytes } = page.levels
      return { levels: page.bytes.subarray(repetitionBytes, repetitionBytes + definitionBytes), behind: body }
    }
    if (this.#leaf.repetition === 'required') return { levels: new Uint8Array(0), behind: body }
    const length = new DataView(body.buffer, body.byteOffset, body.byteLength).getUint32(0, true)
    if (length > body.length - 4) throw new RangeError('its levels are longer than the page')
    return { levels: body.subarray(4, 4 + length), behind: body.subarray(4 + length) }
  }

  async #bodiesOf(pages: readonly Page[], options: PrepareOptions): Promise<PageBody[]> {
    const { codec, location } = this.#source
    const folded = pages.map(({ bytes, sizeBytes, levels }) => {
      const before = levels === undefined ? 0 : levels.repetitionBytes + levels.definitionBytes
      return { bytes: bytes.subarray(before), sizeBytes: sizeBytes - before }
    })
    const compressed = folded.filter((_, i) => pages[i]?.isCompressed === true)
    const bodies = [...(await decompressPages(compressed, { ...options, codec, location, column: this.#leaf.name }))]
    return folded.map(({ bytes }, i) => (pages[i]?.isCompressed === true ? (bodies.shift() ?? { bytes }) : { bytes }))
  }

  #fail(what: string, cause?: unknown): never {
    const { location } = this.#source
    const column = this.#leaf.name
    throw new InvalidDataError(`${location}: column "${column}": a page can't be decoded: ${what}`, {
      context: { location, column },
      cause,
    })
  }
}

/** A level a row: 1 where it has a value. Undefined where all have one. */
function nextLevels({ levels }: Pick<OpenPage<unknown>, 'levels'>, rows: number): Uint8Array | undefined {
  if (levels === undefined || levels.skipRun(1, rows)) return undefined
  const next = new Uint8Array(rows)
  levels.read(next, 0, rows)
  return next
}

/** Of the rows at `rows` which have a value, where among the values of all rows that is, and how many these are. */
function valuesAmong(
  levels: Uint8Array,
  rows: Int32Array,
): { readonly present: Uint8Array; readonly places: Int32Array; readonly count: number } {
  const present = new Uint8Array(rows.length)
  const places = new Int32Array(rows.length)
  let count = 0
  let found = 0
  for (let row = 0, i = 0; row < levels.length; row++) {
    const level = levels[row] as number
    if (row === rows[i]) {
      present[i++] = level
      if (level === 1) places[found++] = count
    }
    count += level
  }
  return { present, places: places.subarray(0, found), count }
}

function skipRows<T>(open: OpenPage<T>, rows: number): void {
  const levels = nextLevels(open, rows)
  open.values.skip(levels === undefined ? rows : countOnes(levels))
  open.row += rows
}

function countOnes(levels: Uint8Array): number {
  let count = 0
  for (let i = 0; i < levels.length; i++) count += levels[i] as number
  return count
}
