/**
 * Parquet files put together from finished column chunks. The writer splices the row groups that it encoded one by one
 * into a single file with a footer of our own; the reader makes a small file of just the chunks it fetched. Pages are
 * never touched: only the offsets in the footer and in the offset indexes move.
 */
import { InvalidDataError } from '../base/errors.ts'
import type { ColumnChunk, ParquetFooter } from './parquet-footer.ts'
import { PARQUET_MAGIC, parseParquetFooter, parseRowGroup, parseRowGroups } from './parquet-footer.ts'
import {
  type ParquetField,
  type ParquetGroup,
  type ParquetLeaf,
  isLeaf,
  leavesOf,
  printParquetSchema,
} from './parquet-schema.ts'
import { type ThriftField, type ThriftStruct, parseThrift, printThrift } from './thrift.ts'
import {
  ThriftCursor,
  booleanField,
  i16Field,
  i32Field,
  i64Field,
  stringField,
  structField,
  structOf,
  structsField,
  withFields,
} from './thrift-fields.ts'

const FORMAT_VERSION = 2
const TYPE_DEFINED_ORDER: ThriftStruct = structOf(structField(1, structOf()))

/** One column of `sorting_columns`, by its place among the columns of the file. */
export interface SortingColumn {
  readonly columnIndex: number
  readonly descending: boolean
  readonly nullsFirst: boolean
}

interface AssemblyOptions {
  readonly schema: ParquetGroup
  readonly createdBy: string
  readonly keyValueMetadata?: ReadonlyMap<string, string> | undefined
  readonly sortingColumns?: readonly SortingColumn[] | undefined
}

/** Some columns of rows, as a Parquet file of their own. */
export interface EncodedColumns {
  readonly file: Uint8Array
  /** Which fields of the schema they are, in the order of the file. */
  readonly fields: readonly number[]
}

interface PlacedChunk {
  readonly file: Uint8Array
  readonly chunk: ColumnChunk
}

interface Indexes {
  readonly columnIndex: Uint8Array | undefined
  readonly offsetIndex: Uint8Array | undefined
}

interface PlacedRowGroup {
  readonly thrift: ThriftStruct
  readonly rows: number
  readonly indexes: readonly Indexes[]
}

const checkedSchemas = new WeakSet<ParquetGroup>()

/** A Parquet file in the making; it holds the pages of row groups in memory until they are taken. */
export class ParquetAssembly {
  readonly #options: AssemblyOptions
  readonly #leaves: readonly ParquetLeaf[]
  /** By field. */
  readonly #leavesOf: readonly (readonly ParquetLeaf[])[]
  /** Of each column, whether bounds by its bytes mean nothing. */
  readonly #unordered: readonly boolean[]
  readonly #parts: Uint8Array[] = [PARQUET_MAGIC]
  readonly #rowGroups: PlacedRowGroup[] = []
  #position = PARQUET_MAGIC.length

  constructor(options: AssemblyOptions) {
    this.#options = options
    this.#leaves = leavesOf(options.schema)
    this.#leavesOf = options.schema.children.map(leavesOf)
    this.#unordered = unorderedLeaves(options.schema)
  }

  get sizeBytes(): number {
    return this.#position
  }

  /** Appends the row groups of Parquet files that hold some columns of the schema each, together all, of the same rows. */
  append(files: readonly EncodedColumns[], location: string): void {
    this.#checkColumns(files, location)
    const parts = files.map(({ file, fields }) => {
      const leaves = fields.flatMap((field) => this.#leavesOf[field] ?? [])
      return { file, fields, rowGroups: parseRowGroups(file, leaves, location) }
    })
    const [groups = [], ...others] = parts.map(({ rowGroups }) => rowGroups)
    for (const [group, { rows }] of groups.entries()) {
      if (others.some((of) => of[group]?.rows !== rows))
        throw new InvalidDataError(`${location}: its columns are of different rows`, { context: { location } })
      const columns = this.#inOrder(parts, ({ file, rowGroups }) =>
        (rowGroups[group]?.columns ?? []).map((chunk) => ({ file, chunk })),
      )
      this.#appendRowGroup(columns, rows, location)
    }
  }

