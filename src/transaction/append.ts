/**
 * The append operation: new data files become one manifest per partition spec, put before the manifests that the
 * table has (a fast append). Files, manifests and snapshot id are prepared once; each attempt writes only a new
 * manifest list, since sequence numbers and row ids follow from the base it lands on (spec, "Sequence Numbers").
 */
import { mapConcurrent } from '../base/concurrency.ts'
import { NotFoundError, SessionExpiredError } from '../base/errors.ts'
import { randomSnapshotId } from '../base/runtime.ts'
import { joinLocation, lastSegment } from '../io/location.ts'
import { readManifestList } from '../manifest/manifest-io.ts'
import { encodeManifestList } from '../manifest/manifest-list.ts'
import { encodeManifest } from '../manifest/manifest-writer.ts'
import type { DataFile, ManifestFile } from '../spec/data-file.ts'
import { PARTITION_SUMMARY_LIMIT, PARTITION_SUMMARY_LIMIT_DEFAULT, longProperty } from '../spec/properties.ts'
import { MAIN_BRANCH } from '../spec/snapshot.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { summarizeSnapshot } from '../spec/summary.ts'
import type { ManifestCounts } from '../spec/summary.ts'
import { currentSchema, currentSnapshot, specById } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { CommitAction, StageContext } from './commit.ts'
import { metadataFolder } from './metadata-folder.ts'
import type { Staged, TableBase, TableOperations } from './operations.ts'

export interface AppendFiles {
  readonly dataFiles: readonly DataFile[]
  /** Uploads of the data files that are still under way. */
  readonly uploads: readonly Promise<unknown>[]
  readonly sessionStartMs: number | undefined
  /** Entries added to the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
}

/** Files copied at once when a session has expired: each is held in memory whole. */
const COPIES_IN_FLIGHT = 2

export class AppendAction implements CommitAction {
  sessionStartMs: number | undefined
  files: string[]
  uploads: Promise<unknown>[]
  readonly #operations: TableOperations
  readonly #input: AppendFiles
  #dataFiles: readonly DataFile[]
  #snapshotId: bigint
  #manifests: readonly ManifestFile[] | undefined
  #manifestCount = 0

  constructor(operations: TableOperations, input: AppendFiles) {
    this.#operations = operations
    this.#input = input
    this.#snapshotId = randomSnapshotId(operations.runtime)
    this.sessionStartMs = input.sessionStartMs
    this.#dataFiles = input.dataFiles
    this.files = input.dataFiles.map((file) => file.filePath)
    this.uploads = [...input.uploads]
  }

  /** Of the snapshot that the last staged attempt adds. */
  get snapshotId(): bigint {
    return this.#snapshotId
  }

