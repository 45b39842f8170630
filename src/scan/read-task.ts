/**
 * Reading one task: footer, row groups that its residual filter may match, then batches of the needed columns with the
 * rest of the filter applied row by row. The read flow's step between planning and the consumer; read-ahead.ts runs
 * several of these at once.
 */
import { RecordBatch, Struct, makeData } from 'apache-arrow'
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'
import { statsMightMatch } from '../expr/metrics-evaluator.ts'
import { toArrowSchema } from '../format/arrow-schema.ts'
import { selectColumns } from '../format/arrow-take.ts'
import type { ParquetFooter } from '../format/parquet-footer.ts'
import { readParquet } from '../format/parquet-reader.ts'
import { type OpenParquetSource, type ParquetSource, openParquet } from '../format/parquet-source.ts'
import { rowGroupStats } from '../format/parquet-stats.ts'
import type { FileIO } from '../io/file-io.ts'
import type { NestedField, Schema } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import { type RowMask, compileFilter, countRows, filterRows } from './filter-batch.ts'
import { leafIds, schemaToRead } from './resolve-scan.ts'
import type { FileScanTask } from './scan-task.ts'

export interface ReadContext {
  readonly io: FileIO
  /** The snapshot's schema, which residuals are bound to. */
  readonly schema: Schema
  /** Columns of the result. */
  readonly selected: Schema
  /** The table's `schema.name-mapping.default`, for files without field ids. */
  readonly nameMapping: string | undefined
  readonly signal?: AbortSignal | undefined
}

const BATCH_ROWS = 65_536
/** How readParquet goes about a file: small ones come whole, of larger ones two row groups are in flight. */
const WHOLE_FILE_BYTES = 2 ** 20
const ROW_GROUPS_AHEAD = 2

/** The task's rows that match its residual, with the columns of `selected`; batches without rows are left out. */
export async function* readTask(
  task: FileScanTask,
  context: ReadContext,
): AsyncGenerator<RecordBatch, void, undefined> {
  const { selected } = context
  const arrowSchema = toArrowSchema(selected)
  if (task.residual.type === 'true' && selected.fields.length === 0) {
    checkReadable(task)
    yield* rowsWithoutColumns(task.file.recordCount)
    return
  }
  for await (const { batch, mask } of readMatches(task, context)) {
    const columns = selectColumns(batch, arrowSchema)
    const rows = mask === undefined ? columns : filterRows(columns, mask)
    if (rows.numRows > 0) yield rows
  }
}

/** The task with the row groups that are left to it by the statistics in its file's footer, which this reads. */
export async function pruneRowGroups(task: FileScanTask, context: ReadContext): Promise<FileScanTask> {
  checkReadable(task)
  const { footer } = await openFile(task, context)
  return { ...task, rowGroups: matchingRowGroups(task, footer, context.schema) }
}

/** How many rows of the task match; reads only the columns of its residual, and nothing where that is always true. */
export async function countTask(task: FileScanTask, context: ReadContext): Promise<number> {
  if (task.residual.type === 'true') return task.file.recordCount
  let count = 0
  const selected: Schema = { ...context.selected, fields: [], identifierFieldIds: [] }
  for await (const { batch, mask } of readMatches(task, { ...context, selected })) {
    count += mask === undefined ? batch.numRows : countRows(mask)
  }
  return count
}

/** Compressed bytes that opening the task brings into memory, as far as metadata tells. */
export function openingBytes(task: FileScanTask, context: ReadContext): number {
  return columnBytes(task, context) * Math.min(1, ROW_GROUPS_AHEAD / rowGroupCount(task))
}

/** Requests that reading the task takes, as far as metadata tells: an estimate for plans. */
export function estimateRequests(task: FileScanTask): number {
  return task.file.fileSizeInBytes <= WHOLE_FILE_BYTES ? 1 : 1 + rowGroupCount(task)
}

/** Row groups of the task as the file's split offsets tell. */
export function rowGroupCount({ file, rowGroups }: FileScanTask): number {
  return rowGroups?.length ?? Math.max(file.splitOffsets?.length ?? 1, 1)
}

