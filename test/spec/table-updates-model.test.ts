/** Random histories of commits, against the rules that every state of a table's metadata keeps. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IcebergError } from '../../src/base/errors.ts'
import { applyTableUpdates } from '../../src/spec/apply-table-updates.ts'
import { parseTableMetadata, printTableMetadata } from '../../src/spec/table-metadata-json.ts'
import { currentSchema, defaultSortOrder, defaultSpec, snapshotById } from '../../src/spec/table-metadata-access.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import type { TableUpdate } from '../../src/spec/table-update.ts'
import { exampleTable, FLIGHTS, nextSnapshot } from './example-metadata.ts'

/** Makes updates that fit the table, or nearly: ids are drawn from a small range so that they often exist. */
type Step = (table: TableMetadata) => readonly TableUpdate[]

const smallId = fc.bigInt({ min: 1n, max: 12n })
const refName = fc.constantFrom('main', 'dev', 'v1')
const skewMs = fc.integer({ min: -120_000, max: 50_000 })

const append: fc.Arbitrary<Step> = fc
  .record({
    id: smallId,
    name: refName,
    skew: skewMs,
    stale: fc.integer({ min: 0, max: 9 }),
    rows: fc.bigInt({ min: 0n, max: 9n }),
  })
  .map(({ id, name, skew, stale, rows }): Step => (table) => [
    {
      action: 'add-snapshot',
      snapshot: nextSnapshot(table, id, {
        timestampMs: table.lastUpdatedMs + skew,
        sequenceNumber: table.lastSequenceNumber + (stale === 0 ? 0n : 1n),
        ...(table.formatVersion === 3 ? { addedRows: rows } : {}),
      }),
    },
    { action: 'set-snapshot-ref', refName: name, ref: { type: 'branch', snapshotId: id } },
  ])

const moveRef: fc.Arbitrary<Step> = fc
  .record({ id: smallId, name: refName, type: fc.constantFrom('branch', 'tag') })
  .map(({ id, name, type }): Step => () => [
    { action: 'set-snapshot-ref', refName: name, ref: { type, snapshotId: id } },
  ])

const removeRef: fc.Arbitrary<Step> = refName.map((name): Step => () => [
  { action: 'remove-snapshot-ref', refName: name },
])
const expire: fc.Arbitrary<Step> = fc.uniqueArray(smallId, { maxLength: 5 }).map((snapshotIds): Step => () => [
  { action: 'remove-snapshots', snapshotIds },
])

const changeSchema: fc.Arbitrary<Step> = fc
  .record({ column: fc.constantFrom('a', 'b', 'c'), drop: fc.boolean(), chosen: fc.integer({ min: -1, max: 4 }) })
  .map(({ column, drop, chosen }): Step => (table) => {
    const fields = drop
      ? currentSchema(table).fields.slice(1)
      : [
          ...FLIGHTS.fields,
          { id: table.lastColumnId + 1, name: column, type: { kind: 'long' as const }, required: false },
        ]
    return [
      { action: 'add-schema', schema: { schemaId: 0, fields, identifierFieldIds: [] } },
      { action: 'set-current-schema', schemaId: chosen },
    ]
  })

const changeSpec: fc.Arbitrary<Step> = fc
  .record({ sourceId: fc.integer({ min: 1, max: 6 }), fresh: fc.boolean(), chosen: fc.integer({ min: -1, max: 4 }) })
  .map(({ sourceId, fresh, chosen }): Step => (table) => [
    {
      action: 'add-spec',
      spec: {
        specId: 0,
        fields: [
          {
            fieldId: table.lastPartitionId + (fresh ? 1 : 0),
            sourceIds: [sourceId],
            transform: { kind: 'bucket', buckets: 4 },
            name: `b${sourceId}`,
          },
        ],
      },
    },
    { action: 'set-default-spec', specId: chosen },
  ])

const others: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  () => [{ action: 'upgrade-format-version', formatVersion: 3 }],
  () => [{ action: 'set-properties', updates: { 'write.metadata.previous-versions-max': '3' } }],
  () => [{ action: 'remove-properties', removals: ['write.metadata.previous-versions-max'] }],
  () => [{ action: 'remove-schemas', schemaIds: [0, 2] }],
  () => [{ action: 'remove-partition-specs', specIds: [0, 2] }],
  () => [
    { action: 'add-sort-order', sortOrder: { orderId: 0, fields: [] } },
    { action: 'set-default-sort-order', sortOrderId: -1 },
  ],
)

const commit = fc.record({
  steps: fc.array(
    fc.oneof({ weight: 6, arbitrary: append }, moveRef, removeRef, expire, changeSchema, changeSpec, others),
    {
      minLength: 1,
      maxLength: 3,
    },
  ),
  clockMs: fc.integer({ min: -200_000, max: 200_000 }),
})