  async stage(base: TableBase, context: StageContext): Promise<Staged> {
    const { metadata } = base
    const added = this.#addedManifests(metadata, context)
    const parent = currentSnapshot(metadata)
    const existing = base.manifests ?? (parent === undefined ? [] : await readManifestList(this.#operations.io, parent))
    const list = encodeManifestList({
      manifests: [...added, ...existing],
      snapshotId: this.#snapshotId,
      parentSnapshotId: parent?.snapshotId,
      sequenceNumber: metadata.lastSequenceNumber + 1n,
      formatVersion: metadata.formatVersion,
      firstRowId: metadata.formatVersion >= 3 ? metadata.nextRowId : undefined,
    })
    const listName = `snap-${this.#snapshotId}-${context.attempt}-${context.commitId}.avro`
    const manifestList = joinLocation(metadataFolder(metadata), listName)
    const snapshot = await this.#snapshot(metadata, {
      manifestList,
      nextRowId: list.nextRowId,
      manifests: { created: added.length, kept: existing.length, replaced: 0 },
    })
    return {
      updates: [
        { action: 'add-snapshot', snapshot },
        {
          action: 'set-snapshot-ref',
          refName: MAIN_BRANCH,
          ref: { ...metadata.refs[MAIN_BRANCH], type: 'branch', snapshotId: snapshot.snapshotId },
        },
      ],
      requirements: [
        { type: 'assert-table-uuid', uuid: metadata.tableUuid },
        { type: 'assert-ref-snapshot-id', ref: MAIN_BRANCH, snapshotId: metadata.currentSnapshotId },
      ],
      uploads: [...this.uploads, this.#operations.io.write(manifestList, list.bytes)],
      attemptFiles: [manifestList],
      manifests: list.manifests,
    }
  }

  async renew(signal: AbortSignal | undefined): Promise<readonly string[]> {
    const { io, runtime } = this.#operations
    const old = this.files
    await Promise.all(this.uploads)
    const sessionStartMs = await io.storeTimeMs({ signal })
    const renewal = runtime.uuid()
    this.files = []
    const copy = async (file: DataFile): Promise<DataFile> => {
      const filePath = joinLocation(folderOf(file.filePath), `${renewal}-${lastSegment(file.filePath)}`)
      this.files.push(filePath)
      const { bytes } = await io.read(file.filePath, { signal }).catch(collected)
      await io.write(filePath, bytes, { signal })
      return { ...file, filePath }
    }
    const copies: DataFile[] = []
    try {
      for await (const file of mapConcurrent(this.#dataFiles, COPIES_IN_FLIGHT, copy, signal)) copies.push(file)
    } catch (error) {
      // Both the old names and the new ones are left to the clean-up of a failed commit.
      this.files.push(...old)
      throw error
    }
    this.sessionStartMs = sessionStartMs
    this.#dataFiles = copies
    this.#manifests = undefined
    this.uploads = []
    return old
  }

  /** Written once: a manifest of added files inherits its sequence number from the list, so it fits every base. */
  #addedManifests(metadata: TableMetadata, { commitId }: StageContext): readonly ManifestFile[] {
    const taken = metadata.snapshots.some((snapshot) => snapshot.snapshotId === this.#snapshotId)
    if (taken) {
      this.#snapshotId = randomSnapshotId(this.#operations.runtime)
      this.#manifests = undefined
    }
    this.#manifests ??= [...groupBySpec(this.#dataFiles)].map(([specId, dataFiles]) => {
      const path = joinLocation(metadataFolder(metadata), `${commitId}-m${this.#manifestCount++}.avro`)
      const { bytes, manifestFile } = encodeManifest({
        entries: dataFiles.map((dataFile) => ({
          status: 'added',
          snapshotId: this.#snapshotId,
          sequenceNumber: undefined,
          fileSequenceNumber: undefined,
          dataFile,
        })),
        spec: specById(metadata, specId),
        schema: currentSchema(metadata),
        formatVersion: metadata.formatVersion,
        content: 'data',
        snapshotId: this.#snapshotId,
        path,
      })
      this.files.push(path)
      this.uploads.push(this.#operations.io.write(path, bytes))
      return manifestFile
    })
    return this.#manifests
  }

  async #snapshot(
    metadata: TableMetadata,
    {
      manifestList,
      nextRowId,
      manifests,
    }: { manifestList: string; nextRowId: bigint | undefined; manifests: ManifestCounts },
  ): Promise<Snapshot> {
    const parent = currentSnapshot(metadata)
    const nowMs = await this.#operations.io.storeTimeMs()
    return {
      snapshotId: this.#snapshotId,
      parentSnapshotId: parent?.snapshotId,
      sequenceNumber: metadata.lastSequenceNumber + 1n,
      timestampMs: Math.max(nowMs, metadata.lastUpdatedMs + 1),
      manifestList,
      schemaId: metadata.currentSchemaId,
      summary: summarizeSnapshot({
        operation: 'append',
        added: this.#dataFiles,
        removed: [],
        previous: parent?.summary,
        schema: currentSchema(metadata),
        specs: (specId) => specById(metadata, specId),
        manifests,
        partitionSummaryLimit: longProperty(
          metadata.properties,
          PARTITION_SUMMARY_LIMIT,
          PARTITION_SUMMARY_LIMIT_DEFAULT,
        ),
        properties: this.#input.summary,
      }),
      ...(metadata.formatVersion >= 3 && {
        firstRowId: metadata.nextRowId,
        addedRows: (nextRowId ?? metadata.nextRowId) - metadata.nextRowId,
      }),
    }
  }
}

function folderOf(location: string): string {
  return location.slice(0, location.lastIndexOf('/'))
}

function collected(error: unknown): never {
  if (!(error instanceof NotFoundError)) throw error
  throw new SessionExpiredError(
    'the files of this commit waited so long that orphan removal took them: write the rows again',
    { context: error.context, cause: error },
  )
}

function groupBySpec(dataFiles: readonly DataFile[]): ReadonlyMap<number, readonly DataFile[]> {
  const groups = new Map<number, DataFile[]>()
  for (const file of dataFiles) {
    const group = groups.get(file.specId)
    if (group === undefined) groups.set(file.specId, [file])
    else group.push(file)
  }
  return groups
}
