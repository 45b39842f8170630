import { describe, expect, it } from 'vitest'
import { CommitFailedError, UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { applyTableUpdates } from '../../src/spec/apply-table-updates.ts'
import { buildPartitionSpec } from '../../src/spec/partition-spec.ts'
import type { Snapshot, SnapshotRef } from '../../src/spec/snapshot.ts'
import { buildSortOrder } from '../../src/spec/sort-order.ts'
import { parseTableMetadata } from '../../src/spec/table-metadata-json.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import type { TableUpdate } from '../../src/spec/table-update.ts'
import { apply, exampleTable, FLIGHTS, nextSnapshot, readFixture, START_MS } from './example-metadata.ts'

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
