/** Table metadata as a value (spec, "Table Metadata Fields"); table-metadata-json.ts is its codec. */
import type { JsonObject } from '../base/json.ts'
import type { PartitionSpec } from './partition-spec.ts'
import type { MetadataLogEntry, Snapshot, SnapshotLogEntry, SnapshotRef } from './snapshot.ts'
import type { SortOrder } from './sort-order.ts'
import type { Schema } from './types.ts'

export type FormatVersion = 1 | 2 | 3

export interface TableMetadata {
  readonly formatVersion: FormatVersion
  /** Empty only in v1 files that have none. */
  readonly tableUuid: string
  readonly location: string
  /** 0 in v1. */
  readonly lastSequenceNumber: bigint
  readonly lastUpdatedMs: number
  readonly lastColumnId: number
  readonly schemas: readonly Schema[]
  readonly currentSchemaId: number
  readonly partitionSpecs: readonly PartitionSpec[]
  readonly defaultSpecId: number
  readonly lastPartitionId: number
  readonly properties: Readonly<Record<string, string>>
  /** Undefined where the table has none (absent, null or -1 in the file). */
  readonly currentSnapshotId: bigint | undefined
  readonly snapshots: readonly Snapshot[]
  readonly snapshotLog: readonly SnapshotLogEntry[]
  readonly metadataLog: readonly MetadataLogEntry[]
  readonly sortOrders: readonly SortOrder[]
  readonly defaultSortOrderId: number
  readonly refs: Readonly<Record<string, SnapshotRef>>
  /** v3; 0 before. */
  readonly nextRowId: bigint
  readonly statistics: readonly JsonObject[]
  readonly partitionStatistics: readonly JsonObject[]
  readonly encryptionKeys: readonly JsonObject[]
  /** Members that this codec does not know, kept on rewrite. */
  readonly extra: JsonObject
}
