/** Updates of snapshots and references, and of what hangs on them: current snapshot, log, row ids. */
import { CommitFailedError, ValidationError } from '../base/errors.ts'
import { withoutStatistics } from './apply-statistics-updates.ts'
import { changeMetadata, type MetadataDraft } from './metadata-draft.ts'
import { MAIN_BRANCH, type Snapshot, type SnapshotRef } from './snapshot.ts'
import type { TableMetadata } from './table-metadata.ts'
import { findRef, snapshotById } from './table-metadata-access.ts'
import type { SnapshotUpdate } from './table-update.ts'

/** How far a writer's clock may be ahead of the catalog's (Java's tolerance). */
const CLOCK_TOLERANCE_MS = 60_000

export function applySnapshotUpdate(draft: MetadataDraft, update: SnapshotUpdate): MetadataDraft {
  switch (update.action) {
    case 'add-snapshot':
      return addSnapshot(draft, update.snapshot)
    case 'remove-snapshots':
      return removeSnapshots(draft, update.snapshotIds)
    case 'set-snapshot-ref':
      return setRef(draft, update.refName, update.ref)
    case 'remove-snapshot-ref':
      return removeRef(draft, update.refName)
  }
}

function addSnapshot(draft: MetadataDraft, snapshot: Snapshot): MetadataDraft {
  const { metadata, timestampMs, addedSnapshotIds } = draft
  const { snapshotId } = snapshot
  checkNewSnapshot(metadata, snapshot)
  if (snapshot.timestampMs > timestampMs + CLOCK_TOLERANCE_MS) {
    throw new ValidationError(
      `snapshot ${snapshotId} is from the future (${snapshot.timestampMs}): set the writer's clock`,
      {
        context: { snapshotId, timestampMs: snapshot.timestampMs, nowMs: timestampMs },
      },
    )
  }
  return changeMetadata(
    { ...draft, addedSnapshotIds: new Set([...addedSnapshotIds, snapshotId]) },
    {
      snapshots: [...metadata.snapshots, snapshot],
      lastSequenceNumber: metadata.formatVersion === 1 ? 0n : snapshot.sequenceNumber,
      nextRowId: metadata.formatVersion >= 3 ? rowIdsAfter(metadata, snapshot) : metadata.nextRowId,
    },
  )
}

/** A number that is behind the table's comes from a base that is: that commit must be staged again. */
function checkNewSnapshot(metadata: TableMetadata, snapshot: Snapshot): void {
  const { formatVersion, lastSequenceNumber, schemas } = metadata
  const { snapshotId, sequenceNumber, schemaId, manifestList } = snapshot
  const context = { snapshotId, sequenceNumber, lastSequenceNumber }
  if (snapshotById(metadata, snapshotId) !== undefined) {
    throw new ValidationError(`the table has a snapshot ${snapshotId} already: draw another id`, { context })
  }
  if (schemaId !== undefined && !schemas.some((schema) => schema.schemaId === schemaId)) {
    throw new ValidationError(`snapshot ${snapshotId} names schema ${schemaId}, which the table does not have`, {
      context,
    })
  }
  if (formatVersion === 1) return
  if (manifestList === undefined) {
    throw new ValidationError(`snapshot ${snapshotId} has no manifest list: format version 2 requires one`, { context })
  }
  if (sequenceNumber <= lastSequenceNumber) {
    throw new CommitFailedError(
      `snapshot ${snapshotId} has sequence number ${sequenceNumber}, the table is at ${lastSequenceNumber}: commit again`,
      { context },
    )
  }
}

/** The table's next row id after a snapshot (iceberg-format: 1.7): ids it skipped are lost, none is given twice. */
function rowIdsAfter({ nextRowId }: TableMetadata, { snapshotId, firstRowId, addedRows }: Snapshot): bigint {
  const context = { snapshotId, firstRowId, nextRowId }
  if (firstRowId === undefined || addedRows === undefined || addedRows < 0n) {
    throw new ValidationError(`snapshot ${snapshotId} needs first-row-id and added-rows in format version 3`, {
      context,
    })
  }
  if (firstRowId < nextRowId) {
    throw new CommitFailedError(
      `snapshot ${snapshotId} starts its row ids at ${firstRowId}, the table is at ${nextRowId}: commit again`,
      { context },
    )
  }
  return firstRowId + addedRows
}

