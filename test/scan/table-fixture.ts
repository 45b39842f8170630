/** Tables for the tests of scans, made by hand: every file, manifest and snapshot exactly as the test says. */
import { systemRuntime } from '../../src/base/runtime.ts'
import type { FirnEvent } from '../../src/base/events.ts'
import { type Row, rowGetter } from '../../src/format/arrow-values.ts'
import { parquetMetrics } from '../../src/format/parquet-metrics.ts'
import { createParquetWriter } from '../../src/format/parquet-writer.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO, dropMemoryStore } from '../../src/io/memory-file-io.ts'
import { encodeManifestList } from '../../src/manifest/manifest-list.ts'
import { encodeManifest } from '../../src/manifest/manifest-writer.ts'
import { type ScanOptions, type ScanSource, type ScanSplit, TableScan } from '../../src/scan/table-scan.ts'
import type { DataFile, ManifestFile, PartitionData } from '../../src/spec/data-file.ts'
import { newTableMetadata } from '../../src/spec/new-table-metadata.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { UNPARTITIONED } from '../../src/spec/partition-spec.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { UNSORTED } from '../../src/spec/sort-order.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import type { Schema } from '../../src/spec/types.ts'
import { RowPacker } from '../../src/write/rows-to-arrow.ts'

let tables = 0

export interface FileInput {
  readonly rows: readonly object[]
  readonly partition?: PartitionData
  readonly rowGroupRows?: number
  readonly pageSizeBytes?: number
  /** Columns that the file stores, where not those of the table. */
  readonly schema?: Schema
  /** Members that differ from those of the file written. */
  readonly override?: Partial<DataFile>
  readonly metrics?: 'full' | 'none'
}

export class TableFixture {
  readonly location: string
  readonly io: FileIO
  readonly events: FirnEvent[] = []
  metadata: TableMetadata
  manifests: readonly ManifestFile[] = []
  #files = 0

  constructor(schema: Schema, options: { readonly spec?: PartitionSpec; readonly formatVersion?: 2 | 3 } = {}) {
    const { spec = UNPARTITIONED, formatVersion = 2 } = options
    const store = `scan-${tables++}`
    dropMemoryStore(store)
    this.location = `memory://${store}/table`
    this.io = new MemoryFileIO({ runtime: systemRuntime })
    const empty = newTableMetadata({
      schema,
      partitionSpec: UNPARTITIONED,
      sortOrder: UNSORTED,
      location: this.location,
      properties: {},
      formatVersion,
      tableUuid: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
      nowMs: 1000,
    })
    // The ids as given: tests name columns by them.
    this.metadata = { ...empty, schemas: [schema], currentSchemaId: schema.schemaId, partitionSpecs: [spec] }
  }

  get schema(): Schema {
    return this.metadata.schemas.at(-1) as Schema
  }

  source(io: FileIO = this.io): ScanSource {
    const { metadata, events } = this
    return { io, metadata, name: 'db.table', runtime: systemRuntime, reporter: (event) => events.push(event) }
  }

  async writeFile(input: FileInput, specId = 0): Promise<DataFile> {
    const { rows, partition = [], rowGroupRows, pageSizeBytes, schema = this.schema } = input
    const { override = {}, metrics = 'full' } = input
    const packer = new RowPacker(schema)
    packer.append(rows)
    const writer = createParquetWriter({ schema, rowGroupRows, pageSizeBytes })
    writer.write(packer.finish())
    const { bytes, footer, nanValueCounts } = writer.finish()
    const filePath = `${this.location}/data/${this.#files++}.parquet`
    await this.io.write(filePath, bytes)
    const kind = metrics
    return {
      content: 'data',
      filePath,
      fileFormat: 'parquet',
      specId,
      partition,
      fileSizeInBytes: bytes.length,
      ...parquetMetrics(footer, schema, () => ({ kind }), nanValueCounts),
      ...override,
    }
  }

  /** One snapshot that adds one manifest for each list of files. */
  async append(manifests: readonly (readonly FileInput[])[], specId = 0): Promise<Snapshot> {
    const files: DataFile[][] = []
    for (const inputs of manifests) {
      const written: DataFile[] = []
      for (const input of inputs) written.push(await this.writeFile(input, specId))
      files.push(written)
    }
    return this.commit(files, specId)
  }

