/**
 * A scan of one snapshot: lazy, so nothing is fetched until it is iterated, counted or planned, and each of these runs
 * anew. Composes the read flow: resolve-scan → plan-files → read-ahead over read-task → consumer.
 */
import { type RecordBatch, Table as ArrowTable } from 'apache-arrow'
import { mapConcurrent } from '../base/concurrency.ts'
import { NotFoundError, ValidationError } from '../base/errors.ts'
import type { Reporter } from '../base/events.ts'
import { flatten } from '../base/flatten.ts'
import type { Runtime } from '../base/runtime.ts'
import { printExpression } from '../expr/expression.ts'
import { fileMustMatch } from '../expr/metrics-evaluator.ts'
import { toArrowSchema } from '../format/arrow-schema.ts'
import { type Row, rowGetter } from '../format/arrow-values.ts'
import type { FileIO } from '../io/file-io.ts'
import { NAME_MAPPING } from '../spec/name-mapping.ts'
import {
  SPLIT_LOOKBACK,
  SPLIT_LOOKBACK_DEFAULT,
  SPLIT_OPEN_FILE_COST,
  SPLIT_OPEN_FILE_COST_DEFAULT,
  SPLIT_SIZE,
  SPLIT_SIZE_DEFAULT,
  type TableProperties,
  longProperty,
} from '../spec/properties.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { Schema } from '../spec/types.ts'
import { DeleteReader } from './delete-reader.ts'
import { type PlanTotals, newPlanTotals, planFiles } from './plan-files.ts'
import { readAhead } from './read-ahead.ts'
import {
  type PrunedTask,
  type ReadContext,
  type ReadTotals,
  countTask,
  estimateRequests,
  leastLiveRows,
  liveRowCount,
  openingBytes,
  pruneRowGroups,
  readTask,
  rowGroupCount,
} from './read-task.ts'
import { type ResolvedScan, type ScanOptions, resolveScan } from './resolve-scan.ts'
import type { DeleteFile, FileScanTask, ScanPlan } from './scan-task.ts'
import { type ScanSplit, type SplitSizes, parseSplit, printSplit, splitTasks } from './split-tasks.ts'

export type { ScanOptions } from './resolve-scan.ts'
export type { ScanSplit } from './split-tasks.ts'

/** Files read at once, and bytes that they may hold, fetched and decoded (openingBytes). */
const MAX_OPEN_FILES = 16
const MAX_OPEN_BYTES = 64 * 1024 * 1024

export interface ScanSource {
  readonly io: FileIO
  readonly metadata: TableMetadata
  readonly metadataLocation?: string | undefined
  /** Full name of the table, for reports. */
  readonly name: string
  readonly reporter?: Reporter | undefined
  readonly runtime: Runtime
  /** Asked when a file of the snapshot is not there: the error to raise in place of NotFoundError. */
  readonly onMissing?: ((cause: NotFoundError) => Promise<Error>) | undefined
}

export interface SplitOptions {
  /** `read.split.target-size` of the table unless said, else 128 MiB. */
  readonly splitSizeBytes?: number | undefined
}

export interface PlanOptions {
  /** Reads the footers of the planned files, to tell which of their row groups may match. */
  readonly rowGroups?: boolean | undefined
}

export class TableScan implements AsyncIterable<RecordBatch> {
  readonly #source: ScanSource
  readonly #scan: ResolvedScan
  readonly #signal: AbortSignal | undefined

  /** Errors: ValidationError, UnsupportedError and NotFoundError for options that don't fit the table. */
  constructor(source: ScanSource, options: ScanOptions = {}) {
    this.#source = source
    this.#scan = resolveScan(source.metadata, options)
    this.#signal = options.signal
  }

  /** The columns of the result. */
  get schema(): Schema {
    return this.#scan.selected
  }

  /** Undefined for a table without snapshots. */
  get snapshot(): Snapshot | undefined {
    return this.#scan.snapshot
  }

  /**
   * Batches in the order of the files. Leaving the loop early aborts what is in flight. Errors: InvalidDataError
   * naming the file, UnsupportedError for files in other formats than Parquet, those of the store.
   */
  [Symbol.asyncIterator](): AsyncGenerator<RecordBatch, void, undefined> {
    return this.#explained(this.#batches())
  }

  /** Rows as objects: bigint for long, ISO strings for times, Map for map … */
  async *rows(): AsyncGenerator<Row, void, undefined> {
    const { selected } = this.#scan
    for await (const batch of this) {
      const get = rowGetter(batch, selected)
      for (let row = 0; row < batch.numRows; row++) yield get(row)
    }
  }

