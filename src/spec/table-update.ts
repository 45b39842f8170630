/**
 * Changes to table metadata as values, by the REST specification's names. Operations stage them, a catalog applies them
 * to its newest base (apply-table-updates.ts).
 */
import type { JsonObject } from '../base/json.ts'
import type { PartitionSpec } from './partition-spec.ts'
import type { Snapshot, SnapshotRef } from './snapshot.ts'
import type { SortOrder } from './sort-order.ts'
import type { Schema } from './types.ts'

/** In place of an id: the one added last by the same list of updates. */
export const LAST_ADDED = -1

export type TableUpdate =
  | { readonly action: 'assign-uuid'; readonly uuid: string }
  | { readonly action: 'upgrade-format-version'; readonly formatVersion: number }
  | ShapeUpdate
  | SnapshotUpdate
  | StatisticsUpdate
  | { readonly action: 'set-location'; readonly location: string }
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] }
  | { readonly action: 'add-encryption-key'; readonly encryptionKey: JsonObject }
  | { readonly action: 'remove-encryption-key'; readonly keyId: string }

/** Ids of added schemas, specs and orders are proposals: an equal one is reused, else the next free id is given. */
export type ShapeUpdate =
  | { readonly action: 'add-schema'; readonly schema: Schema; readonly lastColumnId?: number | undefined }
  | { readonly action: 'set-current-schema'; readonly schemaId: number }
  | { readonly action: 'remove-schemas'; readonly schemaIds: readonly number[] }
  | { readonly action: 'add-spec'; readonly spec: PartitionSpec }
  | { readonly action: 'set-default-spec'; readonly specId: number }
  | { readonly action: 'remove-partition-specs'; readonly specIds: readonly number[] }
  | { readonly action: 'add-sort-order'; readonly sortOrder: SortOrder }
  | { readonly action: 'set-default-sort-order'; readonly sortOrderId: number }

export type SnapshotUpdate =
  | { readonly action: 'add-snapshot'; readonly snapshot: Snapshot }
  | { readonly action: 'remove-snapshots'; readonly snapshotIds: readonly bigint[] }
  | { readonly action: 'set-snapshot-ref'; readonly refName: string; readonly ref: SnapshotRef }
  | { readonly action: 'remove-snapshot-ref'; readonly refName: string }

/** Files are the metadata's own JSON objects, `statistics-path` and the rest. */
export type StatisticsUpdate =
  | { readonly action: 'set-statistics'; readonly statistics: JsonObject }
  | { readonly action: 'remove-statistics'; readonly snapshotId: bigint }
  | { readonly action: 'set-partition-statistics'; readonly partitionStatistics: JsonObject }
  | { readonly action: 'remove-partition-statistics'; readonly snapshotId: bigint }
