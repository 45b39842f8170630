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

/** Makes updates that fit the table, or nearly: now and then an id is taken, unknown or still in use. */
type Step = (table: TableMetadata) => readonly TableUpdate[]

const index = fc.nat(30)
const rarely = fc.integer({ min: 0, max: 9 }).map((n) => n === 0)
const refName = fc.constantFrom('main', 'main', 'dev', 'v1')
const skewMs = fc.integer({ min: -120_000, max: 50_000 })

/** The id of one of the table's snapshots, or one that it doesn't have. */
const pick = ({ snapshots }: TableMetadata, at: number): bigint =>
  snapshots[at % (snapshots.length + 1)]?.snapshotId ?? 99n

const append: fc.Arbitrary<Step> = fc
  .record({ taken: rarely, stale: rarely, name: refName, skew: skewMs, rows: fc.bigInt({ min: 0n, max: 9n }) })
  .map(({ taken, stale, name, skew, rows }): Step => (table) => {
    const snapshotId = taken ? pick(table, 0) : 100n + table.lastSequenceNumber
    const snapshot = nextSnapshot(table, snapshotId, {
      timestampMs: table.lastUpdatedMs + skew,
      sequenceNumber: table.lastSequenceNumber + (stale ? 0n : 1n),
      ...(table.formatVersion === 3 ? { addedRows: rows } : {}),
    })
    return [
      { action: 'add-snapshot', snapshot },
      { action: 'set-snapshot-ref', refName: name, ref: { type: 'branch', snapshotId } },
    ]
  })

const moveRef: fc.Arbitrary<Step> = fc
  .record({ at: index, name: refName, type: fc.constantFrom('branch', 'branch', 'tag') })
  .map(({ at, name, type }): Step => (table) => [
    { action: 'set-snapshot-ref', refName: name, ref: { type, snapshotId: pick(table, at) } },
  ])

const removeRef: fc.Arbitrary<Step> = refName.map((name): Step => () => [
  { action: 'remove-snapshot-ref', refName: name },
])
const expire: fc.Arbitrary<Step> = fc
  .record({ chosen: fc.array(index, { maxLength: 5 }), careless: rarely })
  .map(({ chosen, careless }): Step => (table) => {
    const used = new Set(Object.values(table.refs).map((ref) => ref.snapshotId))
    const snapshotIds = chosen.map((at) => pick(table, at)).filter((id) => careless || !used.has(id))
    return [{ action: 'remove-snapshots', snapshotIds }]
  })

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

/** What a commit of `steps` leaves; undefined where it is refused. */
function commitSteps(base: TableMetadata, steps: readonly Step[], nowMs: number): TableMetadata | undefined {
  const context = { nowMs, baseMetadataLocation: `v${base.lastUpdatedMs}` }
  const updates: TableUpdate[] = []
  try {
    // Each step is made for the state that the ones before it leave, and all are committed at once.
    for (const step of steps) updates.push(...step(applyTableUpdates(base, updates, context)))
    return applyTableUpdates(base, updates, context)
  } catch (error) {
    if (error instanceof IcebergError) return undefined
    throw error
  }
}

describe('random histories', () => {
  it('keep the invariants of table metadata', () => {
    const seen = { commits: 0, cutLogs: 0 }
    const version = fc.constantFrom(2 as const, 3 as const)
    fc.assert(
      fc.property(version, fc.array(commit, { minLength: 5, maxLength: 30, size: 'max' }), (formatVersion, history) => {
        let base = exampleTable({ formatVersion })
        for (const { steps, clockMs } of history) {
          const next = commitSteps(base, steps, base.lastUpdatedMs + clockMs)
          if (next === undefined || next === base) continue
          checkStep(base, next)
          checkState(next)
          seen.commits++
          if (next.snapshotLog.length < base.snapshotLog.length) seen.cutLogs++
          base = next
        }
      }),
      { numRuns: 120 },
    )
    // The model is worth nothing if most commits are refused or nothing is ever expired.
    expect(seen.commits).toBeGreaterThan(800)
    expect(seen.cutLogs).toBeGreaterThan(20)
  })
})
