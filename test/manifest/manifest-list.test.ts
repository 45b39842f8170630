import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { decodeManifestList, encodeManifestList } from '../../src/manifest/manifest-list.ts'
import type { ManifestListInput } from '../../src/manifest/manifest-list.ts'
import type { ManifestFile } from '../../src/spec/data-file.ts'
import { readWithAvsc, writeWithAvsc } from '../format/avsc-file.ts'
import { readBytes } from './manifest-fixtures.ts'

const JAVA =
  'duckdb/equality_deletes/warehouse/mydb/mytable_partitioned/metadata/snap-3138177759849079112-1-ff275eec-b23b-435f-a6a5-1ab7ce1c8749.avro'

function manifest(changes: Partial<ManifestFile> = {}): ManifestFile {
  return {
    manifestPath: 's3://b/t/metadata/a-m0.avro',
    manifestLength: 5000,
    partitionSpecId: 0,
    content: 'data',
    sequenceNumber: -1n,
    minSequenceNumber: -1n,
    addedSnapshotId: 7n,
    addedFilesCount: 1,
    existingFilesCount: 2,
    deletedFilesCount: 3,
    addedRowsCount: 10,
    existingRowsCount: 20,
    deletedRowsCount: 30,
    ...changes,
  }
}

function encode(
  manifests: readonly ManifestFile[],
  changes: Partial<ManifestListInput> = {},
): ReturnType<typeof encodeManifestList> {
  return encodeManifestList({ manifests, snapshotId: 7n, sequenceNumber: 5n, formatVersion: 2, ...changes })
}
const v3 = { formatVersion: 3, firstRowId: 1000n } as const

describe('manifest lists as written', () => {
  it('have the schema that Java writes for version 2', () => {
    expect(readWithAvsc(encode([]).bytes).schema).toEqual(readWithAvsc(readBytes(JAVA)).schema)
  })

  it('end in version 3 with the first row id', () => {
    const fields = readWithAvsc(encode([], v3).bytes).schema['fields'] as unknown as object[]
    expect(fields).toHaveLength(16)
    expect(fields[15]).toEqual({
      name: 'first_row_id',
      type: ['null', 'long'],
      doc: 'Starting row ID to assign to new rows in ADDED data files',
      default: null,
      'field-id': 520,
    })
  })

  it('have the key-value metadata of Java', () => {
    const { metadata } = readWithAvsc(encode([]).bytes)
    expect(metadata).toMatchObject({
      'snapshot-id': '7',
      'parent-snapshot-id': 'null',
      'sequence-number': '5',
      'format-version': '2',
    })
    expect(metadata['first-row-id']).toBeUndefined()
    expect(readWithAvsc(encode([], { ...v3, parentSnapshotId: 2n ** 62n }).bytes).metadata).toMatchObject({
      'parent-snapshot-id': '4611686018427387904',
      'first-row-id': '1000',
      'format-version': '3',
    })
  })

  it('come back', () => {
    const long = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
    const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
    const manifests: fc.Arbitrary<ManifestFile> = fc.record({
      manifestPath: fc.string({ unit: 'grapheme' }),
      manifestLength: fc.maxSafeNat(),
      partitionSpecId: fc.nat(),
      content: fc.constantFrom('data', 'deletes'),
      sequenceNumber: long,
      minSequenceNumber: long,
      addedSnapshotId: long,
      addedFilesCount: fc.nat(),
      existingFilesCount: fc.nat(),
      deletedFilesCount: fc.nat(),
      addedRowsCount: fc.maxSafeNat(),
      existingRowsCount: fc.maxSafeNat(),
      deletedRowsCount: fc.maxSafeNat(),
      partitions: maybe(
        fc.array(
          fc.record({
            containsNull: fc.boolean(),
            containsNan: maybe(fc.boolean()),
            lowerBound: maybe(fc.uint8Array()),
            upperBound: maybe(fc.uint8Array()),
          }),
        ),
      ),
      keyMetadata: maybe(fc.uint8Array()),
      firstRowId: maybe(long),
    })
    fc.assert(
      fc.property(fc.array(manifests), fc.constantFrom({}, v3), (files, version) => {
        const { bytes, manifests: assigned } = encode(files, version)
        const written =
          'firstRowId' in version
            ? assigned
            : assigned.map((file) => Object.assign({}, file, { firstRowId: undefined }))
        expect(decodeManifestList(bytes, 'memory')).toEqual(written)
        expect(encode(files, version).bytes).toEqual(bytes)
      }),
    )
  })
})

