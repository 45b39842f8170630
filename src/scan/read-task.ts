/**
 * Reading one task: its deletes and its footer, row groups that its residual filter may match, then batches of the needed
 * columns. Deleted rows go first, then the rest of the filter is applied row by row. The read flow's step between planning
 * and the consumer; read-ahead.ts runs several of these at once.
 */
import { type Data, RecordBatch, Struct, makeData } from 'apache-arrow'
import { referencedFieldIds } from '../expr/bound-expression.ts'
import { statsMightMatch } from '../expr/metrics-evaluator.ts'
import { toArrowSchema } from '../format/arrow-schema.ts'
import { selectColumns } from '../format/arrow-take.ts'
import { type ParquetFooter, rowsBefore } from '../format/parquet-footer.ts'
import { type PageCount, type PagePruning, countPages } from '../format/parquet-page-selection.ts'
import { planProjection } from '../format/parquet-projection.ts'
import { type BatchFilter, readParquet } from '../format/parquet-reader.ts'
import type { OpenParquetSource } from '../format/parquet-source.ts'
import { rowGroupStats } from '../format/parquet-stats.ts'
import { MAX_WINDOW_BATCHES, MAX_WINDOW_BYTES, WINDOWS_IN_FLIGHT } from '../format/parquet-windows.ts'
import type { FileIO } from '../io/file-io.ts'
import { isMetadataField } from '../spec/metadata-columns.ts'
import type { NestedField, Schema } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import { bloomMatches } from './bloom-pruning.ts'
import type { DeleteReader, TaskDeletes } from './delete-reader.ts'
import { earlyFilter } from './early-filter.ts'
import { type RowMask, compileFilter, countRows, filterRows } from './filter-batch.ts'
import { isStoredLineage, metadataColumn } from './metadata-values.ts'
import { checkReadable, openDataFile } from './open-data-file.ts'
import { type ResolvedScan, leafIds, schemaToRead } from './resolve-scan.ts'
import { type FileScanTask, isDeletionVector } from './scan-task.ts'

export interface ReadContext {
  readonly io: FileIO
  readonly scan: Pick<ResolvedScan, 'schema' | 'named' | 'selected' | 'partition' | 'includesDeleted'>
  readonly deletes: DeleteReader
  /** The table's `schema.name-mapping.default`, for files without field ids. */
  readonly nameMapping: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Added to while tasks are read. */
  readonly totals?: ReadTotals | undefined
}

/** What was read, and what footers and page indexes spared. */
export interface ReadTotals {
  files: number
  rowGroups: number
  rowGroupsSkipped: number
  /** Of the row groups that were not skipped. */
  rows: number
  /** Rows of these that were decoded. */
  rowsRead: number
}

const BATCH_ROWS = 65_536
/** How readParquet goes about a file: small ones come whole, of larger ones two row groups are in flight. */
const WHOLE_FILE_BYTES = 2 ** 20
const ROW_GROUPS_AHEAD = 2
const WINDOW_ROWS = MAX_WINDOW_BATCHES * BATCH_ROWS * WINDOWS_IN_FLIGHT
/** What columns unfold to, where nothing but their size is known yet: so many times that, and so much for each value. */
const DECODED_RATIO = 4
const DECODED_VALUE_BYTES = 8

/** The task's rows that match its residual, with the columns of `selected`; batches without rows are left out. */
export async function* readTask(
  task: FileScanTask,
  context: ReadContext,
): AsyncGenerator<RecordBatch, void, undefined> {
  const arrowSchema = toArrowSchema(context.scan.selected)
  for await (const { batch, mask } of readMatches(task, context)) {
    const columns = selectColumns(batch, arrowSchema)
    const rows = mask === undefined ? columns : filterRows(columns, mask)
    if (rows.numRows > 0) yield rows
  }
}

/** A task as the footer of its file, and the page indexes in it, leave it. */
export interface PrunedTask {
  /** With the row groups that are left to it. */
  readonly task: FileScanTask
  readonly pages: PageCount
}

/** Reads the file's footer. */
export async function pruneRowGroups(task: FileScanTask, context: ReadContext): Promise<PrunedTask> {
  const { io, scan, nameMapping, signal } = context
  const source = await openDataFile(task.file, io, { nameMapping, signal })
  const rowGroups = await matchingRowGroups(task, source, scan.schema, signal)
  const stored = storedColumns(schemaToRead(scan, task.residual), task)
  const { columnIndexes } = planProjection(source.footer, stored, {
    location: source.location,
    constants: identityConstants(task),
  })
  const pruning = pagePruning(task, scan.schema)
  const pages = await countPages(source, { rowGroups, columnIndexes, pruning }, { signal })
  return { task: { ...task, rowGroups }, pages }
}

/** How many rows of the task match; reads only the columns of its residual and its equality deletes. */
export async function countTask(task: FileScanTask, context: ReadContext): Promise<number> {
  let count = 0
  const selected: Schema = { ...context.scan.selected, fields: [], identifierFieldIds: [] }
  for await (const { batch, mask } of readMatches(task, { ...context, scan: { ...context.scan, selected } })) {
    count += mask === undefined ? batch.numRows : countRows(mask)
  }
  return count
}

