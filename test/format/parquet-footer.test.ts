import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { parquetFooterBytes, parseParquetFooter } from '../../src/format/parquet-footer.ts'
import { leavesOf, parseParquetSchema, printParquetSchema } from '../../src/format/parquet-schema.ts'
import type { ThriftStruct } from '../../src/format/thrift.ts'
import {
  ThriftCursor,
  i64Field,
  stringField,
  structField,
  structOf,
  structsField,
  withFields,
} from '../../src/format/thrift-fields.ts'
import type { NestedField } from '../../src/spec/types.ts'
import { batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, memorySource, readBatches, withFooter as changeFooter } from './parquet-file.ts'

const schema = schemaOf(
  fieldOf(1, 'id', { kind: 'long' }, true),
  fieldOf(2, 'name', { kind: 'string' }),
  fieldOf(3, 'tags', { kind: 'list', elementId: 4, element: { kind: 'string' }, elementRequired: false }),
)
const batch = batchOf(schema, [
  [1n, 2n, 3n, 4n],
  ['a', null, 'ccc', 'd'],
  [['x', null], [], null, ['y']],
])
const file = encode([batch], { schema, rowGroupRows: 3 }).bytes

const withFooter = (change: (footer: ThriftStruct) => ThriftStruct): Uint8Array => changeFooter(file, change)

/** A change in the first column chunk's metadata. */
function withChunk(change: (chunk: ThriftStruct, metadata: ThriftStruct) => ThriftStruct): Uint8Array {
  return withFooter((footer) => {
    const [group, ...groups] = new ThriftCursor(footer, 'f', 'f').cursors(4, 'row_groups')
    const [chunk, ...chunks] = group?.cursors(1, 'columns') ?? []
    const metadata = chunk?.cursor(3, 'meta_data')
    if (group === undefined || chunk === undefined || metadata === undefined) throw new Error('no chunk')
    const changed = change(chunk.struct, metadata.struct)
    const columns = structsField(1, [changed, ...chunks.map((each) => each.struct)])
    return withFields(footer, {
      4: structsField(4, [withFields(group.struct, { 1: columns }), ...groups.map((each) => each.struct)]),
    })
  })
}

const parse = (bytes: Uint8Array): unknown => parseParquetFooter(bytes, bytes.length, 's3://lake/f.parquet')

/** The memory that bytes anywhere in a value point into. */
function memoryBehind(value: unknown): ArrayBufferLike[] {
  if (value instanceof Uint8Array) return [value.buffer]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(memoryBehind) : []
}

