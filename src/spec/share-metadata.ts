/**
 * Metadata read anew, in which parts that an earlier state had too are the same objects: what is kept by identity, printed
 * text above all, serves on.
 */
import { printJson } from '../base/json.ts'
import { memoizeWeak } from '../base/memo.ts'
import { printPartitionSpec } from './partition-spec.ts'
import type { PartitionSpec } from './partition-spec.ts'
import { schemaText } from './schema-json.ts'
import type { Snapshot } from './snapshot.ts'
import type { TableMetadata } from './table-metadata.ts'

const specText = memoizeWeak((spec: PartitionSpec) => printJson(printPartitionSpec(spec)))

/** `known` is an earlier state of the same table, or a later one. */
export function shareMetadata(metadata: TableMetadata, known: TableMetadata): TableMetadata {
  const schemas = new Map(known.schemas.map((schema) => [schemaText(schema), schema]))
  const specs = new Map(known.partitionSpecs.map((spec) => [specText(spec), spec]))
  const snapshots = new Map(known.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]))
  const logged = new Map(known.metadataLog.map((entry) => [entry.metadataFile, entry]))
  return {
    ...metadata,
    schemas: metadata.schemas.map((schema) => schemas.get(schemaText(schema)) ?? schema),
    partitionSpecs: metadata.partitionSpecs.map((spec) => specs.get(specText(spec)) ?? spec),
    snapshots: metadata.snapshots.map((snapshot) => {
      const other = snapshots.get(snapshot.snapshotId)
      return other !== undefined && isSame(snapshot, other) ? other : snapshot
    }),
    snapshotLog: metadata.snapshotLog.map((entry, i) => {
      const other = known.snapshotLog[i]
      return other?.timestampMs === entry.timestampMs && other.snapshotId === entry.snapshotId ? other : entry
    }),
    metadataLog: metadata.metadataLog.map((entry) => {
      const other = logged.get(entry.metadataFile)
      return other?.timestampMs === entry.timestampMs ? other : entry
    }),
  }
}

/** Snapshots don't change, but for what a hand or another engine's repair moves. */
function isSame(a: Snapshot, b: Snapshot): boolean {
  return a.manifestList !== undefined && a.manifestList === b.manifestList && a.timestampMs === b.timestampMs
}