describe('what a list assigns', () => {
  it('are sequence numbers, to new manifests', () => {
    const old = manifest({ sequenceNumber: 2n, minSequenceNumber: 1n, addedSnapshotId: 3n })
    const rewritten = manifest({ minSequenceNumber: 1n })
    const { bytes, manifests } = encode([manifest(), rewritten, old])
    expect(manifests.map((m) => [m.sequenceNumber, m.minSequenceNumber])).toEqual([
      [5n, 5n],
      [5n, 1n],
      [2n, 1n],
    ])
    expect(decodeManifestList(bytes, 'memory')).toEqual(manifests)
  })

  it('are row ids in version 3, with space for existing rows, to data manifests that have none', () => {
    const old = { sequenceNumber: 2n, minSequenceNumber: 1n, addedSnapshotId: 3n }
    const { manifests, nextRowId } = encode(
      [
        manifest(),
        manifest({ ...old, firstRowId: 400n }),
        manifest({ content: 'deletes' }),
        manifest({ content: 'deletes', firstRowId: 1n }),
        manifest(old),
      ],
      v3,
    )
    expect(manifests.map((m) => m.firstRowId)).toEqual([1000n, 400n, undefined, undefined, 1030n])
    expect(nextRowId).toBe(1060n)
    expect(encode([manifest()]).nextRowId).toBeUndefined()
  })

  it.each<readonly [string, readonly ManifestFile[], Partial<ManifestListInput>]>([
    ['a new manifest of another snapshot', [manifest({ addedSnapshotId: 8n })], {}],
    ['version 3 without the first row id', [], { formatVersion: 3 }],
  ])('%s is refused', (_, manifests, input) => {
    expect(() => encode(manifests, input)).toThrow(ValidationError)
  })

  it('version 1 is refused, and a manifest without counts', () => {
    expect(() => encode([], { formatVersion: 1 })).toThrow(UnsupportedError)
    expect(() => encode([manifest({ addedRowsCount: undefined })])).toThrow(UnsupportedError)
  })
})

describe('lists of other engines', () => {
  const field = (name: string, type: string | readonly string[], id?: number): object => ({
    name,
    type,
    'field-id': id,
  })
  const V1 = [
    field('manifest_path', 'string', 500),
    field('manifest_length', 'long', 501),
    field('partition_spec_id', 'int', 502),
    field('added_snapshot_id', ['null', 'long'], 503),
    field('added_data_files_count', ['null', 'int'], 504),
  ]
  const record = {
    manifest_path: 'm',
    manifest_length: 1n,
    partition_spec_id: 3,
    added_snapshot_id: 2n ** 62n + 1n,
    added_data_files_count: null,
  }
  const read = (fields: readonly object[], value: object): ManifestFile[] =>
    decodeManifestList(writeWithAvsc({ type: 'record', name: 'f', fields: fields as [] }, [value]), 's3://b/list')

  it('of version 1 are lists of data of sequence number 0, counts unknown', () => {
    expect(read(V1, record)).toEqual([
      {
        manifestPath: 'm',
        manifestLength: 1,
        partitionSpecId: 3,
        content: 'data',
        sequenceNumber: 0n,
        minSequenceNumber: 0n,
        addedSnapshotId: 2n ** 62n + 1n,
      },
    ])
  })

  it('without field ids are read by name', () => {
    const nameless = V1.map((f) => ({ ...f, 'field-id': undefined }))
    expect(read(nameless, record)).toMatchObject([{ manifestPath: 'm', addedSnapshotId: 2n ** 62n + 1n }])
  })

  it('are refused where they have unknown content or lack the snapshot', () => {
    expect(() => read([...V1, field('content', 'int', 517)], { ...record, content: 2 })).toThrow(InvalidDataError)
    expect(() => read(V1, { ...record, added_snapshot_id: null })).toThrow(/s3:\/\/b\/list/)
  })
})
