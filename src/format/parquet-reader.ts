/**
 * Parquet data files into Arrow batches of an expected schema. For each row group only the chunks of the columns asked
 * for are fetched. Flat columns are decoded page by page (parquet-flat.ts); the others are put together as a small Parquet
 * file in memory for arrow-rs, window by window (parquet-windows.ts). Called by scan/read-task and by imports of plain files.
 */
import type { RecordBatch } from 'apache-arrow'
import { InvalidDataError, UnsupportedError, ValidationError } from '../base/errors.ts'
import type { ByteRange } from '../io/file-io.ts'
import { NAME_MAPPING } from '../spec/name-mapping.ts'
import type { NestedField, Schema } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import { assembleColumns, wholeColumn } from './parquet-assembly.ts'
import { type RowGroup, rowsBefore } from './parquet-footer.ts'
import { type FetchedRun, type PageRun, cutRows, pageRun } from './parquet-page-cut.ts'
import { type PagePruning, type RowSelection, selectRows } from './parquet-page-selection.ts'
import { type FlatColumn, flatColumn } from './parquet-flat.ts'
import { type Page, checkCodec, parsePages, valuesOf } from './parquet-pages.ts'
import { type Projection, planProjection } from './parquet-projection.ts'
import { type ParquetGroup, leavesOf, maxLevelsOf } from './parquet-schema.ts'
import { type OpenParquetSource, type ParquetSource, fetchRanges, openParquet } from './parquet-source.ts'
import type { AssembledRows, FetchedRows, FileRows, RowFilter } from './parquet-window.ts'
import { decodeWindows } from './parquet-windows.ts'

const DEFAULT_BATCH_ROWS = 65_536

interface ProjectedOptions extends ParquetBatchOptions {
  readonly filter?: RowFilter | undefined
}

