/** Manifest entries as any writer may lay them out: fields in any order, unions either way, maps in blocks of any kind. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import type { JsonObject, JsonValue } from '../../src/base/json.ts'
import { AvroSink } from '../../src/format/avro-sink.ts'
import { decodeManifest } from '../../src/manifest/manifest-reader.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import type { Schema } from '../../src/spec/types.ts'
import { writeWithAvsc } from '../format/avsc-file.ts'
import { dataFile, entryOf, plainEntry, tableOf } from './manifest-fixtures.ts'
import { METRICS } from './metrics-arbitrary.ts'

const SCHEMA: Schema = { schemaId: 0, fields: [], identifierFieldIds: [] }
const MANIFEST: ManifestFile = {
  manifestPath: 'memory',
  manifestLength: 1,
  partitionSpecId: 0,
  content: 'data',
  sequenceNumber: 7n,
  minSequenceNumber: 7n,
  addedSnapshotId: 5n,
}
const SYNC = Buffer.from('0123456789abcdef')

/** How one field is written. */
interface Field {
  readonly id: number
  readonly type: JsonValue
  readonly nulls: 'first' | 'last' | 'none'
  readonly write: (sink: AvroSink, entry: ManifestEntry) => void
  readonly isNull: (entry: ManifestEntry) => boolean
}

interface Blocks {
  /** Entries in each block but the last; a negative one is written with the block's size. */
  readonly sizes: readonly number[]
}

function writeMap<T>(
  sink: AvroSink,
  map: ReadonlyMap<number, T>,
  { sizes }: Blocks,
  write: (sink: AvroSink, value: T) => void,
): void {
  const left = [...map]
  for (const size of [...sizes, map.size]) {
    const block = left.splice(0, Math.abs(size))
    if (block.length === 0) continue
    const inner = new AvroSink()
    for (const [key, value] of block) {
      inner.int(key)
      write(inner, value)
    }
    const bytes = inner.take()
    sink.number(size < 0 ? -block.length : block.length)
    if (size < 0) sink.number(bytes.length)
    sink.fixed(bytes)
  }
  sink.number(0)
}

type Counts = 'columnSizes' | 'valueCounts' | 'nullValueCounts' | 'nanValueCounts'
type Bounds = 'lowerBounds' | 'upperBounds'
const COUNTS: readonly (readonly [Counts, number, number])[] = [
  ['columnSizes', 108, 117],
  ['valueCounts', 109, 119],
  ['nullValueCounts', 110, 121],
  ['nanValueCounts', 137, 138],
]
const BOUNDS: readonly (readonly [Bounds, number, number])[] = [
  ['lowerBounds', 125, 126],
  ['upperBounds', 128, 129],
]

function mapType(keyId: number, value: string): JsonObject {
  const fields = [
    { name: 'key', type: 'int', 'field-id': keyId },
    { name: 'value', type: value, 'field-id': keyId + 1 },
  ]
  return { type: 'array', logicalType: 'map', items: { type: 'record', name: `k${keyId}`, fields } }
}

const required = { nulls: 'none', isNull: () => false } as const

