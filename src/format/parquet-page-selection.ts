/**
 * Which rows of a row group a filter leaves, by the statistics of pages. Columns have pages of their own lengths: the
 * filter is asked of every stretch of rows that lies within one page of each column it names.
 */
import type { IoOptions } from '../io/file-io.ts'
import type { Schema } from '../spec/types.ts'
import type { ColumnChunk, ParquetFooter, RowGroup } from './parquet-footer.ts'
import { type ChunkPages, type PageStats, readColumnIndexes, readOffsetIndexes } from './parquet-page-index.ts'
import type { OpenParquetSource } from './parquet-source.ts'
import { type ColumnStats, boundedTypes } from './parquet-stats.ts'

export interface PagePruning {
  /** The columns that the filter names. */
  readonly fieldIds: ReadonlySet<number>
  /** The types that they have now. */
  readonly schema: Schema
  /** False only where no row can match whose values are as told. */
  readonly mightMatch: (statsOf: (fieldId: number) => ColumnStats | undefined) => boolean
}

/** Rows of a row group, numbered from 0. */
export interface RowRange {
  readonly start: number
  readonly end: number
}

export interface RowSelection {
  /** Ascending, with gaps between them. */
  readonly ranges: readonly RowRange[]
  /** The pages of each chunk that is read. */
  readonly pages: ReadonlyMap<ColumnChunk, ChunkPages>
}

interface SelectionRequest {
  readonly rowGroups: readonly number[]
  /** Columns that are read, by their places among `footer.leaves`. */
  readonly columnIndexes: readonly number[]
  readonly pruning: PagePruning
}

/** By row group, what is to be read of it; those that are read whole, for what their page indexes tell, are left out. */
export async function selectRows(
  source: OpenParquetSource,
  request: SelectionRequest,
  options: IoOptions,
): Promise<ReadonlyMap<number, RowSelection>> {
  return (await select(source, request, options)).selections
}

interface Selected {
  readonly selections: ReadonlyMap<number, RowSelection>
  /** The pages of all chunks that were looked at. */
  readonly pages: ReadonlyMap<ColumnChunk, ChunkPages>
}

async function select(
  source: OpenParquetSource,
  { rowGroups, columnIndexes, pruning }: SelectionRequest,
  options: IoOptions,
): Promise<Selected> {
  const candidates = rowGroups.flatMap((index) => candidateOf(source.footer, index, { columnIndexes, pruning }) ?? [])
  const chunksOf = (of: (candidate: Candidate) => readonly ColumnChunk[]): { chunk: ColumnChunk; rows: number }[] =>
    candidates.flatMap((each) => of(each).map((chunk) => ({ chunk, rows: each.rowGroup.rows })))
  const located = chunksOf(({ read, filtered }) => [...new Set([...read, ...filtered])])
  const pages = await readOffsetIndexes(source, located, options)
  const filtered = chunksOf((each) => each.filtered)
  const stats = await readColumnIndexes(source, filtered, pages, options)
  const selections = new Map<number, RowSelection>()
  for (const { index, rowGroup, read, filtered: columns } of candidates) {
    if (!read.every((chunk) => pages.has(chunk))) continue
    const ranges = matchingRanges(rowGroup, columns, { pages, stats, pruning })
    const [first] = ranges
    if (first !== undefined && first.end - first.start === rowGroup.rows) continue
    selections.set(index, { ranges, pages })
  }
  return { selections, pages }
}

/** Pages of the columns that are read: all those of the row groups, and those that are left. */
export interface PageCount {
  readonly total: number
  readonly planned: number
}

