/**
 * The append operation: new data files become one manifest per partition spec, put before the manifests that the
 * table has, small ones of which are merged (manifest-merge.ts). Files, manifests and snapshot id are prepared once; each
 * attempt writes a new manifest list, since sequence numbers and row ids follow from the base it lands on (spec,
 * "Sequence Numbers"). Several callers' appends may be members of one: a group commit.
 */
import { ValidationError } from '../base/errors.ts'
import type { SessionExpiredError } from '../base/errors.ts'
import { randomSnapshotId } from '../base/runtime.ts'
import { joinLocation } from '../io/location.ts'
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
import type { TableRequirement } from '../spec/table-requirement.ts'
import type { TableUpdate } from '../spec/table-update.ts'
import type { AppendMember } from './append-member.ts'
import type { CommitAction, StageContext } from './commit.ts'
import { ManifestMerger } from './manifest-merge.ts'
import { metadataFolder } from './metadata-folder.ts'
import type { Staged, TableBase, TableOperations } from './operations.ts'

/** Told of a member that leaves the group, with the reason; the others go on. */
export type Evict = (member: AppendMember, reason: unknown) => void

interface AddedManifest {
  readonly manifestFile: ManifestFile
  readonly upload: Promise<unknown>
}

export class AppendAction implements CommitAction {
  readonly #operations: TableOperations
  readonly #evict: Evict | undefined
  readonly #merger: ManifestMerger
  #members: readonly AppendMember[]
  #snapshotId: bigint
  #added: readonly AddedManifest[] | undefined
  #outdated: AddedManifest[] = []
  #manifestCount = 0

  /** Without `evict`, what is wrong with a member ends the commit, and expired files are copied on the spot. */
  constructor(operations: TableOperations, members: readonly AppendMember[], evict?: Evict) {
    this.#operations = operations
    this.#members = members
    this.#evict = evict
    this.#merger = new ManifestMerger(operations)
    this.#snapshotId = randomSnapshotId(operations.runtime)
  }

  /** Of the snapshot that the last staged attempt adds; undefined where no member has files. */
  get snapshotId(): bigint | undefined {
    return this.#dataFiles().length === 0 ? undefined : this.#snapshotId
  }

  /** Who is still part of it. */
  get members(): readonly AppendMember[] {
    return this.#members
  }

  /** The oldest of its sessions. */
  get sessionStartMs(): number | undefined {
    const starts = this.#members.flatMap(({ sessionStartMs }) => sessionStartMs ?? [])
    return starts.length === 0 ? undefined : starts.reduce((a, b) => Math.min(a, b))
  }