describe('parseParquetFooter', () => {
  it('keeps nothing of the file alive but its footer', () => {
    const memory = memoryBehind(parseParquetFooter(file, file.length, 'f').thrift)
    expect(memory.length).toBeGreaterThan(0)
    for (const { byteLength } of memory) expect(byteLength).toBeLessThan(file.length)
  })

  it('gives schema, row groups and chunks', () => {
    const footer = parseParquetFooter(file, file.length, 'f')
    expect(footer.rows).toBe(4)
    expect(footer.leaves.map((leaf) => [leaf.name, leaf.fieldId, leaf.physicalType])).toEqual([
      ['id', 1, 'INT64'],
      ['name', 2, 'BYTE_ARRAY'],
      ['element', 4, 'BYTE_ARRAY'],
    ])
    expect(
      footer.rowGroups.map(({ rows, columns }) => [rows, columns.map((c) => [c.numValues, c.statistics.nullCount])]),
    ).toEqual([
      [
        3,
        [
          [3, 0],
          [3, 1],
          [4, 3],
        ],
      ],
      [
        1,
        [
          [1, 0],
          [1, 0],
          [1, 0],
        ],
      ],
    ])
    const chunks = footer.rowGroups.flatMap((group) => group.columns)
    expect(chunks[0]?.offset).toBe(4)
    chunks.slice(1).forEach((chunk, i) => {
      const before = chunks[i]
      expect(chunk.offset).toBe((before?.offset ?? 0) + (before?.compressedSizeBytes ?? 0))
    })
    expect(JSON.parse(footer.keyValueMetadata.get('iceberg.schema') ?? '')).toMatchObject({
      type: 'struct',
      'schema-id': 0,
    })
  })

  it('reads the footer from the end of the file alone', () => {
    const bytes = parquetFooterBytes(file.subarray(-8), file.length, 'f')
    expect(parseParquetFooter(file.subarray(-bytes), file.length, 'f')).toEqual(
      parseParquetFooter(file, file.length, 'f'),
    )
    expect(() => parseParquetFooter(file.subarray(1 - bytes), file.length, 'f')).toThrow(
      `the footer needs the last ${bytes} bytes`,
    )
  })

  it.each<[string, Uint8Array, RegExp]>([
    ['no bytes', new Uint8Array(0), /too short for a Parquet file \(0 bytes\)/],
    ['another kind of file', Buffer.from('{"this": "is JSON"}'), /not a Parquet file/],
    ['a footer longer than the file', Buffer.from('PAR1....\xff\xff\xff\xffPAR1', 'latin1'), /longer than the file/],
    ['a cut file', file.subarray(0, -20), /not a Parquet file/],
    [
      'other numbers of rows',
      withFooter((f) => withFields(f, { 3: i64Field(3, 5) })),
      /5 rows are claimed, the row groups hold 4/,
    ],
    ['negative rows', withFooter((f) => withFields(f, { 3: i64Field(3, -1) })), /field 3 is not a count/],
    [
      'fewer values than rows',
      withChunk((c, m) => withFields(c, { 3: structField(3, withFields(m, { 5: i64Field(5, 2) })) })),
      /fewer values than its 3 rows/,
    ],
    ['no schema', withFooter((f) => withFields(f, { 2: undefined })), /the schema ends before its last element/],
    [
      'pages outside the file',
      withChunk((c, m) =>
        withFields(c, { 3: structField(3, withFields(m, { 9: i64Field(9, 10 ** 9), 11: undefined })) }),
      ),
      /lie outside the file/,
    ],
    [
      'chunks without metadata',
      withChunk((c) => withFields(c, { 3: undefined })),
      /row_groups\[0\].columns\[0\]: no column metadata/,
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parse(bytes)).toThrow(InvalidDataError)
    expect(() => parse(bytes)).toThrow(message)
    expect(() => parse(bytes)).toThrow(
      expect.objectContaining({ context: expect.objectContaining({ location: 's3://lake/f.parquet' }) }),
    )
  })

  it.each<[string, Uint8Array]>([
    ['an encrypted footer', Buffer.from('PAR1........\x04\0\0\0PARE', 'latin1')],
    ['encrypted columns', withFooter((f) => withFields(f, { 8: structField(8, structOf()) }))],
    ['an encrypted column', withChunk((c) => withFields(c, { 8: structField(8, structOf()) }))],
    ['columns in another file', withChunk((c) => withFields(c, { 1: stringField(1, 'other.parquet') }))],
  ])('does not support %s', (_, bytes) => {
    expect(() => parse(bytes)).toThrow(UnsupportedError)
  })

  it('reads no footer of hundreds of megabytes, however large the file', () => {
    const tail = Buffer.from('....\x00\x00\x00\x40PAR1', 'latin1')
    expect(() => parquetFooterBytes(tail, 2 ** 40, 'f')).toThrow(/1073741832 bytes, 268435456 are read at most/)
  })

  it('takes the row groups at their word where the number of rows was left at 0', () => {
    const bytes = withFooter((f) => withFields(f, { 3: i64Field(3, 0) }))
    expect(parseParquetFooter(bytes, bytes.length, 'f').rows).toBe(4)
  })

  it('ignores statistics in an order of their own', () => {
    const legacy = (m: ThriftStruct): ThriftStruct => {
      const statistics = new ThriftCursor(m, 'f', 'f').cursor(12, 'statistics')?.struct ?? structOf()
      const moved = statistics.fields.map(({ id, type, value }) => ({
        id: id === 5 ? 1 : id === 6 ? 2 : id,
        type,
        value,
      }))
      return withFields(m, { 12: structField(12, structOf(...moved.filter((field) => field.id <= 3))) })
    }
    const bytes = withChunk((c, m) => withFields(c, { 3: structField(3, legacy(m)) }))
    const chunk = parseParquetFooter(bytes, bytes.length, 'f').rowGroups[0]?.columns[0]
    expect([...(chunk?.statistics.min ?? [])]).toEqual([1, 0, 0, 0, 0, 0, 0, 0])
  })
})

it('keeps every logical type through print and parse', () => {
  const kinds = ['string', 'enum', 'date', 'unknown', 'json', 'bson', 'uuid', 'float16', 'interval'] as const
  const logicalTypes = [
    ...kinds.map((kind) => ({ kind })),
    { kind: 'decimal', precision: 20, scale: 3 } as const,
    ...(['ms', 'us', 'ns'] as const).flatMap((unit) =>
      [true, false].flatMap((utc) => [{ kind: 'time', utc, unit } as const, { kind: 'timestamp', utc, unit } as const]),
    ),
    ...[8, 16, 32, 64].flatMap((bits) => [true, false].map((signed) => ({ kind: 'integer', bits, signed }) as const)),
    { kind: 'geometry', crs: 'srid:1' } as const,
    { kind: 'geography', crs: 'x', algorithm: 'thomas' } as const,
  ]
  const children = logicalTypes.map((logicalType, i) => ({
    name: `c${i}`,
    repetition: 'optional' as const,
    fieldId: i,
    logicalType,
    physicalType: 'BYTE_ARRAY' as const,
  }))
  const root = { name: 'root', repetition: 'required' as const, fieldId: undefined, children }
  const printed = printParquetSchema(root)
  const read = (elements: readonly ThriftStruct[]): unknown => {
    const cursors = elements.map((element) => new ThriftCursor(element, 'f', 'schema'))
    return parseParquetSchema(cursors, new ThriftCursor(structOf(), 'f', 'footer'))
  }
  expect(read(printed)).toEqual(root)
  // Old files have converted types only: they say the same wherever they exist.
  const legacy = read(printed.map((element) => withFields(element, { 10: undefined })))
  const kept = leavesOf(legacy as typeof root).filter((leaf) => leaf.logicalType !== undefined)
  expect(kept.length).toBeGreaterThan(18)
  for (const leaf of kept) expect(leaf.logicalType).toEqual(children[leaf.fieldId ?? -1]?.logicalType)
})

it('never reads a column that a type lost', () => {
  const fields: NestedField[] = [fieldOf(9, 'gone', { kind: 'long' }, true)]
  return expect(readBatches(memorySource(file), { schema: { ...schema, fields } })).rejects.toThrow(
    /"gone": it is required, but not in the file/,
  )
})