/** Chunks without an index count as one page. */
export async function countPages(
  source: OpenParquetSource,
  request: Omit<SelectionRequest, 'pruning'> & { readonly pruning: PagePruning | undefined },
  options: IoOptions,
): Promise<PageCount> {
  const { rowGroups, columnIndexes, pruning } = request
  const read = rowGroups.flatMap((index) => {
    const { rows = 0, columns = [] } = source.footer.rowGroups[index] ?? {}
    return columnIndexes.flatMap((column) => columns[column] ?? []).map((chunk) => ({ index, chunk, rows }))
  })
  const selected = pruning && (await select(source, { rowGroups, columnIndexes, pruning }, options))
  const others = read.filter(({ chunk }) => selected?.pages.has(chunk) !== true)
  const pages = new Map([...(selected?.pages ?? []), ...(await readOffsetIndexes(source, others, options))])
  const count = { total: 0, planned: 0 }
  for (const { index, chunk } of read) {
    const located = pages.get(chunk)
    const all = located?.length ?? 1
    const ranges = selected?.selections.get(index)?.ranges
    count.total += all
    count.planned += ranges === undefined || located === undefined ? all : pagesWithin(located, ranges)
  }
  return count
}

function pagesWithin(pages: ChunkPages, ranges: readonly RowRange[]): number {
  return new Set(
    ranges.flatMap(({ start, end }) => {
      const first = pageOf(pages, start)
      return Array.from({ length: pageOf(pages, end - 1) - first + 1 }, (_, i) => first + i)
    }),
  ).size
}

interface Candidate {
  readonly index: number
  readonly rowGroup: RowGroup
  readonly read: readonly ColumnChunk[]
  readonly filtered: readonly ColumnChunk[]
}

/** Undefined where page indexes are missing that pruning needs. */
function candidateOf(
  footer: ParquetFooter,
  index: number,
  { columnIndexes, pruning }: Omit<SelectionRequest, 'rowGroups'>,
): Candidate | undefined {
  const rowGroup = footer.rowGroups[index]
  if (rowGroup === undefined) return undefined
  const read = columnIndexes.flatMap((column) => rowGroup.columns[column] ?? [])
  const filtered = rowGroup.columns.filter(
    ({ leaf, columnIndex, offsetIndex }) =>
      leaf.fieldId !== undefined &&
      pruning.fieldIds.has(leaf.fieldId) &&
      columnIndex !== undefined &&
      offsetIndex !== undefined,
  )
  if (filtered.length === 0 || read.length === 0 || read.some((chunk) => chunk.offsetIndex === undefined))
    return undefined
  return { index, rowGroup, read, filtered }
}

interface KnownPages {
  readonly pages: ReadonlyMap<ColumnChunk, ChunkPages>
  readonly stats: ReadonlyMap<ColumnChunk, PageStats>
  readonly pruning: PagePruning
}

function matchingRanges(
  { rows }: RowGroup,
  filtered: readonly ColumnChunk[],
  { pages, stats, pruning }: KnownPages,
): RowRange[] {
  const types = boundedTypes(pruning.schema)
  const known = filtered.flatMap((chunk) => {
    const [located, pageStats, fieldId = 0] = [pages.get(chunk), stats.get(chunk), chunk.leaf.fieldId]
    return located === undefined || pageStats === undefined ? [] : [{ fieldId, located, pageStats }]
  })
  const starts = new Set(known.flatMap(({ located }) => located.map(({ firstRow }) => firstRow)).concat(0))
  const stretches = [...starts].toSorted((a, b) => a - b)
  const ranges: { start: number; end: number }[] = []
  for (const [i, start] of stretches.entries()) {
    const end = stretches[i + 1] ?? rows
    const statsOf = (fieldId: number): ColumnStats | undefined => {
      const column = known.find((each) => each.fieldId === fieldId)
      const type = types.get(fieldId)
      return column && type && column.pageStats(pageOf(column.located, start), type)
    }
    if (!pruning.mightMatch(statsOf)) continue
    const last = ranges.at(-1)
    if (last?.end === start) last.end = end
    else ranges.push({ start, end })
  }
  return ranges
}

/** The page that holds a row, by binary search. */
export function pageOf(pages: ChunkPages, row: number): number {
  let [low, high] = [0, pages.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if ((pages[middle]?.firstRow ?? Infinity) <= row) low = middle
    else high = middle - 1
  }
  return low
}
