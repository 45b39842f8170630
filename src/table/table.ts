/**
 * A handle on one table: append, scan, history. Immutable data inside, one `TableOperations` that knows how to commit.
 */
import type { Table as ArrowTable } from 'apache-arrow'
import { InvalidDataError, NotFoundError, SnapshotExpiredError } from '../base/errors.ts'
import type { Expression } from '../expr/expression.ts'
import { TableScan } from '../scan/table-scan.ts'
import type { ScanOptions } from '../scan/table-scan.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import { currentSchema, currentSnapshot, defaultSortOrder, defaultSpec } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { Schema } from '../spec/types.ts'
import { AppendAction } from '../transaction/append.ts'
import { commitTable } from '../transaction/commit.ts'
import type { TableOperations } from '../transaction/operations.ts'
import { toBatches } from '../write/append-input.ts'
import type { AppendInput } from '../write/append-input.ts'
import { TableWriter } from '../write/table-writer.ts'
import type { WriteResult } from '../write/table-writer.ts'

export interface AppendOptions {
  /** Entries added to the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
}

/** `snapshotId` is undefined where there was nothing to append: no snapshot is made. */
export interface AppendResult {
  readonly rows: bigint
  readonly files: number
  readonly sizeBytes: number
  readonly snapshotId: bigint | undefined
  readonly attempts: number
}

export class Table {
  readonly #operations: TableOperations

  constructor(operations: TableOperations) {
    this.#operations = operations
  }

  /** Full name, `travel.flights`. */
  get name(): string {
    return this.#operations.name
  }

  get metadata(): TableMetadata {
    return this.#operations.current.metadata
  }

  get metadataLocation(): string {
    return this.#operations.current.metadataLocation
  }

  get location(): string {
    return this.metadata.location
  }

  get schema(): Schema {
    return currentSchema(this.metadata)
  }

  get partitionSpec(): PartitionSpec {
    return defaultSpec(this.metadata)
  }

  get sortOrder(): SortOrder {
    return defaultSortOrder(this.metadata)
  }

  get currentSnapshot(): Snapshot | undefined {
    return currentSnapshot(this.metadata)
  }

  /** Oldest first. */
  get snapshots(): readonly Snapshot[] {
    return this.metadata.snapshots
  }

  /** Reads what other writers committed since. */
  async refresh(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<this> {
    await this.#operations.refresh(options.signal)
    return this
  }

  /**
   * Appends rows in one commit: objects, Arrow tables or batches, or (async) iterables of either. All or nothing.
   * Errors: ValidationError naming row, column, value and type; CommitFailedError; CommitStateUnknownError.
   */
  async append(input: AppendInput, { summary, signal }: AppendOptions = {}): Promise<AppendResult> {
    const { io, runtime, reporter } = this.#operations
    const { metadata } = this
    const writer = new TableWriter({ io, runtime, metadata, writeId: runtime.uuid(), reporter, signal })
    const written = await this.#write(writer, input, signal)
    const files = written.dataFiles.length
    if (files === 0) return { rows: 0n, files, sizeBytes: 0, snapshotId: undefined, attempts: 0 }
    const action = new AppendAction(this.#operations, { ...written, summary })
    const { attempts } = await commitTable(this.#operations, action, { signal })
    const sizeBytes = written.dataFiles.reduce((sum, file) => sum + file.fileSizeInBytes, 0)
    return { rows: BigInt(written.rows), files, sizeBytes, snapshotId: action.snapshotId, attempts }
  }

  /** A lazy scan of one snapshot: iterate it for Arrow batches, or call rows(), toArrow(), count(), planFiles(). */
  scan(options: ScanOptions = {}): TableScan {
    const { io, runtime, reporter, name } = this.#operations
    const { metadata, metadataLocation } = this.#operations.current
    return new TableScan(
      {
        io,
        runtime,
        reporter,
        name,
        metadata,
        metadataLocation,
        onMissing: (cause) => this.#explainMissing(metadata, cause),
      },
      options,
    )
  }

  /** Rows that match, as a bigint. */
  count(where?: Expression | string): Promise<bigint> {
    return this.scan({ where }).count()
  }

  toArrow(options: ScanOptions = {}): Promise<ArrowTable> {
    return this.scan(options).toArrow()
  }

  async #write(writer: TableWriter, input: AppendInput, signal: AbortSignal | undefined): Promise<WriteResult> {
    try {
      for await (const batch of toBatches(input, this.schema, { signal })) await writer.write(batch)
      return await writer.close()
    } catch (error) {
      await writer.abort()
      throw error
    }
  }

  /** A file of a snapshot is gone: either the snapshot was expired under the reader, or the table is damaged. */
  async #explainMissing(read: TableMetadata, cause: NotFoundError): Promise<Error> {
    const { metadata } = await this.#operations.refresh()
    const gone = read.snapshots.filter((s) => !metadata.snapshots.some((now) => now.snapshotId === s.snapshotId))
    const context = { table: this.name, ...cause.context }
    if (gone.length > 0) {
      return new SnapshotExpiredError(`a snapshot of ${this.name} was expired while it was read: scan again`, {
        context,
        cause,
      })
    }
    return new InvalidDataError(`${this.name} names a file that is not there: ${cause.message}`, { context, cause })
  }
}
