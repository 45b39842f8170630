/**
 * Parquet data files into Arrow batches of an expected schema. For each row group only the chunks of the columns asked
 * for are fetched; they are put together as a small Parquet file in memory, decoded window by window, and projected. The
 * next row group is fetched meanwhile. Called by scan/read-task and by imports of plain files.
 */
import type { RecordBatch } from 'apache-arrow'
import { mapConcurrent } from '../base/concurrency.ts'
import { InvalidDataError, UnsupportedError, ValidationError } from '../base/errors.ts'
import { NAME_MAPPING } from '../spec/name-mapping.ts'
import type { NestedField, Schema } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import { assembleColumns, wholeColumn } from './parquet-assembly.ts'
import { type RowGroup, rowsBefore } from './parquet-footer.ts'
import { type FetchedRun, type PageRun, cutRows, pageRun } from './parquet-page-cut.ts'
import { type PagePruning, type RowRange, type RowSelection, selectRows } from './parquet-page-selection.ts'
import { checkCodec, checkPages } from './parquet-pages.ts'
import { type Projection, planProjection } from './parquet-projection.ts'
import { maxLevelsOf } from './parquet-schema.ts'
import { type OpenParquetSource, type ParquetSource, fetchRanges, openParquet } from './parquet-source.ts'
import { decodeParquet } from './parquet-wasm.ts'

const DEFAULT_BATCH_ROWS = 65_536
/** Decoded data of one batch: rows that are large come in fewer a batch. */
const MAX_BATCH_BYTES = 32 * 2 ** 20
/** Batches decoded by one call: it bounds the decoder's memory. */
const BATCHES_PER_WINDOW = 4
/** The row group that is decoded and the next one. */
const ROW_GROUPS_IN_FLIGHT = 2

export interface ParquetBatchOptions {
  /** Row groups to read, in the order given; all by default. */
  readonly rowGroups?: readonly number[] | undefined
  readonly batchRows?: number | undefined
  /** Leaves out pages in which no row matches. */
  readonly pruning?: PagePruning | undefined
  readonly signal?: AbortSignal | undefined
}

/** Some rows of a file that follow one another. */
interface ParquetBatch {
  readonly batch: RecordBatch
  /** The first row's number in the file, from 0 (`_pos`). */
  readonly position: number
}

export interface ParquetReadOptions extends ParquetBatchOptions {
  /** The columns wanted, with the types they have now. */
  readonly schema: Schema
  /** Values of columns that the file lacks (identity partition values); undefined: the initial default, else null. */
  readonly constants?: ((field: NestedField) => Value | null | undefined) | undefined
  /** The table's `schema.name-mapping.default`, for files without field ids. */
  readonly nameMapping?: string | undefined
}

/**
 * Reads a data file of a table, columns by field id, as batches of exactly `toArrowSchema(options.schema)`.
 * Errors: those of the source; InvalidDataError for a broken file or one that doesn't fit the schema.
 */
export async function* readParquet(
  source: ParquetSource,
  options: ParquetReadOptions,
): AsyncGenerator<ParquetBatch, void, undefined> {
  const { schema, constants, nameMapping, signal } = options
  const file = await openParquet(source, { nameMapping, signal })
  const { location, footer } = file
  // By the specification all columns would be missing, by Java's habit the n-th column would have id n: the one hides
  // the data, the other mistakes columns for each other once any was dropped or moved.
  if (footer.leaves.length > 0 && footer.fieldIds === 'none') {
    const how = `set the table property ${NAME_MAPPING} to a name mapping, which gives its columns ids by name`
    throw new UnsupportedError(`${location}: its columns have no field ids: ${how}`, { context: { location } })
  }
  const projection = planProjection(footer, schema, { location, constants })
  yield* readProjected(file, projection, options)
}

