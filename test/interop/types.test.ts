/** What DuckDB and PyIceberg make of the types of version 3, and firn of DuckDB's shredded variants. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parseParquetFooter } from '../../src/format/parquet-footer.ts'
import { readParquetSchema, readPlainParquet } from '../../src/format/parquet-plain.ts'
import type { JsonObject, JsonValue } from '../../src/base/json.ts'
import type { RowValue } from '../../src/spec/value.ts'
import { memorySource, rowsOf } from '../format/parquet-file.ts'
import type { Canonical, Row } from './canonical.ts'
import { Warehouse } from './warehouse.ts'

const warehouse = await Warehouse.open()
afterAll(() => warehouse[Symbol.asyncDispose]())

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const POINT = Buffer.from('0101000000000000000000f83f0000000000000440', 'hex')
const bare = (...value: number[]): RowValue => ({ metadata: bytes(1, 0, 0), value: bytes(...value) })

function query(sql: string): Promise<readonly Readonly<Record<string, Canonical>>[]> {
  return warehouse.ask('duckdb_engine.query', { sql })
}

/** Values of all types, with their JSON and type in DuckDB. */
const VARIANTS: readonly (readonly [RowValue, string | null, string])[] = [
  [
    { a: 1, b: [true, null, 'x', 1.5, 2n ** 60n], c: { ä: 'e'.repeat(100) } },
    `{"a":1,"b":[true,null,"x",1.5,1152921504606846976],"c":{"ä":"${'e'.repeat(100)}"}}`,
    'OBJECT(a, b, c)',
  ],
  ['text', '"text"', 'VARCHAR'],
  [false, 'false', 'BOOL_FALSE'],
  [-129, '-129', 'INT16'],
  [70_000, '70000', 'INT32'],
  [1n, '1', 'INT64'],
  [bare(44, 0x4e, 0x44, 0, 0), '"2017-11-16"', 'DATE'],
  [bare(32, 2, 0x8c, 5, 0, 0), '14.20', 'DECIMAL(4, 2)'],
  [bare(80, ...Array.from({ length: 16 }, (_, i) => i)), '"00010203-0405-0607-0809-0a0b0c0d0e0f"', 'UUID'],
  [[], '[]', 'ARRAY(0)'],
]

it('variants, read by DuckDB', async () => {
  const rows = VARIANTS.map(([v], id): Row => ({ id, v, l: [v, null] }))
  const table = await warehouse.write(
    { schema: { id: 'int', v: 'variant', l: 'list<variant>' }, formatVersion: 3 },
    rows,
    [{ id: 99, v: null }],
  )
  const from = `FROM iceberg_scan('${table.metadataLocation}')`
  const found = await query(
    `SELECT v::JSON AS json, variant_typeof(v) AS type, l[1]::JSON AS first ${from} WHERE id < 99 ORDER BY id`,
  )
  expect(found).toEqual(VARIANTS.map(([, json, type]) => ({ json, type, first: json })))
  expect(await query(`SELECT id ${from} WHERE v IS NULL`)).toEqual([{ id: '99' }])
})

