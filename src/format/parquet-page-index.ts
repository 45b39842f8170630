/**
 * Page indexes (parquet-format, "Parquet page index"): where the pages of a column chunk lie, which rows they hold, and
 * what is known of their values. They lie behind all row groups, near the footer. An index that does not fit its chunk is
 * taken for none: what it would spare is read then.
 */
import { InvalidDataError } from '../base/errors.ts'
import type { ByteRange, IoOptions } from '../io/file-io.ts'
import type { PrimitiveType } from '../spec/types.ts'
import type { ColumnChunk } from './parquet-footer.ts'
import { type OpenParquetSource, fetchRanges } from './parquet-source.ts'
import { type ColumnStats, decodeBound } from './parquet-stats.ts'
import { parseThrift } from './thrift.ts'
import { ThriftCursor } from './thrift-fields.ts'

/** A data page with its header. */
interface PageLocation {
  readonly offset: number
  readonly sizeBytes: number
  /** Number of its first row in the row group. */
  readonly firstRow: number
}

/** The data pages of a chunk, which follow each other in rows and in bytes. */
export type ChunkPages = readonly PageLocation[]

/** What is known of the values of each page. */
export type PageStats = (page: number, type: PrimitiveType) => ColumnStats

/** A chunk, with the rows of its row group. */
interface IndexedChunk {
  readonly chunk: ColumnChunk
  readonly rows: number
}

/** The pages of those chunks that have a sound offset index. */
export async function readOffsetIndexes(
  source: OpenParquetSource,
  chunks: readonly IndexedChunk[],
  options: IoOptions,
): Promise<ReadonlyMap<ColumnChunk, ChunkPages>> {
  const parse = (cursor: ThriftCursor, { chunk, rows }: IndexedChunk): ChunkPages | undefined =>
    parsePages(cursor, chunk, rows)
  return readIndexes(source, chunks, { rangeOf: (chunk) => chunk.offsetIndex, parse }, options)
}

/** What is known of the pages of those chunks that have a sound column index; `pages` is of their offset indexes. */
export async function readColumnIndexes(
  source: OpenParquetSource,
  chunks: readonly IndexedChunk[],
  pages: ReadonlyMap<ColumnChunk, ChunkPages>,
  options: IoOptions,
): Promise<ReadonlyMap<ColumnChunk, PageStats>> {
  const parse = (cursor: ThriftCursor, { chunk, rows }: IndexedChunk): PageStats | undefined => {
    const located = pages.get(chunk)
    return located && parseStats(cursor, chunk, rowsOfPages(located, rows))
  }
  return readIndexes(source, chunks, { rangeOf: (chunk) => chunk.columnIndex, parse }, options)
}

function rowsOfPages(pages: ChunkPages, rows: number): readonly number[] {
  return pages.map(({ firstRow }, page) => (pages[page + 1]?.firstRow ?? rows) - firstRow)
}

interface IndexKind<T> {
  readonly rangeOf: (chunk: ColumnChunk) => ByteRange | undefined
  readonly parse: (cursor: ThriftCursor, chunk: IndexedChunk) => T | undefined
}

async function readIndexes<T>(
  source: OpenParquetSource,
  chunks: readonly IndexedChunk[],
  { rangeOf, parse }: IndexKind<T>,
  options: IoOptions,
): Promise<ReadonlyMap<ColumnChunk, T>> {
  const bytes = await fetchRanges(
    source,
    chunks.flatMap(({ chunk }) => rangeOf(chunk) ?? []),
    options,
  )
  const found = new Map<ColumnChunk, T>()
  for (const indexed of chunks) {
    const range = rangeOf(indexed.chunk)
    const held = range && bytes.get(range)
    const parsed =
      held &&
      soundly(() => parse(new ThriftCursor(parseThrift(held, source.location), source.location, 'page index'), indexed))
    if (parsed !== undefined) found.set(indexed.chunk, parsed)
  }
  return found
}

function soundly<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof InvalidDataError) return undefined
    throw error
  }
}

function parsePages(index: ThriftCursor, chunk: ColumnChunk, rows: number): ChunkPages | undefined {
  const pages = index.cursors(1, 'page_locations').map((page) => ({
    offset: page.count(1),
    sizeBytes: page.count(2),
    firstRow: page.count(3),
  }))
  const [first] = pages
  if (first === undefined || first.firstRow !== 0 || first.offset < chunk.offset) return undefined
  const end = chunk.offset + chunk.compressedSizeBytes
  const isSound = pages.every(({ offset, sizeBytes, firstRow }, i) => {
    const next = pages[i + 1] ?? { offset: Math.min(end, offset + sizeBytes), firstRow: rows }
    return sizeBytes > 0 && offset + sizeBytes === next.offset && firstRow < next.firstRow
  })
  return isSound ? pages : undefined
}

/** ColumnIndex: lists with an entry for each page. */
function parseStats(index: ThriftCursor, { leaf }: ColumnChunk, pageRows: readonly number[]): PageStats | undefined {
  const nullPages = index.booleans(1)
  const lower = index.binaries(2)
  const upper = index.binaries(3)
  const nullCounts = index.integers(5)
  const pages = pageRows.length
  if (nullPages.length !== pages || lower.length !== pages || upper.length !== pages) return undefined
  const bound = (type: PrimitiveType, bytes: Uint8Array | undefined, side: 'lower' | 'upper'): ColumnStats['lower'] => {
    // Cut off, a number of fixed length would be another.
    const isCutOff = leaf.physicalType === 'FIXED_LEN_BYTE_ARRAY' && bytes?.length !== leaf.typeLength
    return bytes === undefined || isCutOff ? undefined : decodeBound(leaf, type, bytes, side)
  }
  return (page, type) => {
    const valueCount = pageRows[page]
    if (nullPages[page] === true) return { valueCount, nullCount: valueCount }
    const nullCount = nullCounts[page]
    return {
      valueCount,
      nullCount: nullCount !== undefined && nullCount >= 0 ? nullCount : undefined,
      lower: bound(type, lower[page], 'lower'),
      upper: bound(type, upper[page], 'upper'),
    }
  }
}
