/**
 * A handle on one table of a catalog: what all tables that can be read have, and the writes. One `TableOperations`
 * inside knows how to commit.
 */
import { InvalidDataError, SnapshotExpiredError } from '../base/errors.ts'
import type { NotFoundError } from '../base/errors.ts'
import { checkWritable } from '../manifest/manifest-writer.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { AppendQueue } from '../transaction/append-queue.ts'
import type { TableOperations } from '../transaction/operations.ts'
import { toBatches } from '../write/append-input.ts'
import type { AppendInput } from '../write/append-input.ts'
import { TableWriter } from '../write/table-writer.ts'
import type { WriteResult } from '../write/table-writer.ts'
import { ReadableTable } from './readable-table.ts'

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

export class Table extends ReadableTable {
  readonly #operations: TableOperations
  readonly #appends: AppendQueue

  constructor(operations: TableOperations) {
    super(operations)
    this.#operations = operations
    this.#appends = new AppendQueue(operations)
  }

  /** Reads what other writers committed since. */
  async refresh(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<this> {
    await this.#operations.refresh(options.signal)
    return this
  }

  /**
   * Appends rows in one commit: objects, Arrow tables or batches, or (async) iterables of either. All or nothing.
   * Errors: ValidationError naming row, column, value and type; UnsupportedError for tables of format version 1;
   * CommitFailedError; CommitStateUnknownError.
   */
  async append(input: AppendInput, { summary, signal }: AppendOptions = {}): Promise<AppendResult> {
    const { io, runtime, reporter } = this.#operations
    const { metadata } = this
    checkWritable(metadata.formatVersion)
    const writer = new TableWriter({ io, runtime, metadata, writeId: runtime.uuid(), reporter, signal })
    const written = await this.#write(writer, input, signal)
    const files = written.dataFiles.length
    if (files === 0) return { rows: 0n, files, sizeBytes: 0, snapshotId: undefined, attempts: 0 }
    const { snapshotId, attempts } = await this.#appends.commit({ ...written, summary }, signal)
    const sizeBytes = written.dataFiles.reduce((sum, file) => sum + file.fileSizeInBytes, 0)
    return { rows: BigInt(written.rows), files, sizeBytes, snapshotId, attempts }
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
  protected override async explainMissing(read: TableMetadata, cause: NotFoundError): Promise<Error> {
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
