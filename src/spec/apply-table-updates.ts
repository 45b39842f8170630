/**
 * Applies updates to table metadata by the rules of Java's TableMetadata.Builder, stricter where that one can lose data.
 * Pure: catalogs call it once a commit attempt, on the base whose pointer they then move.
 */
import { UnsupportedError, ValidationError } from '../base/errors.ts'
import { JsonCursor, type JsonObject } from '../base/json.ts'
import { applyShapeUpdate } from './apply-shape-updates.ts'
import { applySnapshotUpdate } from './apply-snapshot-updates.ts'
import { applyStatisticsUpdate } from './apply-statistics-updates.ts'
import { changeMetadata, type MetadataDraft, startDraft } from './metadata-draft.ts'
import { longProperty, METADATA_PREVIOUS_VERSIONS_MAX, METADATA_PREVIOUS_VERSIONS_MAX_DEFAULT } from './properties.ts'
import { checkPartitionSpec, checkSortOrder } from './shape-check.ts'
import type { MetadataLogEntry, SnapshotLogEntry } from './snapshot.ts'
import { parseEncryptionKey } from './snapshot-json.ts'
import type { TableMetadata } from './table-metadata.ts'
import { currentSchema, defaultSortOrder, defaultSpec, withoutTrailingSlash } from './table-metadata-access.ts'
import type { TableUpdate } from './table-update.ts'

export interface UpdateContext {
  /** The catalog's time: the store's, never a writer's own clock. */
  readonly nowMs: number
  /** Where the base's metadata file lies, for the metadata log; undefined for a table that has none yet. */
  readonly baseMetadataLocation?: string | undefined
}

/**
 * The metadata after `updates`, in their order; `base` itself where they change nothing.
 * Errors: ValidationError for a wrong update, UnsupportedError, CommitFailedError for one made on an older base.
 */
export function applyTableUpdates(
  base: TableMetadata,
  updates: readonly TableUpdate[],
  context: UpdateContext,
): TableMetadata {
  const draft = updates.reduce(applyUpdate, startDraft(base, context.nowMs))
  const { metadata, timestampMs } = draft
  if (metadata === base) return base
  checkShape(base, metadata)
  return {
    ...metadata,
    lastUpdatedMs: timestampMs,
    snapshotLog: finalSnapshotLog(draft),
    metadataLog: nextMetadataLog(base, metadata, context.baseMetadataLocation),
  }
}

function applyUpdate(draft: MetadataDraft, update: TableUpdate): MetadataDraft {
  switch (update.action) {
    case 'assign-uuid':
      return assignUuid(draft, update.uuid)
    case 'upgrade-format-version':
      return upgradeFormatVersion(draft, update.formatVersion)
    case 'add-schema':
    case 'set-current-schema':
    case 'remove-schemas':
    case 'add-spec':
    case 'set-default-spec':
    case 'remove-partition-specs':
    case 'add-sort-order':
    case 'set-default-sort-order':
      return applyShapeUpdate(draft, update)
    case 'add-snapshot':
    case 'remove-snapshots':
    case 'set-snapshot-ref':
    case 'remove-snapshot-ref':
      return applySnapshotUpdate(draft, update)
    case 'set-statistics':
    case 'remove-statistics':
    case 'set-partition-statistics':
    case 'remove-partition-statistics':
      return applyStatisticsUpdate(draft, update)
    case 'set-location':
      return setLocation(draft, withoutTrailingSlash(update.location))
    case 'set-properties':
      return setProperties(draft, update.updates)
    case 'remove-properties':
      return removeProperties(draft, update.removals)
    case 'add-encryption-key':
      return addEncryptionKey(draft, update.encryptionKey)
    case 'remove-encryption-key':
      return removeEncryptionKey(draft, update.keyId)
  }
}

/** Readers refuse a table whose uuid changes under them, so only v1 tables without one get one. */
function assignUuid(draft: MetadataDraft, uuid: string): MetadataDraft {
  const { tableUuid } = draft.metadata
  if (tableUuid === uuid) return draft
  if (tableUuid === '' && uuid !== '') return changeMetadata(draft, { tableUuid: uuid })
  throw new ValidationError(`the table's uuid is ${tableUuid} and cannot become ${uuid}`, {
    context: { tableUuid, uuid },
  })
}