export interface ParquetBatchOptions {
  /** Row groups to read, in the order given; all by default. */
  readonly rowGroups?: readonly number[] | undefined
  readonly batchRows?: number | undefined
  /** Leaves out pages in which no row matches. */
  readonly pruning?: PagePruning | undefined
  /** Decoded bytes from which worker threads are used: 1 MiB unless said. */
  readonly asideBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ParquetReadOptions extends ParquetBatchOptions {
  /** The columns wanted, with the types they have now. */
  readonly schema: Schema
  /** Values of columns that the file lacks (identity partition values); undefined: the initial default, else null. */
  readonly constants?: ((field: NestedField) => Value | null | undefined) | undefined
  /** The table's `schema.name-mapping.default`, for files without field ids. */
  readonly nameMapping?: string | undefined
  /** Columns that a filter needs are decoded first, of the others just the rows that it wants. */
  readonly filter?: BatchFilter | undefined
}

export interface BatchFilter {
  /** Those columns of the schema wanted, whole, that it takes to tell. */
  readonly schema: Schema
  /** A byte a row of a batch of these, 1 where it is wanted; `position` is the first row's number in the file. */
  readonly maskOf: (batch: RecordBatch, position: number) => Uint8Array
}

/**
 * Reads a data file of a table, columns by field id, as batches of exactly `toArrowSchema(options.schema)`.
 * Errors: those of the source; InvalidDataError for a broken file or one that doesn't fit the schema.
 */
export async function* readParquet(
  source: ParquetSource,
  options: ParquetReadOptions,
): AsyncGenerator<FileRows, void, undefined> {
  const { schema, constants, nameMapping, filter, signal } = options
  const file = await openParquet(source, { nameMapping, signal })
  const { location, footer } = file
  // By the specification all columns would be missing, by Java's habit the n-th column would have id n: the one hides
  // the data, the other mistakes columns for each other once any was dropped or moved.
  if (footer.leaves.length > 0 && footer.fieldIds === 'none') {
    const how = `set the table property ${NAME_MAPPING} to a name mapping, which gives its columns ids by name`
    throw new UnsupportedError(`${location}: its columns have no field ids: ${how}`, { context: { location } })
  }
  const projection = planProjection(footer, schema, { location, constants })
  const early = filter && planProjection(footer, filter.schema, { location, constants })
  yield* readProjected(file, projection, {
    ...options,
    filter: early && filter && rowFilter(projection, early, filter),
  })
}

function rowFilter(all: Projection, early: Projection, { maskOf }: BatchFilter): RowFilter {
  const columns = new Set(early.columnIndexes)
  let next = 0
  const isEarly = all.schema.children.map((child) => {
    const first = all.columnIndexes[next]
    next += leavesOf(child).length
    return first !== undefined && columns.has(first)
  })
  return { isEarly, maskOf: (data, rows, position) => maskOf(early.convert(data, rows), position) }
}

/** Batches of a projection, row group by row group. */
export async function* readProjected(
  file: OpenParquetSource,
  projection: Projection,
  options: ProjectedOptions,
): AsyncGenerator<FileRows, void, undefined> {
  const { footer, location } = file
  const {
    rowGroups = [...footer.rowGroups.keys()],
    batchRows = DEFAULT_BATCH_ROWS,
    pruning,
    filter,
    asideBytes,
    signal,
  } = options
  if (!(batchRows >= 1)) throw new ValidationError(`a batch of ${batchRows} rows holds nothing`)
  const { columnIndexes } = projection
  const chosen = rowGroups.map((index) => narrowRowGroup(file, index, columnIndexes))
  const selected = pruning && (await selectRows(file, { rowGroups, columnIndexes, pruning }, { signal }))
  const work = chosen.map((rowGroup) => {
    const selection = selected?.get(rowGroup.index)
    const fetch = selection === undefined ? fetchWhole : fetchSelected(selection)
    return {
      position: rowGroup.position,
      ranges: selection?.ranges ?? [{ start: 0, end: rowGroup.rows }],
      rowBytes: rowGroup.columns.reduce((sum, chunk) => sum + chunk.decodedSizeBytes, 0) / Math.max(rowGroup.rows, 1),
      fetch: () => fetch(file, rowGroup, { projection, signal }),
    }
  })
  yield* decodeWindows(work, { projection, batchRows, location, filter, asideBytes, signal })
}

interface NarrowRowGroup extends Pick<RowGroup, 'rows' | 'columns'> {
  readonly index: number
  /** Number in the file of its first row. */
  readonly position: number
}

function narrowRowGroup(
  { footer, location }: OpenParquetSource,
  index: number,
  columnIndexes: readonly number[],
): NarrowRowGroup {
  const rowGroup = footer.rowGroups[index]
  if (rowGroup === undefined)
    throw new ValidationError(`${location} has ${footer.rowGroups.length} row groups, none of number ${index}`)
  const columns = columnIndexes.flatMap((column) => rowGroup.columns[column] ?? [])
  for (const chunk of columns) checkCodec(chunk, location)
  return { index, position: rowsBefore(footer, index), rows: rowGroup.rows, columns }
}

type Fetch = (
  file: OpenParquetSource,
  rowGroup: NarrowRowGroup,
  options: { readonly projection: Projection; readonly signal: AbortSignal | undefined },
) => Promise<readonly FetchedRows[]>

const fetchWhole: Fetch = async (file, { rows, columns }, { projection: { schema }, signal }) => {
  const { location, footer } = file
  const wanted = columns.map((chunk) => ({
    chunk,
    range: { offset: chunk.offset, length: chunk.compressedSizeBytes },
  }))
  const fetched = await fetchRanges(
    file,
    wanted.map(({ range }) => range),
    { signal },
  )
  const received = wanted.map(({ chunk, range }) => {
    const bytes = fetched.get(range) ?? new Uint8Array(0)
    return { chunk, bytes, pages: parsePages(chunk, bytes, footer.schema, location) }
  })
  const { flat, nested, nestedSchema } = sortColumns(schema, received, (index, field) => {
    const { chunk, pages } = received[index] ?? {}
    if (chunk === undefined || pages === undefined || valuesOf(pages) !== rows) return undefined
    return flatColumn({ field, codec: chunk.codec, pages, firstRow: 0, location })
  })
  const assemble = (): ReturnType<AssembledRows> => {
    const placed = nested.map(({ chunk, bytes }) => wholeColumn(chunk, bytes))
    return { file: assembleColumns(nestedSchema, { rows, columns: placed }), firstRow: 0 }
  }
  return [{ flat, assemble: nested.length === 0 ? undefined : assemble }]
}

interface SortedColumns<T> {
  /** By the children of the schema; undefined for those that arrow-rs decodes. */
  readonly flat: readonly (FlatColumn | undefined)[]
  /** What was received of these, and their schema. */
  readonly nested: readonly T[]
  readonly nestedSchema: ParquetGroup
}

/** `received` stands for the leaves of the schema one by one. */
function sortColumns<T>(
  schema: ParquetGroup,
  received: readonly T[],
  flatten: (index: number, field: ParquetGroup['children'][number]) => FlatColumn | undefined,
): SortedColumns<T> {
  let next = 0
  const nested: T[] = []
  const flat = schema.children.map((field) => {
    const [first, count] = [next, leavesOf(field).length]
    next += count
    const column = count === 1 ? flatten(first, field) : undefined
    if (column === undefined) nested.push(...received.slice(first, next))
    return column
  })
  const children = schema.children.filter((_, i) => flat[i] === undefined)
  return { flat, nested, nestedSchema: { ...schema, children } }
}

interface ReceivedRun extends FetchedRun {
  /** The dictionary before them. */
  readonly decoded: readonly Page[]
}

function fetchSelected({ ranges, pages }: RowSelection): Fetch {
  return async (file, { rows: groupRows, columns }, { projection: { schema }, signal }) => {
    const { location, footer } = file
    const parts = ranges.map((rows) => ({
      runs: columns.map((chunk) => pageRun(chunk, pages.get(chunk) ?? [], rows, groupRows)),
    }))
    const runs = parts.flatMap((part) => part.runs)
    const fetched = await fetchRanges(
      file,
      runs.flatMap(({ dictionary, range }) => (dictionary.length === 0 ? [range] : [dictionary, range])),
      { signal },
    )
    const receive = (run: PageRun): ReceivedRun => {
      const { leaf } = run.chunk
      const bytes = fetched.get(run.range) ?? new Uint8Array(0)
      const dictionaryBytes = fetched.get(run.dictionary) ?? new Uint8Array(0)
      const parse = ({ offset }: ByteRange, part: Uint8Array): Page[] =>
        parsePages({ leaf, offset, numValues: Infinity }, part, footer.schema, location)
      const data = parse(run.range, bytes)
      const values = valuesOf(data)
      if (run.rows.end - run.rows.start !== values && maxLevelsOf(footer.schema, leaf).repetition === 0)
        throw new InvalidDataError(
          `${location}: column "${leaf.name}": pages of ${values} rows, where the page index has ${run.rows.end - run.rows.start}`,
          { context: { location } },
        )
      return { ...run, bytes, values, dictionaryBytes, decoded: [...parse(run.dictionary, dictionaryBytes), ...data] }
    }
    return parts.map((part) => {
      const received = part.runs.map(receive)
      const { flat, nested, nestedSchema } = sortColumns(schema, received, (index, field) => {
        const { chunk, decoded, rows } = received[index] ?? {}
        if (chunk === undefined || decoded === undefined || rows === undefined) return undefined
        return flatColumn({ field, codec: chunk.codec, pages: decoded, firstRow: rows.start, location })
      })
      const assemble = (): ReturnType<AssembledRows> => cutRows(nestedSchema, footer.schema, nested)
      return { flat, assemble: nested.length === 0 ? undefined : assemble }
    })
  }
}
