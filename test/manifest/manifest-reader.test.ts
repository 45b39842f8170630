import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { decodeManifest, partitionTypes } from '../../src/manifest/manifest-reader.ts'
import { encodeManifest } from '../../src/manifest/manifest-writer.ts'
import type { ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { UNPARTITIONED } from '../../src/spec/partition-spec.ts'
import type { PrimitiveType, Schema } from '../../src/spec/types.ts'
import { readWithAvsc, writeWithAvsc } from '../format/avsc-file.ts'
import { MANIFESTS, contextOf, dataFile, entryOf, plainEntry, readBytes, tableOf } from './manifest-fixtures.ts'

function schemaOf(type: PrimitiveType, schemaId = 0): Schema {
  return { schemaId, fields: [{ id: 1, name: 'a', type, required: false }], identifierFieldIds: [] }
}
const BY_A: PartitionSpec = {
  specId: 0,
  fields: [{ fieldId: 1000, sourceIds: [1], transform: { kind: 'identity' }, name: 'a' }],
}
const LONG = schemaOf({ kind: 'long' })

/** Reads entries back through a manifest list's entry with some changes. */
function reread(entries: readonly ManifestEntry[], changes: Partial<ManifestFile>): ManifestEntry[] {
  const input = { entries, spec: UNPARTITIONED, schema: LONG, formatVersion: 3, content: 'data' } as const
  const { bytes, manifestFile } = encodeManifest({ ...input, snapshotId: 7n, path: 'memory' })
  return decodeManifest(bytes, 'memory', { manifest: { ...manifestFile, ...changes }, metadata: tableOf(LONG) })
}

const file = (recordCount: number, firstRowId?: bigint): Pick<ManifestEntry, 'dataFile'> => ({
  dataFile: dataFile({ recordCount, firstRowId }),
})
const numbers = { sequenceNumber: 3n, fileSequenceNumber: 4n, snapshotId: 2n }

describe('inheritance', () => {
  it('gives added files the numbers of their manifest', () => {
    expect(reread([entryOf()], { sequenceNumber: 9n, addedSnapshotId: 8n })).toMatchObject([
      { snapshotId: 8n, sequenceNumber: 9n, fileSequenceNumber: 9n },
    ])
  })

  it('leaves what an entry says itself', () => {
    const entries = [
      entryOf({ status: 'existing', ...numbers }),
      entryOf({ status: 'deleted', ...numbers }),
      entryOf({ ...numbers, snapshotId: 7n, fileSequenceNumber: undefined }),
    ]
    expect(reread(entries, { sequenceNumber: 9n })).toMatchObject([
      { ...numbers, status: 'existing' },
      { ...numbers, status: 'deleted' },
      { snapshotId: 7n, sequenceNumber: 3n, fileSequenceNumber: 9n },
    ])
  })

  it('gives existing and deleted files nothing but their snapshot', () => {
    const entries = [entryOf({ status: 'existing', ...numbers, fileSequenceNumber: undefined, snapshotId: undefined })]
    expect(reread(entries, { sequenceNumber: 9n })).toMatchObject([
      { snapshotId: 7n, sequenceNumber: 3n, fileSequenceNumber: undefined },
    ])
  })

  it('counts row ids on over files without their own, but not over deleted ones', () => {
    const entries = [
      entryOf(file(10)),
      entryOf({ ...file(100), status: 'deleted', ...numbers }),
      entryOf({ ...file(20, 5000n), status: 'existing', ...numbers }),
      entryOf({ ...file(30), status: 'existing', ...numbers }),
      entryOf(file(40)),
    ]
    const rowIds = (changes: Partial<ManifestFile>): unknown =>
      reread(entries, { sequenceNumber: 9n, ...changes }).map((entry) => entry.dataFile.firstRowId)
    expect(rowIds({ firstRowId: 1000n })).toEqual([1000n, undefined, 5000n, 1010n, 1040n])
    // Without one for the manifest, as in snapshots from before an upgrade, no file has one.
    expect(rowIds({ firstRowId: undefined })).toEqual([undefined, undefined, undefined, undefined, undefined])
    expect(rowIds({ firstRowId: 1000n, content: 'deletes' })).toEqual(Array.from({ length: 5 }))
  })
})

describe('entries chosen by partition and status', () => {
  const BY_LONG = tableOf(LONG, BY_A)
  const entries = fc.array(
    fc.record({
      status: fc.constantFrom('added', 'existing', 'deleted'),
      partition: fc.constantFrom(1n, 2n, null),
      recordCount: fc.nat(1000),
      firstRowId: fc.option(fc.bigInt({ min: 0n, max: 2n ** 40n }), { nil: undefined }),
    }),
    { maxLength: 30 },
  )

  it('are those of the whole manifest, with the same row ids', () => {
    fc.assert(
      fc.property(
        entries,
        fc.constantFrom(1000n, undefined),
        fc.constantFrom(1n, null),
        (chosen, firstRowId, wanted) => {
          const { bytes, manifestFile } = encodeManifest({
            entries: chosen.map(({ status, partition, ...counts }) =>
              entryOf({
                status,
                ...numbers,
                dataFile: dataFile({
                  ...counts,
                  partition: [partition],
                  valueCounts: new Map([
                    [1, 300],
                    [2, 5],
                  ]),
                }),
              }),
            ),
            spec: BY_A,
            schema: LONG,
            formatVersion: 3,
            content: 'data',
            snapshotId: 7n,
            path: 'memory',
          })
          const context = { manifest: { ...manifestFile, sequenceNumber: 9n, firstRowId }, metadata: BY_LONG }
          const all = decodeManifest(bytes, 'memory', context).map(plainEntry)
          const asked: unknown[] = []
          const kept = decodeManifest(bytes, 'memory', {
            ...context,
            keep([partition], status) {
              asked.push([partition, status])
              return partition === wanted && status !== 'deleted'
            },
          })
          expect(kept.map(plainEntry)).toEqual(
            all.filter((entry) => entry.dataFile.partition[0] === wanted && entry.status !== 'deleted'),
          )
          expect(asked).toEqual(chosen.map(({ partition, status }) => [partition, status]))
        },
      ),
      { numRuns: 50 },
    )
  })

  it.each(MANIFESTS)('of %s', (path) => {
    const context = contextOf(path)
    const all = decodeManifest(readBytes(path), path, context).map(plainEntry)
    let asked = 0
    const odd = decodeManifest(readBytes(path), path, { ...context, keep: () => asked++ % 2 === 1 })
    expect(odd.map(plainEntry)).toEqual(all.filter((_, i) => i % 2 === 1))
    expect(asked).toBe(all.length)
  })
})

describe('partitions', () => {
  const write = (schema: Schema, values: readonly ManifestEntry['dataFile']['partition'][0][]): Uint8Array =>
    encodeManifest({
      entries: values.map((value) => entryOf({ dataFile: dataFile({ partition: [value] }) })),
      spec: BY_A,
      schema,
      formatVersion: 2,
      content: 'data',
      snapshotId: 7n,
      path: 'memory',
    }).bytes
  const MANIFEST = {
    manifestPath: 'memory',
    manifestLength: 1,
    partitionSpecId: 0,
    content: 'data',
    sequenceNumber: 1n,
    minSequenceNumber: 1n,
    addedSnapshotId: 7n,
  } as const
  const read = (bytes: Uint8Array, schemas: readonly Schema[], spec = BY_A): unknown => {
    const metadata = { ...tableOf(schemas[0] ?? LONG, spec), schemas }
    return decodeManifest(bytes, 'memory', { manifest: MANIFEST, metadata }).map((entry) => entry.dataFile.partition[0])
  }

  it('of a column promoted since have its type of today', () => {
    expect(read(write(schemaOf({ kind: 'int' }), [5, null]), [LONG])).toEqual([5n, null])
    expect(read(write(schemaOf({ kind: 'float' }), [0.5]), [schemaOf({ kind: 'double' })])).toEqual([0.5])
    const decimal = (precision: number): PrimitiveType => ({ kind: 'decimal', precision, scale: 2 })
    expect(read(write(schemaOf(decimal(9)), [-7n]), [schemaOf(decimal(38))])).toEqual([-7n])
  })

  it('of a dropped column have the type of the latest schema with it', () => {
    const dropped: Schema = { schemaId: 2, fields: [], identifierFieldIds: [] }
    expect(read(write(LONG, [5n]), [dropped, schemaOf({ kind: 'int' }, 0), schemaOf({ kind: 'long' }, 1)])).toEqual([
      5n,
    ])
    // No schema has it any more: the values are beyond reach, the rest of the manifest is not.
    expect(read(write(LONG, [5n]), [dropped])).toEqual([null])
  })

  it('of an unknown transform are read as they were stored', () => {
    const spec: PartitionSpec = {
      specId: 0,
      fields: [{ fieldId: 1000, sourceIds: [1], transform: { kind: 'unknown', text: 'zorder' }, name: 'z' }],
    }
    expect(read(write(LONG, [5n, null]), [LONG], spec)).toEqual([5n, null])
  })

  it('are null for fields that the writer did not have', () => {
    const { schema, records, metadata } = readWithAvsc(write(LONG, [5n]))
    const file2 = (schema['fields'] as unknown as { type: { fields: { name: string; type: JsonObject }[] } }[])[4]
    const partition = file2?.type.fields.find(({ name }) => name === 'partition')
    if (partition !== undefined) partition.type = { ...partition.type, fields: [] }
    expect(read(writeWithAvsc(schema, records, { metadata }), [LONG])).toEqual([null])
  })

  it('of another type are refused, with the location', () => {
    const bytes = write(schemaOf({ kind: 'string' }), ['x'])
    expect(() => read(bytes, [LONG])).toThrow(InvalidDataError)
    expect(() => read(bytes, [LONG])).toThrow('memory: field a (1000) has the wrong type')
  })

  it('of a spec that the table does not have are refused', () => {
    const metadata = { ...tableOf(LONG, BY_A), partitionSpecs: [] }
    expect(() => decodeManifest(write(LONG, [1n]), 'memory', { manifest: MANIFEST, metadata })).toThrow(
      InvalidDataError,
    )
  })

  it('have result types by their transforms', () => {
    const field = (kind: 'day' | 'hour' | 'void', i: number): PartitionSpec['fields'][0] => ({
      fieldId: 1000 + i,
      sourceIds: [1],
      transform: { kind },
      name: kind,
    })
    const spec: PartitionSpec = { specId: 0, fields: [field('day', 0), field('hour', 1), field('void', 2)] }
    const kinds = partitionTypes(spec, tableOf(schemaOf({ kind: 'timestamp' }))).map(({ kind }) => kind)
    expect(kinds).toEqual(['date', 'int', 'timestamp'])
  })
})
