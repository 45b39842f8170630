/**
 * Parquet files of other writers, read as columns of a table: the encodings, codecs, page layouts, nestings and stored
 * types of the Parquet specification. What covers the projection rules of Iceberg's is listed in parquet-evolution.test.ts.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import type { Row } from '../../src/format/arrow-values.ts'
import { parseParquetFooter } from '../../src/format/parquet-footer.ts'
import { readParquetSchema } from '../../src/format/parquet-plain.ts'
import type { NestedField, Schema, Type } from '../../src/spec/types.ts'
import { fieldOf, schemaOf } from './arrow-column.ts'
import { fixture, mapFields, nameMappingText, readRows, withCodec, withSchema, withoutIds } from './parquet-file.ts'

const footerOf = (bytes: Uint8Array): ReturnType<typeof parseParquetFooter> =>
  parseParquetFooter(bytes, bytes.length, 'f')

/** Reads a file under the schema made of it, by a name mapping of that schema; ids that it may have are taken out. */
function readMapped(path: string, formatVersion: 2 | 3 = 3): Promise<Row[]> {
  const bytes = fixture(path)
  const schema = readParquetSchema(footerOf(bytes), { formatVersion })
  return readRows(withoutIds(bytes), { schema, nameMapping: nameMappingText(schema) })
}

