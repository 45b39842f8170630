import { describe, expect, it } from 'vitest'
import { IcebergError, InvalidDataError } from '../../src/base/errors.ts'
import { parseJson, printJson } from '../../src/base/json.ts'
import type { JsonObject, JsonValue } from '../../src/base/json.ts'
import { parseTableMetadata, printTableMetadata } from '../../src/spec/table-metadata-json.ts'
import { exampleTable, readFixture } from './example-metadata.ts'

function failure(text: string): IcebergError {
  try {
    parseTableMetadata(text, 'file.json')
  } catch (error) {
    if (error instanceof IcebergError) return error
    throw error
  }
  throw new Error('expected a refusal')
}

/** The example of the specification with some members replaced; undefined removes one. */
function v2With(changes: JsonObject, path = 'iceberg-java/core/TableMetadataV2Valid.json'): string {
  return printJson({ ...(parseJson(readFixture(path), path) as JsonObject), ...changes })
}

describe('golden files', () => {
  it('reads the specification’s example', () => {
    const metadata = parseTableMetadata(readFixture('iceberg-java/core/TableMetadataV2Valid.json'), 'x')
    expect(metadata).toMatchObject({
      formatVersion: 2,
      lastSequenceNumber: 34n,
      currentSchemaId: 1,
      lastPartitionId: 1000,
      defaultSortOrderId: 3,
      currentSnapshotId: 3055729675574597004n,
      refs: { main: { type: 'branch', snapshotId: 3055729675574597004n } },
      snapshotLog: [{ snapshotId: 3051729675574597004n }, { snapshotId: 3055729675574597004n }],
    })
    expect(metadata.snapshots.map((s) => [s.snapshotId, s.parentSnapshotId, s.sequenceNumber, s.schemaId])).toEqual([
      [3051729675574597004n, undefined, 0n, undefined],
      [3055729675574597004n, 3051729675574597004n, 1n, 1],
    ])
    expect(metadata.sortOrders[0]?.fields.map((f) => [f.sourceIds, f.direction, f.nullOrder])).toEqual([
      [[2], 'asc', 'nulls-first'],
      [[3], 'desc', 'nulls-last'],
    ])
  })
})

describe('version 1', () => {
  const v1 = 'iceberg-java/core/TableMetadataV1Valid.json'

  it('resolves the singular forms', () => {
    const metadata = parseTableMetadata(readFixture(v1), v1)
    expect(metadata).toMatchObject({ formatVersion: 1, currentSchemaId: 0, defaultSpecId: 0, lastPartitionId: 1000 })
    expect(metadata).toMatchObject({ lastSequenceNumber: 0n, nextRowId: 0n, currentSnapshotId: undefined, refs: {} })
    expect(metadata.sortOrders).toEqual([{ orderId: 0, fields: [] }])
  })

  it('is printed with both forms and without sequence numbers', () => {
    const printed = parseJson(printTableMetadata(parseTableMetadata(readFixture(v1), v1)), v1) as JsonObject
    expect(printed).toMatchObject({ 'format-version': 1, 'current-snapshot-id': -1, 'last-partition-id': 1000 })
    expect(printed['schema']).toEqual((printed['schemas'] as JsonValue[])[0])
    expect(printed['partition-spec']).toEqual([{ name: 'x', transform: 'identity', 'source-id': 1, 'field-id': 1000 }])
    expect(printed).not.toHaveProperty('last-sequence-number')
    expect(printed).not.toHaveProperty('next-row-id')
  })

  it('takes the highest spec where no default is named, and `schema` where no current schema is', () => {
    const specs = 'iceberg-rust/table_metadata/TableMetadataV1PartitionSpecsWithoutDefaultId.json'
    expect(parseTableMetadata(readFixture(specs), specs)).toMatchObject({ defaultSpecId: 2, lastPartitionId: 1001 })
    const schemas = 'iceberg-rust/table_metadata/TableMetadataV1SchemasWithoutCurrentId.json'
    expect(parseTableMetadata(readFixture(schemas), schemas).schemas).toHaveLength(1)
  })

  it('needs no uuid, and reads embedded manifests', () => {
    const path = 'duckdb/iceberg_v1_deprecated/default/legacy_v1/metadata/v2.metadata.json'
    const metadata = parseTableMetadata(v2With({ 'table-uuid': undefined }, path), path)
    expect(metadata.tableUuid).toBe('')
    expect(metadata.snapshots[0]?.manifestList).toBeUndefined()
    expect(metadata.snapshots[0]?.manifests).toHaveLength(1)
    expect(printTableMetadata(metadata)).not.toContain('table-uuid')
    expect(parseTableMetadata(printTableMetadata(metadata), path)).toEqual(metadata)
  })

  it('keeps members that the specification does not know', () => {
    const path = 'iceberg-rust/table_metadata/TableMetadataV1Compat.json'
    const metadata = parseTableMetadata(readFixture(path), path)
    expect(metadata.extra).toEqual({ 'partition-statistics-files': [], 'statistics-files': [] })
    expect(parseJson(printTableMetadata(metadata), path)).toMatchObject({ 'statistics-files': [] })
  })
})

