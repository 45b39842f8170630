import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { decodeManifest } from '../../src/manifest/manifest-reader.ts'
import { encodeManifest } from '../../src/manifest/manifest-writer.ts'
import type { ManifestInput } from '../../src/manifest/manifest-writer.ts'
import { sanitizeAvroName } from '../../src/manifest/partition-codec.ts'
import type { DataFile, ManifestEntry } from '../../src/spec/data-file.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { UNPARTITIONED } from '../../src/spec/partition-spec.ts'
import { decodeSingleValue, encodeSingleValue } from '../../src/spec/single-value.ts'
import type { PrimitiveType, Schema, Value } from '../../src/spec/types.ts'
import { compareValues } from '../../src/spec/value.ts'
import { readWithAvsc } from '../format/avsc-file.ts'
import { PRIMITIVES, valueOf } from '../spec/arbitraries.ts'
import { dataFile, entryOf, plainEntry, readBytes, tableOf } from './manifest-fixtures.ts'

const TABLE = 'duckdb/equality_deletes/warehouse/mydb/mytable_partitioned/metadata'
const SCHEMA: Schema = {
  schemaId: 3,
  fields: [
    { id: 1, name: 'id', type: { kind: 'int' }, required: true },
    { id: 2, name: 'name', type: { kind: 'string' }, required: false },
  ],
  identifierFieldIds: [],
}
const BY_NAME: PartitionSpec = {
  specId: 0,
  fields: [{ fieldId: 1000, sourceIds: [2], transform: { kind: 'identity' }, name: 'name' }],
}

function encode(changes: Partial<ManifestInput>): ReturnType<typeof encodeManifest> {
  return encodeManifest({
    entries: [],
    spec: UNPARTITIONED,
    schema: SCHEMA,
    formatVersion: 2,
    content: 'data',
    snapshotId: 7n,
    path: 's3://b/t/metadata/a-m0.avro',
    ...changes,
  })
}

/** Field ids of the records of a schema, by the record's name. */
function fieldIds(schema: JsonObject): Record<string, readonly number[]> {
  const found: Record<string, readonly number[]> = {}
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit)
    if (typeof node !== 'object' || node === null) return
    const { name, fields } = node as { readonly name?: string; readonly fields?: readonly { 'field-id': number }[] }
    if (fields !== undefined) found[String(name)] = fields.map((field) => field['field-id'])
    Object.values(node).forEach(visit)
  }
  visit(schema)
  return found
}

describe('manifests as written', () => {
  it('have the schema that Java writes for version 2', () => {
    const java = readWithAvsc(readBytes(`${TABLE}/2b5d4ce3-154e-4498-a648-89be96ebd74a-m0.avro`))
    const { schema } = readWithAvsc(encode({ spec: BY_NAME }).bytes)
    expect(schema).toEqual(java.schema)
    expect(Object.keys((schema['fields'] as unknown as readonly object[])[1] ?? {})).toEqual([
      'name',
      'type',
      'default',
      'field-id',
    ])
  })

  it('have in version 3 the fields of row ids and deletion vectors', () => {
    const { r2, manifest_entry: entry } = fieldIds(readWithAvsc(encode({ formatVersion: 3 }).bytes).schema)
    expect(entry).toEqual([0, 1, 3, 4, 2])
    expect(r2?.join()).toBe('134,100,101,102,103,104,108,109,110,137,125,128,131,132,135,140,142,143,144,145')
  })

  it('have the key-value metadata of the specification', () => {
    const { metadata } = readWithAvsc(encode({ spec: BY_NAME, content: 'deletes' }).bytes)
    expect(metadata).toMatchObject({
      'avro.codec': 'deflate',
      'schema-id': '3',
      'partition-spec': '[{"name":"name","transform":"identity","source-id":2,"field-id":1000}]',
      'partition-spec-id': '0',
      'format-version': '2',
      content: 'deletes',
    })
    expect(JSON.parse(metadata['schema'] ?? '')).toMatchObject({
      type: 'struct',
      'schema-id': 3,
      fields: [{ id: 1 }, { id: 2 }],
    })
  })

  it('name partition fields as Avro can', () => {
    expect(sanitizeAvroName('a b.c')).toBe('a_x20b_x2Ec')
    expect(sanitizeAvroName('9x')).toBe('_9x')
    expect(sanitizeAvroName('_ok_1')).toBe('_ok_1')
    expect(sanitizeAvroName('é')).toBe('_xE9')
    expect(sanitizeAvroName('😀')).toBe('_xD83D_xDE00')
    const names = ['9 lives', '_9_x20lives', 'fine']
    const spec: PartitionSpec = {
      specId: 0,
      fields: names.map((name, i) => ({ fieldId: 1000 + i, sourceIds: [1], transform: { kind: 'identity' }, name })),
    }
    const text = JSON.stringify(readWithAvsc(encode({ spec }).bytes).schema)
    expect(text).toContain('"name":"_9_x20lives","type":["null","int"],"default":null,"iceberg-field-name":"9 lives"')
    expect(text).toContain('"name":"_9_x20lives_1001"')
    expect(text).toContain('"name":"fine","type":["null","int"],"default":null,"field-id":1002')
  })

  it('define a type that several fields have once', () => {
    const schema: Schema = { ...SCHEMA, fields: [{ id: 1, name: 'u', type: { kind: 'uuid' }, required: true }] }
    const field = { sourceIds: [1], transform: { kind: 'identity' } } as const
    const spec: PartitionSpec = {
      specId: 0,
      fields: [
        { ...field, fieldId: 1000, name: 'a' },
        { ...field, fieldId: 1001, name: 'b' },
      ],
    }
    const partition = ['f79c3e09-677c-4bbd-a479-3f349cb785e7', null]
    const { bytes } = encode({ schema, spec, entries: [entryOf({ dataFile: dataFile({ partition }) })] })
    expect(readWithAvsc(bytes).records).toHaveLength(1)
  })

  it('are equal bytes for equal input', () => {
    const entries = [entryOf()]
    expect(encode({ entries }).bytes).toEqual(encode({ entries }).bytes)
  })
})