  /** All rows in memory; a table with the columns of the scan also where there are none. */
  async toArrow(): Promise<ArrowTable> {
    const batches: RecordBatch[] = []
    for await (const batch of this) batches.push(batch)
    return new ArrowTable(toArrowSchema(this.#scan.selected), batches)
  }

  /** How many rows the scan gives; files whose metadata proves that all their rows match are not read. */
  async count(): Promise<bigint> {
    const { limit } = this.#scan
    let count = 0n
    for await (const rows of this.#explained(this.#counts())) {
      count += BigInt(rows)
      if (limit !== undefined && count >= BigInt(limit)) return BigInt(limit)
    }
    return count
  }

  /** The files to read, streamed as manifests arrive. */
  planFiles(): AsyncGenerator<FileScanTask, void, undefined> {
    return flatten(this.#explained(this.#plan(newPlanTotals(), this.#signal)))
  }

  /**
   * The files to read, with totals of what the plan spares and costs. With `rowGroups` the footers of these files are
   * read too, and each task is left the row groups that may match.
   */
  async plan({ rowGroups = false }: PlanOptions = {}): Promise<ScanPlan> {
    const totals = newPlanTotals()
    const context = this.#context(this.#signal)
    const tasks: FileScanTask[] = []
    let rowGroupsInFiles = 0
    for await (const planned of this.#explained(this.#plan(totals, this.#signal))) {
      for (const task of planned) {
        rowGroupsInFiles += rowGroupCount(task)
        tasks.push(task)
      }
    }
    const left = rowGroups ? await this.#pruned(tasks, context) : undefined
    const pruned = left?.map(({ task }) => task) ?? tasks
    const rowGroupsLeft = left && pruned.reduce((sum, task) => sum + rowGroupCount(task), 0)
    const pages = left?.reduce(
      (sum, each) => ({ total: sum.total + each.pages.total, planned: sum.planned + each.pages.planned }),
      { total: 0, planned: 0 },
    )
    return {
      snapshotId: this.#scan.snapshot?.snapshotId,
      manifests: { total: totals.manifests, read: totals.manifestsRead },
      files: { total: totals.files, planned: totals.filesPlanned },
      deleteManifests: { total: totals.deleteManifests, read: totals.deleteManifestsRead },
      deleteFiles: { total: totals.deleteFiles, planned: totals.deleteFilesPlanned.size },
      rowGroups: { total: rowGroupsInFiles, planned: rowGroupsLeft },
      pages,
      bytes: totals.bytes,
      requests: pruned.reduce(
        (sum, task) => sum + estimateRequests(task),
        totals.requests + deleteRequests(totals.deleteFilesPlanned),
      ),
      planningRequests: totals.requests,
      tasks: pruned,
    }
  }

  /**
   * The plan in splits for parallel readers, each of about `splitSizeBytes` (`read.split.target-size`): rows are in
   * exactly one. ValidationError for a scan with a limit, which no reader could keep by itself.
   */
  async *planSplits(options: SplitOptions = {}): AsyncGenerator<ScanSplit, void, undefined> {
    const { metadata } = this.#source
    if (this.#scan.limit !== undefined) throw new ValidationError("a scan with a limit can't be split: leave it out")
    const sizes = splitSizes(metadata.properties, options)
    for await (const tasks of splitTasks(this.planFiles(), sizes)) yield printSplit(tasks, this.#scan, metadata)
  }

  /**
   * The rows of a split that `planSplits` gave, as batches; the scan must have the same snapshot, filter and columns as
   * the one that was planned. Errors: ValidationError for a split of another snapshot; else as for iteration.
   */
  readSplit({ text }: Pick<ScanSplit, 'text'>): AsyncGenerator<RecordBatch, void, undefined> {
    const tasks = parseSplit(text, this.#scan, this.#source.metadata)
    return this.#explained(this.#readTasks(() => listed(tasks), readTask))
  }

  async #pruned(tasks: readonly FileScanTask[], context: ReadContext): Promise<PrunedTask[]> {
    const pruned: PrunedTask[] = []
    const reading = mapConcurrent(tasks, MAX_OPEN_FILES, (task) => pruneRowGroups(task, context))
    for await (const task of this.#explained(reading)) pruned.push(task)
    return pruned
  }

  #context(signal: AbortSignal | undefined): ReadContext {
    const { io, metadata } = this.#source
    const { schema, deleteMemoryBytes } = this.#scan
    const deletes = new DeleteReader({ io, metadata, schema, signal }, deleteMemoryBytes)
    return { io, scan: this.#scan, deletes, nameMapping: metadata.properties[NAME_MAPPING], signal }
  }

  async *#batches(): AsyncGenerator<RecordBatch, void, undefined> {
    let left = this.#scan.limit ?? Infinity
    if (left === 0) return
    for await (const batch of this.#read((task, context) => readTask(task, context))) {
      yield batch.numRows <= left ? batch : batch.slice(0, left)
      left -= batch.numRows
      if (left <= 0) return
    }
  }

  async *#counts(): AsyncGenerator<number, void, undefined> {
    if (this.#scan.limit === 0) return
    yield* this.#read(async function* (task, context) {
      const allMatch = fileMustMatch(task.residual, task.file, context.scan.schema)
      yield (allMatch ? liveRowCount(task, context) : undefined) ?? (await countTask(task, context))
    })
  }

  /** Plans, and reads the files in parallel by `open`. */
  #read<R>(open: OpenTask<R>): AsyncGenerator<R, void, undefined> {
    return this.#readTasks((signal) => flatten(this.#plan(newPlanTotals(), signal)), open)
  }

  async *#readTasks<R>(
    tasksOf: (signal: AbortSignal) => AsyncGenerator<FileScanTask, void, undefined>,
    open: OpenTask<R>,
  ): AsyncGenerator<R, void, undefined> {
    const stop = new AbortController()
    const signal = this.#signal === undefined ? stop.signal : AbortSignal.any([this.#signal, stop.signal])
    const { filter, limit } = this.#scan
    const totals: ReadTotals = { files: 0, rowGroups: 0, rowGroupsSkipped: 0, rows: 0, rowsRead: 0 }
    const context = { ...this.#context(signal), totals }
    const tasks = tasksOf(signal)
    signal.throwIfAborted()
    try {
      yield* readAhead(limit === undefined ? tasks : enoughFor(limit, tasks, context), {
        open: (task) => open(task, context),
        weigh: (task) => openingBytes(task, context),
        maxOpen: MAX_OPEN_FILES,
        maxBytes: MAX_OPEN_BYTES,
        rampUp: limit !== undefined && filter.type !== 'true',
        onStop: () => stop.abort(),
      })
    } finally {
      this.#reportRead(totals)
    }
  }

  /** The tasks of a manifest's block at once. */
  async *#plan(
    totals: PlanTotals,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly FileScanTask[], void, undefined> {
    const { io, metadata, runtime } = this.#source
    let spentMs = 0
    let resumedMs = runtime.monotonicMs()
    try {
      for await (const tasks of planFiles({ io, metadata, scan: this.#scan, signal }, totals)) {
        spentMs += runtime.monotonicMs() - resumedMs
        yield tasks
        resumedMs = runtime.monotonicMs()
      }
      spentMs += runtime.monotonicMs() - resumedMs
    } finally {
      this.#report(totals, spentMs)
    }
  }

  #report(totals: PlanTotals, planningDurationMs: number): void {
    this.#source.reporter?.({
      type: 'scan-report',
      table: this.#source.name,
      snapshotId: this.#scan.snapshot?.snapshotId,
      filter: printExpression(this.#scan.where),
      totalDataManifests: totals.manifests,
      scannedDataManifests: totals.manifestsRead,
      skippedDataManifests: totals.manifests - totals.manifestsRead,
      resultDataFiles: totals.filesPlanned,
      skippedDataFiles: totals.filesSkipped,
      totalDeleteManifests: totals.deleteManifests,
      scannedDeleteManifests: totals.deleteManifestsRead,
      skippedDeleteManifests: totals.deleteManifests - totals.deleteManifestsRead,
      resultDeleteFiles: totals.deleteFilesPlanned.size,
      totalFileSizeInBytes: totals.bytes,
      planningDurationMs,
    })
  }

  #reportRead({ files, rowGroups, rowGroupsSkipped, rows, rowsRead }: ReadTotals): void {
    this.#source.reporter?.({
      type: 'read-report',
      table: this.#source.name,
      snapshotId: this.#scan.snapshot?.snapshotId,
      files,
      totalRowGroups: rowGroups,
      skippedRowGroups: rowGroupsSkipped,
      totalRows: rows,
      decodedRows: rowsRead,
    })
  }

  /** A file that is not there is explained by who knows the table: expired under the reader, or lost. */
  async *#explained<T>(items: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
    try {
      yield* items
    } catch (error) {
      const { onMissing } = this.#source
      throw error instanceof NotFoundError && onMissing !== undefined ? await onMissing(error) : error
    }
  }
}