function columnBytes({ file, residual }: FileScanTask, { schema, selected }: ReadContext): number {
  const { columnSizes, fileSizeInBytes } = file
  if (columnSizes === undefined) return fileSizeInBytes
  const columns = schemaToRead(schema, selected, residual)
  return leafIds(columns.fields).reduce((sum, id) => sum + (columnSizes.get(id) ?? 0), 0)
}

interface Matches {
  readonly batch: RecordBatch
  /** Undefined where all rows match. */
  readonly mask: RowMask | undefined
}

async function* readMatches(task: FileScanTask, context: ReadContext): AsyncGenerator<Matches, void, undefined> {
  checkReadable(task)
  const { schema, selected, signal } = context
  const { residual } = task
  const columns = schemaToRead(schema, selected, residual)
  const source = await openFile(task, context)
  const rowGroups = matchingRowGroups(task, source.footer, schema)
  if (rowGroups.length === 0) return
  const filter = residual.type === 'true' ? undefined : compileFilter(residual, columns)
  const constants = identityConstants(task)
  const options = { schema: columns, rowGroups, batchRows: BATCH_ROWS, constants, signal }
  for await (const { batch } of readParquet(source, options)) {
    signal?.throwIfAborted()
    yield { batch, mask: filter?.(batch) }
  }
}

/** Some writers record a size that is not the file's: where no footer is found by it, the store is asked. */
async function openFile({ file }: FileScanTask, context: ReadContext): Promise<OpenParquetSource> {
  const { filePath, fileSizeInBytes } = file
  const { io, nameMapping, signal } = context
  try {
    return await openParquet(sourceOf(io, filePath, fileSizeInBytes), { nameMapping, signal })
  } catch (error) {
    if (!(error instanceof InvalidDataError)) throw error
    const { sizeBytes } = await io.stat(filePath, { signal })
    if (sizeBytes === fileSizeInBytes) throw error
    return openParquet(sourceOf(io, filePath, sizeBytes), { nameMapping, signal })
  }
}

function sourceOf(io: FileIO, location: string, sizeBytes: number): ParquetSource {
  return {
    location,
    sizeBytes,
    read: async (range, options) => (await io.readRange(location, range, options)).bytes,
  }
}

function matchingRowGroups({ residual, rowGroups }: FileScanTask, footer: ParquetFooter, schema: Schema): number[] {
  const all = rowGroups ?? footer.rowGroups.keys()
  return [...all].filter((index) => statsMightMatch(residual, rowGroupStats(footer, index, schema)))
}

/** Columns that a file leaves out because its partition tells their value (spec, "Column Projection", rule 1). */
function identityConstants({ spec, file }: FileScanTask): (field: NestedField) => Value | null | undefined {
  const constants = new Map<number, Value | null>()
  for (const [position, { transform, sourceIds }] of spec.fields.entries()) {
    const [sourceId] = sourceIds
    if (transform.kind === 'identity' && sourceId !== undefined) {
      constants.set(sourceId, file.partition[position] ?? null)
    }
  }
  return ({ id }) => constants.get(id)
}

function checkReadable({ file, deletes }: FileScanTask): void {
  const context = { location: file.filePath, format: file.fileFormat }
  const refuse = (why: string): never => {
    throw new UnsupportedError(`${file.filePath} cannot be read: ${why}`, { context })
  }
  if (file.fileFormat !== 'parquet') refuse(`its format is ${file.fileFormat}, and firn reads Parquet only`)
  if (file.keyMetadata !== undefined) refuse('it is encrypted')
  if (deletes.length > 0) refuse('delete files apply to it, which firn cannot apply yet')
}

function* rowsWithoutColumns(rows: number): Generator<RecordBatch, void, undefined> {
  const schema = toArrowSchema({ schemaId: 0, fields: [], identifierFieldIds: [] })
  for (let start = 0; start < rows; start += BATCH_ROWS) {
    const length = Math.min(BATCH_ROWS, rows - start)
    yield new RecordBatch(schema, makeData({ type: new Struct([]), length, nullCount: 0, children: [] }))
  }
}
