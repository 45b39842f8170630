/** Avro schemas and key-value metadata as other engines have them, against ours: each difference is named here. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { JsonCursor, parseJson } from '../../src/base/json.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { manifestEntryCodec, manifestFileCodec } from '../../src/manifest/manifest-schema.ts'
import { decodeManifest } from '../../src/manifest/manifest-reader.ts'
import { encodeManifest } from '../../src/manifest/manifest-writer.ts'
import type { ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { parseSchema } from '../../src/spec/schema-json.ts'
import { specById } from '../../src/spec/table-metadata-access.ts'
import type { Schema } from '../../src/spec/types.ts'
import { readWithAvsc, writeWithAvsc } from '../format/avsc-file.ts'
import { MANIFESTS, contextOf, readBytes, tableOf } from './manifest-fixtures.ts'

function foreignSchema(name: string): JsonObject {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/iceberg-rust', name), 'utf8')) as JsonObject
}

interface Described {
  readonly name: string
  readonly type: string
}

/** All fields of a schema, nested ones too, by id: names, and types with what is optional in them. */
function describeFields(schema: unknown): ReadonlyMap<number, Described> {
  const found = new Map<number, Described>()
  const typeText = (type: unknown): string => {
    if (Array.isArray(type)) return type.map(typeText).join('|')
    if (typeof type === 'string') return type
    const { type: kind, name, items, logicalType } = type as Readonly<Record<string, string | undefined>>
    visit(type)
    const inner = items === undefined ? '' : `<${typeText(items)}>`
    return [kind, name, logicalType].filter((part) => part !== undefined).join(' ') + inner
  }
  const visit = (node: unknown): void => {
    const { fields = [] } = node as { readonly fields?: readonly Record<string, unknown>[] }
    for (const { name, type, 'field-id': id } of fields) {
      found.set(Number(id), { name: String(name), type: typeText(type) })
    }
  }
  visit(schema)
  return found
}

function differences(theirs: unknown, own: unknown): Record<string, readonly [string, string]> {
  const a = describeFields(theirs)
  const b = describeFields(own)
  const text = (field: Described | undefined): string => (field === undefined ? '-' : `${field.name}: ${field.type}`)
  const ids = [...new Set([...a.keys(), ...b.keys()])].toSorted((x, y) => x - y)
  const pairs = ids.map((id): [number, readonly [string, string]] => [id, [text(a.get(id)), text(b.get(id))]])
  return Object.fromEntries(pairs.filter(([, [x, y]]) => x !== y))
}

const TAXI: Schema = {
  schemaId: 0,
  fields: [
    { id: 1, name: 'VendorID', type: { kind: 'int' }, required: false },
    { id: 2, name: 'tpep_pickup_datetime', type: { kind: 'timestamp' }, required: false },
  ],
  identifierFieldIds: [],
}
const BY_VENDOR_AND_DAY: PartitionSpec = {
  specId: 0,
  fields: [
    { fieldId: 1000, sourceIds: [1], transform: { kind: 'identity' }, name: 'VendorID' },
    { fieldId: 1001, sourceIds: [2], transform: { kind: 'day' }, name: 'tpep_pickup_datetime' },
  ],
}

describe('schemas of the Rust implementation', () => {
  it('of manifest entries in version 1 are ours but for what versions 1 and 2 have alone', () => {
    const ours = manifestEntryCodec(BY_VENDOR_AND_DAY, [{ kind: 'int' }, { kind: 'date' }], 2)
    expect(differences(foreignSchema('avro_schema_manifest_entry.json'), ours.schema)).toEqual({
      // Of version 1 alone, and of no use: read past, never written.
      105: ['block_size_in_bytes: long', '-'],
      // Version 2 brought them.
      3: ['-', 'sequence_number: null|long'],
      4: ['-', 'file_sequence_number: null|long'],
      134: ['-', 'content: int'],
      135: ['-', 'equality_ids: null|array<int>'],
      // Optional in version 2 also, but younger than that schema.
      143: ['-', 'referenced_data_file: null|string'],
    })
  })

  it('of manifest lists in version 2 are ours, with sequence numbers required as the specification has them', () => {
    expect(differences(foreignSchema('avro_schema_manifest_file_v2.json'), manifestFileCodec(2).schema)).toEqual({
      515: ['sequence_number: null|long', 'sequence_number: long'],
      516: ['min_sequence_number: null|long', 'min_sequence_number: long'],
      519: ['-', 'key_metadata: null|bytes'],
    })
  })

  it('of manifest lists in version 1 differ by what that version lacks, leaves out, or names otherwise', () => {
    expect(differences(foreignSchema('avro_schema_manifest_file_v1.json'), manifestFileCodec(2).schema)).toEqual({
      503: ['added_snapshot_id: null|long', 'added_snapshot_id: long'],
      504: ['added_data_files_count: null|int', 'added_files_count: int'],
      505: ['existing_data_files_count: null|int', 'existing_files_count: int'],
      506: ['deleted_data_files_count: null|int', 'deleted_files_count: int'],
      512: ['added_rows_count: null|long', 'added_rows_count: long'],
      513: ['existing_rows_count: null|long', 'existing_rows_count: long'],
      514: ['deleted_rows_count: null|long', 'deleted_rows_count: long'],
      515: ['-', 'sequence_number: long'],
      516: ['-', 'min_sequence_number: long'],
      517: ['-', 'content: int'],
      519: ['-', 'key_metadata: null|bytes'],
    })
  })
})