function fileFields(blocks: Blocks): Field[] {
  const optional = <K extends keyof DataFile>(
    id: number,
    key: K,
    type: JsonValue,
    write: (sink: AvroSink, value: NonNullable<DataFile[K]>) => void,
  ): Field => ({
    id,
    type,
    nulls: 'first',
    write: (sink, { dataFile: file }) => {
      const value = file[key]
      if (value !== undefined && value !== null) write(sink, value)
    },
    isNull: ({ dataFile: file }) => file[key] === undefined,
  })
  return [
    { id: 100, type: 'string', ...required, write: (sink, { dataFile: f }) => sink.string(f.filePath) },
    { id: 101, type: 'string', ...required, write: (sink, { dataFile: f }) => sink.string(f.fileFormat.toUpperCase()) },
    { id: 102, type: { type: 'record', name: 'r102', fields: [] }, ...required, write: () => {} },
    { id: 103, type: 'long', ...required, write: (sink, { dataFile: f }) => sink.number(f.recordCount) },
    { id: 104, type: 'long', ...required, write: (sink, { dataFile: f }) => sink.number(f.fileSizeInBytes) },
    ...COUNTS.map(([key, id, keyId]) =>
      optional(id, key, mapType(keyId, 'long'), (sink, map) =>
        writeMap(sink, map, blocks, (inner, value) => inner.number(value)),
      ),
    ),
    ...BOUNDS.map(([key, id, keyId]) =>
      optional(id, key, mapType(keyId, 'bytes'), (sink, map) =>
        writeMap(sink, map, blocks, (inner, value) => inner.byteString(value)),
      ),
    ),
    optional(140, 'sortOrderId', 'int', (sink, value) => sink.int(value)),
    optional(143, 'referencedDataFile', 'string', (sink, value) => sink.string(value)),
    optional(142, 'firstRowId', 'long', (sink, value) => sink.long(value)),
    { id: 999, type: 'double', nulls: 'first', write: (sink) => sink.double(1.5), isNull: (e) => e.status === 'added' },
  ]
}

function recordType(name: string, fields: readonly Field[]): JsonObject {
  return {
    type: 'record',
    name,
    fields: fields.map(({ id, type, nulls }) => ({
      name: `f${id}`,
      type: nulls === 'none' ? type : nulls === 'first' ? ['null', type] : [type, 'null'],
      'field-id': id,
    })),
  }
}

function writeRecord(sink: AvroSink, fields: readonly Field[], entry: ManifestEntry): void {
  for (const { nulls, write, isNull } of fields) {
    if (nulls !== 'none') sink.number(isNull(entry) === (nulls === 'first') ? 0 : 1)
    if (!isNull(entry)) write(sink, entry)
  }
}

interface Layout {
  readonly entryFields: readonly Field[]
  readonly schema: JsonObject
}

/** Fields shuffled, unions turned, and some optional fields left out. */
function layout(
  blocks: Blocks,
  order: readonly number[],
  turned: readonly boolean[],
  missing: ReadonlySet<number>,
): Layout {
  const turn = (field: Field, i: number): Field =>
    field.nulls === 'none' || turned[i] !== true ? field : { ...field, nulls: 'last' }
  const shuffle = (fields: readonly Field[]): Field[] =>
    fields
      .map((field, i) => ({ field, rank: order[i] ?? 0 }))
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ field }) => field)
      .filter(({ id, nulls }) => nulls === 'none' || !missing.has(id))
      .map(turn)
  const file = shuffle(fileFields(blocks))
  const entryFields = shuffle([
    {
      id: 0,
      type: 'int',
      ...required,
      write: (sink, { status }) => sink.int(['existing', 'added', 'deleted'].indexOf(status)),
    },
    {
      id: 1,
      type: 'long',
      nulls: 'first',
      write: (sink, { snapshotId = 0n }) => sink.long(snapshotId),
      isNull: ({ snapshotId }) => snapshotId === undefined,
    },
    { id: 2, type: recordType('r2', file), ...required, write: (sink, entry) => writeRecord(sink, file, entry) },
  ])
  return { entryFields, schema: recordType('manifest_entry', entryFields) }
}

function encode({ entryFields, schema }: Layout, entries: readonly ManifestEntry[]): Uint8Array {
  const block = new AvroSink()
  for (const entry of entries) writeRecord(block, entryFields, entry)
  const sink = new AvroSink()
  sink.fixed(writeWithAvsc(schema, []))
  if (entries.length > 0) {
    sink.number(entries.length)
    sink.byteString(block.take())
    sink.fixed(SYNC)
  }
  return sink.take()
}

function read(bytes: Uint8Array): ManifestEntry[] {
  return decodeManifest(bytes, 's3://b/m', { manifest: MANIFEST, metadata: tableOf(SCHEMA) }).map(plainEntry)
}

