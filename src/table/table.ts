/**
 * A handle on one table of a catalog: what all tables that can be read have, and the writes. One `TableOperations`
 * inside knows how to commit.
 */
import { InvalidDataError, SnapshotExpiredError } from '../base/errors.ts'
import type { NotFoundError } from '../base/errors.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { AppendQueue } from '../transaction/append-queue.ts'
import type { TableOperations } from '../transaction/operations.ts'
import { toBatches } from '../write/append-input.ts'
import type { AppendInput } from '../write/append-input.ts'
import { addFiles } from './add-files.ts'
import type { AddFilesOptions, AddFilesResult } from './add-files.ts'
import { appendRows } from './append-rows.ts'
import type { AppendResult, AppendTarget } from './append-rows.ts'
import { BufferedAppender } from './buffered-appender.ts'
import type { BufferedAppenderOptions } from './buffered-appender.ts'
import { ReadableTable } from './readable-table.ts'

export interface AppendOptions {
  /** Entries added to the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
  /** For rows that wait and files under way, 256 MiB; the process takes about twice that. Less makes smaller row groups. */
  readonly memoryBytes?: number | undefined
  /** A folder on disk for rows of sorted tables that memory can't hold: the system's for temporary files (TMPDIR). */
  readonly tempFolder?: string | undefined
}

export class Table extends ReadableTable {
  readonly #operations: TableOperations
  readonly #target: AppendTarget

  constructor(operations: TableOperations) {
    super(operations)
    this.#operations = operations
    this.#target = { operations, queue: new AppendQueue(operations) }
  }

  /** Reads what other writers committed since. */
  async refresh(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<this> {
    await this.#operations.refresh({ signal: options.signal })
    return this
  }

  /**
   * Appends rows in one commit: objects, Arrow tables or batches, or (async) iterables of either. All or nothing.
   * Errors: ValidationError naming row, column, value and type; UnsupportedError for tables of format version 1;
   * CommitFailedError; CommitStateUnknownError.
   */
  append(input: AppendInput, options: AppendOptions = {}): Promise<AppendResult> {
    const { metadata } = this
    const { summary, signal, memoryBytes, tempFolder } = options
    const batches = toBatches(input, this.schema, { signal })
    return appendRows(this.#target, { metadata, batches, summary, signal, memoryBytes, tempFolder })
  }

  /**
   * Makes existing Parquet files part of the table without rewriting them, in one commit: files, or folders with all files
   * below. Columns are found by field id, in files without ids by name. Errors: ValidationError naming file and column or
   * partition field; AlreadyExistsError for a file that the table has; InvalidDataError for what is no Parquet file;
   * CommitFailedError; CommitStateUnknownError.
   */
  addFiles(paths: string | readonly string[], options: AddFilesOptions = {}): Promise<AddFilesResult> {
    return addFiles(this.#operations, typeof paths === 'string' ? [paths] : paths, options)
  }

  /** An appender that gathers rows to commits of a good size. With a stream, where that stands is read first. */
  async bufferedAppender(options: BufferedAppenderOptions = {}): Promise<BufferedAppender> {
    if (options.stream !== undefined) await this.#operations.refresh({ signal: options.signal })
    return new BufferedAppender(this.#target, options)
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
