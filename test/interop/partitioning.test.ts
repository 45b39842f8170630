/** Tables partitioned by every transform of every type it takes: engines must agree on where rows lie, or lose them. */
import { afterAll, expect, it } from 'vitest'
import { equal, greaterThanOrEqual, isNull } from '../../src/expr/expression.ts'
import type { RowValue } from '../../src/spec/value.ts'
import { type Row, canonicalRows, canonicalValue } from './canonical.ts'
import { NANO_SAMPLES, SAMPLES } from './samples.ts'
import { type EngineName, Warehouse } from './warehouse.ts'

const NANOS = Object.keys(NANO_SAMPLES)
const TIMES = ['timestamp', 'timestamptz', ...NANOS]
const DECIMALS = Object.keys(SAMPLES).filter((type) => type.startsWith('decimal'))
const TYPES_OF: Readonly<Record<string, readonly string[]>> = {
  v: [...Object.keys(SAMPLES), ...NANOS],
  'bucket(3, v)': ['int', 'long', ...DECIMALS, 'date', 'time', ...TIMES, 'string', 'uuid', 'fixed(4)', 'binary'],
  'truncate(3, v)': ['int', 'long', ...DECIMALS, 'string', 'binary'],
  'year(v)': ['date', ...TIMES],
  'month(v)': ['date', ...TIMES],
  'day(v)': ['date', ...TIMES],
  'hour(v)': TIMES,
  'void(v)': ['int'],
}
const CASES = Object.entries(TYPES_OF).flatMap(([term, types]) => types.map((type) => [term, type] as const))

type Act = 'read' | 'filter' | 'write'
/** What the engines of these versions can't do, or do wrong whoever wrote the table. */
const DEFECTS: readonly (readonly [EngineName, acts: string, terms: RegExp, types: readonly string[], why: string])[] =
  [
    ['pyiceberg', 'write', /./, NANOS, 'writes no version 3'],
    ['pyiceberg', 'filter', /./, NANOS, 'has no literals of nanoseconds'],
    ['pyiceberg', 'read filter', /^v$/, NANOS, 'refuses timestamp-nanos in manifests'],
    ['pyiceberg', 'filter write', /^v$/, ['uuid'], "doesn't group by UUIDs, and compares them with bytes"],
    ['pyiceberg', 'filter', /^v$/, ['double'], 'cuts partition values to floats'],
    ['pyiceberg', 'write', /^bucket/, ['time'], 'fails on times'],
    ['duckdb', 'read filter', /./, ['timestamptz_ns'], 'does not know the type'],
    ['duckdb', 'filter', /^bucket/, ['uuid'], 'hashes other bytes'],
    ['duckdb', 'filter', /^truncate/, ['decimal(9, 2)', 'decimal(38, 10)'], 'takes all decimals for 64 bits wide'],
    ['duckdb', 'filter', /^(month|day)/, TIMES, 'rounds up before 1970'],
  ]

const warehouse = await Warehouse.open()
afterAll(() => warehouse[Symbol.asyncDispose]())

it.each(CASES)('%s of %s', async (term, type) => {
  const values = SAMPLES[type] ?? NANO_SAMPLES[type] ?? []
  const once: readonly Row[] = [...values, null].map((v, i) => ({ id: BigInt(i), v }))
  const rows = [...once, ...once]
  const formatVersion = type in SAMPLES ? 2 : 3
  const table = await warehouse.write(
    { schema: { id: 'long', v: type }, partitionBy: [term], formatVersion },
    once,
    once,
  )
  await warehouse.expectRows(table, rows, { engines: enginesFor('read', term, type) })
  const locations = [table.metadataLocation]
  if (enginesFor('write', term, type).includes('pyiceberg')) locations.push(await warehouse.copy(table))

  const check = async (operator: '=' | '>=' | 'is null', value: RowValue, matches: (v: RowValue) => boolean) => {
    const where = operator === 'is null' ? isNull('v') : (operator === '=' ? equal : greaterThanOrEqual)('v', value)
    const want = rows.filter(({ v }) => matches(v ?? null))
    const condition = { operator, kind: type.replace(/\(.*/, ''), value: canonicalValue(type, value) }
    const files = await warehouse.expectRows(table, want, { condition, engines: enginesFor('filter', term, type) })
    for (const location of locations) {
      const found = await warehouse.read(location, { where })
      expect(found.rows, `${operator} in ${location}`).toEqual(canonicalRows(table.schema.fields, want))
      const { planned, total } = found.plan.files
      if (location === table.metadataLocation) expect(planned, 'files planned').toBe(files ?? planned)
      if (term !== 'void(v)') expect(planned).toBeLessThan(total)
    }
  }
  // The first and last are left out: engines differ in what they make of a literal at the end of its range.
  for (const value of values.slice(1, 3)) await check('=', value, (v) => v === value)
  await check('>=', values[1] ?? null, (v) => v !== null && values.indexOf(v) >= 1)
  await check('is null', null, (v) => v === null)
})

it('several fields, one in a struct, under names that paths and Avro must escape', async () => {
  const schema = { 'größe (cm)/ü': 'int', place: 'struct<"land.code": string>', '1st': 'date' }
  const partitionBy = ['"größe (cm)/ü"', '"place.land.code"', 'month("1st")', 'bucket(2, "größe (cm)/ü")']
  const rows: readonly Row[] = [
    { 'größe (cm)/ü': 1, place: { 'land.code': 'a=b&c/d%' }, '1st': '2017-11-16' },
    { 'größe (cm)/ü': 2, place: { 'land.code': null }, '1st': null },
    { 'größe (cm)/ü': null, place: null, '1st': '2017-11-16' },
  ]
  await warehouse.expectRows(await warehouse.write({ schema, partitionBy }, rows, rows), [...rows, ...rows])
})

function enginesFor(act: Act, term: string, type: string): readonly EngineName[] {
  const stands = ([, acts, terms, types]: (typeof DEFECTS)[number]): boolean =>
    acts.includes(act) && terms.test(term) && types.includes(type)
  return (['pyiceberg', 'duckdb'] as const).filter((name) => !DEFECTS.some((d) => d[0] === name && stands(d)))
}
