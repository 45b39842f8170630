/**
 * The footer of a Parquet file as data: schema, row groups, column chunks with their places and statistics. Read by
 * planning (pruning), by the reader (which bytes to fetch) and after writing (metrics). A footer is untrusted: whatever
 * is inconsistent in it is an InvalidDataError that names the file. Each value keeps its Thrift struct for rewriting.
 */
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'
import type { ByteRange } from '../io/file-io.ts'
import { type ParquetGroup, type ParquetLeaf, hasFieldIds, leavesOf, parseParquetSchema } from './parquet-schema.ts'
import { type ThriftStruct, parseThrift } from './thrift.ts'
import { ThriftCursor } from './thrift-fields.ts'

/** Statistics of one column chunk; `min` and `max` are plain-encoded bounds, undefined where they can't be trusted. */
interface ColumnStatistics {
  readonly min?: Uint8Array | undefined
  readonly max?: Uint8Array | undefined
  readonly nullCount?: number | undefined
}

export interface ColumnChunk {
  readonly leaf: ParquetLeaf
  /** Number of its CompressionCodec. */
  readonly codec: number
  /** Entries including nulls and empty lists. */
  readonly numValues: number
  /** First byte of its pages in the file. */
  readonly offset: number
  /** Bytes of its pages in the file. */
  readonly compressedSizeBytes: number
  readonly uncompressedSizeBytes: number
  /** Bytes of its values once decoded, where the file tells more than the size of its pages: repeated text in dictionaries. */
  readonly decodedSizeBytes: number
  readonly statistics: ColumnStatistics
  /** Where its page index lies (parquet-page-index.ts). */
  readonly offsetIndex?: ByteRange | undefined
  readonly columnIndex?: ByteRange | undefined
  /** Where its bloom filter begins (parquet-bloom-filter.ts), and its size, which old writers leave out. */
  readonly bloomFilterOffset?: number | undefined
  readonly bloomFilterLength?: number | undefined
  readonly thrift: ThriftStruct
}

export interface RowGroup {
  readonly rows: number
  /** Bytes of all its pages in the file. */
  readonly compressedSizeBytes: number
  /** Where its first page starts. */
  readonly offset: number
  readonly columns: readonly ColumnChunk[]
  readonly thrift: ThriftStruct
}

export interface ParquetFooter {
  readonly schema: ParquetGroup
  /** The columns in the order of `RowGroup.columns`. */
  readonly leaves: readonly ParquetLeaf[]
  readonly rowGroups: readonly RowGroup[]
  readonly rows: number
  readonly createdBy: string | undefined
  readonly keyValueMetadata: ReadonlyMap<string, string>
  /** Whether its field ids are the file's own, or came from elsewhere (parquet-field-ids.ts). */
  readonly fieldIds: 'stored' | 'mapped' | 'none'
  readonly thrift: ThriftStruct
}

/** More than the footer of any file in use: a length that is broken must not have gigabytes fetched. */
const MAX_FOOTER_BYTES = 2 ** 28
/** Length word and magic behind the footer. */
const FOOTER_TRAILER_BYTES = 8
export const PARQUET_MAGIC: Uint8Array = Uint8Array.of(0x50, 0x41, 0x52, 0x31)

/** Bytes at the end of a file that hold its footer and trailer, read from its last 8 bytes or more. */
export function parquetFooterBytes(tail: Uint8Array, fileSize: number, location: string): number {
  const context = { location }
  if (fileSize < 12 || tail.length < FOOTER_TRAILER_BYTES) {
    throw new InvalidDataError(`${location}: too short for a Parquet file (${fileSize} bytes)`, { context })
  }
  const magic = String.fromCharCode(...tail.subarray(-4))
  if (magic === 'PARE') throw new UnsupportedError(`${location}: the footer is encrypted`, { context })
  if (magic !== 'PAR1') throw new InvalidDataError(`${location}: not a Parquet file`, { context })
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength)
  const bytes = view.getUint32(tail.length - FOOTER_TRAILER_BYTES, true) + FOOTER_TRAILER_BYTES
  if (bytes + 4 > fileSize)
    throw new InvalidDataError(`${location}: a footer of ${bytes} bytes is longer than the file`, { context })
  if (bytes > MAX_FOOTER_BYTES)
    throw new InvalidDataError(`${location}: a footer of ${bytes} bytes, ${MAX_FOOTER_BYTES} are read at most`, {
      context,
    })
  return bytes
}

/** Parses the footer from the last bytes of a file, which must hold all of it (parquetFooterBytes tells how many). */
export function parseParquetFooter(tail: Uint8Array, fileSize: number, location: string): ParquetFooter {
  const { cursor, dataEnd } = openFooter(tail, fileSize, location)
  const schema = parseParquetSchema(cursor.cursors(2, 'schema'), cursor)
  const leaves = leavesOf(schema)
  const rowGroups = cursor.cursors(4, 'row_groups').map((group) => parseRowGroup(group, leaves, dataEnd))
  const claimed = cursor.count(3)
  const rows = rowGroups.reduce((sum, group) => sum + group.rows, 0)
  // Old writers leave the sum at 0.
  if (claimed !== rows && claimed !== 0) return cursor.fail(`${claimed} rows are claimed, the row groups hold ${rows}`)
  return {
    schema,
    leaves,
    rowGroups,
    rows,
    createdBy: cursor.string(6),
    keyValueMetadata: parseKeyValues(cursor),
    fieldIds: hasFieldIds(schema) ? 'stored' : 'none',
    thrift: cursor.struct,
  }
}