describe('key-value metadata', () => {
  const java = MANIFESTS.filter((path) => 'iceberg.schema' in readWithAvsc(readBytes(path)).metadata)

  it('is there in Java to compare with', () => expect(java.length).toBeGreaterThan(10))

  it.each(java)('of %s is ours, but for keys of our own and of its Avro reader', (path) => {
    const theirs = readWithAvsc(readBytes(path)).metadata
    const { manifest, metadata } = contextOf(path)
    const schema = parseSchema(new JsonCursor(parseJson(theirs['schema'] ?? '', path), path))
    const { bytes } = encodeManifest({
      entries: [],
      spec: specById(metadata, manifest.partitionSpecId),
      schema,
      formatVersion: 2,
      content: manifest.content,
      snapshotId: 1n,
      path,
    })
    const { 'avro.schema': _, 'schema-id': schemaIdText, ...ours } = readWithAvsc(bytes).metadata
    // The specification asks for schema-id from version 2 on; Java leaves it out.
    expect(schemaIdText).toBe(String(schema.schemaId))
    const { 'avro.schema': __, 'iceberg.schema': ___, ...rest } = theirs
    const parsed = (entries: Readonly<Record<string, string>>): unknown => ({
      ...entries,
      schema: JSON.parse(entries['schema'] ?? '') as unknown,
      'partition-spec': JSON.parse(entries['partition-spec'] ?? '') as unknown,
    })
    // Version 1 knows no content: all its manifests are of data.
    expect(parsed(ours)).toEqual(parsed({ content: 'data', ...rest, 'format-version': '2' }))
  })
})

/** Three entries of a version 1 manifest: added, existing and deleted, without sequence numbers and row ids. */
function version1Manifest(): Uint8Array {
  const schema = foreignSchema('avro_schema_manifest_entry.json')
  const optional = [
    'column_sizes',
    'value_counts',
    'null_value_counts',
    'nan_value_counts',
    'lower_bounds',
    'upper_bounds',
    'key_metadata',
    'split_offsets',
    'sort_order_id',
  ]
  const record = (status: number, rows: bigint): Record<string, unknown> => ({
    status,
    snapshot_id: 5n,
    data_file: {
      ...Object.fromEntries(optional.map((name) => [name, null])),
      file_path: `s3://b/t/${status}.parquet`,
      file_format: 'PARQUET',
      partition: { VendorID: 1, tpep_pickup_datetime: 2 },
      record_count: rows,
      file_size_in_bytes: 9n,
      block_size_in_bytes: 67_108_864n,
    },
  })
  return writeWithAvsc(schema, [record(1, 10n), record(0, 20n), record(2, 40n), record(1, 80n)])
}

describe('manifests of version 1', () => {
  const CARRIED: ManifestFile = {
    manifestPath: 'memory',
    manifestLength: 1,
    partitionSpecId: 0,
    content: 'data',
    sequenceNumber: 0n,
    minSequenceNumber: 0n,
    addedSnapshotId: 5n,
  }
  const read = (manifest: ManifestFile): ManifestEntry[] =>
    decodeManifest(version1Manifest(), 'memory', { manifest, metadata: tableOf(TAXI, BY_VENDOR_AND_DAY) })

  it('have sequence number 0 whatever the status, in version 1 as after upgrades', () => {
    const entries = read(CARRIED)
    expect(entries.map(({ status }) => status)).toEqual(['added', 'existing', 'deleted', 'added'])
    for (const entry of entries) {
      expect(entry).toMatchObject({ sequenceNumber: 0n, fileSequenceNumber: 0n, snapshotId: 5n })
      expect(entry.dataFile).toMatchObject({ content: 'data', partition: [1, 2], firstRowId: undefined })
    }
  })

  it('have row ids by the list of version 3 that carries them on, deleted files aside', () => {
    expect(read({ ...CARRIED, firstRowId: 1000n }).map(({ dataFile }) => dataFile.firstRowId)).toEqual([
      1000n,
      1010n,
      undefined,
      1030n,
    ])
  })
})
