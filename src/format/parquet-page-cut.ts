/**
 * Some neighbouring rows of a row group as a small Parquet file: of each column just the pages that hold them. Where the
 * pages of one column begin earlier or end later than those of another, the other gets a page of nothing, nulls or
 * zeros, so that all columns have the same rows; these are then skipped.
 */
import type { ByteRange } from '../io/file-io.ts'
import { type PlacedColumn, assembleColumns } from './parquet-assembly.ts'
import type { ColumnChunk } from './parquet-footer.ts'
import type { ChunkPages } from './parquet-page-index.ts'
import { type RowRange, pageOf } from './parquet-page-selection.ts'
import { type ParquetGroup, type ParquetLeaf, maxLevelsOf } from './parquet-schema.ts'
import { type ThriftStruct, printThrift } from './thrift.ts'
import { ThriftCursor, booleanField, i32Field, i64Field, structField, structOf, withFields } from './thrift-fields.ts'

/** Pages of one chunk that follow each other. */
export interface PageRun {
  readonly chunk: ColumnChunk
  /** The page before the first data page; none where the length is 0. */
  readonly dictionary: ByteRange
  readonly range: ByteRange
  readonly pages: number
  readonly rows: RowRange
}

/** The pages of a chunk that hold `rows`. */
export function pageRun(chunk: ColumnChunk, pages: ChunkPages, rows: RowRange, groupRows: number): PageRun {
  const first = pageOf(pages, rows.start)
  const last = pageOf(pages, rows.end - 1)
  const dataStart = pages[0]?.offset ?? chunk.offset
  const start = pages[first]?.offset ?? dataStart
  const end = (pages[last]?.offset ?? start) + (pages[last]?.sizeBytes ?? 0)
  return {
    chunk,
    dictionary: { offset: chunk.offset, length: dataStart - chunk.offset },
    range: { offset: start, length: end - start },
    pages: last - first + 1,
    rows: { start: pages[first]?.firstRow ?? 0, end: pages[last + 1]?.firstRow ?? groupRows },
  }
}

/** What was fetched of a run. */
export interface FetchedRun extends PageRun {
  readonly dictionaryBytes: Uint8Array
  readonly bytes: Uint8Array
  /** Entries of its pages, nulls and empty lists included. */
  readonly values: number
}

/** The file, and the row of the row group that its first row is. `root` is the schema of the whole file. */
export function cutRows(
  schema: ParquetGroup,
  root: ParquetGroup,
  runs: readonly FetchedRun[],
): { readonly file: Uint8Array; readonly firstRow: number } {
  const start = Math.min(...runs.map(({ rows }) => rows.start))
  const end = Math.max(...runs.map(({ rows }) => rows.end))
  const columns = runs.map((run) => {
    const before = run.rows.start - start
    const after = end - run.rows.end
    const filler = (rows: number): readonly Uint8Array[] => (rows === 0 ? [] : emptyPage(rows, root, run.chunk.leaf))
    return placeRun(run, [run.dictionaryBytes, ...filler(before), run.bytes, ...filler(after)], before + after)
  })
  return { file: assembleColumns(schema, { rows: end - start, columns }), firstRow: start }
}

function placeRun(
  { chunk, dictionary, values }: FetchedRun,
  parts: readonly Uint8Array[],
  fillerRows: number,
): PlacedColumn {
  const column = new ThriftCursor(chunk.thrift, 'column chunk', 'column_chunk')
  const data = column.cursor(3, 'meta_data') ?? column.fail('no column metadata')
  const bytes = Buffer.concat(parts)
  const place = (position: number): ThriftStruct =>
    structOf(
      i64Field(2, 0),
      structField(
        3,
        withFields(data.struct, {
          5: i64Field(5, values + fillerRows),
          7: i64Field(7, bytes.length),
          8: undefined,
          9: i64Field(9, position + dictionary.length),
          10: undefined,
          11: dictionary.length === 0 ? undefined : i64Field(11, position),
          12: undefined,
          13: undefined,
          14: undefined,
          15: undefined,
          16: undefined,
          17: undefined,
        }),
      ),
    )
  return { bytes, uncompressedSizeBytes: chunk.uncompressedSizeBytes, place }
}

const DATA_PAGE_V2 = 3
const PLAIN = 0

/** A page of `rows` rows that are null or empty; zeros where the column allows no nulls. */
function emptyPage(rows: number, root: ParquetGroup, leaf: ParquetLeaf): readonly Uint8Array[] {
  const max = maxLevelsOf(root, leaf)
  const repetition = max.repetition > 0 ? zeroLevels(rows) : new Uint8Array(0)
  const definition = max.definition > 0 ? zeroLevels(rows) : new Uint8Array(0)
  const values = new Uint8Array(max.definition > 0 ? 0 : plainZeroBytes(rows, leaf))
  const sizeBytes = repetition.length + definition.length + values.length
  const header = structOf(
    i32Field(1, DATA_PAGE_V2),
    i32Field(2, sizeBytes),
    i32Field(3, sizeBytes),
    structField(
      8,
      structOf(
        i32Field(1, rows),
        i32Field(2, max.definition > 0 ? rows : 0),
        i32Field(3, rows),
        i32Field(4, PLAIN),
        i32Field(5, definition.length),
        i32Field(6, repetition.length),
        booleanField(7, false),
      ),
    ),
  )
  return [printThrift(header), repetition, definition, values]
}

/** `rows` times the level 0, as one run of the RLE encoding: levels fit into a byte. */
function zeroLevels(rows: number): Uint8Array {
  const bytes: number[] = []
  let header = rows * 2
  for (; header >= 0x80; header = Math.floor(header / 128)) bytes.push((header % 128) | 0x80)
  return Uint8Array.of(...bytes, header, 0)
}

function plainZeroBytes(rows: number, { physicalType, typeLength = 0 }: ParquetLeaf): number {
  switch (physicalType) {
    case 'BOOLEAN':
      return Math.ceil(rows / 8)
    case 'INT64':
    case 'DOUBLE':
      return rows * 8
    case 'INT96':
      return rows * 12
    case 'FIXED_LEN_BYTE_ARRAY':
      return rows * typeLength
    case 'INT32':
    case 'FLOAT':
    case 'BYTE_ARRAY':
      return rows * 4
  }
}