const file: fc.Arbitrary<DataFile> = fc
  .record({
    filePath: fc.string({ unit: 'binary', maxLength: 80 }),
    fileFormat: fc.constantFrom('parquet', 'orc', 'avro'),
    recordCount: fc.maxSafeNat(),
    fileSizeInBytes: fc.maxSafeNat(),
    ...METRICS,
    sortOrderId: fc.option(fc.nat(), { nil: undefined }),
    referencedDataFile: fc.option(fc.string(), { nil: undefined }),
  })
  .map((changes) => dataFile(changes))
const entry = fc
  .record({
    status: fc.constantFrom('existing' as const, 'added' as const, 'deleted' as const),
    snapshotId: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { nil: undefined }),
    dataFile: file,
  })
  .map((changes) => entryOf(changes))
const layouts = fc
  .record({
    sizes: fc.array(fc.integer({ min: -4, max: 4 }), { maxLength: 3 }),
    order: fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
    turned: fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
    missing: fc.uniqueArray(fc.constantFrom(1, 108, 109, 110, 125, 128, 137, 140, 142, 143, 999), { maxLength: 4 }),
  })
  .map(({ sizes, order, turned, missing }) => ({
    missing: new Set(missing),
    written: layout({ sizes }, order, turned, new Set(missing)),
  }))

const NAMES: ReadonlyMap<number, keyof DataFile> = new Map<number, keyof DataFile>([
  ...COUNTS.map(([key, id]) => [id, key] as const),
  ...BOUNDS.map(([key, id]) => [id, key] as const),
  [140, 'sortOrderId'],
  [143, 'referencedDataFile'],
])

function expected(written: ManifestEntry, missing: ReadonlySet<number>): ManifestEntry {
  const { status, snapshotId } = written
  const absent = [...missing].flatMap((id) => NAMES.get(id) ?? []).map((key) => [key, undefined])
  const number = status === 'added' ? MANIFEST.sequenceNumber : undefined
  return {
    status,
    snapshotId: (missing.has(1) ? undefined : snapshotId) ?? MANIFEST.addedSnapshotId,
    sequenceNumber: number,
    fileSequenceNumber: number,
    dataFile: { ...written.dataFile, ...Object.fromEntries(absent) },
  }
}

describe('entries in any layout', () => {
  it('are read as they were written, with what the layout lacks left out', () => {
    fc.assert(
      fc.property(layouts, fc.array(entry, { maxLength: 5 }), ({ missing, written }, entries) => {
        expect(read(encode(written, entries))).toEqual(entries.map((each) => expected(each, missing)))
      }),
      { numRuns: 300 },
    )
  })

  it('are given some hundred at a time, all of them', () => {
    const many = Array.from({ length: 1000 }, (_, i) => entryOf({ dataFile: dataFile({ recordCount: i }) }))
    const plain = layout({ sizes: [] }, [], [], new Set())
    expect(read(encode(plain, many)).map(({ dataFile: { recordCount } }) => recordCount)).toEqual([...many.keys()])
  })

  it('are refused with their location, where they are cut or hold other bytes, in what is looked into later too', () => {
    const damage = fc.tuple(
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
    )
    fc.assert(
      fc.property(
        layouts,
        fc.array(entry, { minLength: 1, maxLength: 3 }),
        damage,
        ({ written }, entries, [place, bits]) => {
          const bytes = encode(written, entries)
          const from = Buffer.from(bytes).indexOf(SYNC) + SYNC.length
          const at = from + Math.floor(place * (bytes.length - from))
          bytes[at] = (bytes[at] ?? 0) ^ bits
          for (const damaged of [bytes, bytes.slice(0, Math.max(at, from + 1))]) {
            try {
              read(damaged)
            } catch (error) {
              expect(error).toBeInstanceOf(InvalidDataError)
              expect(error).toMatchObject({ context: { location: 's3://b/m' } })
            }
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