it('variants that DuckDB shreds, read by firn', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-interop-'))
  try {
    const file = join(folder, 'variants.parquet')
    const objects =
      "{'k': i, 's': 'v' || i, 'd': DATE '2020-01-01', 'n': {'q': 1.5::DOUBLE, 'l': [i, 2]}, 'dec': 1.25::DECIMAL(4, 2)}"
    const mixed =
      "CASE WHEN i % 3 = 0 THEN {'a': i, 'b': 'x'}::VARIANT WHEN i % 3 = 1 THEN [1, 2]::VARIANT ELSE 'text'::VARIANT END"
    const select = `SELECT i::INT AS id, ${mixed} AS v, ${objects}::VARIANT AS o FROM range(6) t(i)`
    await warehouse.ask('duckdb_engine.run', { sql: `COPY (${select}) TO '${file}' (FORMAT parquet)` })
    const written = await readFile(file)
    const footer = parseParquetFooter(written, written.length, file)
    expect(footer.leaves.filter(({ name }) => name === 'typed_value').length).toBeGreaterThan(4)
    const schema = readParquetSchema(footer, { formatVersion: 3 })
    expect(schema.fields.map(({ type }) => type.kind)).toEqual(['int', 'variant', 'variant'])
    const rows: Row[] = []
    for await (const batch of readPlainParquet(memorySource(written), { formatVersion: 3 }))
      rows.push(...rowsOf(batch, schema))
    const mixedValues = [(i: number): RowValue => ({ a: BigInt(i), b: 'x' }), () => [1, 2], () => 'text']
    const want = Array.from({ length: 6 }, (_, i) => ({
      id: i,
      v: mixedValues[i % 3]?.(i),
      o: { k: BigInt(i), s: `v${i}`, d: '2020-01-01', n: { q: 1.5, l: [BigInt(i), 2n] }, dec: '1.25' },
    }))
    expect(rows).toEqual(want)
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** Columns whose rows leave them out, by name: type and default. */
function withDefaults(
  columns: Readonly<Record<string, readonly [type: JsonObject | string, value: JsonValue]>>,
): JsonObject {
  const fields = Object.entries(columns).map(([name, [type, value]], i) => ({
    id: 10 + i,
    name,
    type,
    required: false,
    'initial-default': value,
    'write-default': value,
  }))
  return { type: 'struct', fields: [{ id: 1, name: 'id', type: 'int', required: false }, ...fields] }
}

const DEFAULTS = {
  flag: ['boolean', true],
  number: ['int', 7],
  big: ['long', 9007199254740993n],
  single: ['float', 2],
  whole: ['double', 1],
  price: ['decimal(9, 2)', '14.20'],
  day: ['date', '2017-11-16'],
  time: ['time', '22:31:08.123456'],
  at: ['timestamp', '2017-11-16T22:31:08.123456'],
  zoned: ['timestamptz', '2017-11-16T22:31:08.123456+00:00'],
  text: ['string', 'iceberg'],
  key: ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
  two: ['fixed[2]', '0001'],
  bytes: ['binary', '0002'],
} as const

it('defaults that rows are written with', async () => {
  const {
    two,
    bytes: blob,
    ...texts
  } = Object.fromEntries(Object.entries(DEFAULTS).map(([name, [, value]]) => [name, value]))
  const row: Row = { id: 1, ...texts, two: bytes(0, 1), bytes: bytes(0, 2) }
  expect([two, blob]).toEqual(['0001', '0002'])
  const table = await warehouse.write({ schema: withDefaults(DEFAULTS), formatVersion: 3 }, [{ id: 1 }])
  await warehouse.expectRows(table, [row])
  const nanos = { at: ['timestamp_ns', '2017-11-16T22:31:08.123456789'] } as const
  const fine = await warehouse.write({ schema: withDefaults(nanos), formatVersion: 3 }, [{ id: 1 }])
  await warehouse.expectRows(fine, [{ id: 1, at: nanos.at[1] }], { engines: ['duckdb'] })
})

it('shapes with a CRS, read by DuckDB', async () => {
  const schema = { id: 'int', g: 'geometry(srid:3857)', z: 'struct<g: geometry>' }
  const rows = [
    { id: 1, g: POINT, z: { g: POINT } },
    { id: 2, g: null, z: null },
  ]
  await warehouse.expectRows(await warehouse.write({ schema, formatVersion: 3 }, rows), rows, { engines: ['duckdb'] })
})

const POINT_TYPE = { type: 'struct', fields: [{ id: 99, name: 'x', type: 'int', required: false, 'write-default': 5 }] }
/** What the engines can't do yet: where a line of this fails, the README can promise more. */
it.each<[string, JsonObject | Readonly<Record<string, string>>, 'duckdb' | 'pyiceberg', string]>([
  ['variant', { c: 'variant' }, 'pyiceberg', 'variant'],
  ['geometry', { c: 'geometry' }, 'pyiceberg', 'geometry'],
  ['geography', { c: 'geography' }, 'duckdb', 'Geography'],
  ['unknown', { c: 'unknown', id: 'int' }, 'duckdb', 'unknown'],
  ['the default of a struct', withDefaults({ c: [POINT_TYPE, {}] }), 'duckdb', 'PrimitiveTypeValue'],
  ['the default of a struct', withDefaults({ c: [POINT_TYPE, {}] }), 'pyiceberg', 'not supported'],
  ['nanosecond defaults', withDefaults({ c: ['timestamp_ns', '2017-11-16T22:31:08'] }), 'pyiceberg', 'not supported'],
])('%s: refused', async (_, schema, engine, message) => {
  const table = await warehouse.write({ schema, formatVersion: 3 }, [{}])
  await expect(warehouse.expectRows(table, [], { engines: [engine] })).rejects.toThrow(message)
})
