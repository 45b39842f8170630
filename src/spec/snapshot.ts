/** Snapshots, references and logs of table metadata as values (spec, "Snapshots" and "Snapshot References"). */

import type { JsonObject } from '../base/json.ts'

export type Operation = 'append' | 'replace' | 'overwrite' | 'delete'

/** `operation` is absent only in old v1 metadata. */
export interface SnapshotSummary {
  readonly operation: Operation | undefined
  /** Every other entry of the summary, by its key in the specification ("added-records" …). */
  readonly properties: Readonly<Record<string, string>>
}

export interface Snapshot {
  readonly snapshotId: bigint
  readonly parentSnapshotId?: bigint | undefined
  readonly sequenceNumber: bigint
  readonly timestampMs: number
  readonly manifestList?: string | undefined
  /** v1 only: manifest paths in place of a list. */
  readonly manifests?: readonly string[] | undefined
  readonly summary?: SnapshotSummary | undefined
  readonly schemaId?: number | undefined
  readonly firstRowId?: bigint | undefined
  readonly addedRows?: bigint | undefined
  readonly keyId?: string | undefined
  /** Members that this codec does not know, kept on rewrite. */
  readonly extra?: JsonObject | undefined
}

export interface SnapshotRef {
  readonly type: 'branch' | 'tag'
  readonly snapshotId: bigint
  readonly minSnapshotsToKeep?: number | undefined
  readonly maxSnapshotAgeMs?: number | undefined
  readonly maxRefAgeMs?: number | undefined
}

export interface SnapshotLogEntry {
  readonly timestampMs: number
  readonly snapshotId: bigint
}

export interface MetadataLogEntry {
  readonly timestampMs: number
  readonly metadataFile: string
}

export const MAIN_BRANCH = 'main'
