/**
 * Batches in the table's schema → data files in the store, not committed: the second half of every append. Rows go to
 * their partitions' files, which are sent as they are encoded; the promises of the uploads are handed on, so that the
 * commit awaits them together with its metadata (ARCHITECTURE.md, "Commit").
 *
 * Memory has one budget, and this class keeps it: half of it for rows that wait or are being encoded, half for files in
 * flight. Whoever brings rows waits while either is full. Rows that are to be sorted go to disk where they are too many.
 */
import type { RecordBatch } from 'apache-arrow'
import { ValidationError } from '../base/errors.ts'
import type { Reporter } from '../base/events.ts'
import type { Runtime } from '../base/runtime.ts'
import { parquetMetrics } from '../format/parquet-metrics.ts'
import type { FileIO } from '../io/file-io.ts'
import { TempFile } from '../io/temp-file.ts'
import type { DataFile, PartitionData } from '../spec/data-file.ts'
import { metricsModes } from '../spec/metrics-modes.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import type { MetricsMode } from '../spec/properties.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { Schema } from '../spec/types.ts'
import { dataFileName, locationProvider } from './location-provider.ts'
import type { LocationProvider } from './location-provider.ts'
import { Partitioner, rowsOf } from './partitioner.ts'
import { RollingWriter } from './rolling-writer.ts'
import type { WrittenFile } from './rolling-writer.ts'
import { UploadQueue } from './upload-queue.ts'
import type { FileUpload } from './upload-queue.ts'
import { readWriteSettings } from './write-settings.ts'
import type { WriteSettings } from './write-settings.ts'

export interface TableWriterOptions {
  readonly io: FileIO
  readonly runtime: Runtime
  readonly metadata: TableMetadata
  /** Part of every file's name: a UUID that no other write has. */
  readonly writeId: string
  readonly reporter?: Reporter | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Memory for rows and files, 256 MiB. Where the open files of all partitions hold more than half of it, the largest
   * gets a row group of what there is, or is closed early; of sorted tables, its rows go to disk.
   */
  readonly memoryBytes?: number | undefined
  /** Where rows of sorted tables go that memory can't hold: the system's folder for temporary files, unless given. */
  readonly tempFolder?: string | undefined
}

export interface WriteResult {
  readonly dataFiles: readonly DataFile[]
  /** One per file, some still under way. None goes unhandled: whoever doesn't await them may drop them. */
  readonly uploads: readonly Promise<unknown>[]
  /** The store's time heard before the first upload began. */
  readonly sessionStartMs: number
  readonly rows: number
}

interface OpenPartition {
  readonly index: number
  readonly partition: PartitionData
  readonly writer: RollingWriter
}

const DEFAULT_MEMORY_BYTES = 256 * 2 ** 20
/** Of the memory for rows, what waits in one file: it has three row groups at once, one that fills and two being encoded. */
const BUFFER_SHARE = 3 / 16
const LEAST_BUFFER_BYTES = 2 ** 20

export class TableWriter {
  readonly #io: FileIO
  readonly #runtime: Runtime
  readonly #reporter: Reporter | undefined
  readonly #signal: AbortSignal | undefined
  readonly #location: string
  readonly #writeId: string
  /** What open files may hold. */
  readonly #openBytes: number
  readonly #tempFolder: string | undefined
  readonly #schema: Schema
  readonly #spec: PartitionSpec
  readonly #sortOrder: SortOrder
  readonly #settings: WriteSettings
  readonly #locationOf: LocationProvider
  readonly #metricsMode: (fieldId: number) => MetricsMode
  readonly #partitioner: Partitioner
  readonly #uploads: UploadQueue
  readonly #open = new Map<number, OpenPartition>()
  readonly #dataFiles: DataFile[] = []
  /** Of all files that began to be sent, finished or not. */
  readonly #locations: string[] = []
  #sessionStartMs: number | undefined
  #temp: Promise<TempFile> | undefined
  #rows = 0
  #state: 'open' | 'closed' | 'failed' = 'open'

  /** Errors: UnsupportedError naming the table's setting, transform or type that can't be written; ValidationError for no memory. */
  constructor(options: TableWriterOptions) {
    const { metadata, memoryBytes = DEFAULT_MEMORY_BYTES } = options
    if (!(memoryBytes > 0)) throw new ValidationError(`memory of ${memoryBytes} bytes holds no rows`)
    this.#io = options.io
    this.#runtime = options.runtime
    this.#reporter = options.reporter
    this.#signal = options.signal
    this.#location = metadata.location
    this.#writeId = options.writeId
    this.#openBytes = memoryBytes / 2
    this.#tempFolder = options.tempFolder
    this.#schema = currentSchema(metadata)
    this.#spec = defaultSpec(metadata)
    this.#sortOrder = defaultSortOrder(metadata)
    this.#settings = readWriteSettings(metadata.properties)
    this.#locationOf = locationProvider(metadata, this.#schema, this.#spec)
    const { properties } = metadata
    this.#metricsMode = metricsModes({ schema: this.#schema, sortOrder: this.#sortOrder, properties })
    this.#partitioner = new Partitioner(this.#schema, this.#spec)
    this.#uploads = new UploadQueue(options.io, { ...options, maxBytes: memoryBytes / 2 })
  }