/** Batches of a projection, row group by row group. */
export async function* readProjected(
  file: OpenParquetSource,
  projection: Projection,
  options: ParquetBatchOptions,
): AsyncGenerator<ParquetBatch, void, undefined> {
  const { footer, location } = file
  const { rowGroups = [...footer.rowGroups.keys()], batchRows = DEFAULT_BATCH_ROWS, pruning, signal } = options
  if (!(batchRows >= 1)) throw new ValidationError(`a batch of ${batchRows} rows holds nothing`)
  const { columnIndexes } = projection
  const chosen = rowGroups.map((index) => narrowRowGroup(file, index, columnIndexes))
  const selected = pruning && (await selectRows(file, { rowGroups, columnIndexes, pruning }, { signal }))
  const fetched = mapConcurrent(
    chosen,
    ROW_GROUPS_IN_FLIGHT,
    async (rowGroup) => {
      const selection = selected?.get(rowGroup.index)
      const fetch = selection === undefined ? fetchWhole : fetchSelected(selection)
      return { rowGroup, parts: await fetch(file, rowGroup, { projection, signal }) }
    },
    signal,
  )
  for await (const { rowGroup, parts } of fetched) {
    for (const part of parts) {
      let position = rowGroup.position + part.rows.start
      for (const batch of decodePart(part, rowGroup, projection, { batchRows, location })) {
        signal?.throwIfAborted()
        yield { batch, position }
        position += batch.numRows
      }
    }
  }
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

/** Rows of a row group whose pages are there. */
interface FetchedPart {
  readonly rows: RowRange
  /** A Parquet file that holds them, and the row of the row group that is its first. */
  readonly assemble: () => { readonly file: Uint8Array; readonly firstRow: number }
}

type Fetch = (
  file: OpenParquetSource,
  rowGroup: NarrowRowGroup,
  options: { readonly projection: Projection; readonly signal: AbortSignal | undefined },
) => Promise<readonly FetchedPart[]>

const fetchWhole: Fetch = async (file, { rows, columns }, { projection: { schema }, signal }) => {
  const wanted = columns.map((chunk) => ({
    chunk,
    range: { offset: chunk.offset, length: chunk.compressedSizeBytes },
  }))
  const fetched = await fetchRanges(
    file,
    wanted.map(({ range }) => range),
    { signal },
  )
  const pages = wanted.map(({ chunk, range }) => ({ chunk, bytes: fetched.get(range) ?? new Uint8Array(0) }))
  for (const { chunk, bytes } of pages) checkPages(chunk, bytes, file.footer.schema, file.location)
  const assemble = (): { file: Uint8Array; firstRow: number } => {
    const placed = pages.map(({ chunk, bytes }) => wholeColumn(chunk, bytes))
    return { file: assembleColumns(schema, { rows, columns: placed }), firstRow: 0 }
  }
  return [{ rows: { start: 0, end: rows }, assemble }]
}

function fetchSelected({ ranges, pages }: RowSelection): Fetch {
  return async (file, { rows: groupRows, columns }, { projection: { schema }, signal }) => {
    const { location, footer } = file
    const parts = ranges.map((rows) => ({
      rows,
      runs: columns.map((chunk) => pageRun(chunk, pages.get(chunk) ?? [], rows, groupRows)),
    }))
    const runs = parts.flatMap((part) => part.runs)
    const fetched = await fetchRanges(
      file,
      runs.flatMap(({ dictionary, range }) => (dictionary.length === 0 ? [range] : [dictionary, range])),
      { signal },
    )
    const receive = (run: PageRun): FetchedRun => {
      const bytes = fetched.get(run.range) ?? new Uint8Array(0)
      const pagesOnly = { leaf: run.chunk.leaf, offset: run.range.offset, numValues: Infinity }
      const values = checkPages(pagesOnly, bytes, footer.schema, location)
      if (run.rows.end - run.rows.start !== values && maxLevelsOf(footer.schema, run.chunk.leaf).repetition === 0)
        throw new InvalidDataError(
          `${location}: column "${run.chunk.leaf.name}": pages of ${values} rows, where the page index has ${run.rows.end - run.rows.start}`,
          { context: { location } },
        )
      return { ...run, bytes, values, dictionaryBytes: fetched.get(run.dictionary) ?? new Uint8Array(0) }
    }
    return parts.map((part) => {
      const received = part.runs.map(receive)
      return { rows: part.rows, assemble: () => cutRows(schema, footer.schema, received) }
    })
  }
}

function* decodePart(
  { rows, assemble }: FetchedPart,
  rowGroup: NarrowRowGroup,
  projection: Projection,
  options: { readonly batchRows: number; readonly location: string },
): Generator<RecordBatch, void, undefined> {
  const { location } = options
  const { columns } = rowGroup
  const rowBytes = columns.reduce((sum, chunk) => sum + chunk.decodedSizeBytes, 0) / Math.max(rowGroup.rows, 1)
  const batchRows = Math.max(1, Math.min(options.batchRows, Math.floor(MAX_BATCH_BYTES / Math.max(rowBytes, 1))))
  const windowRows = batchRows * BATCHES_PER_WINDOW
  if (columns.length === 0) {
    for (let row = rows.start; row < rows.end; row += batchRows)
      yield projection.convert([], Math.min(batchRows, rows.end - row))
    return
  }
  const { file, firstRow } = assemble()
  for (let row = rows.start; row < rows.end; row += windowRows) {
    const limit = Math.min(windowRows, rows.end - row)
    const batches = decodeParquet(file, { offset: row - firstRow, limit, batchRows }, location)
    const decoded = batches.reduce((sum, batch) => sum + batch.numRows, 0)
    if (decoded !== limit) {
      throw new InvalidDataError(
        `${location}: ${limit} rows from row ${row} of a row group were expected, its pages hold ${decoded}`,
        {
          context: { location },
        },
      )
    }
    for (const batch of batches) yield projection.convert(batch.data.children, batch.numRows)
  }
}