describe('the manifest file', () => {
  const entry = (status: ManifestEntry['status'], recordCount: number, sequenceNumber?: bigint): ManifestEntry =>
    entryOf({ status, sequenceNumber, snapshotId: 7n, dataFile: dataFile({ recordCount }) })

  it('counts files and rows by status', () => {
    const entries = [
      entry('added', 1),
      entry('added', 2),
      entry('existing', 10, 4n),
      entry('existing', 20, 3n),
      entry('deleted', 100, 1n),
    ]
    const { bytes, manifestFile } = encode({ entries })
    expect(manifestFile).toMatchObject({
      manifestPath: 's3://b/t/metadata/a-m0.avro',
      manifestLength: bytes.length,
      partitionSpecId: 0,
      content: 'data',
      addedSnapshotId: 7n,
      addedFilesCount: 2,
      addedRowsCount: 3,
      existingFilesCount: 2,
      existingRowsCount: 30,
      deletedFilesCount: 1,
      deletedRowsCount: 100,
      sequenceNumber: -1n,
      minSequenceNumber: 3n,
      partitions: [],
    })
    expect(manifestFile.firstRowId).toBeUndefined()
  })

  it('leaves the lowest sequence number open where all files inherit theirs', () => {
    expect(encode({ entries: [entry('added', 1), entry('deleted', 1, 1n)] }).manifestFile.minSequenceNumber).toBe(-1n)
  })

  it('summarises partitions: null, NaN, bounds that are neither', () => {
    const type: PrimitiveType = { kind: 'double' }
    const schema: Schema = { ...SCHEMA, fields: [{ id: 2, name: 'd', type, required: false }] }
    const summaries = (...values: (Value | null)[]): unknown =>
      encode({
        schema,
        spec: BY_NAME,
        entries: values.map((value) => entryOf({ dataFile: dataFile({ partition: [value] }) })),
      }).manifestFile.partitions
    const bytes = (value: number): Uint8Array => encodeSingleValue(type, value)
    const bounds = (lower: number, upper: number): object => ({ lowerBound: bytes(lower), upperBound: bytes(upper) })
    expect(summaries(1, -2, 3)).toEqual([{ containsNull: false, containsNan: false, ...bounds(-2, 3) }])
    expect(summaries(Number.NaN, 5, null)).toEqual([{ containsNull: true, containsNan: true, ...bounds(5, 5) }])
    expect(summaries(0, -0)).toEqual([{ containsNull: false, containsNan: false, ...bounds(-0, 0) }])
    expect(summaries(Number.NaN)).toEqual([{ containsNull: false, containsNan: true }])
    expect(summaries(null)).toEqual([{ containsNull: true, containsNan: false }])
    expect(summaries()).toEqual([{ containsNull: false, containsNan: false }])
  })
})

describe('what a manifest refuses', () => {
  it.each<readonly [string, Partial<ManifestInput>]>([
    ['deletes among data', { entries: [entryOf({ dataFile: dataFile({ content: 'position-deletes' }) })] }],
    ['data among deletes', { entries: [entryOf()], content: 'deletes' }],
    ['files of another spec', { entries: [entryOf({ dataFile: dataFile({ specId: 1 }) })] }],
    ['partitions of another length', { entries: [entryOf({ dataFile: dataFile({ partition: [1] }) })] }],
    ['existing files without a sequence number', { entries: [entryOf({ status: 'existing', snapshotId: 7n })] }],
    ['deleted files without a sequence number', { entries: [entryOf({ status: 'deleted', snapshotId: 7n })] }],
    ['files of another snapshot without a sequence number', { entries: [entryOf({ snapshotId: 8n })] }],
    ['counts that are none', { entries: [entryOf({ dataFile: dataFile({ recordCount: 1.5 }) })] }],
  ])('%s', (_, input) => {
    expect(() => encode(input)).toThrow(ValidationError)
  })

  it('version 1', () => {
    expect(() => encode({ formatVersion: 1 })).toThrow(UnsupportedError)
  })
})

