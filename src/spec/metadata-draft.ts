/**
 * Table metadata in the course of a list of updates. Each update maps a draft to the next; one that changes nothing
 * returns the draft it was given, so that a commit without effect is seen to have none.
 */
import type { TableMetadata } from './table-metadata.ts'

export interface MetadataDraft {
  readonly metadata: TableMetadata
  /** When the updates take effect: later than the base and than all that its logs tell of. */
  readonly timestampMs: number
  readonly lastAddedSchemaId: number | undefined
  readonly lastAddedSpecId: number | undefined
  readonly lastAddedSortOrderId: number | undefined
  readonly addedSnapshotIds: ReadonlySet<bigint>
  readonly snapshotsRemoved: boolean
}

export function startDraft(base: TableMetadata, nowMs: number): MetadataDraft {
  return {
    metadata: base,
    timestampMs: Math.max(nowMs, base.lastUpdatedMs + 1, base.snapshotLog.at(-1)?.timestampMs ?? 0),
    lastAddedSchemaId: undefined,
    lastAddedSpecId: undefined,
    lastAddedSortOrderId: undefined,
    addedSnapshotIds: new Set(),
    snapshotsRemoved: false,
  }
}

export function changeMetadata(draft: MetadataDraft, changes: Partial<TableMetadata>): MetadataDraft {
  return { ...draft, metadata: { ...draft.metadata, ...changes } }
}