  /**
   * Adds a batch in `toArrowSchema` of the table's schema; resolves when another may come. After an error the writer
   * takes no more: call `abort`.
   */
  async write(batch: RecordBatch): Promise<void> {
    this.#checkOpen()
    await this.#guard(async () => {
      for (const part of this.#partitioner.split(batch)) {
        const open = this.#open.get(part.index) ?? this.#openPartition(part.index, part.partition)
        this.#record(open, await open.writer.write(rowsOf(batch, part)))
      }
      this.#rows += batch.numRows
      await this.#keepWithinMemory()
    })
  }

  /** Closes all files and starts their uploads. */
  async close(): Promise<WriteResult> {
    this.#checkOpen()
    return await this.#guard(async () => {
      for (const open of this.#open.values()) {
        this.#open.delete(open.index)
        this.#record(open, await open.writer.finish())
      }
      await this.#closeTemp()
      const sessionStartMs = this.#sessionStartMs ?? (await this.#io.storeTimeMs({ signal: this.#signal }))
      this.#state = 'closed'
      return { dataFiles: [...this.#dataFiles], uploads: this.#uploads.all, sessionStartMs, rows: this.#rows }
    })
  }

  /**
   * Ends the write and deletes what it uploaded, once all of that has come to rest. Not for files already committed.
   * Never throws, so as not to hide why the write failed: files that stay are reported, and orphan removal finds them.
   */
  async abort(): Promise<void> {
    this.#state = 'failed'
    this.#open.clear()
    await this.#closeTemp()
    await this.#uploads.abort()
    const locations = this.#locations.splice(0)
    if (locations.length === 0) return
    try {
      await this.#io.delete(locations)
    } catch (cause) {
      this.#reporter?.({ type: 'cleanup-failed', table: this.#location, files: locations.length, cause })
    }
  }

  /** Disposing of a writer that was not closed deletes what it uploaded. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'closed') await this.abort()
  }

  #checkOpen(): void {
    this.#signal?.throwIfAborted()
    if (this.#state !== 'open') throw new ValidationError(`the writer is ${this.#state}: start a new write`)
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.#state = 'failed'
      throw error
    }
  }

  #openPartition(index: number, partition: PartitionData): OpenPartition {
    const writer = new RollingWriter({
      schema: this.#schema,
      sortOrder: this.#sortOrder,
      settings: this.#settings,
      sortBytes: this.#openBytes / 2,
      openTemp: () => (this.#temp ??= TempFile.create(this.#runtime, this.#tempFolder)),
      signal: this.#signal,
      bufferBytes: Math.max(LEAST_BUFFER_BYTES, this.#openBytes * BUFFER_SHARE),
      openFile: () => this.#openFile(partition),
    })
    const open = { index, partition, writer }
    this.#open.set(index, open)
    return open
  }

  async #closeTemp(): Promise<void> {
    const temp = this.#temp
    this.#temp = undefined
    // Where it could not be opened, whoever asked for it was told.
    await (await temp?.catch(() => undefined))?.close()
  }

  /** A lone file may grow to its target size; beside others the largest gives way. */
  async #keepWithinMemory(): Promise<void> {
    const heldBytes = (): number => [...this.#open.values()].reduce((sum, { writer }) => sum + writer.heldBytes, 0)
    while (this.#open.size > 1 && heldBytes() > this.#openBytes) {
      const largest = [...this.#open.values()].reduce((a, b) => (b.writer.heldBytes > a.writer.heldBytes ? b : a))
      this.#record(largest, await largest.writer.shrink())
      if (largest.writer.heldBytes === 0 && !this.#isSorted) this.#open.delete(largest.index)
    }
  }

  get #isSorted(): boolean {
    return this.#sortOrder.fields.length > 0
  }

  async #openFile(partition: PartitionData): Promise<FileUpload> {
    this.#signal?.throwIfAborted()
    this.#sessionStartMs ??= await this.#io.storeTimeMs({ signal: this.#signal })
    const location = this.#locationOf(partition, dataFileName(this.#writeId, this.#locations.length + 1))
    // Recorded first: an upload that fails may still have left the object.
    this.#locations.push(location)
    return this.#uploads.open(location)
  }

  #record({ partition }: OpenPartition, files: readonly WrittenFile[]): void {
    for (const file of files) {
      const dataFile = this.#describe(file, partition)
      this.#dataFiles.push(dataFile)
      this.#reporter?.({
        type: 'file-written',
        location: dataFile.filePath,
        rows: dataFile.recordCount,
        sizeBytes: dataFile.fileSizeInBytes,
      })
    }
  }

  #describe({ location, encoded }: WrittenFile, partition: PartitionData): DataFile {
    const { footer, nanValueCounts, extents } = encoded
    return {
      content: 'data',
      filePath: location,
      fileFormat: 'parquet',
      specId: this.#spec.specId,
      partition,
      fileSizeInBytes: encoded.sizeBytes,
      sortOrderId: this.#sortOrder.orderId,
      ...parquetMetrics(footer, this.#schema, this.#metricsMode, nanValueCounts, extents),
    }
  }
}
