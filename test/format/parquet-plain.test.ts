import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { toArrowSchema } from '../../src/format/arrow-schema.ts'
import type { Row } from '../../src/format/arrow-values.ts'
import { type PlainReadOptions, readParquetSchema, readPlainParquet } from '../../src/format/parquet-plain.ts'
import type { ParquetFooter } from '../../src/format/parquet-footer.ts'
import type { LogicalType, ParquetLeaf } from '../../src/format/parquet-schema.ts'
import { openParquet } from '../../src/format/parquet-source.ts'
import { printTypeText } from '../../src/spec/type-text.ts'
import { batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, memorySource, rowsOf } from './parquet-file.ts'

interface PlainFile {
  readonly types: Readonly<Record<string, string>>
  readonly rows: readonly Row[]
}

async function readPlain(path: string, options: PlainReadOptions = {}): Promise<PlainFile> {
  const source = memorySource(readFileSync(path))
  const { footer } = await openParquet(source)
  const schema = readParquetSchema(footer, options)
  const rows: Row[] = []
  for await (const batch of readPlainParquet(source, options)) {
    expect(String(batch.schema)).toBe(String(toArrowSchema(schema)))
    rows.push(...rowsOf(batch, schema))
  }
  return { types: Object.fromEntries(schema.fields.map((field) => [field.name, printTypeText(field.type)])), rows }
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const micros = (text: string): string => `1970-01-01T00:00:00.${text}`

/** What pyarrow wrote: Arrow's name of the type, its type in a v2 table, and the five rows. */
const COLUMNS: readonly (readonly [string, string, readonly unknown[]])[] = [
  ['i8', 'int', [-128, null, 1, 2, 127]],
  ['u8', 'int', [0, 255, null, 1, 2]],
  ['i16', 'int', [-32_768, 1, 2, 3, null]],
  ['u16', 'int', [65_535, 1, 2, 3, null]],
  ['u32', 'long', [4_294_967_295n, 0n, null, 1n, 2_147_483_648n]],
  ['u64', 'decimal(20,0)', ['18446744073709551615', '0', null, '1', '9223372036854775808']],
  ['f16', 'float', [1.5, -2.25, Infinity, 5.960464477539063e-8, 0]],
  ['dict', 'string', ['a', 'b', null, 'a', 'c']],
  ['large', 'string', ['x', null, 'y', 'z', 'w']],
  ['view', 'string', ['x', null, 'y', 'z', 'w'.repeat(40)]],
  ['lb', 'binary', [bytes('x'), null, bytes('y'), bytes(''), bytes('z')]],
  ['tms', 'timestamp', [micros('001000'), null, micros('002000'), micros('003000'), micros('004000')]],
  ['tns', 'timestamp', [micros('000001'), null, micros('000002'), '1969-12-31T23:59:59.999997', micros('000004')]],
  [
    'tnstz',
    'timestamptz',
    ['000001', null, '000002', '000003', '000004'].map((text) => text && `${micros(text)}+00:00`),
  ],
  [
    'ts_s',
    'timestamp',
    ['1970-01-01T00:00:01', null, '1970-01-01T00:00:02', '1970-01-01T00:00:03', '1970-01-01T00:00:04'],
  ],
  ['t32', 'time', ['00:00:00.001000', null, '00:00:00.002000', '00:00:00.003000', '00:00:00.004000']],
  ['t64n', 'time', ['00:00:00.000001', null, '00:00:00.000002', '00:00:00.000003', '00:00:00.000004']],
  ['d64', 'date', ['1970-01-01', null, '1970-01-02', '1970-01-02', '1970-01-01']],
  ['date', 'date', ['1970-01-01', null, '1969-12-31', '1970-01-02', '1970-01-03']],
  ['dec', 'decimal(5,2)', ['1.23', null, '-9.99', '0.00', '1.00']],
  ['null', 'string', [null, null, null, null, null]],
  ['list', 'list<int>', [[1, 2], null, [], [null], [3]]],
  ['ll', 'list<string>', [['a'], null, [], [null], ['b']]],
  ['fsl', 'list<int>', [[1, 2], null, [3, 4], [5, 6], [7, 8]]],
  ['map', 'map<string, int>', [new Map([['a', 1]]), null, new Map(), new Map([['b', null]]), new Map([['c', 2]])]],
  [
    'st',
    'struct<a: long, b: struct<c: string>>',
    [{ a: 1n, b: { c: 'x' } }, null, { a: null, b: null }, { a: 2n, b: { c: null } }, { a: 3n, b: { c: 'y' } }],
  ],
  ['fsb', 'fixed(3)', [bytes('abc'), null, bytes('def'), bytes('ghi'), bytes('jkl')]],
  ['bool', 'boolean', [true, null, false, true, true]],
]

describe('files by pyarrow', () => {
  it.each([
    ['types', COLUMNS],
    ['types-v1', COLUMNS.filter(([name]) => name !== 'u32' && name !== 'u64')],
  ])('%s.parquet reads as written', async (name, columns) => {
    const { types, rows } = await readPlain(`test/fixtures/pyarrow/${name}.parquet`, { batchRows: 2 })
    for (const [column, type, values] of columns) {
      expect([column, types[column]]).toEqual([column, type])
      expect(rows.map((row) => row[column])).toEqual(values)
    }
    expect(Object.keys(types)).toEqual(columns.map(([column]) => column))
  })

  it('keep nanoseconds in a v3 table', async () => {
    const { types, rows } = await readPlain('test/fixtures/pyarrow/types.parquet', { formatVersion: 3 })
    expect(types).toMatchObject({ tns: 'timestamp_ns', tnstz: 'timestamptz_ns', tms: 'timestamp', null: 'unknown' })
    expect(rows[0]).toMatchObject({ tns: micros('000001000'), tms: micros('001000'), null: null })
  })

  it('keep INT96 timestamps of all years', async () => {
    expect(await readPlain('test/fixtures/pyarrow/int96.parquet')).toEqual({
      types: { ts: 'timestamptz' },
      rows: [
        { ts: '0001-01-01T00:00:00+00:00' },
        { ts: null },
        { ts: '2024-05-06T07:08:09.123456+00:00' },
        { ts: '9999-12-31T23:59:59.999999+00:00' },
      ],
    })
  })
})

it('refuses to cut nanoseconds off', async () => {
  const schema = schemaOf(fieldOf(1, 't', { kind: 'timestamp_ns' }))
  const read = async (cells: (bigint | null)[]): Promise<Row[]> => {
    const source = memorySource(encode([batchOf(schema, [cells])], { schema }).bytes)
    const rows: Row[] = []
    for await (const batch of readPlainParquet(source))
      rows.push(...rowsOf(batch, readParquetSchema((await openParquet(source)).footer)))
    return rows
  }
  expect(await read([-1000n, null])).toEqual([{ t: '1969-12-31T23:59:59.999999' }, { t: null }])
  await expect(read([0n, 1001n])).rejects.toThrow(ValidationError)
  await expect(read([0n, 1001n])).rejects.toThrow(/1001 ns.*v3/)
})

it('numbers columns anew, level by level, all optional', async () => {
  const schema = schemaOf(
    fieldOf(70, 's', { kind: 'struct', fields: [fieldOf(80, 'x', { kind: 'int' }, true)] }, true),
    fieldOf(60, 'l', { kind: 'list', elementId: 61, element: { kind: 'string' }, elementRequired: true }),
    fieldOf(50, 'n', { kind: 'long' }, true),
  )
  const { footer } = await openParquet(memorySource(encode([], { schema }).bytes))
  expect(readParquetSchema(footer)).toEqual(
    schemaOf(
      fieldOf(1, 's', { kind: 'struct', fields: [fieldOf(4, 'x', { kind: 'int' })] }),
      fieldOf(2, 'l', { kind: 'list', elementId: 5, element: { kind: 'string' }, elementRequired: false }),
      fieldOf(3, 'n', { kind: 'long' }),
    ),
  )
})

it.each<[LogicalType]>([[{ kind: 'interval' }], [{ kind: 'decimal', precision: 76, scale: 2 }], [{ kind: 'variant' }]])(
  'names a column without counterpart: %j',
  (logicalType) => {
    const leaf: ParquetLeaf = {
      name: 'odd',
      repetition: 'optional',
      physicalType: 'FIXED_LEN_BYTE_ARRAY',
      typeLength: 32,
      logicalType,
    }
    const footer = { schema: { name: 'root', repetition: 'required', children: [leaf] } } as unknown as ParquetFooter
    expect(() => readParquetSchema(footer)).toThrow(UnsupportedError)
    expect(() => readParquetSchema(footer)).toThrow(/column "odd"/)
  },
)