function isSorted(times: readonly number[]): boolean {
  return times.every((time, i) => i === 0 || time >= (times[i - 1] ?? 0))
}

function checkState(table: TableMetadata): void {
  expect(currentSchema(table).schemaId).toBe(table.currentSchemaId)
  expect(defaultSpec(table).specId).toBe(table.defaultSpecId)
  expect(defaultSortOrder(table).orderId).toBe(table.defaultSortOrderId)
  for (const ref of Object.values(table.refs)) expect(snapshotById(table, ref.snapshotId)).toBeDefined()
  expect(table.refs['main']?.snapshotId).toBe(table.currentSnapshotId)
  for (const list of [table.schemas.map((s) => s.schemaId), table.partitionSpecs.map((s) => s.specId)]) {
    expect(new Set(list).size).toBe(list.length)
  }
  const logTimes = table.snapshotLog.map((entry) => entry.timestampMs)
  expect(isSorted([...logTimes, table.lastUpdatedMs]), 'snapshot log').toBe(true)
  expect(isSorted([...table.metadataLog.map((entry) => entry.timestampMs), table.lastUpdatedMs]), 'metadata log').toBe(
    true,
  )
  if (table.currentSnapshotId !== undefined) expect(table.snapshotLog.at(-1)?.snapshotId).toBe(table.currentSnapshotId)
  const sequenceNumbers = table.snapshots.map((s) => s.sequenceNumber)
  expect(new Set(sequenceNumbers).size).toBe(sequenceNumbers.length)
  for (const number of sequenceNumbers) expect(number <= table.lastSequenceNumber).toBe(true)
  const fieldIds = table.schemas.flatMap((schema) => schema.fields.map((field) => field.id))
  expect(Math.max(...fieldIds)).toBeLessThanOrEqual(table.lastColumnId)
  checkRowIds(table)
  expect(parseTableMetadata(printTableMetadata(table), 'x')).toEqual(table)
}

/** Ranges of row ids do not overlap and end before the next id. */
function checkRowIds({ snapshots, nextRowId }: TableMetadata): void {
  let end = 0n
  for (const { firstRowId, addedRows } of snapshots) {
    if (firstRowId === undefined) continue
    expect(firstRowId >= end).toBe(true)
    end = firstRowId + (addedRows ?? 0n)
  }
  expect(end <= nextRowId).toBe(true)
}

function checkStep(base: TableMetadata, next: TableMetadata): void {
  expect(next.lastUpdatedMs).toBeGreaterThan(base.lastUpdatedMs)
  expect(next.lastSequenceNumber >= base.lastSequenceNumber).toBe(true)
  expect(next.nextRowId >= base.nextRowId).toBe(true)
  expect(next.lastColumnId).toBeGreaterThanOrEqual(base.lastColumnId)
  expect(next.lastPartitionId).toBeGreaterThanOrEqual(base.lastPartitionId)
  expect(next.tableUuid).toBe(base.tableUuid)
  const known = new Set(base.snapshots.map((s) => s.snapshotId))
  for (const snapshot of next.snapshots) {
    if (!known.has(snapshot.snapshotId)) expect(snapshot.sequenceNumber > base.lastSequenceNumber).toBe(true)
  }
  expect(next.metadataLog.at(-1)).toEqual({ timestampMs: base.lastUpdatedMs, metadataFile: `v${base.lastUpdatedMs}` })
}

describe('random histories', () => {
  it('keep the invariants of table metadata', () => {
    let commits = 0
    let expired = 0
    fc.assert(
      fc.property(
        fc.constantFrom(2 as const, 3 as const),
        fc.array(commit, { maxLength: 15 }),
        (formatVersion, history) => {
          let base = exampleTable({ formatVersion })
          for (const { steps, clockMs } of history) {
            const context = { nowMs: base.lastUpdatedMs + clockMs, baseMetadataLocation: `v${base.lastUpdatedMs}` }
            try {
              // Each step is made for the state that the ones before it leave, and all are committed at once.
              const updates = steps.reduce<readonly TableUpdate[]>(
                (staged, step) => [...staged, ...step(applyTableUpdates(base, staged, context))],
                [],
              )
              const next = applyTableUpdates(base, updates, context)
              if (next === base) continue
              checkStep(base, next)
              checkState(next)
              commits++
              if (next.snapshots.some((s) => s.snapshotId !== next.currentSnapshotId) && next.snapshotLog.length < 3)
                expired++
              base = next
            } catch (error) {
              if (!(error instanceof IcebergError)) throw error
            }
          }
        },
      ),
      { numRuns: 300 },
    )
    // The model is worth nothing if most commits are refused.
    expect(commits).toBeGreaterThan(500)
    expect(expired).toBeGreaterThan(10)
  })
})
