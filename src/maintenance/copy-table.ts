/**
 * Copies a table to another location, every location in it rewritten: data files and equality deletes as they are, delete
 * files that name others anew, then manifests, manifest lists and one metadata file. Nothing shows the copy before that file
 * is there, and what a run before has copied is not copied again.
 */
import { mapConcurrent } from '../base/concurrency.ts'
import { InvalidDataError, UnsupportedError, ValidationError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import type { FileIO, IoOptions } from '../io/file-io.ts'
import { joinLocation, lastSegment } from '../io/location.ts'
import { PART_SIZE_BYTES, readInParts } from '../io/stream.ts'
import { readManifest, readManifestList } from '../manifest/manifest-io.ts'
import { encodeManifestList } from '../manifest/manifest-list.ts'
import { encodeManifest } from '../manifest/manifest-writer.ts'
import { encodeByProperty, metadataFileName } from '../manifest/metadata-file.ts'
import type { DataFile, ManifestFile } from '../spec/data-file.ts'
import { findField } from '../spec/schema.ts'
import { currentSchema, specById } from '../spec/table-metadata-access.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { Schema } from '../spec/types.ts'
import type { ReadableTable } from '../table/readable-table.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import { moved, movedDeletes, namesFiles } from './moved-deletes.ts'
import type { MovedFile } from './moved-deletes.ts'
import { comparable, movedPaths, movedProperties } from './moved-paths.ts'
import type { MovePath } from './moved-paths.ts'

/** A table of a catalog, or one opened by its metadata file. */
export type CopySource = Pick<ReadableTable, 'name' | 'io' | 'metadata' | 'metadataLocation'>

export interface CopyTableOptions {
  /** The table's location there. */
  readonly to: string
  /** Of that location. */
  readonly io: FileIO
  /** All of them, or the current one alone, without branches, tags and history. */
  readonly snapshots?: 'all' | 'current' | undefined
  readonly signal?: AbortSignal | undefined
}

export interface CopiedTable {
  /** By which the copy can be registered, or opened. */
  readonly metadataLocation: string
  readonly snapshots: number
  readonly manifests: number
  /** Data and delete files of all snapshots, and how many of them this run copied. */
  readonly files: number
  readonly filesCopied: number
  readonly bytes: number
}

/** Files copied at once of each manifest. Those that are larger than a part go one at a time, part by part. */
const COPIES_IN_FLIGHT = 4
const MANIFESTS_IN_FLIGHT = 2

/**
 * A table of version 1 becomes one of version 2. Errors: UnsupportedError for encrypted tables, other file formats and tables
 * without a uuid; InvalidDataError where the copy is not whole.
 */
export async function copyTable(source: CopySource, options: CopyTableOptions): Promise<CopiedTable> {
  const { metadataLocation } = source
  const metadata = writable(source)
  if (metadata.encryptionKeys.length > 0) throw new UnsupportedError(`${source.name} is encrypted: it is not copied`)
  const to = options.to.replace(/\/+$/, '')
  const [from, there] = [comparable(metadata.location), comparable(to)]
  if (from === there || there.startsWith(`${from}/`) || from.startsWith(`${there}/`)) {
    throw new ValidationError(`${to} lies in or around ${metadata.location}: copy the table to another place`, {
      context: { from: metadata.location, to },
    })
  }
  return new TableCopy(source.io, selected(metadata, options.snapshots ?? 'all'), { ...options, to }).run(
    metadataLocation,
  )
}

/** Nothing but metadata tells version 1 from version 2, and the copy's is written anew: its sequence numbers are 0. */
function writable({ name, metadata }: CopySource): TableMetadata {
  if (metadata.formatVersion > 1) return metadata
  if (metadata.tableUuid !== '') return { ...metadata, formatVersion: 2 }
  throw new UnsupportedError(
    `${name} has no uuid: upgrade it to version 2 with the engine that writes it, then copy it`,
    {
      context: { table: name },
    },
  )
}

function selected(metadata: TableMetadata, which: 'all' | 'current'): TableMetadata {
  if (which === 'all') return metadata
  const { currentSnapshotId: id, snapshots, refs, snapshotLog } = metadata
  const isKept = ({ 'snapshot-id': of }: JsonObject): boolean =>
    (typeof of === 'bigint' || typeof of === 'number') && BigInt(of) === id
  return {
    ...metadata,
    snapshots: snapshots.filter(({ snapshotId }) => snapshotId === id),
    refs: Object.fromEntries(Object.entries(refs).filter(([name]) => name === 'main')),
    snapshotLog: snapshotLog.filter(({ snapshotId }) => snapshotId === id).slice(-1),
    statistics: metadata.statistics.filter(isKept),
    partitionStatistics: metadata.partitionStatistics.filter(isKept),
  }
}

class TableCopy {
  readonly #from: FileIO
  readonly #to: FileIO
  readonly #metadata: TableMetadata
  readonly #location: string
  readonly #move: MovePath
  readonly #options: IoOptions
  /** Sizes of what lies there already, by location. */
  readonly #there = new Map<string, number>()
  /** Files that were seen, and where they went. */
  readonly #files = new Map<string, Promise<MovedFile | undefined>>()
  #largeFile: Promise<unknown> = Promise.resolve()
  #filesCopied = 0
  #bytes = 0

  constructor(from: FileIO, metadata: TableMetadata, { to, io, signal }: CopyTableOptions) {
    this.#from = from
    this.#to = io
    this.#metadata = metadata
    this.#location = to
    this.#move = movedPaths(metadata, to)
    this.#options = { signal }
  }

  async run(metadataLocation: string): Promise<CopiedTable> {
    const { snapshots } = this.#metadata
    await this.#look()
    const lists = new Map<Snapshot, readonly ManifestFile[]>()
    for (const snapshot of snapshots) lists.set(snapshot, await this.#manifestsOf(snapshot))
    const manifests = new Map([...lists.values()].flat().map((manifest) => [manifest.manifestPath, manifest]))
    const copies = new Map<string, ManifestFile>()
    const copying = mapConcurrent(
      manifests.values(),
      MANIFESTS_IN_FLIGHT,
      async (manifest) => [manifest.manifestPath, await this.#copyManifest(manifest)] as const,
      this.#options.signal,
    )
    for await (const [path, manifest] of copying) copies.set(path, manifest)
    for (const [snapshot, list] of lists) await this.#writeList(snapshot, list, copies)
    await this.#copyStatistics()
    const location = await this.#writeMetadata(metadataLocation)
    await this.#verify(manifests.size)
    return {
      metadataLocation: location,
      snapshots: snapshots.length,
      manifests: manifests.size,
      files: this.#files.size,
      filesCopied: this.#filesCopied,
      bytes: this.#bytes,
    }
  }

  async #look(): Promise<void> {
    for await (const { entries } of this.#to.list(`${this.#location}/`, this.#options)) {
      for (const { location, sizeBytes } of entries) this.#there.set(location, sizeBytes)
    }
  }

  #manifestsOf(snapshot: Snapshot): Promise<readonly ManifestFile[]> {
    return readManifestList(this.#from, snapshot, this.#options)
  }

  async #copyManifest(manifest: ManifestFile): Promise<ManifestFile> {
    const metadata = this.#metadata
    const entries = await readManifest(this.#from, manifest, metadata, this.#options)
    const moving = mapConcurrent(
      entries,
      COPIES_IN_FLIGHT,
      async (entry) => ({ ...entry, dataFile: await this.#moveFile(entry.dataFile, entry.status !== 'deleted') }),
      this.#options.signal,
    )
    const copies: typeof entries = []
    for await (const entry of moving) copies.push(entry)
    const spec = specById(metadata, manifest.partitionSpecId)
    const path = this.#move(manifest.manifestPath)
    const { bytes, manifestFile } = encodeManifest({
      entries: copies,
      spec,
      schema: schemaWith(
        metadata,
        spec.fields.flatMap((field) => field.sourceIds),
      ),
      formatVersion: metadata.formatVersion,
      content: manifest.content,
      snapshotId: manifest.addedSnapshotId,
      path,
    })
    await this.#to.write(path, bytes, this.#options)
    return manifestFile
  }

  /** Of files that were deleted in a snapshot only the entry goes along. */
  async #moveFile(file: DataFile, isLive: boolean): Promise<DataFile> {
    const plain = moved(file, this.#move)
    if (!isLive) return plain
    const known = this.#files.get(file.filePath) ?? this.#copyFile(file)
    this.#files.set(file.filePath, known)
    return (await known)?.describe(file) ?? plain
  }

  /** What `file` is in, where that names other files. */
  async #copyFile(file: DataFile): Promise<MovedFile | undefined> {
    const to = this.#move(file.filePath)
    if (namesFiles(file)) {
      const copy = await movedDeletes(this.#from, file, this.#move, this.#options)
      await this.#to.write(to, copy.bytes, this.#options)
      this.#count(copy.bytes.length)
      return copy
    }
    if (this.#there.get(to) !== file.fileSizeInBytes) {
      this.#count(await this.#copyBytes(file.filePath, to, file.fileSizeInBytes))
    }
    return undefined
  }

  async #copyBytes(from: string, to: string, sizeBytes: number): Promise<number> {
    if (sizeBytes > PART_SIZE_BYTES) {
      const copy = async (): Promise<number> => {
        const parts = readInParts(this.#from, from, this.#options)
        return (await this.#to.writeStream(to, parts, this.#options)).sizeBytes
      }
      const copied = this.#largeFile.then(copy)
      this.#largeFile = copied.catch(() => {})
      return copied
    }
    const { bytes } = await this.#from.read(from, this.#options)
    await this.#to.write(to, bytes, this.#options)
    return bytes.length
  }

  #count(sizeBytes: number): void {
    this.#filesCopied += 1
    this.#bytes += sizeBytes
  }

  async #writeList(
    snapshot: Snapshot,
    list: readonly ManifestFile[],
    copies: ReadonlyMap<string, ManifestFile>,
  ): Promise<void> {
    const { snapshotId, parentSnapshotId, sequenceNumber, firstRowId } = snapshot
    const manifests = list.flatMap((manifest) => {
      const copy = copies.get(manifest.manifestPath)
      return copy === undefined ? [] : [relisted(manifest, copy)]
    })
    // A snapshot without row ids is of before the upgrade to version 3.
    const formatVersion = firstRowId === undefined ? 2 : this.#metadata.formatVersion
    const ids = { snapshotId, parentSnapshotId, sequenceNumber, firstRowId }
    const { bytes } = encodeManifestList({ manifests, formatVersion, ...ids })
    await this.#to.write(this.#listOf(snapshot), bytes, this.#options)
  }

  /** Snapshots of version 1 may name manifests without a list. */
  #listOf({ manifestList, snapshotId }: Snapshot): string {
    const name = `snap-${snapshotId}-0-${this.#metadata.tableUuid}.avro`
    return this.#move(manifestList ?? joinLocation(metadataFolder(this.#metadata), name))
  }

  async #copyStatistics(): Promise<void> {
    const { statistics, partitionStatistics } = this.#metadata
    for (const { 'statistics-path': path, 'file-size-in-bytes': size } of [...statistics, ...partitionStatistics]) {
      if (typeof path === 'string') await this.#copyBytes(path, this.#move(path), Number(size ?? 0))
    }
  }

  async #writeMetadata(source: string): Promise<string> {
    const moveStatistics = (file: JsonObject): JsonObject => {
      const path = file['statistics-path']
      return typeof path === 'string' ? { ...file, 'statistics-path': this.#move(path) } : file
    }
    const old = this.#metadata
    const metadata: TableMetadata = {
      ...old,
      location: this.#location,
      properties: movedProperties(old, this.#move),
      snapshots: old.snapshots.map((snapshot) => ({
        ...snapshot,
        manifestList: this.#listOf(snapshot),
        manifests: undefined,
      })),
      statistics: old.statistics.map(moveStatistics),
      partitionStatistics: old.partitionStatistics.map(moveStatistics),
      // The older metadata files stay behind.
      metadataLog: [],
    }
    const { bytes, gzip } = encodeByProperty(metadata, { gzipLarge: false })
    const name = lastSegment(source)
    const [, version = '0', id = old.tableUuid] = /^v?(\d{1,9})(?:-([\da-f-]{36}))?/.exec(name) ?? []
    const location = joinLocation(metadataFolder(metadata), metadataFileName(Number(version), id, gzip))
    await this.#to.write(location, bytes, this.#options)
    return location
  }

  /** Everything that the copy names is there, as large as it says. */
  async #verify(manifests: number): Promise<void> {
    this.#there.clear()
    await this.#look()
    const missing = [...this.#files.keys()].find((file) => !this.#there.has(this.#move(file)))
    if (missing === undefined && this.#there.size >= this.#files.size + manifests) return
    throw new InvalidDataError(
      `the copy at ${this.#location} is not whole: ${missing ?? 'a manifest'} is missing; copy it again`,
      {
        context: { location: this.#location },
      },
    )
  }
}

/** The manifest as its list has it; lists of version 1 need not tell the counts. */
function relisted(manifest: ManifestFile, copy: ManifestFile): ManifestFile {
  return {
    ...manifest,
    manifestPath: copy.manifestPath,
    manifestLength: copy.manifestLength,
    addedFilesCount: manifest.addedFilesCount ?? copy.addedFilesCount,
    existingFilesCount: manifest.existingFilesCount ?? copy.existingFilesCount,
    deletedFilesCount: manifest.deletedFilesCount ?? copy.deletedFilesCount,
    addedRowsCount: manifest.addedRowsCount ?? copy.addedRowsCount,
    existingRowsCount: manifest.existingRowsCount ?? copy.existingRowsCount,
    deletedRowsCount: manifest.deletedRowsCount ?? copy.deletedRowsCount,
  }
}

/** The newest schema that has the columns that a spec is made of: later ones may have dropped them. */
function schemaWith(metadata: TableMetadata, sourceIds: readonly number[]): Schema {
  const candidates = [currentSchema(metadata), ...metadata.schemas.toReversed()]
  return candidates.find((schema) => sourceIds.every((id) => findField(schema, id))) ?? currentSchema(metadata)
}