/**
 * Rows that the task's deletes leave, as its metadata tells: all, or all but those of one deletion vector, whose record
 * count is its number of rows. Undefined where delete files have to be read.
 */
export function liveRowCount({ file, deletes }: FileScanTask, { scan }: Pick<ReadContext, 'scan'>): number | undefined {
  const [first, ...others] = deletes
  if (first === undefined || scan.includesDeleted) return file.recordCount
  if (others.length > 0 || !isDeletionVector(first)) return undefined
  const left = file.recordCount - first.file.recordCount
  return left >= 0 ? left : undefined
}

/** Rows that the task's deletes leave at least. */
export function leastLiveRows(task: FileScanTask, context: Pick<ReadContext, 'scan'>): number {
  const { file, deletes } = task
  if (deletes.some((each) => each.file.content === 'equality-deletes')) return liveRowCount(task, context) ?? 0
  const deleted = deletes.reduce((sum, each) => sum + each.file.recordCount, 0)
  return liveRowCount(task, context) ?? Math.max(0, file.recordCount - deleted)
}

/**
 * Bytes that opening the task brings into memory, as far as metadata tells: compressed ones of its first row groups, and
 * decoded ones of the windows that wait for the consumer.
 */
export function openingBytes(task: FileScanTask, context: ReadContext): number {
  const { fileSizeInBytes, recordCount } = task.file
  const { bytes, columns } = columnBytes(task, context)
  const fetched = Math.min(task.sizeBytes, bytes * Math.min(1, ROW_GROUPS_AHEAD / rowGroupCount(task)))
  const share = Math.min(1, task.sizeBytes / Math.max(fileSizeInBytes, 1))
  const decoded = share * Math.max(bytes * DECODED_RATIO, recordCount * columns * DECODED_VALUE_BYTES)
  const rows = Math.max(recordCount * share, 1)
  return fetched + Math.min(decoded, MAX_WINDOW_BYTES * WINDOWS_IN_FLIGHT, (decoded / rows) * WINDOW_ROWS)
}

/** Requests that reading the task takes, as far as metadata tells: an estimate for plans. */
export function estimateRequests(task: FileScanTask): number {
  return task.file.fileSizeInBytes <= WHOLE_FILE_BYTES ? 1 : 1 + rowGroupCount(task)
}

/** Row groups of the task as the file's split offsets tell. */
export function rowGroupCount({ file, rowGroups }: FileScanTask): number {
  return rowGroups?.length ?? Math.max(file.splitOffsets?.length ?? 1, 1)
}

/** Of the columns that the task needs, their compressed bytes and how many they are. */
function columnBytes(
  { file, residual }: FileScanTask,
  { scan }: ReadContext,
): { readonly bytes: number; readonly columns: number } {
  const { columnSizes, fileSizeInBytes } = file
  const ids = leafIds(schemaToRead(scan, residual).fields)
  const bytes = columnSizes && ids.reduce((sum, id) => sum + (columnSizes.get(id) ?? 0), 0)
  return { bytes: bytes ?? fileSizeInBytes, columns: ids.length }
}

interface Matches {
  readonly batch: RecordBatch
  /** Undefined where all rows match, or the others were left out. */
  readonly mask?: RowMask | undefined
}

/** Batches of `schemaToRead`; where the task has deletes, they may have columns for them besides. */
async function* readMatches(task: FileScanTask, context: ReadContext): AsyncGenerator<Matches, void, undefined> {
  checkReadable(task.file)
  const { scan, io, nameMapping, signal } = context
  // Beside the deletes; where none of its columns is needed but by them, it is opened later.
  const isNeeded = storedColumns(schemaToRead(scan, task.residual), task).fields.length > 0
  const source = isNeeded ? openDataFile(task.file, io, { nameMapping, signal }) : undefined
  source?.catch(() => {})
  const deletes = await context.deletes.open(task)
  try {
    yield* readLive(task, deletes, source, context)
  } finally {
    deletes?.close()
  }
}

async function* readLive(
  task: FileScanTask,
  deletes: TaskDeletes | undefined,
  source: Promise<OpenParquetSource> | undefined,
  context: ReadContext,
): AsyncGenerator<Matches, void, undefined> {
  const { scan, signal } = context
  const { residual } = task
  const wide = schemaToRead(scan, residual, deletes?.columns)
  const stored = storedColumns(wide, task)
  const early = earlyFilter(stored, { residual, deletes, scan })
  if (early !== undefined) {
    yield* readStored(task, { schema: stored, filter: early }, source, context)
    return
  }
  const liveRows = deletes?.bind(stored)
  const filter = residual.type === 'true' ? undefined : compileFilter(residual, wide)
  const widen = withMetadata(wide, stored, task, scan)
  for await (const { batch: read, position } of readStored(task, { schema: stored }, source, context)) {
    signal?.throwIfAborted()
    const live = liveRows?.(read, position)
    const batch = widen(read, position, live)
    const kept = scan.includesDeleted ? undefined : live
    yield { batch, mask: filter === undefined ? kept : filter(batch, kept) }
  }
}