type OpenTask<R> = (task: FileScanTask, context: ReadContext) => AsyncGenerator<R, void, undefined>

function splitSizes(properties: TableProperties, { splitSizeBytes }: SplitOptions): SplitSizes {
  const size = splitSizeBytes ?? longProperty(properties, SPLIT_SIZE, SPLIT_SIZE_DEFAULT)
  if (!(size > 0)) throw new ValidationError(`a split of ${size} bytes holds nothing: use a positive number`)
  return {
    splitSizeBytes: size,
    openFileCostBytes: longProperty(properties, SPLIT_OPEN_FILE_COST, SPLIT_OPEN_FILE_COST_DEFAULT),
    lookback: longProperty(properties, SPLIT_LOOKBACK, SPLIT_LOOKBACK_DEFAULT),
  }
}

async function* listed<T>(items: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* items
}

/** Tasks until those that match entirely have `limit` rows: the ones after them can't be needed. */
async function* enoughFor(
  limit: number,
  tasks: AsyncGenerator<FileScanTask, void, undefined>,
  context: ReadContext,
): AsyncGenerator<FileScanTask, void, undefined> {
  let certain = 0
  for await (const task of tasks) {
    yield task
    if (task.residual.type === 'true') certain += leastLiveRows(task, context)
    if (certain >= limit) return
  }
}

/** One for each delete file, and for vectors that lie side by side. */
function deleteRequests(deletes: ReadonlySet<DeleteFile>): number {
  return new Set([...deletes].map(({ file, range }) => `${range?.offset} ${file.filePath}`)).size
}
