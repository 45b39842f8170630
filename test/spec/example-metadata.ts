/** Small tables that the tests of metadata start from. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { applyTableUpdates } from '../../src/spec/apply-table-updates.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { newTableMetadata } from '../../src/spec/new-table-metadata.ts'
import type { NewTable } from '../../src/spec/new-table-metadata.ts'
import { buildPartitionSpec } from '../../src/spec/partition-spec.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import { buildSortOrder } from '../../src/spec/sort-order.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import type { TableUpdate } from '../../src/spec/table-update.ts'
import type { Schema } from '../../src/spec/types.ts'

export const FIXTURES: string = join(import.meta.dirname, '../fixtures')
export const UUID = '9c12d441-03fe-4693-9a96-a0705ddf69c1'
export const START_MS = 1_700_000_000_000

export const FLIGHTS: Schema = defineSchema({ id: 'long not null', date: 'date', origin: 'string', delay: 'int' })

export function exampleTable(input: Partial<NewTable> = {}): TableMetadata {
  return newTableMetadata({
    schema: FLIGHTS,
    partitionSpec: buildPartitionSpec(FLIGHTS, ['month(date)']),
    sortOrder: buildSortOrder(FLIGHTS, ['origin']),
    location: 's3://lake/flights',
    properties: {},
    formatVersion: 2,
    tableUuid: UUID,
    nowMs: START_MS,
    ...input,
  })
}

/** A snapshot that fits `base` as its next one. */
export function nextSnapshot(base: TableMetadata, snapshotId: bigint, changes: Partial<Snapshot> = {}): Snapshot {
  return {
    snapshotId,
    parentSnapshotId: base.currentSnapshotId,
    sequenceNumber: base.lastSequenceNumber + 1n,
    timestampMs: base.lastUpdatedMs + 1,
    manifestList: `s3://lake/flights/metadata/snap-${snapshotId}.avro`,
    summary: { operation: 'append', properties: { 'added-records': '1' } },
    schemaId: base.currentSchemaId,
    ...(base.formatVersion >= 3 ? { firstRowId: base.nextRowId, addedRows: 10n } : {}),
    ...changes,
  }
}

/** Applies updates a second after the base. */
export function apply(base: TableMetadata, ...updates: TableUpdate[]): TableMetadata {
  return applyTableUpdates(base, updates, { nowMs: base.lastUpdatedMs + 1000 })
}

export function readFixture(path: string): string {
  return readFileSync(join(FIXTURES, path), 'utf8')
}