describe('legacy and odd forms', () => {
  const example = { 'current-snapshot-id': 3055729675574597004n }

  it('makes main of the current snapshot where refs are missing, null or without it', () => {
    const tag = { test: { 'snapshot-id': 3051729675574597004n, type: 'tag' } }
    for (const refs of [undefined, null, {}, tag]) {
      const metadata = parseTableMetadata(v2With({ ...example, refs }), 'x')
      expect(metadata.refs['main']).toMatchObject({ type: 'branch', snapshotId: 3055729675574597004n })
    }
  })

  it.each([-1, null, undefined])('reads current-snapshot-id %s as none', (id) => {
    expect(parseTableMetadata(v2With({ 'current-snapshot-id': id }), 'x').currentSnapshotId).toBeUndefined()
  })

  it('prints no current snapshot as -1 in v2 and null in v3', () => {
    expect(parseJson(printTableMetadata(exampleTable()), 'x')).toHaveProperty('current-snapshot-id', -1)
    const v3 = parseJson(printTableMetadata(exampleTable({ formatVersion: 3 })), 'x')
    expect(v3).toMatchObject({ 'current-snapshot-id': null, 'next-row-id': 0 })
  })

  it('lists the unsorted order where it is chosen but not listed', () => {
    const metadata = parseTableMetadata(v2With({ 'default-sort-order-id': 0 }), 'x')
    expect(metadata.sortOrders.map((order) => order.orderId)).toEqual([0, 3])
  })

  it('keeps operations that the specification does not name', () => {
    const snapshots = (summary: JsonObject): JsonValue => [
      { 'snapshot-id': 3055729675574597004n, 'timestamp-ms': 1, 'manifest-list': 'a', summary },
    ]
    const text = v2With({ snapshots: snapshots({ operation: 'vacuum', rows: '1' }), 'snapshot-log': [] })
    const metadata = parseTableMetadata(text, 'x')
    expect(metadata.snapshots[0]?.summary).toEqual({
      operation: undefined,
      properties: { operation: 'vacuum', rows: '1' },
    })
    expect(printTableMetadata(metadata)).toContain('"summary":{"operation":"vacuum","rows":"1"}')
    const empty = parseTableMetadata(v2With({ snapshots: snapshots({}), 'snapshot-log': [] }), 'x')
    expect(empty.snapshots[0]?.summary).toBeUndefined()
  })

  it('reads ages of Long.MAX_VALUE, which mean for ever', () => {
    const refs = {
      main: { 'snapshot-id': 3055729675574597004n, type: 'branch', 'max-ref-age-ms': 9223372036854775807n },
    }
    const { refs: read } = parseTableMetadata(v2With({ refs }), 'x')
    expect(read['main']?.maxRefAgeMs).toBe(Number.MAX_SAFE_INTEGER)
  })

  it.each([
    ['s3://b/t/', 's3://b/t'],
    ['s3://b/t//', 's3://b/t'],
    ['s3://', 's3://'],
    ['file:///', 'file://'],
    ['/data/t', '/data/t'],
  ])('takes the slash off location %s', (location, expected) => {
    expect(parseTableMetadata(v2With({ location }), 'x').location).toBe(expected)
  })

  it('keeps members of snapshots that the specification does not know', () => {
    const kept = { 'x-new': { a: [1, 9223372036854775807n] }, 'x-old': null }
    const snapshot = { 'snapshot-id': 3055729675574597004n, 'timestamp-ms': 1, 'manifest-list': 'a', ...kept }
    const metadata = parseTableMetadata(v2With({ snapshots: [snapshot], 'snapshot-log': [] }), 'x')
    expect(metadata.snapshots[0]?.extra).toEqual(kept)
    const printed = parseJson(printTableMetadata(metadata), 'x') as JsonObject
    expect((printed['snapshots'] as JsonValue[])[0]).toMatchObject(kept)
  })

  it('keeps names that all objects have', () => {
    const properties = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}') as JsonObject
    const metadata = parseTableMetadata(v2With({ properties }), 'x')
    expect(Object.entries(metadata.properties)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['toString', 'c'],
    ])
    expect(printTableMetadata(metadata)).toContain('"properties":{"__proto__":"a","constructor":"b","toString":"c"}')
  })

  it('keeps strings that look like the codec’s own bigints', () => {
    const properties = { a: '9223372036854775807n', b: '123n', c: '9223372036854775807' }
    const metadata = parseTableMetadata(v2With({ properties }), 'x')
    expect(metadata.properties).toEqual(properties)
    expect(parseTableMetadata(printTableMetadata(metadata), 'x').properties).toEqual(properties)
  })
})