  /** What parts have for each of their columns, in the order of the schema. */
  #inOrder<P extends EncodedColumns, T>(parts: readonly P[], of: (part: P) => readonly T[]): T[] {
    const byField = new Map<number, readonly T[]>()
    for (const part of parts) {
      const all = of(part)
      let from = 0
      for (const field of part.fields) {
        const count = this.#leavesOf[field]?.length ?? 0
        byField.set(field, all.slice(from, from + count))
        from += count
      }
    }
    return this.#leavesOf.flatMap((_, field) => byField.get(field) ?? [])
  }

  /** The parts of the file since the last that were taken. */
  take(): Uint8Array[] {
    return this.#parts.splice(0)
  }

  /** The end of the file, with all that was not taken, and the footer as readers find it. */
  finish(): { readonly bytes: Uint8Array; readonly footer: ParquetFooter } {
    const placed = this.#rowGroups.map((rowGroup) => this.#placeIndexes(rowGroup))
    const { schema, createdBy, keyValueMetadata = new Map<string, string>() } = this.#options
    const keyValues = [...keyValueMetadata].map(([key, value]) => structOf(stringField(1, key), stringField(2, value)))
    const rows = this.#rowGroups.reduce((sum, rowGroup) => sum + rowGroup.rows, 0)
    const thrift = structOf(
      i32Field(1, FORMAT_VERSION),
      structsField(2, printParquetSchema(schema)),
      i64Field(3, rows),
      structsField(4, placed),
      keyValues.length > 0 ? structsField(5, keyValues) : undefined,
      stringField(6, createdBy),
      structsField(
        7,
        this.#leaves.map(() => TYPE_DEFINED_ORDER),
      ),
    )
    const leaves = this.#leaves
    const rowGroups = placed.map((group) => parseRowGroup(cursorOf(group), leaves, this.#position))
    const footer = printThrift(thrift)
    this.#push(footer)
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, footer.length, true)
    this.#push(length)
    this.#push(PARQUET_MAGIC)
    const rest = this.take()
    const bytes = concat(
      rest,
      rest.reduce((sum, part) => sum + part.length, 0),
    )
    return {
      bytes,
      footer: { schema, leaves, rowGroups, rows, createdBy, keyValueMetadata, fieldIds: 'stored', thrift },
    }
  }

  #appendRowGroup(columns: readonly PlacedChunk[], rows: number, location: string): void {
    const start = this.#position
    const placed = columns.map(({ file, chunk }, i) => {
      const end = chunk.offset + chunk.compressedSizeBytes
      const shift = this.#push(file.subarray(chunk.offset, end)) - chunk.offset
      const indexes = this.#copyIndexes(file, chunk, { i, shift, location })
      return { indexes, thrift: moveChunk(chunk, shift, { unordered: this.#unordered[i] }) }
    })
    const sorting = this.#options.sortingColumns?.map((column) =>
      structOf(i32Field(1, column.columnIndex), booleanField(2, column.descending), booleanField(3, column.nullsFirst)),
    )
    const uncompressedBytes = columns.reduce((sum, { chunk }) => sum + chunk.uncompressedSizeBytes, 0)
    this.#rowGroups.push({
      rows,
      indexes: placed.map(({ indexes }) => indexes),
      thrift: structOf(
        structsField(
          1,
          placed.map(({ thrift }) => thrift),
        ),
        i64Field(2, uncompressedBytes),
        i64Field(3, rows),
        sorting === undefined || sorting.length === 0 ? undefined : structsField(4, sorting),
        i64Field(5, start),
        i64Field(6, this.#position - start),
        // A 16-bit number by the format: left out where a file has more row groups than it counts.
        this.#rowGroups.length < 2 ** 15 ? i16Field(7, this.#rowGroups.length) : undefined,
      ),
    })
  }

  #copyIndexes(
    file: Uint8Array,
    chunk: ColumnChunk,
    { i, shift, location }: { readonly i: number; readonly shift: number; readonly location: string },
  ): Indexes {
    const column = new ThriftCursor(chunk.thrift, location, 'column_chunk')
    const at = (offsetId: number, lengthId: number): Uint8Array | undefined => {
      const offset = column.integer(offsetId)
      const length = column.integer(lengthId)
      return offset === undefined || length === undefined ? undefined : file.slice(offset, offset + length)
    }
    const offsetIndex = at(4, 5)
    return {
      columnIndex: this.#unordered[i] === true ? undefined : at(6, 7),
      offsetIndex: offsetIndex && moveOffsetIndex(offsetIndex, shift, location),
    }
  }

  /** Writes the page indexes of a row group behind all pages, next to the footer, and says where they lie. */
  #placeIndexes({ thrift, indexes }: PlacedRowGroup): ThriftStruct {
    const columns = cursorOf(thrift)
      .cursors(1, 'columns')
      .map((column, i) => {
        const { columnIndex, offsetIndex } = indexes[i] ?? {}
        return withFields(column.struct, {
          ...placedIndex(4, offsetIndex, offsetIndex && this.#push(offsetIndex)),
          ...placedIndex(6, columnIndex, columnIndex && this.#push(columnIndex)),
        })
      })
    return withFields(thrift, { 1: structsField(1, columns) })
  }

  /** Of the first files of a schema: those that follow come from the same encoder. */
  #checkColumns(files: readonly EncodedColumns[], location: string): void {
    const { schema } = this.#options
    if (checkedSchemas.has(schema)) return
    const leaves = this.#inOrder(files, ({ file }) => parseParquetFooter(file, file.length, location).leaves)
    const found = leaves.map(describePhysical).join(', ')
    const expected = this.#leaves.map(describePhysical).join(', ')
    if (found === expected) {
      checkedSchemas.add(schema)
      return
    }
    throw new InvalidDataError(`${location}: its columns are (${found}), expected (${expected})`, {
      context: { location },
    })
  }

  #push(bytes: Uint8Array): number {
    const offset = this.#position
    this.#parts.push(bytes)
    this.#position += bytes.length
    return offset
  }
}