describe('what is written is read', () => {
  const counts = fc.option(fc.array(fc.tuple(fc.integer({ min: 1 }), fc.maxSafeInteger())), { nil: undefined })
  const bounds = fc.option(fc.array(fc.tuple(fc.integer({ min: 1 }), fc.uint8Array())), { nil: undefined })
  const countMap = counts.map((pairs) => pairs && new Map(pairs))
  const boundMap = bounds.map((pairs) => pairs && new Map(pairs))
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const size = fc.option(fc.maxSafeInteger(), { nil: undefined })
  const files: fc.Arbitrary<DataFile> = fc.record({
    content: fc.constantFrom('data', 'position-deletes', 'equality-deletes'),
    filePath: fc.string({ unit: 'grapheme' }),
    fileFormat: fc.constantFrom('parquet', 'avro', 'orc', 'puffin'),
    specId: fc.constant(4),
    partition: fc.constant([]),
    recordCount: fc.maxSafeNat(),
    fileSizeInBytes: fc.maxSafeNat(),
    columnSizes: countMap,
    valueCounts: countMap,
    nullValueCounts: countMap,
    nanValueCounts: countMap,
    lowerBounds: boundMap,
    upperBounds: boundMap,
    keyMetadata: fc.option(fc.uint8Array(), { nil: undefined }),
    splitOffsets: fc.option(fc.array(fc.maxSafeNat()), { nil: undefined }),
    equalityIds: fc.option(fc.array(fc.integer()), { nil: undefined }),
    sortOrderId: fc.option(fc.integer(), { nil: undefined }),
    firstRowId: fc.option(long, { nil: undefined }),
    referencedDataFile: fc.option(fc.string(), { nil: undefined }),
    contentOffset: size,
    contentSizeInBytes: size,
  })
  const typed = fc.array(
    PRIMITIVES.chain((type) =>
      fc.record({
        type: fc.constant(type),
        values: fc.array(fc.option(valueOf(type)), { minLength: 2, maxLength: 2 }),
      }),
    ),
    { maxLength: 4 },
  )

  it('with all members, partitions of all types, and summaries that bound them', () => {
    fc.assert(
      fc.property(
        fc.tuple(files, files),
        typed,
        fc.constantFrom<2 | 3>(2, 3),
        fc.record({ status: fc.constantFrom('added', 'existing', 'deleted'), numbers: fc.tuple(long, long, long) }),
        (pair, columns, formatVersion, { status, numbers: [snapshotId, sequenceNumber, fileSequenceNumber] }) => {
          const schema: Schema = {
            schemaId: 0,
            fields: columns.map(({ type }, i) => ({ id: i + 1, name: `c ${i}`, type, required: false })),
            identifierFieldIds: [],
          }
          const spec: PartitionSpec = {
            specId: 4,
            fields: columns.map((_, i) => ({
              fieldId: 1010 - i,
              sourceIds: [i + 1],
              transform: { kind: 'identity' },
              name: `c ${i}`,
            })),
          }
          const content = pair[0].content === 'data' ? 'data' : 'deletes'
          const entries = pair
            .filter((file) => (file.content === 'data') === (content === 'data'))
            .map((file, i): ManifestEntry => {
              const partition = columns.map(({ values }) => values[i] ?? null)
              return { status, snapshotId, sequenceNumber, fileSequenceNumber, dataFile: { ...file, partition } }
            })
          const written = encodeManifest({ entries, spec, schema, formatVersion, content, snapshotId, path: 'memory' })
          const manifest = { ...written.manifestFile, sequenceNumber: 9n, firstRowId: 0n }
          const read = decodeManifest(written.bytes, 'memory', { manifest, metadata: tableOf(schema, spec) })
          let rows = 0n
          const expected = entries.map((entry): ManifestEntry => {
            const isData = entry.dataFile.content === 'data'
            const assigned = isData && formatVersion === 3 ? entry.dataFile.firstRowId : undefined
            const inherits = isData && assigned === undefined && status !== 'deleted'
            const firstRowId = inherits ? rows : assigned
            if (inherits) rows += BigInt(entry.dataFile.recordCount)
            const v3 = formatVersion === 3 ? {} : { contentOffset: undefined, contentSizeInBytes: undefined }
            const order = entry.dataFile.content === 'position-deletes' ? { sortOrderId: undefined } : {}
            return { ...entry, dataFile: { ...entry.dataFile, ...v3, ...order, firstRowId } }
          })
          expect(read.map(plainEntry)).toEqual(expected)
          for (const [i, { type }] of columns.entries()) {
            const summary = written.manifestFile.partitions?.[i]
            for (const { dataFile: file } of entries) {
              const value = file.partition[i] ?? null
              if (value === null) expect(summary?.containsNull).toBe(true)
              else if (Number.isNaN(value)) expect(summary?.containsNan).toBe(true)
              else {
                const [lower, upper] = [summary?.lowerBound, summary?.upperBound].map((b) =>
                  decodeSingleValue(type, b ?? new Uint8Array()),
                )
                expect(compareValues(type, lower ?? 0, value)).toBeLessThanOrEqual(0)
                expect(compareValues(type, upper ?? 0, value)).toBeGreaterThanOrEqual(0)
              }
            }
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})
