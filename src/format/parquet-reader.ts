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
import { assembleColumns } from './parquet-assembly.ts'
import type { ColumnChunk, RowGroup } from './parquet-footer.ts'
import { checkCodec, checkPages } from './parquet-pages.ts'
import { type Projection, planProjection } from './parquet-projection.ts'
import { type OpenParquetSource, type ParquetSource, fetchChunks, openParquet } from './parquet-source.ts'
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
  const { rowGroups = [...file.footer.rowGroups.keys()], batchRows = DEFAULT_BATCH_ROWS, signal } = options
  if (!(batchRows >= 1)) throw new ValidationError(`a batch of ${batchRows} rows holds nothing`)
  const chosen = rowGroups.map((index) => narrowRowGroup(file, index, projection))
  const fetched = mapConcurrent(
    chosen,
    ROW_GROUPS_IN_FLIGHT,
    async (rowGroup) => ({ rowGroup, pages: await fetchPages(file, rowGroup.columns, signal) }),
    signal,
  )
  for await (const { rowGroup, pages } of fetched) {
    const { location } = file
    const bytes = assembleColumns(projection.schema, rowGroup, (chunk) => pages.get(chunk) ?? new Uint8Array(0))
    let { position } = rowGroup
    for (const batch of decodeRowGroup(bytes, rowGroup, projection, { batchRows, location })) {
      signal?.throwIfAborted()
      yield { batch, position }
      position += batch.numRows
    }
  }
}

async function fetchPages(
  file: OpenParquetSource,
  chunks: readonly ColumnChunk[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<ColumnChunk, Uint8Array>> {
  for (const chunk of chunks) checkCodec(chunk, file.location)
  const pages = await fetchChunks(file, chunks, { signal })
  for (const [chunk, bytes] of pages) checkPages(chunk, bytes, file.footer.schema, file.location)
  return pages
}

interface NarrowRowGroup extends Pick<RowGroup, 'rows' | 'columns'> {
  /** Number in the file of its first row. */
  readonly position: number
}

function narrowRowGroup(
  { footer, location }: OpenParquetSource,
  index: number,
  projection: Projection,
): NarrowRowGroup {
  const rowGroup = footer.rowGroups[index]
  if (rowGroup === undefined)
    throw new ValidationError(`${location} has ${footer.rowGroups.length} row groups, none of number ${index}`)
  const position = footer.rowGroups.slice(0, index).reduce((sum, { rows }) => sum + rows, 0)
  return {
    position,
    rows: rowGroup.rows,
    columns: projection.columnIndexes.flatMap((column) => rowGroup.columns[column] ?? []),
  }
}

function* decodeRowGroup(
  bytes: Uint8Array,
  { rows, columns }: NarrowRowGroup,
  projection: Projection,
  options: { readonly batchRows: number; readonly location: string },
): Generator<RecordBatch, void, undefined> {
  const { location } = options
  const rowBytes = columns.reduce((sum, chunk) => sum + chunk.decodedSizeBytes, 0) / Math.max(rows, 1)
  const batchRows = Math.max(1, Math.min(options.batchRows, Math.floor(MAX_BATCH_BYTES / Math.max(rowBytes, 1))))
  const windowRows = batchRows * BATCHES_PER_WINDOW
  if (columns.length === 0) {
    for (let offset = 0; offset < rows; offset += batchRows)
      yield projection.convert([], Math.min(batchRows, rows - offset))
    return
  }
  for (let offset = 0; offset < rows; offset += windowRows) {
    const limit = Math.min(windowRows, rows - offset)
    const batches = decodeParquet(bytes, { offset, limit, batchRows }, location)
    const decoded = batches.reduce((sum, batch) => sum + batch.numRows, 0)
    if (decoded !== limit) {
      throw new InvalidDataError(
        `${location}: ${limit} rows from row ${offset} of a row group were expected, its pages hold ${decoded}`,
        {
          context: { location },
        },
      )
    }
    for (const batch of batches) yield projection.convert(batch.data.children, batch.numRows)
  }
}