/** The pages of a column chunk, and the ColumnChunk struct for them once it is known where they lie. */
export interface PlacedColumn {
  readonly bytes: Uint8Array
  readonly uncompressedSizeBytes: number
  readonly place: (position: number) => ThriftStruct
}

/** A whole chunk whose pages are `bytes`. */
export function wholeColumn(chunk: ColumnChunk, bytes: Uint8Array): PlacedColumn {
  const { uncompressedSizeBytes, offset } = chunk
  return { bytes, uncompressedSizeBytes, place: (position) => moveChunk(chunk, position - offset, { bare: true }) }
}

/** A Parquet file of one row group that holds just `columns`. */
export function assembleColumns(
  schema: ParquetGroup,
  rowGroup: { readonly rows: number; readonly columns: readonly PlacedColumn[] },
): Uint8Array {
  const parts: Uint8Array[] = [PARQUET_MAGIC]
  let position = PARQUET_MAGIC.length
  const columns = rowGroup.columns.map(({ bytes, place }) => {
    const placed = place(position)
    parts.push(bytes)
    position += bytes.length
    return placed
  })
  const totalBytes = rowGroup.columns.reduce((sum, chunk) => sum + chunk.uncompressedSizeBytes, 0)
  const group = structOf(structsField(1, columns), i64Field(2, totalBytes), i64Field(3, rowGroup.rows))
  const footer = printThrift(
    structOf(
      i32Field(1, FORMAT_VERSION),
      structsField(2, printParquetSchema(schema)),
      i64Field(3, rowGroup.rows),
      structsField(4, [group]),
    ),
  )
  const trailer = new Uint8Array(8)
  new DataView(trailer.buffer).setUint32(0, footer.length, true)
  trailer.set(PARQUET_MAGIC, 4)
  parts.push(footer, trailer)
  return concat(parts, position + footer.length + trailer.length)
}

/**
 * The ColumnChunk struct for pages that lie `shift` bytes further on. Page indexes are left out (they are placed anew);
 * `bare` leaves out statistics and everything else that decoding does not need, `unordered` all statistics but counts.
 */
function moveChunk(
  chunk: ColumnChunk,
  shift: number,
  options: { readonly bare?: boolean; readonly unordered?: boolean | undefined } = {},
): ThriftStruct {
  const column = new ThriftCursor(chunk.thrift, 'column chunk', 'column_chunk')
  const data = column.cursor(3, 'meta_data') ?? column.fail('no column metadata')
  const moved = (id: number): ThriftField | undefined => {
    const offset = data.integer(id)
    return i64Field(id, offset === undefined ? undefined : offset + shift)
  }
  const hasDictionary = chunk.offset !== data.integer(9)
  const dropped =
    options.bare === true ? { 8: undefined, 12: undefined, 13: undefined, 16: undefined, 17: undefined } : {}
  const { nullCount } = chunk.statistics
  const unordered = options.unordered === true ? { 12: structField(12, structOf(i64Field(3, nullCount))) } : {}
  const metadata = withFields(data.struct, {
    ...dropped,
    ...unordered,
    9: moved(9),
    10: undefined,
    11: hasDictionary ? moved(11) : undefined,
    // Bloom filters lie outside the pages and are not carried over.
    14: undefined,
    15: undefined,
  })
  return structOf(i64Field(2, 0), structField(3, metadata))
}

/** OffsetIndex: a list of PageLocation, whose first field is the page's offset in the file. */
function moveOffsetIndex(bytes: Uint8Array, shift: number, location: string): Uint8Array {
  const index = new ThriftCursor(parseThrift(bytes, location), location, 'offset_index')
  const pages = index
    .cursors(1, 'page_locations')
    .map((page) => withFields(page.struct, { 1: i64Field(1, page.count(1) + shift) }))
  return printThrift(withFields(index.struct, { 1: structsField(1, pages) }))
}

/** Bounds of shapes and of variants by their bytes mean nothing. */
function unorderedLeaves(field: ParquetField, within = false): boolean[] {
  const kind = field.logicalType?.kind
  const unordered = within || kind === 'geometry' || kind === 'geography' || kind === 'variant'
  return isLeaf(field) ? [unordered] : field.children.flatMap((child) => unorderedLeaves(child, unordered))
}

function placedIndex(
  id: number,
  bytes: Uint8Array | undefined,
  offset: number | undefined,
): Record<number, ThriftField | undefined> {
  return { [id]: i64Field(id, offset), [id + 1]: i32Field(id + 1, bytes?.length) }
}

function cursorOf(rowGroup: ThriftStruct): ThriftCursor {
  return new ThriftCursor(rowGroup, 'the file being written', 'row_group')
}

function describePhysical({ physicalType, typeLength }: ParquetLeaf): string {
  return typeLength === undefined ? physicalType : `${physicalType}(${typeLength})`
}

/** Joins the parts, letting go of each as it is copied. */
function concat(parts: Uint8Array[], sizeBytes: number): Uint8Array {
  const whole = new Uint8Array(sizeBytes)
  let offset = 0
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