function upgradeFormatVersion(draft: MetadataDraft, version: number): MetadataDraft {
  const { formatVersion, tableUuid } = draft.metadata
  if (version === formatVersion) return draft
  if (version < formatVersion) {
    throw new ValidationError(`a table of format version ${formatVersion} cannot go back to ${version}`)
  }
  if (version !== 2 && version !== 3) throw new UnsupportedError(`firn writes format versions 2 and 3, not ${version}`)
  if (tableUuid === '') throw new ValidationError(`format version ${version} requires a table uuid: assign one first`)
  return changeMetadata(draft, { formatVersion: version })
}

function setLocation(draft: MetadataDraft, location: string): MetadataDraft {
  if (location === '') throw new ValidationError('a table needs a location, and this one is empty')
  return location === draft.metadata.location ? draft : changeMetadata(draft, { location })
}

function setProperties(draft: MetadataDraft, updates: Readonly<Record<string, string>>): MetadataDraft {
  const { properties } = draft.metadata
  const same = Object.entries(updates).every(
    ([key, value]) => Object.hasOwn(properties, key) && properties[key] === value,
  )
  return same ? draft : changeMetadata(draft, { properties: { ...properties, ...updates } })
}

function removeProperties(draft: MetadataDraft, removals: readonly string[]): MetadataDraft {
  const { properties } = draft.metadata
  if (!removals.some((key) => Object.hasOwn(properties, key))) return draft
  const kept = Object.entries(properties).filter(([key]) => !removals.includes(key))
  return changeMetadata(draft, { properties: Object.fromEntries(kept) })
}

function addEncryptionKey(draft: MetadataDraft, encryptionKey: JsonObject): MetadataDraft {
  const { encryptionKeys } = draft.metadata
  const key = parseEncryptionKey(new JsonCursor(encryptionKey, 'add-encryption-key'))
  if (encryptionKeys.some((other) => other['key-id'] === key['key-id'])) return draft
  return changeMetadata(draft, { encryptionKeys: [...encryptionKeys, key] })
}

function removeEncryptionKey(draft: MetadataDraft, keyId: string): MetadataDraft {
  const { encryptionKeys } = draft.metadata
  const kept = encryptionKeys.filter((key) => key['key-id'] !== keyId)
  return kept.length === encryptionKeys.length ? draft : changeMetadata(draft, { encryptionKeys: kept })
}

/** The default spec and order must suit the current schema, whichever of the three was changed. */
function checkShape(base: TableMetadata, metadata: TableMetadata): void {
  const keys = ['currentSchemaId', 'defaultSpecId', 'defaultSortOrderId'] as const
  if (keys.every((key) => base[key] === metadata[key])) return
  const schema = currentSchema(metadata)
  checkPartitionSpec(defaultSpec(metadata), schema)
  checkSortOrder(defaultSortOrder(metadata), schema)
}

/**
 * Leaves out snapshots that were current only between two of these updates, and, where snapshots were removed, all up
 * to the last entry whose snapshot is gone: over a gap, its predecessor would seem to have been current for longer.
 */
function finalSnapshotLog({
  metadata,
  addedSnapshotIds,
  snapshotsRemoved,
}: MetadataDraft): readonly SnapshotLogEntry[] {
  const { snapshotLog, snapshots, currentSnapshotId } = metadata
  const log = snapshotLog.filter(({ snapshotId: id }) => id === currentSnapshotId || !addedSnapshotIds.has(id))
  if (!snapshotsRemoved) return log
  const ids = new Set(snapshots.map(({ snapshotId }) => snapshotId))
  return log.slice(log.findLastIndex(({ snapshotId }) => !ids.has(snapshotId)) + 1)
}

function nextMetadataLog(
  base: TableMetadata,
  { metadataLog, properties }: TableMetadata,
  baseMetadataLocation: string | undefined,
): readonly MetadataLogEntry[] {
  if (baseMetadataLocation === undefined) return metadataLog
  const limit = longProperty(properties, METADATA_PREVIOUS_VERSIONS_MAX, METADATA_PREVIOUS_VERSIONS_MAX_DEFAULT)
  const entry = { timestampMs: base.lastUpdatedMs, metadataFile: baseMetadataLocation }
  return [...metadataLog, entry].slice(-Math.max(1, limit))
}