/**
 * Removes snapshots with their statistics; unknown ids are no error. One that a branch or tag still points at stays
 * with an error: the reference may have been made after the caller looked.
 */
function removeSnapshots(draft: MetadataDraft, ids: readonly bigint[]): MetadataDraft {
  const { metadata } = draft
  const removed = new Set(ids)
  const kept = metadata.snapshots.filter(({ snapshotId }) => !removed.has(snapshotId))
  if (kept.length === metadata.snapshots.length) return draft
  for (const [name, { type, snapshotId }] of Object.entries(metadata.refs)) {
    if (!removed.has(snapshotId)) continue
    throw new ValidationError(`${type} "${name}" points at snapshot ${snapshotId}: remove or move it first`, {
      context: { ref: name, snapshotId },
    })
  }
  return changeMetadata(
    { ...draft, snapshotsRemoved: true },
    { snapshots: kept, ...withoutStatistics(metadata, removed) },
  )
}

function setRef(draft: MetadataDraft, name: string, ref: SnapshotRef): MetadataDraft {
  const { metadata } = draft
  const existing = findRef(metadata, name)
  if (existing !== undefined && sameRef(existing, ref)) return draft
  const snapshot = snapshotById(metadata, ref.snapshotId)
  if (snapshot === undefined) {
    throw new ValidationError(
      `cannot point ${ref.type} "${name}" at snapshot ${ref.snapshotId}: the table has none such`,
      {
        context: { ref: name, snapshotId: ref.snapshotId },
      },
    )
  }
  checkRef(name, ref)
  const changed = changeMetadata(draft, { refs: { ...metadata.refs, [name]: ref } })
  if (name !== MAIN_BRANCH || existing?.snapshotId === ref.snapshotId) return changed
  const entry = { timestampMs: logTime(draft, snapshot), snapshotId: ref.snapshotId }
  return changeMetadata(changed, { currentSnapshotId: ref.snapshotId, snapshotLog: [...metadata.snapshotLog, entry] })
}

/** A new snapshot is current from its own time on, as far as the log stays sorted; a rollback from now on. */
function logTime({ metadata, timestampMs, addedSnapshotIds }: MetadataDraft, snapshot: Snapshot): number {
  if (!addedSnapshotIds.has(snapshot.snapshotId)) return timestampMs
  const previousMs = metadata.snapshotLog.at(-1)?.timestampMs ?? 0
  return Math.min(Math.max(snapshot.timestampMs, previousMs), timestampMs)
}

function checkRef(name: string, ref: SnapshotRef): void {
  const { type, minSnapshotsToKeep, maxSnapshotAgeMs, maxRefAgeMs } = ref
  const limits = [minSnapshotsToKeep, maxSnapshotAgeMs, maxRefAgeMs]
  const refuse = (reason: string): never => {
    throw new ValidationError(`${type} "${name}": ${reason}`, { context: { ref: name } })
  }
  if (name === '') refuse('a reference needs a name')
  if (name === MAIN_BRANCH && type === 'tag') refuse('main is always a branch')
  if (limits.some((limit) => limit !== undefined && limit <= 0)) refuse('retention limits are greater than 0')
  if (type === 'tag' && (minSnapshotsToKeep ?? maxSnapshotAgeMs) !== undefined) {
    refuse('a tag keeps one snapshot: it has a max-ref-age-ms only')
  }
}

function sameRef(a: SnapshotRef, b: SnapshotRef): boolean {
  return (
    a.type === b.type &&
    a.snapshotId === b.snapshotId &&
    a.minSnapshotsToKeep === b.minSnapshotsToKeep &&
    a.maxSnapshotAgeMs === b.maxSnapshotAgeMs &&
    a.maxRefAgeMs === b.maxRefAgeMs
  )
}

/** Without main the table is empty, which is how it is replaced; its snapshots stay. */
function removeRef(draft: MetadataDraft, name: string): MetadataDraft {
  const { metadata } = draft
  if (findRef(metadata, name) === undefined) return draft
  const refs = Object.fromEntries(Object.entries(metadata.refs).filter(([other]) => other !== name))
  return changeMetadata(draft, name === MAIN_BRANCH ? { refs, currentSnapshotId: undefined } : { refs })
}