  get files(): readonly string[] {
    return [...this.#members.flatMap((member) => member.files), ...this.manifestPaths, ...this.outdatedPaths]
  }

  get uploads(): readonly Promise<unknown>[] {
    return [...this.#members.flatMap((member) => member.uploads), ...uploadsOf(this.#added ?? [])]
  }

  /** Manifests of the members' files. */
  get manifestPaths(): readonly string[] {
    return pathsOf(this.#added ?? [])
  }

  /** Those of earlier attempts that hold files which are no longer to be committed. */
  get outdatedPaths(): readonly string[] {
    return pathsOf(this.#outdated)
  }

  async stage(base: TableBase, context: StageContext): Promise<Staged> {
    const { metadata } = base
    this.#admit(metadata)
    const requirements: TableRequirement[] = [
      { type: 'assert-table-uuid', uuid: metadata.tableUuid },
      { type: 'assert-ref-snapshot-id', ref: MAIN_BRANCH, snapshotId: metadata.currentSnapshotId },
    ]
    if (this.snapshotId === undefined) {
      return { updates: this.#properties(), requirements, uploads: [], attemptFiles: [], manifests: base.manifests }
    }
    const added = this.#addedManifests(metadata, context)
    await this.#operations.runtime.begun()
    const parent = currentSnapshot(metadata)
    const existing = base.manifests ?? (parent === undefined ? [] : await readManifestList(this.#operations.io, parent))
    const merge = await this.#merger.merge(metadata, existing, {
      snapshotId: this.#snapshotId,
      addedCount: (specId) => added.filter((manifest) => manifest.partitionSpecId === specId).length,
      newPath: () => this.#newPath(metadata, context),
      isHurried: context.isHurried === true,
    })
    const list = encodeManifestList({
      manifests: [...added, ...merge.manifests],
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
      manifests: {
        created: added.length + merge.created,
        kept: existing.length - merge.replaced,
        replaced: merge.replaced,
      },
    })
    return {
      updates: [
        ...this.#properties(),
        { action: 'add-snapshot', snapshot },
        {
          action: 'set-snapshot-ref',
          refName: MAIN_BRANCH,
          ref: { ...metadata.refs[MAIN_BRANCH], type: 'branch', snapshotId: snapshot.snapshotId },
        },
      ],
      requirements,
      uploads: [...this.uploads, ...merge.uploads, this.#operations.io.write(manifestList, list.bytes)],
      attemptFiles: [manifestList, ...merge.files],
      manifests: list.manifests,
      isNextLong: this.#merger.isDue(metadata, list.manifests),
    }
  }

  async renew(expired: SessionExpiredError, signal: AbortSignal | undefined): Promise<readonly string[]> {
    const old = this.#members.filter(({ sessionStartMs = Infinity }) => sessionStartMs <= expired.notAfterMs)
    if (this.#evict !== undefined) {
      for (const member of old) this.#leave(member, expired)
      return []
    }
    this.#outdate()
    const renewing = await Promise.allSettled(old.map((member) => member.renew(this.#operations, signal)))
    return renewing.flatMap((renewed) => {
      if (renewed.status === 'rejected') throw renewed.reason
      return renewed.value
    })
  }

  /** Members that must not be committed on this base leave; with none left there is nothing to commit. */
  #admit(metadata: TableMetadata): void {
    for (const member of this.#members) {
      try {
        member.check(metadata)
        member.attempts += 1
      } catch (reason) {
        if (this.#evict === undefined || this.#members.length === 1) throw reason
        this.#leave(member, reason)
      }
    }
    if (this.#members.length === 0) throw new ValidationError('every append of this commit was taken out of it')
  }

  #leave(member: AppendMember, reason: unknown): void {
    this.#members = this.#members.filter((other) => other !== member)
    this.#outdate()
    this.#evict?.(member, reason)
  }

  /** The manifests no longer hold what is to be committed. */
  #outdate(): void {
    this.#outdated.push(...(this.#added ?? []))
    this.#added = undefined
  }

  #properties(): TableUpdate[] {
    const updates: Record<string, string> = Object.assign({}, ...this.#members.map(({ input }) => input.properties))
    return Object.keys(updates).length === 0 ? [] : [{ action: 'set-properties', updates }]
  }

  /** Written once: a manifest of added files inherits its sequence number from the list, so it fits every base. */
  #addedManifests(metadata: TableMetadata, context: StageContext): readonly ManifestFile[] {
    const taken = metadata.snapshots.some((snapshot) => snapshot.snapshotId === this.#snapshotId)
    if (taken) {
      this.#snapshotId = randomSnapshotId(this.#operations.runtime)
      this.#outdate()
    }
    this.#added ??= [...groupBySpec(this.#dataFiles())].map(([specId, dataFiles]) => {
      const path = this.#newPath(metadata, context)
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
      const upload = this.#operations.io.write(path, bytes)
      // Awaited with the attempt, which may end before it gets there.
      upload.catch(() => {})
      return { manifestFile, upload }
    })
    return this.#added.map(({ manifestFile }) => manifestFile)
  }

  #newPath(metadata: TableMetadata, { commitId }: StageContext): string {
    return joinLocation(metadataFolder(metadata), `${commitId}-m${this.#manifestCount++}.avro`)
  }

  #dataFiles(): readonly DataFile[] {
    return this.#members.flatMap((member) => member.dataFiles)
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
        added: this.#dataFiles(),
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
        properties: Object.assign({}, ...this.#members.map(({ input }) => input.summary)),
      }),
      ...(metadata.formatVersion >= 3 && {
        firstRowId: metadata.nextRowId,
        addedRows: (nextRowId ?? metadata.nextRowId) - metadata.nextRowId,
      }),
    }
  }
}

function pathsOf(manifests: readonly AddedManifest[]): string[] {
  return manifests.map(({ manifestFile }) => manifestFile.manifestPath)
}

function uploadsOf(manifests: readonly AddedManifest[]): Promise<unknown>[] {
  return manifests.map(({ upload }) => upload)
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