const PARTITION = { name: 'x', transform: 'identity', 'source-id': 1, 'field-id': 1000 }
const SORTED = { transform: 'identity', 'source-id': 2, direction: 'asc', 'null-order': 'nulls-first' }

describe('refusals', () => {
  const main = (ref: JsonObject): JsonObject => ({
    refs: { main: { 'snapshot-id': 3055729675574597004n, type: 'branch', ...ref } },
  })
  const log = (...times: number[]): JsonObject => ({
    'snapshot-log': times.map((time) => ({ 'timestamp-ms': time, 'snapshot-id': 3055729675574597004n })),
  })

  it.each<[string, JsonObject, string]>([
    ['no version', { 'format-version': undefined }, '$.format-version: expected an integer, found nothing'],
    ['version 0', { 'format-version': 0 }, '$.format-version: expected a format version from 1 to 3, found 0'],
    ['a text version', { 'format-version': '2' }, '$.format-version: expected an integer, found "2"'],
    ['no uuid', { 'table-uuid': undefined }, '$.table-uuid: expected a string'],
    ['an empty uuid', { 'table-uuid': '' }, '$.table-uuid: expected a uuid, found ""'],
    ['no location', { location: null }, '$.location: expected a string'],
    [
      'a spec in use over a column that is gone',
      { 'partition-specs': [{ 'spec-id': 0, fields: [{ ...PARTITION, 'source-id': 99 }] }] },
      '$.default-spec-id: the source of partition field "x" is column 99, which the schema does not have',
    ],
    [
      'a spec in use whose transform does not suit its column',
      { 'partition-specs': [{ 'spec-id': 0, fields: [{ ...PARTITION, transform: 'day' }] }] },
      '$.default-spec-id: transform day',
    ],
    [
      'an order in use over a column that is gone',
      { 'sort-orders': [{ 'order-id': 3, fields: [{ ...SORTED, 'source-id': 99 }] }] },
      '$.default-sort-order-id: the source of sort field identity is column 99',
    ],
    [
      'no last sequence number',
      { 'last-sequence-number': undefined },
      '$.last-sequence-number: expected a 64-bit integer',
    ],
    [
      'a number beyond 64 bits',
      { 'last-sequence-number': 2n ** 63n },
      '$.last-sequence-number: expected a 64-bit integer',
    ],
    ['a time beyond 2^53', { 'last-updated-ms': 2n ** 60n }, '$.last-updated-ms: expected an integer'],
    [
      'an unknown spec',
      { 'default-spec-id': 7 },
      '$.default-spec-id: expected the id of one of the partition-specs (0), found 7',
    ],
    [
      'an unknown order',
      { 'default-sort-order-id': 7 },
      '$.default-sort-order-id: expected the id of one of the sort-orders (3)',
    ],
    ['a number as property', { properties: { a: 1 } }, '$.properties.a: expected a string, found 1'],
    [
      'an unknown current snapshot',
      { 'current-snapshot-id': 5 },
      '$.current-snapshot-id: expected the id of one of the snapshots',
    ],
    [
      'main elsewhere',
      main({ 'snapshot-id': 3051729675574597004n }),
      '$.current-snapshot-id: expected the snapshot of the main branch',
    ],
    ['main as a tag', main({ type: 'tag' }), '$.refs.main.type: expected branch'],
    ['a ref of no kind', main({ type: 'stash' }), '$.refs.main.type: expected branch or tag, found "stash"'],
    [
      'a ref to nowhere',
      { refs: { x: { 'snapshot-id': 5, type: 'tag' } } },
      '$.refs.x.snapshot-id: expected the id of one',
    ],
    [
      'main without a current snapshot',
      { 'current-snapshot-id': -1, ...main({}) },
      '$.current-snapshot-id: expected the snapshot',
    ],
    ['snapshots that are no array', { snapshots: {} }, '$.snapshots: expected an array, found an object'],
    [
      'a snapshot later than the table',
      { 'last-sequence-number': 0 },
      '$.snapshots[1].sequence-number: expected at most last-seq',
    ],
    [
      'a log out of order',
      log(200_000, 100_000),
      '$.snapshot-log[1].timestamp-ms: expected a time not before snapshot-log[0]',
    ],
    [
      'a log beyond the update',
      log(1602638573590 + 60_001),
      '$.last-updated-ms: expected a time not before snapshot-log[0]',
    ],
    [
      'a statistics file without path',
      { statistics: [{ 'snapshot-id': 1 }] },
      '$.statistics[0].statistics-path: expected a string',
    ],
    ['an encryption key without id', { 'encryption-keys': [{}] }, '$.encryption-keys[0].key-id: expected a string'],
  ])('%s', (_, changes, message) => {
    expect(failure(v2With(changes)).message).toContain(message)
  })

  it('two snapshots of one id', () => {
    const snapshot = { 'snapshot-id': 3055729675574597004n, 'timestamp-ms': 1, 'manifest-list': 'a' }
    expect(failure(v2With({ snapshots: [snapshot, snapshot] })).message).toContain(
      '$.snapshots[1].snapshot-id: expected an id that no other entry has, found 3055729675574597004',
    )
  })

  it.each(['sequence-number', 'first-row-id', 'added-rows'])('a snapshot with %s below 0', (key) => {
    const snapshot = { 'snapshot-id': 3055729675574597004n, 'timestamp-ms': 1, 'manifest-list': 'a', [key]: -1 }
    const message = `$.snapshots[0].${key}: expected an integer from 0, found -1`
    expect(failure(v2With({ snapshots: [snapshot] })).message).toContain(message)
  })

  it('allows specs and orders that are not in use to name columns that are gone, and void ones that are', () => {
    const gone = { 'spec-id': 1, fields: [{ ...PARTITION, 'source-id': 99 }] }
    const dropped = { 'spec-id': 0, fields: [{ ...PARTITION, 'source-id': 99, transform: 'void' }] }
    const text = v2With({ 'partition-specs': [dropped, gone] })
    expect(parseTableMetadata(text, 'x').partitionSpecs).toHaveLength(2)
  })

  it('a snapshot without manifests', () => {
    const snapshots = [{ 'snapshot-id': 3055729675574597004n, 'timestamp-ms': 1 }]
    expect(failure(v2With({ snapshots })).message).toContain('$.snapshots[0].manifest-list: expected a string')
  })

  it('a number that no double can hold among what is kept', () => {
    const text = v2With({ 'x-later': [1] }).replace('"x-later":[1]', '"x-later":[1e400]')
    expect(failure(text).message).toBe('$.x-later[0]: expected a number that a double can hold, found Infinity')
  })

  it('v3 without next-row-id', () => {
    expect(failure(v2With({ 'format-version': 3 })).message).toContain('$.next-row-id: expected a 64-bit integer')
  })

  it.each(['', '[]', 'null', '{', '"x"', '7'])('text %j', (text) => {
    expect(failure(text)).toBeInstanceOf(InvalidDataError)
  })

  it('allows logs to go back by a minute', () => {
    expect(parseTableMetadata(v2With(log(100_000, 40_000)), 'x').snapshotLog).toHaveLength(2)
  })
})