  async commit(manifests: readonly (readonly DataFile[])[], specId = 0): Promise<Snapshot> {
    const { metadata } = this
    const { formatVersion } = metadata
    const sequenceNumber = metadata.lastSequenceNumber + 1n
    const snapshotId = 100n + sequenceNumber
    const spec = metadata.partitionSpecs.find((candidate) => candidate.specId === specId) ?? UNPARTITIONED
    const added: ManifestFile[] = []
    for (const [i, files] of manifests.entries()) {
      const path = `${this.location}/metadata/${snapshotId}-m${i}.avro`
      const content = files.some((file) => file.content !== 'data') ? 'deletes' : 'data'
      const entries = files.map((dataFile) => ({
        status: 'added' as const,
        snapshotId,
        sequenceNumber: undefined,
        fileSequenceNumber: undefined,
        dataFile,
      }))
      const encoded = encodeManifest({ entries, spec, schema: this.schema, formatVersion, content, snapshotId, path })
      await this.io.write(path, encoded.bytes)
      added.push(encoded.manifestFile)
    }
    return this.commitManifests([...added, ...this.manifests])
  }

  async commitManifests(manifests: readonly ManifestFile[]): Promise<Snapshot> {
    const { metadata } = this
    const sequenceNumber = metadata.lastSequenceNumber + 1n
    const snapshotId = 100n + sequenceNumber
    const manifestList = `${this.location}/metadata/snap-${snapshotId}.avro`
    const list = encodeManifestList({
      manifests,
      snapshotId,
      parentSnapshotId: metadata.currentSnapshotId,
      sequenceNumber,
      formatVersion: metadata.formatVersion,
      firstRowId: metadata.formatVersion >= 3 ? metadata.nextRowId : undefined,
    })
    await this.io.write(manifestList, list.bytes)
    this.manifests = list.manifests
    const timestampMs = 1000 * Number(sequenceNumber)
    const snapshot: Snapshot = {
      snapshotId,
      parentSnapshotId: metadata.currentSnapshotId,
      sequenceNumber,
      timestampMs,
      manifestList,
      summary: { operation: 'append', properties: {} },
      schemaId: metadata.currentSchemaId,
    }
    this.metadata = {
      ...metadata,
      lastSequenceNumber: sequenceNumber,
      currentSnapshotId: snapshotId,
      snapshots: [...metadata.snapshots, snapshot],
      snapshotLog: [...metadata.snapshotLog, { timestampMs, snapshotId }],
      refs: { ...metadata.refs, main: { type: 'branch', snapshotId } },
      nextRowId: list.nextRowId ?? metadata.nextRowId,
    }
    return snapshot
  }

  /** Makes `schema` the table's current one. */
  evolve(schema: Schema): void {
    const { metadata } = this
    this.metadata = { ...metadata, schemas: [...metadata.schemas, schema], currentSchemaId: schema.schemaId }
  }

  addSpec(spec: PartitionSpec): void {
    const { metadata } = this
    this.metadata = {
      ...metadata,
      partitionSpecs: [...metadata.partitionSpecs, spec],
      defaultSpecId: spec.specId,
    }
  }
}

/** `io` with some of its methods replaced. */
export function withMethods(io: FileIO, methods: Partial<FileIO>): FileIO {
  return new Proxy(io, {
    get(target, key) {
      const member: unknown = Reflect.get(methods, key) ?? Reflect.get(target, key)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

/** A FileIO that tells which locations were read, by requests. */
export function spyOn(io: FileIO): { readonly io: FileIO; readonly reads: string[] } {
  const reads: string[] = []
  const spied = withMethods(io, {
    read: (location, options) => {
      reads.push(location)
      return io.read(location, options)
    },
    readRange: (location, range, options) => {
      reads.push(location)
      return io.readRange(location, range, options)
    },
  })
  return { io: spied, reads }
}

/** A promise to be resolved by the test. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let resolve: (() => void) | undefined
  const opened = new Promise<void>((done) => {
    resolve = done
  })
  return { opened, open: () => resolve?.() }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The rows of all splits of a scan, each read by a scan of its own and through JSON. */
export async function collectSplits(source: ScanSource, options: ScanOptions, splitSizeBytes?: number): Promise<Row[]> {
  const rows: Row[] = []
  for await (const split of new TableScan(source, options).planSplits({ splitSizeBytes })) {
    const reader = new TableScan(source, options)
    const { text } = JSON.parse(JSON.stringify(split)) as ScanSplit
    for await (const batch of reader.readSplit({ text })) {
      const get = rowGetter(batch, reader.schema)
      for (let row = 0; row < batch.numRows; row++) rows.push(get(row))
    }
  }
  return rows
}
