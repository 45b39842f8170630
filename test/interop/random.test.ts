/** Random schemas, nested at will, and rows of them: PyIceberg, DuckDB and firn find the same rows in what firn wrote. */
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import type { RowValue } from '../../src/spec/value.ts'
import { type Row, canonicalRows } from './canonical.ts'
import { SAMPLES } from './samples.ts'
import { Warehouse } from './warehouse.ts'

/** Changed by hand for a longer search: FIRN_FUZZ_SEED, FIRN_FUZZ_RUNS. */
const { FIRN_FUZZ_SEED = '20261126', FIRN_FUZZ_RUNS = '25' } = process.env

const warehouse = await Warehouse.open()
afterAll(() => warehouse[Symbol.asyncDispose]())

interface Shape {
  readonly type: string
  readonly values: fc.Arbitrary<RowValue>
}

const nullable = ({ values }: Shape): fc.Arbitrary<RowValue> => fc.option(values, { freq: 4 })

const primitive: fc.Arbitrary<Shape> = fc.constantFrom(
  ...Object.entries(SAMPLES).map(([type, values]) => ({ type, values: fc.constantFrom(...values) })),
)
/** Canonical pairs are sorted as text: by UTF-16 here, by code points in Python. ASCII is the same in both. */
const key: fc.Arbitrary<Shape> = fc.constantFrom(
  { type: 'string', values: fc.string({ unit: 'grapheme-ascii', maxLength: 8 }) },
  { type: 'int', values: fc.integer({ min: 0, max: 9 }) },
)
/** PyIceberg 0.12 reads null lists and maps of structs as empty ones. */
const PYICEBERG_LOSES_NULLS = /list<struct|map<\w+, struct/
const NAMES = ['id', 'ä', 'select', 'two words', 'Upper', 'x_1'] as const

const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
    primitive,
    tie('shape').map((element): Shape => ({
      type: `list<${element.type}>`,
      values: fc.array(nullable(element), { maxLength: 3 }),
    })),
    fc.tuple(key, tie('shape')).map(([of, value]): Shape => ({
      type: `map<${of.type}, ${value.type}>`,
      values: fc
        .uniqueArray(fc.tuple(of.values, nullable(value)), { maxLength: 3, selector: ([found]) => found })
        .map((entries) => new Map(entries)),
    })),
    fc.array(tie('shape'), { minLength: 1, maxLength: 3 }).map((members): Shape => ({
      type: `struct<${members.map(({ type }, i) => `m${i}: ${type}`).join(', ')}>`,
      values: fc.record(Object.fromEntries(members.map((member, i) => [`m${i}`, nullable(member)]))),
    })),
  ),
}))

const TABLES = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), shape), { minLength: 1, selector: ([name]) => name })
  .chain((columns) =>
    fc.record({
      schema: fc.constant(Object.fromEntries(columns.map(([name, { type }]) => [name, type]))),
      formatVersion: fc.constantFrom(2, 3),
      // PyIceberg can't make an empty Arrow table with a UUID in a list, so there is a row.
      appends: fc.array(
        fc.array(fc.record(Object.fromEntries(columns.map(([name, of]) => [name, nullable(of)]))), {
          minLength: 1,
          maxLength: 12,
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  )

it('random tables have the same rows for every engine', { timeout: 900_000 }, async () => {
  let rows = 0
  await fc.assert(
    fc.asyncProperty(TABLES, async ({ schema, formatVersion, appends }) => {
      const table = await warehouse.write({ schema, formatVersion }, ...(appends as Row[][]))
      const want = appends.flat() as Row[]
      const isDuckDBAlone = Object.values(schema).some((type) => PYICEBERG_LOSES_NULLS.test(type))
      await warehouse.expectRows(table, want, isDuckDBAlone ? { engines: ['duckdb'] } : {})
      expect((await warehouse.read(table.metadataLocation)).rows).toEqual(canonicalRows(table.schema.fields, want))
      rows += want.length
    }),
    { seed: Number(FIRN_FUZZ_SEED), numRuns: Number(FIRN_FUZZ_RUNS) },
  )
  expect(rows).toBeGreaterThan(0)
})
