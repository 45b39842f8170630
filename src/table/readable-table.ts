/** What all tables share that can be read, named in a catalog or opened by a metadata file: facts, history, scans. */
import type { Table as ArrowTable } from 'apache-arrow'
import type { NotFoundError } from '../base/errors.ts'
import type { Reporter } from '../base/events.ts'
import type { Runtime } from '../base/runtime.ts'
import type { Expression } from '../expr/expression.ts'
import type { FileIO } from '../io/file-io.ts'
import { TableScan } from '../scan/table-scan.ts'
import type { ScanOptions } from '../scan/table-scan.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { ManifestFile } from '../spec/data-file.ts'
import {
  type AsOf,
  currentSchema,
  currentSnapshot,
  defaultSortOrder,
  defaultSpec,
  resolveAsOf,
} from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { Schema } from '../spec/types.ts'
import type { TableBase } from '../transaction/operations.ts'
import { type InspectSource, type PartitionSummary, listManifests, summarizeFiles } from './inspect.ts'

export interface TableSource {
  /** Full name, or the location of the metadata file. */
  readonly name: string
  readonly io: FileIO
  readonly runtime: Runtime
  readonly reporter: Reporter | undefined
  readonly current: Pick<TableBase, 'metadata' | 'metadataLocation'>
}

export interface InspectOptions {
  /** A snapshot id, a time, or a branch or tag; the current snapshot by default. */
  readonly asOf?: AsOf | undefined
  readonly signal?: AbortSignal | undefined
}

export abstract class ReadableTable {
  readonly #source: TableSource

  constructor(source: TableSource) {
    this.#source = source
  }

  /** Full name, `travel.flights`; of a table without one the location of its metadata file. */
  get name(): string {
    return this.#source.name
  }

  /** By which its files are read. */
  get io(): FileIO {
    return this.#source.io
  }

  get metadata(): TableMetadata {
    return this.#source.current.metadata
  }

  get metadataLocation(): string {
    return this.#source.current.metadataLocation
  }

  /** As the metadata records it. */
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

  /** A lazy scan of one snapshot: iterate it for Arrow batches, or call rows(), toArrow(), count(), planFiles(). */
  scan(options: ScanOptions = {}): TableScan {
    const { io, runtime, reporter, name } = this.#source
    const { metadata, metadataLocation } = this.#source.current
    const onMissing = (cause: NotFoundError): Promise<Error> => this.explainMissing(metadata, cause)
    return new TableScan({ io, runtime, reporter, name, metadata, metadataLocation, onMissing }, options)
  }

  /** The manifests of a snapshot, deletes among them. Errors: NotFoundError for a snapshot that is not there. */
  manifests(options: InspectOptions = {}): Promise<readonly ManifestFile[]> {
    return listManifests(this.#inspected(options))
  }

  /** The files of a snapshot, counted by partition. Errors: as `manifests`. */
  partitions(options: InspectOptions = {}): Promise<readonly PartitionSummary[]> {
    return summarizeFiles(this.#inspected(options))
  }

  #inspected({ asOf, signal }: InspectOptions): InspectSource {
    const { metadata } = this
    const snapshot = asOf === undefined ? this.currentSnapshot : resolveAsOf(metadata, asOf)
    return { io: this.#source.io, metadata, snapshot, signal }
  }

  /** Rows that match, as a bigint. */
  count(where?: Expression | string): Promise<bigint> {
    return this.scan({ where }).count()
  }

  toArrow(options: ScanOptions = {}): Promise<ArrowTable> {
    return this.scan(options).toArrow()
  }

  /** The error to raise where a file that `read` names is not there. */
  protected abstract explainMissing(read: TableMetadata, cause: NotFoundError): Promise<Error>
}