/** Of the columns needed, those that the file may store. */
function storedColumns(wide: Schema, task: FileScanTask): Schema {
  if (!wide.fields.some(isMetadataField)) return wide
  const fields = wide.fields.filter((field) => !isMetadataField(field) || isStoredLineage(field, task))
  return { ...wide, fields }
}

interface StoredBatch {
  readonly batch: RecordBatch
  readonly position: number
  readonly mask?: RowMask | undefined
}

async function* readStored(
  task: FileScanTask,
  { schema, filter }: { readonly schema: Schema; readonly filter?: BatchFilter | undefined },
  opened: Promise<OpenParquetSource> | undefined,
  { io, scan, nameMapping, signal, totals }: ReadContext,
): AsyncGenerator<StoredBatch, void, undefined> {
  if (schema.fields.length === 0 && task.range === undefined) {
    yield* rowsWithoutColumns(0, task.file.recordCount)
    return
  }
  const source = await (opened ?? openDataFile(task.file, io, { nameMapping, signal }))
  const { footer } = source
  const rowGroups = await matchingRowGroups(task, source, scan.schema, signal)
  if (totals !== undefined) {
    const all = task.rowGroups?.length ?? footer.rowGroups.length
    totals.files++
    totals.rowGroups += all
    totals.rowGroupsSkipped += all - rowGroups.length
    totals.rows += rowGroups.reduce((sum, index) => sum + (footer.rowGroups[index]?.rows ?? 0), 0)
  }
  if (rowGroups.length === 0) return
  if (schema.fields.length === 0) {
    for (const index of rowGroups) {
      const before = rowsBefore(footer, index)
      yield* rowsWithoutColumns(before, before + (footer.rowGroups[index]?.rows ?? 0))
    }
    return
  }
  const constants = identityConstants(task)
  const pruning = pagePruning(task, scan.schema)
  const options = { schema, rowGroups, batchRows: BATCH_ROWS, constants, pruning, signal }
  const counted = filter && {
    schema: filter.schema,
    maskOf: (batch: RecordBatch, position: number): RowMask => {
      if (totals !== undefined) totals.rowsRead += batch.numRows
      return filter.maskOf(batch, position)
    },
  }
  for await (const read of readParquet(source, { ...options, filter: counted })) {
    if (totals !== undefined && filter === undefined) totals.rowsRead += read.batch.numRows
    yield read
  }
}

function pagePruning({ residual }: FileScanTask, schema: Schema): PagePruning | undefined {
  if (residual.type === 'true') return undefined
  const fieldIds = referencedFieldIds(residual)
  return { fieldIds, schema, mightMatch: (statsOf) => statsMightMatch(residual, statsOf) }
}

/** Adds the metadata columns of `wide` to batches of the columns that are stored. */
function withMetadata(
  wide: Schema,
  stored: Schema,
  task: FileScanTask,
  { partition }: ReadContext['scan'],
): (batch: RecordBatch, position: number, live: RowMask | undefined) => RecordBatch {
  if (!wide.fields.some(isMetadataField)) return (batch) => batch
  const arrowSchema = toArrowSchema(wide)
  const columns = wide.fields.map((field) => {
    const index = stored.fields.findIndex(({ id }) => id === field.id)
    return { index, make: isMetadataField(field) ? metadataColumn(field, task, partition) : undefined }
  })
  return (batch, position, live) => {
    const rows = batch.numRows
    const children = columns.flatMap(({ index, make }): Data[] => {
      const read = batch.data.children[index]
      if (make !== undefined) return [make({ position, rows, live, stored: read })]
      return read === undefined ? [] : [read]
    })
    const type = new Struct(arrowSchema.fields)
    return new RecordBatch(arrowSchema, makeData({ type, length: rows, nullCount: 0, children }))
  }
}

/** By the statistics in the footer, then by bloom filters. */
async function matchingRowGroups(
  task: FileScanTask,
  source: OpenParquetSource,
  schema: Schema,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  return bloomMatches(source, statsMatches(task, source.footer, schema), task.residual, { signal })
}

function statsMatches(task: FileScanTask, footer: ParquetFooter, schema: Schema): number[] {
  const { residual, rowGroups, range } = task
  const all = rowGroups ?? footer.rowGroups.keys()
  const isWithin = (index: number): boolean => {
    const offset = footer.rowGroups[index]?.offset ?? 0
    return range === undefined || (offset >= range.start && offset < (range.end ?? Infinity))
  }
  return [...all].filter((index) => isWithin(index) && statsMightMatch(residual, rowGroupStats(footer, index, schema)))
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

/** Where no column of the file is needed, it isn't read. */
function* rowsWithoutColumns(first: number, end: number): Generator<StoredBatch, void, undefined> {
  const schema = toArrowSchema({ schemaId: 0, fields: [], identifierFieldIds: [] })
  for (let start = first; start < end; start += BATCH_ROWS) {
    const length = Math.min(BATCH_ROWS, end - start)
    const data = makeData({ type: new Struct([]), length, nullCount: 0, children: [] })
    yield { batch: new RecordBatch(schema, data), position: start }
  }
}