describe('encodings (files of Iceberg)', () => {
  const folder = 'iceberg-java/parquet-encodings'
  const files = readdirSync(join(import.meta.dirname, '../fixtures', folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.parquet'))
    .toSorted()

  it('are all there', () => expect(files).toHaveLength(46))

  it.each(files)('%s has the values of its plain counterpart', async (file) => {
    const rows = await readMapped(join(folder, file))
    expect(rows).toHaveLength(1000)
    expect(rows.some((row) => row['data'] === null)).toBe(file.includes('with_nulls'))
    expect(rows).toEqual(await readMapped(join(folder, 'PLAIN', file.split('/')[1] ?? '')))
  })

  it('plain values are those that were written', async () => {
    const first = async (file: string): Promise<unknown[]> =>
      (await readMapped(`${folder}/PLAIN/${file}.parquet`)).slice(0, 2).map((row) => row['data'])
    expect(await first('int32')).toEqual([7270, 860])
    expect(await first('float')).toEqual([Math.fround(72.609_558_1), Math.fround(87.212_387_1)])
    expect(await first('string')).toEqual(['ggggg', 'sssssss'])
    expect(await first('uuid')).toEqual([
      'bdd640fb-0667-1ad1-1c80-317fa3b1799d',
      '23b8c1e9-3924-56de-3eb1-3b9046685257',
    ])
  })
})

describe('files of parquet-testing', () => {
  const map = (entries: Readonly<Record<string, unknown>>): Map<string, unknown> => new Map(Object.entries(entries))
  const phone = (number: bigint, kind: string | null): object => ({ number, kind })
  const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
  const lz4 = [
    { c0: 1_593_604_800n, c1: bytesOf('abc'), v11: 42 },
    { c0: 1_593_604_800n, c1: bytesOf('def'), v11: 7.7 },
    { c0: 1_593_604_801n, c1: bytesOf('abc'), v11: 42.125 },
    { c0: 1_593_604_801n, c1: bytesOf('def'), v11: 7.7 },
  ]
  const decimals = Array.from({ length: 24 }, (_, i) => ({ value: `${i + 1}.00` }))

  it.each<[string, readonly unknown[]]>([
    // lists that are one level short
    [
      'old_list_structure',
      [
        {
          a: [
            [1, 2],
            [3, 4],
          ],
        },
      ],
    ],
    [
      'repeated_no_annotation',
      [
        { id: 1, phoneNumbers: null },
        { id: 2, phoneNumbers: null },
        { id: 3, phoneNumbers: { phone: [] } },
        { id: 4, phoneNumbers: { phone: [phone(5_555_555_555n, null)] } },
        { id: 5, phoneNumbers: { phone: [phone(1_111_111_111n, 'home')] } },
        {
          id: 6,
          phoneNumbers: {
            phone: [phone(1_111_111_111n, 'home'), phone(2_222_222_222n, null), phone(3_333_333_333n, 'mobile')],
          },
        },
      ],
    ],
    ['null_list', [{ emptylist: [] }]],
    [
      'nested_lists.snappy',
      [
        {
          a: [
            [['a', 'b'], ['c']],
            [null, ['d']],
          ],
          b: 1,
        },
        {
          a: [
            [
              ['a', 'b'],
              ['c', 'd'],
            ],
            [null, ['e']],
          ],
          b: 1,
        },
        {
          a: [
            [['a', 'b'], ['c', 'd'], ['e']],
            [null, ['f']],
          ],
          b: 1,
        },
      ],
    ],
    ['incorrect_map_schema', [{ my_map: map({ parent: 'another', name: 'report' }) }]],
    // codecs
    ['hadoop_lz4_compressed', lz4],
    ['non_hadoop_lz4_compressed', lz4],
    ['lz4_raw_compressed', lz4],
    ['concatenated_gzip_members', Array.from({ length: 513 }, (_, i) => ({ long_col: String(i + 1) }))],
    // pages
    ['datapage_v2_empty_datapage.snappy', [{ value: null }]],
    ['page_v2_empty_compressed', Array.from({ length: 10 }, () => ({ integer_column: null }))],
    ['column_chunk_key_value_metadata', []],
    // stored types
    ['int32_decimal', decimals],
    ['int64_decimal', decimals],
    ['fixed_length_decimal', decimals],
    ['fixed_length_decimal_legacy', decimals],
    ['byte_array_decimal', decimals],
    [
      'int96_from_spark',
      [
        { a: '2024-01-01T20:34:56.123456+00:00' },
        { a: '2024-01-01T01:00:00+00:00' },
        { a: '9999-12-31T03:00:00+00:00' },
        { a: '2024-12-30T23:00:00+00:00' },
        { a: null },
        { a: '+290000-12-30T23:00:00+00:00' },
      ],
    ],
    [
      'unknown-logical-type',
      [1, 2, 3].map((i) => ({
        'column with known type': `known string ${i}`,
        'column with unknown type': bytesOf(`unknown string ${i}`),
      })),
    ],
  ])('%s reads as its makers say', async (name, expected) => {
    expect(await readMapped(`parquet-testing/${name}.parquet`)).toEqual(expected)
  })

  it('repeated fields outside lists are lists', async () => {
    const rows = await readMapped('parquet-testing/repeated_primitive_no_list.parquet')
    expect(rows[1]).toEqual({
      Int32_list: [],
      String_list: ['three'],
      group_of_lists: { Int32_list_in_group: [], String_list_in_group: ['three'] },
    })
  })

  it("Impala's nested types", async () => {
    const rows = await readMapped('parquet-testing/nullable.impala.parquet')
    expect(rows[1]).toEqual({
      id: 2n,
      int_array: [null, 1, 2, null, 3, null],
      int_array_Array: [[null, 1, 2, null], [3, null, 4], [], null],
      int_map: map({ k1: 2, k2: null }),
      int_Map_Array: [map({ k3: null, k1: 1 }), null, new Map()],
      nested_struct: {
        A: null,
        b: [null],
        C: {
          d: [
            [
              { E: null, F: null },
              { E: 10, F: 'aaa' },
              { E: null, F: null },
              { E: -10, F: 'bbb' },
              { E: null, F: null },
            ],
            [{ E: 11, F: 'c' }, null],
            [],
            null,
          ],
        },
        g: map({
          g1: { H: { i: [2.2, null] } },
          g2: { H: { i: [] } },
          g3: null,
          g4: { H: { i: null } },
          g5: { H: null },
        }),
      },
    })
    expect(rows[5]).toMatchObject({ id: 6n, int_map: null, nested_struct: null })
  })

  it('run-length encoded booleans', async () => {
    const rows = await readMapped('parquet-testing/rle_boolean_encoding.parquet')
    expect(rows.slice(0, 3).map((row) => row['datatype_boolean'])).toEqual([true, false, null])
    expect(rows).toHaveLength(68)
  })

  it('byte stream split for every type that has it', async () => {
    const bytes = fixture('parquet-testing/byte_stream_split_extended.gzip.parquet')
    const schema = readParquetSchema(footerOf(bytes))
    // Half floats are no type of a table's columns.
    const fields = schema.fields.filter(({ name }) => !name.startsWith('float16'))
    const rows = await readRows(bytes, { schema: { ...schema, fields }, nameMapping: nameMappingText(schema) })
    expect(rows).toHaveLength(200)
    for (const row of rows) {
      for (const [name, value] of Object.entries(row))
        if (name.endsWith('_byte_stream_split')) expect(value).toEqual(row[name.replace('byte_stream_split', 'plain')])
    }
  })

  it.each([
    ['rle-dict-uncompressed-corrupt-checksum.parquet', InvalidDataError, 'its checksum is not that of its bytes'],
    [
      'large_string_map.brotli.parquet',
      InvalidDataError,
      'column "key", page at byte 4: 1073741828 bytes once decompressed',
    ],
    ['encrypt_columns_plaintext_footer.parquet.encrypted', UnsupportedError, 'the columns are encrypted'],
    ['encrypt_columns_and_footer.parquet.encrypted', UnsupportedError, 'the footer is encrypted'],
    ['map_no_value.parquet', UnsupportedError, 'column "my_map_no_v"'],
    ['ARROW-GH-45185.parquet', InvalidDataError, 'first repetition level'],
    ['ARROW-GH-47662.parquet', InvalidDataError, '100 values end after its last byte'],
    ['ARROW-RS-GH-6229-DICTHEADER.parquet', InvalidDataError, 'lie outside the file'],
    ['ARROW-RS-GH-6229-LEVELS.parquet', InvalidDataError, 'Insufficient repetition levels'],
    ['PARQUET-1481.parquet', InvalidDataError, 'unknown physical type -7'],
  ] as const)('%s is refused', async (name, kind, message) => {
    const reading = (async () => readMapped(`parquet-testing/${name}`))()
    await expect(reading).rejects.toThrow(kind)
    await expect(reading).rejects.toThrow(message)
  })
})

const string: Type = { kind: 'string' }
const pyarrow = (name: string, ...fields: NestedField[]): Promise<Row[]> =>
  readRows(fixture(`pyarrow/${name}.parquet`), { schema: schemaOf(...fields) })

describe('files of pyarrow, with field ids', () => {
  const codecs = ['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4'].map((name, i) => fieldOf(i + 1, name, string))
  const codecSchema: Schema = schemaOf(...codecs)

  it.each(['codecs-v1', 'codecs-v2'])('%s: a column a codec, in pages with checksums', async (name) => {
    const rows = await readRows(fixture(`pyarrow/${name}.parquet`), { schema: codecSchema, batchRows: 70 })
    const text = (i: number): string | null => (i % 3 === 0 ? null : `text ${i % 7}`)
    for (const { name: column } of codecs)
      expect(rows.map((row) => row[column])).toEqual(Array.from({ length: 300 }, (_, i) => text(i)))
  })

  it.each([
    [3, 'LZO'],
    [9, 'codec 9'],
  ])('codec %i is refused by name, where its column is asked for', async (codec, name) => {
    const bytes = withCodec(fixture('pyarrow/codecs-v1.parquet'), 1, codec)
    await expect(readRows(bytes, { schema: codecSchema })).rejects.toThrow(UnsupportedError)
    await expect(readRows(bytes, { schema: codecSchema })).rejects.toThrow(`column "snappy" is compressed with ${name}`)
    expect(await readRows(bytes, { schema: schemaOf(...codecs.slice(2)) })).toHaveLength(300)
  })

  it('a dictionary that was given up midway', async () => {
    const rows = await pyarrow('fallback', fieldOf(2, 'n', { kind: 'long' }), fieldOf(1, 'text', string))
    expect(rows).toEqual(
      Array.from({ length: 400 }, (_, i) => ({
        n: BigInt(i < 100 ? i % 3 : i * 1_000_003),
        text: `value ${i < 100 ? i % 5 : i}`,
      })),
    )
  })

  it('row groups without rows, and no rows at all', async () => {
    const tags: Type = { kind: 'list', elementId: 3, element: string, elementRequired: false }
    const fields = [fieldOf(1, 'n', { kind: 'long' }), fieldOf(2, 'tags', tags)]
    expect(await pyarrow('row-groups', ...fields)).toEqual([
      { n: 1n, tags: ['t'] },
      { n: null, tags: null },
      { n: 3n, tags: [] },
      { n: 4n, tags: ['t'] },
      { n: 5n, tags: ['t', 't'] },
    ])
    expect(await pyarrow('no-rows', ...fields)).toEqual([])
  })

  it('lists, maps and structs within one another', async () => {
    const rows = await readMapped('pyarrow/nested.parquet')
    const deep = (value: bigint | null, levels = 9): unknown =>
      levels === 0 ? value : [{ d: deep(value, levels - 1) }]
    expect(rows).toEqual([
      {
        gone: null,
        lists: [[{ x: 1, y: 'a' }, null], [], null],
        map: new Map<string, unknown>([
          ['k', [new Map([[1, { z: 2.5 }]]), null, new Map()]],
          ['l', null],
        ]),
        deep: deep(7n),
      },
      { gone: null, lists: null, map: new Map(), deep: null },
      { gone: null, lists: [], map: null, deep: deep(null) },
    ])
  })

  it('decimals of every stored width, also wider than 16 bytes', async () => {
    const bytes = withSchema(fixture('pyarrow/decimals.parquet'), (root) =>
      mapFields(root, (field) =>
        field.name === 'w76' ? { ...field, logicalType: { kind: 'decimal', precision: 38, scale: 2 } } : field,
      ),
    )
    const decimal = (id: number, name: string, precision: number): NestedField =>
      fieldOf(id, name, { kind: 'decimal', precision, scale: 2 })
    const schema = schemaOf(decimal(1, 'i32', 9), decimal(2, 'i64', 20), decimal(3, 'fixed', 25), decimal(4, 'w76', 38))
    const row = (value: string | null): Row => ({ i32: value, i64: value, fixed: value, w76: value })
    expect(await readRows(bytes, { schema })).toEqual([row('-1.25'), row(null), row('9999999.99')])
  })
})
