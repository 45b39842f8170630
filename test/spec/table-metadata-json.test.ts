import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IcebergError, InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { parseJson, printJson } from '../../src/base/json.ts'
import type { JsonObject, JsonValue } from '../../src/base/json.ts'
import type { SnapshotRef } from '../../src/spec/snapshot.ts'
import { parseTableMetadata, printTableMetadata } from '../../src/spec/table-metadata-json.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import { exampleTable, FIXTURES, nextSnapshot, readFixture, START_MS } from './example-metadata.ts'

const REFUSED: Readonly<Record<string, string>> = {
  UnsupportedVersion: 'format version 42',
  V1MissingSchemaType: '$.schema.type: expected a string, found nothing',
  V1NoValidSchema: '$.current-schema-id: expected an integer, found nothing',
  V2CurrentSchemaNotFound: '$.current-schema-id: expected the id of one of the schemas (0, 1), found 2',
  V2MissingLastPartitionId: '$.last-partition-id: expected an integer, found nothing',
  V2MissingPartitionSpecs: '$.partition-specs: expected an array, found nothing',
  V2MissingSchemas: '$.schemas: expected an array, found nothing',
  V2MissingSortOrder: '$.sort-orders: expected an array, found nothing',
}

/** Says version 3, from when iceberg-rust had none, and is otherwise of version 1: refused for its shape. */
const RUST_UNSUPPORTED = 'iceberg-rust/table_metadata/TableMetadataUnsupportedVersion.json'

/** Compressed ones are the business of metadata-file.test.ts. */
const documents = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
  .filter(
    (path) =>
      /TableMetadata[^/]*\.json$|example_[^/]*\.json$|\.metadata\.json$/.test(path) && !/\.(?:gz|zstd)\./.test(path),
  )
  .toSorted()
const isRefused = (path: string): boolean => Object.keys(REFUSED).some((name) => path.includes(`TableMetadata${name}`))

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
  it('finds them', () => {
    expect(documents.length).toBeGreaterThan(80)
    expect(documents.filter(isRefused).length).toBeGreaterThan(18)
  })

  it.each(documents.filter((path) => !isRefused(path)))('%s parses and prints to the same', (path) => {
    const metadata = parseTableMetadata(readFixture(path), path)
    expect(parseTableMetadata(printTableMetadata(metadata), path)).toEqual(metadata)
  })

  it.each(documents.filter((path) => !isRefused(path)))('%s keeps each member that it has', (path) => {
    const source = parseJson(readFixture(path), path) as JsonObject
    const printed = parseJson(printTableMetadata(parseTableMetadata(readFixture(path), path)), path) as JsonObject
    const kept = [
      'location',
      'table-uuid',
      'last-updated-ms',
      'last-column-id',
      'properties',
      'statistics',
      'metadata-log',
    ]
    for (const key of [...kept, 'snapshot-log', 'partition-statistics', 'encryption-keys', 'next-row-id', 'refs']) {
      if (source[key] !== undefined && source[key] !== null) expect(printed).toMatchObject({ [key]: source[key] })
    }
  })

  it.each(documents.filter((path) => path.includes('equality_deletes') || path.includes('expression_filter')))(
    '%s, written by Java, is printed byte for byte',
    (path) => {
      const text = readFixture(path)
      expect(printTableMetadata(parseTableMetadata(text, path))).toBe(printJson(parseJson(text, path)))
    },
  )

  it.each(documents.filter((path) => isRefused(path) && path !== RUST_UNSUPPORTED))('%s is refused', (path) => {
    const [, reason = ''] = Object.entries(REFUSED).find(([name]) => path.includes(name)) ?? []
    const error = failure(readFixture(path))
    expect(error.message).toContain(reason)
    expect(error).toBeInstanceOf(path.includes('UnsupportedVersion') ? UnsupportedError : InvalidDataError)
    expect(error.context).toMatchObject({ location: 'file.json', path: expect.stringMatching(/^\$\./) })
  })

  it('refuses the unsupported file of iceberg-rust', () => {
    expect(failure(readFixture(RUST_UNSUPPORTED)).message).toBe('$.schemas: expected an array, found nothing')
  })

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
    ['no location', { location: null }, '$.location: expected a string'],
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

  it('a snapshot without manifests', () => {
    const snapshots = [{ 'snapshot-id': 3055729675574597004n, 'timestamp-ms': 1 }]
    expect(failure(v2With({ snapshots })).message).toContain('$.snapshots[0].manifest-list: expected a string')
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

describe('random metadata', () => {
  const long = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n })
  const text = fc.string({ unit: 'binary', maxLength: 12 })
  const refOf = (ids: readonly bigint[]): fc.Arbitrary<SnapshotRef> =>
    fc.record(
      { type: fc.constantFrom('branch', 'tag'), snapshotId: fc.constantFrom(...ids), maxRefAgeMs: fc.nat() },
      { requiredKeys: ['type', 'snapshotId'] },
    )
  interface Parts {
    readonly formatVersion: 2 | 3
    readonly ids: readonly bigint[]
    readonly properties: Readonly<Record<string, string>>
    readonly nextRowId: bigint
    readonly keyId: string | undefined
  }
  const tableOf = ({ formatVersion, ids, ...parts }: Parts, refs: TableMetadata['refs']): TableMetadata => {
    const base = exampleTable({ formatVersion })
    const [current] = ids
    return {
      ...base,
      snapshots: ids.map((id, i) => nextSnapshot(base, id, { sequenceNumber: BigInt(i), keyId: parts.keyId })),
      refs: current === undefined ? {} : { ...refs, main: { type: 'branch', snapshotId: current } },
      currentSnapshotId: current,
      lastSequenceNumber: BigInt(ids.length),
      properties: parts.properties,
      nextRowId: formatVersion === 3 ? parts.nextRowId : 0n,
      snapshotLog: ids.map((snapshotId, i) => ({ snapshotId, timestampMs: START_MS + i })),
      statistics: ids.map((id) => ({
        'snapshot-id': id <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(id) : id,
        'statistics-path': 's3://s',
        'file-size-in-bytes': 1,
        'file-footer-size-in-bytes': 1,
        'blob-metadata': [],
      })),
    }
  }
  const metadata: fc.Arbitrary<TableMetadata> = fc
    .record({
      formatVersion: fc.constantFrom(2 as const, 3 as const),
      ids: fc.uniqueArray(long, { maxLength: 5 }),
      properties: fc.dictionary(text, text),
      nextRowId: long,
      keyId: fc.option(text, { nil: undefined }),
    })
    .chain((parts) => {
      const refs = parts.ids.length === 0 ? fc.constant({}) : fc.dictionary(text, refOf(parts.ids))
      return refs.map((others) => tableOf(parts, others))
    })

  it('prints and parses to itself', () => {
    fc.assert(
      fc.property(metadata, (table) => {
        expect(parseTableMetadata(printTableMetadata(table), 'x')).toEqual(table)
      }),
      { numRuns: 200 },
    )
  })

  it('fails on damaged files with an error of ours', () => {
    const source = readFixture('iceberg-java/core/TableMetadataV2Valid.json')
    fc.assert(
      fc.property(fc.nat(source.length - 1), fc.nat(20), fc.string({ maxLength: 3 }), (at, length, insert) => {
        try {
          parseTableMetadata(source.slice(0, at) + insert + source.slice(at + length), 'x')
        } catch (error) {
          expect(error).toBeInstanceOf(IcebergError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