/** The row groups of a whole file, of which it is known that its columns are `leaves`. */
export function parseRowGroups(file: Uint8Array, leaves: readonly ParquetLeaf[], location: string): RowGroup[] {
  const { cursor, dataEnd } = openFooter(file, file.length, location)
  return cursor.cursors(4, 'row_groups').map((group) => parseRowGroup(group, leaves, dataEnd))
}

function openFooter(
  tail: Uint8Array,
  fileSize: number,
  location: string,
): { readonly cursor: ThriftCursor; readonly dataEnd: number } {
  const footerBytes = parquetFooterBytes(tail, fileSize, location)
  if (footerBytes > tail.length) {
    throw new InvalidDataError(`${location}: the footer needs the last ${footerBytes} bytes, got ${tail.length}`, {
      context: { location },
    })
  }
  // A copy: bounds are views into it, and would keep all of the file that was given.
  const thrift = parseThrift(tail.slice(tail.length - footerBytes, tail.length - FOOTER_TRAILER_BYTES), location)
  const cursor = new ThriftCursor(thrift, location, 'footer')
  if (cursor.has(8)) throw new UnsupportedError(`${location}: the columns are encrypted`, { context: { location } })
  return { cursor, dataEnd: fileSize - footerBytes }
}

/** Rows of the file before those of a row group. */
export function rowsBefore({ rowGroups }: Pick<ParquetFooter, 'rowGroups'>, index: number): number {
  return rowGroups.slice(0, index).reduce((sum, { rows }) => sum + rows, 0)
}

function parseKeyValues(footer: ThriftCursor): ReadonlyMap<string, string> {
  return new Map(footer.cursors(5, 'key_value_metadata').map((entry) => [entry.string(1) ?? '', entry.string(2) ?? '']))
}

/** `dataEnd` is where the pages and their indexes end. */
export function parseRowGroup(group: ThriftCursor, leaves: readonly ParquetLeaf[], dataEnd: number): RowGroup {
  const chunks = group.cursors(1, 'columns')
  if (chunks.length !== leaves.length) return group.fail(`${chunks.length} column chunks for ${leaves.length} columns`)
  const columns = leaves.flatMap((leaf, i) => {
    const chunk = chunks[i]
    return chunk === undefined ? [] : [parseColumnChunk(chunk, leaf, dataEnd)]
  })
  const rows = group.count(3)
  // Each row has an entry in each column at least, be it for a null or an empty list.
  if (columns.some((column) => column.numValues < rows))
    return group.fail(`a column holds fewer values than its ${rows} rows`)
  return {
    rows,
    compressedSizeBytes: columns.reduce((sum, column) => sum + column.compressedSizeBytes, 0),
    offset: columns.reduce((least, column) => Math.min(least, column.offset), dataEnd),
    columns,
    thrift: group.struct,
  }
}

function parseColumnChunk(chunk: ThriftCursor, leaf: ParquetLeaf, dataEnd: number): ColumnChunk {
  const { location } = chunk
  if (chunk.has(1)) throw new UnsupportedError(`${location}: a column lies in another file`, { context: { location } })
  if (chunk.has(8)) throw new UnsupportedError(`${location}: a column is encrypted`, { context: { location } })
  const data = chunk.cursor(3, 'meta_data') ?? chunk.fail('no column metadata')
  const dataPage = data.count(9)
  const dictionaryPage = data.integer(11) ?? 0
  // Some writers put 0 where there is no dictionary, or no data page, some an offset behind the data pages.
  const offset = dictionaryPage > 0 && (dictionaryPage < dataPage || dataPage === 0) ? dictionaryPage : dataPage
  const compressedSizeBytes = data.count(7)
  const uncompressedSizeBytes = data.count(6)
  if (offset < 4 || offset + compressedSizeBytes > dataEnd) return data.fail('its pages lie outside the file')
  return {
    leaf,
    codec: data.count(4),
    numValues: data.count(5),
    offset,
    compressedSizeBytes,
    uncompressedSizeBytes,
    decodedSizeBytes: Math.max(uncompressedSizeBytes, data.cursor(16, 'size_statistics')?.integer(1) ?? 0),
    statistics: parseStatistics(data.cursor(12, 'statistics'), leaf),
    offsetIndex: rangeWithin(dataEnd, chunk.integer(4), chunk.integer(5)),
    columnIndex: rangeWithin(dataEnd, chunk.integer(6), chunk.integer(7)),
    bloomFilterOffset: rangeWithin(dataEnd, data.integer(14), 1)?.offset,
    bloomFilterLength: rangeWithin(dataEnd, data.integer(14), data.integer(15))?.length,
    thrift: chunk.struct,
  }
}

/** Undefined where it is not there, or can't be. */
function rangeWithin(end: number, offset = 0, length = 0): ByteRange | undefined {
  return offset >= 4 && length > 0 && offset + length <= end ? { offset, length } : undefined
}

function parseStatistics(statistics: ThriftCursor | undefined, leaf: ParquetLeaf): ColumnStatistics {
  if (statistics === undefined) return {}
  const nullCount = statistics.integer(3)
  const legacy = !statistics.has(5) && !statistics.has(6) && hasSignedOrder(leaf)
  return {
    min: statistics.binary(legacy ? 2 : 6),
    max: statistics.binary(legacy ? 1 : 5),
    ...(nullCount === undefined || nullCount < 0 ? {} : { nullCount }),
  }
}

/** The deprecated fields `min` and `max` compare signed: right for signed numbers only. */
function hasSignedOrder({ physicalType, logicalType }: ParquetLeaf): boolean {
  if (logicalType?.kind === 'integer' && !logicalType.signed) return false
  return ['BOOLEAN', 'INT32', 'INT64', 'FLOAT', 'DOUBLE'].includes(physicalType)
}
