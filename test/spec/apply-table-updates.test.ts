import { describe, expect, it } from 'vitest'
import { CommitFailedError, UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { applyTableUpdates } from '../../src/spec/apply-table-updates.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { buildPartitionSpec, UNPARTITIONED } from '../../src/spec/partition-spec.ts'
import type { Snapshot, SnapshotRef } from '../../src/spec/snapshot.ts'
import { buildSortOrder, UNSORTED } from '../../src/spec/sort-order.ts'
import { parseTableMetadata } from '../../src/spec/table-metadata-json.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import type { TableUpdate } from '../../src/spec/table-update.ts'
import type { Schema } from '../../src/spec/types.ts'
import { exampleTable, FLIGHTS, nextSnapshot, readFixture, START_MS } from './example-metadata.ts'

const apply = (base: TableMetadata, ...updates: TableUpdate[]): TableMetadata =>
  applyTableUpdates(base, updates, { nowMs: base.lastUpdatedMs + 1000 })

const branch = (snapshotId: bigint, more: Partial<SnapshotRef> = {}): SnapshotRef => ({
  type: 'branch',
  snapshotId,
  ...more,
})
const setMain = (snapshotId: bigint): TableUpdate => ({
  action: 'set-snapshot-ref',
  refName: 'main',
  ref: branch(snapshotId),
})
const addSnapshot = (snapshot: Snapshot): TableUpdate => ({ action: 'add-snapshot', snapshot })

/** Appends snapshots 1 … n on main, one commit each. */
function withSnapshots(n: number, base: TableMetadata = exampleTable()): TableMetadata {
  let table = base
  for (let id = 1; id <= n; id++)
    table = apply(table, addSnapshot(nextSnapshot(table, BigInt(id))), setMain(BigInt(id)))
  return table
}

/** FLIGHTS with a column more, as an update of its schema. */
function withColumn(name: string, id: number, schema: Schema = FLIGHTS): Schema {
  return { ...schema, fields: [...schema.fields, { id, name, type: { kind: 'string' }, required: false }] }
}

const logged = ({ snapshotLog }: TableMetadata): bigint[] => snapshotLog.map((entry) => entry.snapshotId)

describe('time and logs', () => {
  it('returns the base where nothing changes', () => {
    const base = withSnapshots(1, exampleTable({ properties: { a: '1' } }))
    expect(apply(base)).toBe(base)
    const idle: TableUpdate[] = [
      { action: 'assign-uuid', uuid: base.tableUuid },
      { action: 'upgrade-format-version', formatVersion: 2 },
      { action: 'set-location', location: 's3://lake/flights/' },
      { action: 'set-properties', updates: { a: '1' } },
      { action: 'remove-properties', removals: ['b', 'constructor'] },
      { action: 'add-schema', schema: { ...FLIGHTS, schemaId: 7 } },
      { action: 'set-current-schema', schemaId: 0 },
      { action: 'set-default-spec', specId: 0 },
      { action: 'add-spec', spec: buildPartitionSpec(FLIGHTS, ['month(date)']) },
      { action: 'add-sort-order', sortOrder: buildSortOrder(FLIGHTS, ['origin']) },
      { action: 'set-default-sort-order', sortOrderId: 1 },
      { action: 'remove-schemas', schemaIds: [9] },
      { action: 'remove-partition-specs', specIds: [9] },
      { action: 'remove-snapshots', snapshotIds: [9n] },
      { action: 'remove-snapshot-ref', refName: 'x' },
      { action: 'remove-statistics', snapshotId: 1n },
      { action: 'remove-partition-statistics', snapshotId: 1n },
      { action: 'remove-encryption-key', keyId: 'x' },
      setMain(1n),
    ]
    for (const update of idle) expect(apply(base, update), update.action).toBe(base)
  })

  it('does not touch its input', () => {
    const base = withSnapshots(2)
    const before = structuredClone(base)
    apply(base, addSnapshot(nextSnapshot(base, 3n)), setMain(3n), { action: 'remove-snapshots', snapshotIds: [1n] })
    expect(base).toEqual(before)
  })

  it('is later than the base, whatever the clock says', () => {
    const base = exampleTable()
    const update: TableUpdate = { action: 'set-properties', updates: { a: '1' } }
    const at = (nowMs: number): number => applyTableUpdates(base, [update], { nowMs }).lastUpdatedMs
    expect([at(START_MS + 500), at(START_MS), at(0)]).toEqual([START_MS + 500, START_MS + 1, START_MS + 1])
  })

  it('logs the base’s file with the base’s time, capped by the new properties', () => {
    let table = exampleTable({ properties: { 'write.metadata.previous-versions-max': '3' } })
    for (let version = 0; version < 5; version++) {
      const updates: TableUpdate[] = [{ action: 'set-properties', updates: { version: String(version) } }]
      table = applyTableUpdates(table, updates, { nowMs: 0, baseMetadataLocation: `v${version}` })
    }
    expect(table.metadataLog).toEqual([2, 3, 4].map((v) => ({ timestampMs: START_MS + v, metadataFile: `v${v}` })))
    const fewer: TableUpdate[] = [
      { action: 'set-properties', updates: { 'write.metadata.previous-versions-max': '0' } },
    ]
    const { metadataLog } = applyTableUpdates(table, fewer, { nowMs: 0, baseMetadataLocation: 'v5' })
    expect(metadataLog.map((entry) => entry.metadataFile)).toEqual(['v5'])
    const many: TableUpdate[] = [{ action: 'remove-properties', removals: ['write.metadata.previous-versions-max'] }]
    expect(applyTableUpdates(table, many, { nowMs: 0, baseMetadataLocation: 'v5' }).metadataLog).toHaveLength(4)
  })

  it('logs moves of main only, with the time of a new snapshot and of a rollback', () => {
    let table = withSnapshots(2)
    expect(table.snapshotLog).toEqual(
      table.snapshots.map(({ snapshotId, timestampMs }) => ({ snapshotId, timestampMs })),
    )
    table = apply(table, addSnapshot(nextSnapshot(table, 3n)), {
      action: 'set-snapshot-ref',
      refName: 'dev',
      ref: branch(3n),
    })
    expect(logged(table)).toEqual([1n, 2n])
    table = apply(table, setMain(1n))
    expect(table.snapshotLog.at(-1)).toEqual({ snapshotId: 1n, timestampMs: table.lastUpdatedMs })
    expect(table.currentSnapshotId).toBe(1n)
  })

  it('does not log main again when only its retention changes', () => {
    const table = apply(withSnapshots(1), {
      action: 'set-snapshot-ref',
      refName: 'main',
      ref: branch(1n, { minSnapshotsToKeep: 5 }),
    })
    expect(logged(table)).toEqual([1n])
    expect(table.refs['main']?.minSnapshotsToKeep).toBe(5)
  })

  it('leaves snapshots out of the log that were current only between two updates', () => {
    const base = withSnapshots(1)
    const second = nextSnapshot(base, 2n)
    const third = { ...nextSnapshot(base, 3n), sequenceNumber: second.sequenceNumber + 1n }
    const table = apply(base, addSnapshot(second), setMain(2n), addSnapshot(third), setMain(3n))
    expect(logged(table)).toEqual([1n, 3n])
    expect(table.snapshots.map((s) => s.snapshotId)).toEqual([1n, 2n, 3n])
  })

  it('keeps the log sorted under writers with slow clocks, and refuses ones from the future', () => {
    const base = withSnapshots(2)
    const slow = nextSnapshot(base, 3n, { timestampMs: 5 })
    const table = apply(base, addSnapshot(slow), setMain(3n))
    expect(table.snapshotLog.at(-1)?.timestampMs).toBe(base.snapshotLog.at(-1)?.timestampMs)
    const ahead = nextSnapshot(base, 3n, { timestampMs: base.lastUpdatedMs + 30_000 })
    const tolerated = apply(base, addSnapshot(ahead), setMain(3n))
    expect(tolerated.snapshotLog.at(-1)?.timestampMs).toBe(tolerated.lastUpdatedMs)
    const future = nextSnapshot(base, 3n, { timestampMs: base.lastUpdatedMs + 62_000 })
    expect(() => apply(base, addSnapshot(future))).toThrow('from the future')
  })
})

describe('snapshots', () => {
  it('advances sequence number, current snapshot and main', () => {
    const table = withSnapshots(3)
    expect(table).toMatchObject({ lastSequenceNumber: 3n, currentSnapshotId: 3n, nextRowId: 0n })
    expect(table.refs).toEqual({ main: { type: 'branch', snapshotId: 3n } })
  })

  it('gives row ids in version 3, each once', () => {
    const base = withSnapshots(2, exampleTable({ formatVersion: 3 }))
    expect(base.nextRowId).toBe(20n)
    expect(base.snapshots.map((s) => s.firstRowId)).toEqual([0n, 10n])
    expect(apply(base, addSnapshot(nextSnapshot(base, 3n, { addedRows: 0n }))).nextRowId).toBe(20n)
    expect(apply(base, addSnapshot(nextSnapshot(base, 3n, { firstRowId: 100n }))).nextRowId).toBe(110n)
    const stale = addSnapshot(nextSnapshot(base, 3n, { firstRowId: 19n }))
    expect(() => apply(base, stale)).toThrow(CommitFailedError)
    for (const changes of [{ firstRowId: undefined }, { addedRows: undefined }, { addedRows: -1n }]) {
      expect(() => apply(base, addSnapshot(nextSnapshot(base, 3n, changes)))).toThrow(ValidationError)
    }
  })

  it('refuses a stale sequence number as a lost race', () => {
    const base = withSnapshots(2)
    for (const sequenceNumber of [2n, 0n]) {
      const stale = nextSnapshot(base, 3n, { sequenceNumber, parentSnapshotId: undefined })
      expect(() => apply(base, addSnapshot(stale))).toThrow(CommitFailedError)
    }
  })

  it.each<[string, Partial<Snapshot>, string]>([
    ['a known id', { snapshotId: 1n }, 'has a snapshot 1 already'],
    ['no manifest list', { manifestList: undefined, manifests: ['m.avro'] }, 'has no manifest list'],
    ['an unknown schema', { schemaId: 4 }, 'names schema 4'],
  ])('refuses one with %s', (_, changes, message) => {
    const base = withSnapshots(1)
    expect(() => apply(base, addSnapshot(nextSnapshot(base, 2n, changes)))).toThrow(ValidationError)
    expect(() => apply(base, addSnapshot(nextSnapshot(base, 2n, changes)))).toThrow(message)
  })

  it('removes them with their statistics, and the log up to the last of them', () => {
    const statistics = (id: number): TableUpdate => ({
      action: 'set-statistics',
      statistics: {
        'snapshot-id': id,
        'statistics-path': `s3://s/${id}`,
        'file-size-in-bytes': 1,
        'file-footer-size-in-bytes': 1,
        'blob-metadata': [],
      },
    })
    const base = apply(withSnapshots(4), statistics(2), statistics(3))
    const table = apply(base, { action: 'remove-snapshots', snapshotIds: [2n, 99n] })
    expect(table.snapshots.map((s) => s.snapshotId)).toEqual([1n, 3n, 4n])
    expect(logged(table)).toEqual([3n, 4n])
    expect(table.statistics.map((s) => s['statistics-path'])).toEqual(['s3://s/3'])
  })

  it('keeps what a branch or tag points at', () => {
    const base = apply(withSnapshots(3), {
      action: 'set-snapshot-ref',
      refName: 'v1',
      ref: { type: 'tag', snapshotId: 1n },
    })
    const remove = (...snapshotIds: bigint[]): TableUpdate => ({ action: 'remove-snapshots', snapshotIds })
    expect(() => apply(base, remove(1n))).toThrow('tag "v1" points at snapshot 1')
    expect(() => apply(base, remove(3n))).toThrow('branch "main" points at snapshot 3')
    const untagged = apply(base, { action: 'remove-snapshot-ref', refName: 'v1' }, remove(1n, 2n))
    expect(untagged.snapshots.map((s) => s.snapshotId)).toEqual([3n])
  })

  it('empties the table when main is removed, without losing snapshots', () => {
    const table = apply(withSnapshots(2), { action: 'remove-snapshot-ref', refName: 'main' })
    expect(table).toMatchObject({ currentSnapshotId: undefined, refs: {} })
    expect(table.snapshots).toHaveLength(2)
    expect(apply(table, setMain(1n)).currentSnapshotId).toBe(1n)
  })
})

describe('references', () => {
  it.each<[string, SnapshotRef, string]>([
    ['x', branch(9n), 'cannot point branch "x" at snapshot 9'],
    ['', branch(1n), 'needs a name'],
    ['main', { type: 'tag', snapshotId: 1n }, 'main is always a branch'],
    ['x', branch(1n, { minSnapshotsToKeep: 0 }), 'greater than 0'],
    ['x', branch(1n, { maxSnapshotAgeMs: -1 }), 'greater than 0'],
    ['x', branch(1n, { maxRefAgeMs: 0 }), 'greater than 0'],
    ['x', { type: 'tag', snapshotId: 1n, minSnapshotsToKeep: 1 }, 'a tag keeps one snapshot'],
    ['x', { type: 'tag', snapshotId: 1n, maxSnapshotAgeMs: 1 }, 'a tag keeps one snapshot'],
  ])('refuses %j %o', (refName, ref, message) => {
    const base = withSnapshots(1)
    expect(() => apply(base, { action: 'set-snapshot-ref', refName, ref })).toThrow(ValidationError)
    expect(() => apply(base, { action: 'set-snapshot-ref', refName, ref })).toThrow(message)
  })

  it('takes names that all objects have', () => {
    const table = apply(withSnapshots(1), { action: 'set-snapshot-ref', refName: 'constructor', ref: branch(1n) })
    expect(Object.keys(table.refs)).toEqual(['main', 'constructor'])
  })
})

describe('schemas', () => {
  const wider = withColumn('carrier', 5)

  it('adds one, makes it current and remembers the highest column', () => {
    const table = apply(
      exampleTable(),
      { action: 'add-schema', schema: wider },
      { action: 'set-current-schema', schemaId: -1 },
    )
    expect(table).toMatchObject({ currentSchemaId: 1, lastColumnId: 5 })
    expect(table.schemas.map((s) => s.schemaId)).toEqual([0, 1])
    const back = apply(table, { action: 'add-schema', schema: FLIGHTS }, { action: 'set-current-schema', schemaId: -1 })
    expect(back).toMatchObject({ currentSchemaId: 0, lastColumnId: 5 })
    expect(back.schemas).toHaveLength(2)
  })

  it('never lowers the last column id, and raises it where told', () => {
    const base = apply(exampleTable(), { action: 'add-schema', schema: wider })
    expect(apply(base, { action: 'add-schema', schema: withColumn('x', 5), lastColumnId: 3 }).lastColumnId).toBe(5)
    expect(apply(base, { action: 'add-schema', schema: FLIGHTS, lastColumnId: 9 }).lastColumnId).toBe(9)
  })

  it.each<[TableUpdate, string]>([
    [{ action: 'set-current-schema', schemaId: 3 }, 'there is no schema 3, only 0'],
    [{ action: 'set-current-schema', schemaId: -1 }, 'no schema has been added'],
    [{ action: 'remove-schemas', schemaIds: [0] }, 'schema 0 is the current one'],
    [{ action: 'set-default-spec', specId: 3 }, 'there is no partition spec 3'],
    [{ action: 'set-default-spec', specId: -1 }, 'no partition spec has been added'],
    [{ action: 'remove-partition-specs', specIds: [0] }, 'partition spec 0 is the default one'],
    [{ action: 'set-default-sort-order', sortOrderId: 3 }, 'there is no sort order 3'],
  ])('refuses %o', (update, message) => {
    expect(() => apply(exampleTable(), update)).toThrow(ValidationError)
    expect(() => apply(exampleTable(), update)).toThrow(message)
  })

  it('refuses types of version 3 in version 2', () => {
    const schema: Schema = {
      ...FLIGHTS,
      fields: [...FLIGHTS.fields, { id: 5, name: 'at', type: { kind: 'timestamp_ns' }, required: false }],
    }
    expect(() => apply(exampleTable(), { action: 'add-schema', schema })).toThrow(/timestamp_ns/)
    expect(apply(exampleTable({ formatVersion: 3 }), { action: 'add-schema', schema }).schemas).toHaveLength(2)
  })

  it('refuses a current schema without the columns of the default spec or order', () => {
    const without = (name: string): TableUpdate[] => [
      { action: 'add-schema', schema: { ...FLIGHTS, fields: FLIGHTS.fields.filter((field) => field.name !== name) } },
      { action: 'set-current-schema', schemaId: -1 },
    ]
    expect(() => apply(exampleTable(), ...without('date'))).toThrow(
      'the source of partition field "date_month" is column 2',
    )
    expect(() => apply(exampleTable(), ...without('origin'))).toThrow('the source of sort field identity is column 3')
    expect(apply(exampleTable(), ...without('delay')).currentSchemaId).toBe(1)
    const unpartitioned = exampleTable({ partitionSpec: UNPARTITIONED })
    expect(apply(unpartitioned, ...without('date')).currentSchemaId).toBe(1)
  })

  it('removes schemas that are not current', () => {
    const table = apply(
      exampleTable(),
      { action: 'add-schema', schema: wider },
      { action: 'remove-schemas', schemaIds: [1] },
    )
    expect(table.schemas.map((s) => s.schemaId)).toEqual([0])
    expect(table.lastColumnId).toBe(5)
  })
})

describe('partition specs and sort orders', () => {
  const byOrigin = {
    specId: 0,
    fields: [{ fieldId: 1001, sourceIds: [3], transform: { kind: 'identity' }, name: 'origin' }],
  } as const

  it('adds a spec under the next id and remembers the highest field id', () => {
    const table = apply(
      exampleTable(),
      { action: 'add-spec', spec: byOrigin },
      { action: 'set-default-spec', specId: -1 },
    )
    expect(table).toMatchObject({ defaultSpecId: 1, lastPartitionId: 1001 })
    expect(table.partitionSpecs[1]).toEqual({ ...byOrigin, specId: 1 })
    const back = apply(table, { action: 'set-default-spec', specId: 0 })
    expect(back).toMatchObject({ defaultSpecId: 0, lastPartitionId: 1001 })
    expect(apply(back, { action: 'remove-partition-specs', specIds: [1] }).partitionSpecs).toHaveLength(1)
  })

  it('reuses an equal spec, whatever its field ids', () => {
    const spec = buildPartitionSpec(FLIGHTS, ['month(date)'])
    const renumbered = { ...spec, specId: 9, fields: spec.fields.map((field) => ({ ...field, fieldId: 1007 })) }
    const base = apply(
      exampleTable(),
      { action: 'add-spec', spec: byOrigin },
      { action: 'set-default-spec', specId: -1 },
    )
    const table = apply(base, { action: 'add-spec', spec: renumbered }, { action: 'set-default-spec', specId: -1 })
    expect(table.defaultSpecId).toBe(0)
    expect(table.partitionSpecs).toHaveLength(2)
  })

  it.each<[string, (typeof byOrigin.fields)[number] | object, RegExp]>([
    ['the id of another field', { fieldId: 1000 }, /id 1000 of another field/],
    ['an unknown column', { sourceIds: [9] }, /column 9, which the schema does not have/],
    ['the name of another column', { name: 'delay' }, /"delay" is the name of another column/],
    ['an empty name', { name: '' }, /is empty/],
    ['a transform that does not suit', { transform: { kind: 'hour' } }, /hour/],
  ])('refuses a spec with %s', (_, changes, message) => {
    const spec = { ...byOrigin, fields: [{ ...byOrigin.fields[0], ...changes }] }
    expect(() => apply(exampleTable(), { action: 'add-spec', spec })).toThrow(ValidationError)
    expect(() => apply(exampleTable(), { action: 'add-spec', spec })).toThrow(message)
  })

  it('refuses two fields of one id or one name', () => {
    const [field] = byOrigin.fields
    const bucket = { ...field, transform: { kind: 'bucket', buckets: 4 }, name: 'b' } as const
    expect(() => apply(exampleTable(), { action: 'add-spec', spec: { specId: 0, fields: [field, bucket] } })).toThrow(
      'the id 1001',
    )
    const twice = { ...bucket, fieldId: 1002, name: 'origin' }
    expect(() => apply(exampleTable(), { action: 'add-spec', spec: { specId: 0, fields: [field, twice] } })).toThrow(
      'used twice',
    )
  })

  it('lets a field keep its id in a spec that has it too', () => {
    const [month] = buildPartitionSpec(FLIGHTS, ['month(date)']).fields
    if (month === undefined) throw new Error('no field')
    const table = apply(exampleTable(), {
      action: 'add-spec',
      spec: { specId: 0, fields: [month, ...byOrigin.fields] },
    })
    expect(table.partitionSpecs[1]?.fields.map((field) => field.fieldId)).toEqual([1000, 1001])
  })

  it('refuses sources within lists', () => {
    const schema = defineSchema({ tags: 'list<string>' })
    const base = exampleTable({ schema, partitionSpec: UNPARTITIONED, sortOrder: UNSORTED })
    const spec = { specId: 0, fields: [{ ...byOrigin.fields[0], sourceIds: [2], name: 't' }] }
    expect(() => apply(base, { action: 'add-spec', spec })).toThrow('lies in a list or map')
  })

  it('adds sort orders, the empty one always as 0', () => {
    const byDelay = buildSortOrder(FLIGHTS, ['delay desc'])
    const table = apply(
      exampleTable(),
      { action: 'add-sort-order', sortOrder: byDelay },
      { action: 'set-default-sort-order', sortOrderId: -1 },
    )
    expect(table.defaultSortOrderId).toBe(2)
    const unsorted = apply(
      table,
      { action: 'add-sort-order', sortOrder: { orderId: 5, fields: [] } },
      { action: 'set-default-sort-order', sortOrderId: -1 },
    )
    expect(unsorted.defaultSortOrderId).toBe(0)
    expect(unsorted.sortOrders.map((order) => order.orderId)).toEqual([1, 2, 0])
    const again = apply(
      unsorted,
      { action: 'add-sort-order', sortOrder: byDelay },
      { action: 'set-default-sort-order', sortOrderId: -1 },
    )
    expect(again.defaultSortOrderId).toBe(2)
  })
})

describe('the rest', () => {
  it('upgrades, and never goes back', () => {
    const table = apply(withSnapshots(2), { action: 'upgrade-format-version', formatVersion: 3 })
    expect(table).toMatchObject({ formatVersion: 3, nextRowId: 0n })
    expect(table.snapshots.every((s) => s.firstRowId === undefined)).toBe(true)
    expect(() => apply(table, { action: 'upgrade-format-version', formatVersion: 2 })).toThrow(ValidationError)
    expect(() => apply(table, { action: 'upgrade-format-version', formatVersion: 4 })).toThrow(UnsupportedError)
  })

  it('brings version 1 up, once it has a uuid', () => {
    const path = 'iceberg-java/core/TableMetadataV1Valid.json'
    const v1 = { ...parseTableMetadata(readFixture(path), path), tableUuid: '' }
    const upgrade: TableUpdate = { action: 'upgrade-format-version', formatVersion: 2 }
    expect(() => apply(v1, upgrade)).toThrow('assign one first')
    expect(apply(v1, { action: 'assign-uuid', uuid: 'u' }, upgrade)).toMatchObject({ formatVersion: 2, tableUuid: 'u' })
  })

  it('keeps the uuid that a table has', () => {
    expect(() => apply(exampleTable(), { action: 'assign-uuid', uuid: 'other' })).toThrow(ValidationError)
  })

  it('sets and removes properties, those of odd names too', () => {
    const updates = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>
    const table = apply(exampleTable(), { action: 'set-properties', updates })
    expect(Object.entries(table.properties)).toContainEqual(['__proto__', 'a'])
    expect(table.properties).toHaveProperty('constructor', 'b')
    const removed = apply(table, { action: 'remove-properties', removals: ['__proto__', 'constructor'] })
    expect(removed.properties).toEqual(exampleTable().properties)
  })

  it('moves a table, but not to nowhere', () => {
    expect(apply(exampleTable(), { action: 'set-location', location: 's3://b/x/' }).location).toBe('s3://b/x')
    expect(() => apply(exampleTable(), { action: 'set-location', location: '' })).toThrow(ValidationError)
  })

  it('keeps one statistics file of each kind for a snapshot', () => {
    const file = (path: string): TableUpdate => ({
      action: 'set-partition-statistics',
      partitionStatistics: { 'snapshot-id': 9007199254740993n, 'statistics-path': path, 'file-size-in-bytes': 1 },
    })
    const table = apply(exampleTable(), file('a'), file('b'))
    expect(table.partitionStatistics.map((s) => s['statistics-path'])).toEqual(['b'])
    const removed = apply(table, { action: 'remove-partition-statistics', snapshotId: 9007199254740993n })
    expect(removed.partitionStatistics).toEqual([])
    expect(() => apply(table, { action: 'set-statistics', statistics: { 'snapshot-id': 1 } })).toThrow(
      'statistics-path',
    )
  })

  it('adds encryption keys once and removes them', () => {
    const key = (id: string, text: string): TableUpdate => ({
      action: 'add-encryption-key',
      encryptionKey: { 'key-id': id, 'encrypted-key-metadata': text },
    })
    const table = apply(exampleTable({ formatVersion: 3 }), key('a', '1'), key('a', '2'), key('b', '3'))
    expect(table.encryptionKeys.map((k) => k['encrypted-key-metadata'])).toEqual(['1', '3'])
    expect(apply(table, { action: 'remove-encryption-key', keyId: 'a' }).encryptionKeys).toHaveLength(1)
  })
})
