import { describe, expect, it } from 'vitest'
import { csvHeader, csvRows, jsonRows, textRows } from '../../src/cli/row-format.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'

const SCHEMA = defineSchema({
  b: 'boolean',
  i: 'int',
  l: 'long',
  f: 'float',
  d: 'double',
  dec: 'decimal(9,2)',
  date: 'date',
  time: 'time',
  ts: 'timestamp',
  tz: 'timestamptz',
  s: 'string',
  u: 'uuid',
  bin: 'binary',
  fix: 'fixed(2)',
  list: 'list<float>',
  map: 'map<int, string>',
  struct: 'struct<a: long, "b ""c""": list<binary>>',
})
const FULL = {
  b: true,
  i: -1,
  l: 42n,
  f: 0.1,
  d: 1.5,
  dec: '10.50',
  date: '2026-01-31',
  time: '12:34:56.000001',
  ts: '2026-01-31T12:34:56.123456',
  tz: '2026-01-31T12:34:56Z',
  s: 'say "hi",\n🛫',
  u: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  bin: Uint8Array.of(0, 255),
  fix: Uint8Array.of(1, 2),
  list: [0.1, null],
  map: new Map([[1, 'x']]),
  struct: { a: 2n ** 60n, 'b "c"': [Uint8Array.of(1)] },
}

function printed(
  rows: readonly Record<string, unknown>[],
  schema = SCHEMA,
): { json: unknown; csv: string; text: readonly string[] } {
  const batch = rowsToBatch(rows, schema)
  return {
    json: JSON.parse(jsonRows(schema)(batch)(rows.length - 1)),
    csv: csvRows(schema)(batch)(rows.length - 1),
    text: textRows(schema)(batch)(rows.length - 1),
  }
}

describe('rows', () => {
  it('print variants as the JSON that they hold', () => {
    const schema = defineSchema({ v: 'variant' })
    const v = { a: [1, null, Number.NaN, -0], b: { '"': 2n ** 60n, c: 7n }, d: Uint8Array.of(0, 255), e: true, f: 'x' }
    const text = '{"a":[1,null,"NaN",-0.0],"b":{"\\"":"1152921504606846976","c":7},"d":"00ff","e":true,"f":"x"}'
    expect(jsonRows(schema)(rowsToBatch([{ v }], schema))(0)).toBe(`{"v":${text}}`)
    expect(printed([{ v: 'x' }], schema)).toEqual({ json: { v: 'x' }, csv: '"""x"""', text: ['"x"'] })
    expect(printed([{ v: null }], schema)).toEqual({ json: { v: null }, csv: '', text: ['null'] })
  })

  it('print all types', () => {
    const { json, csv, text } = printed([FULL])
    const expected = {
      ...FULL,
      l: 42,
      tz: '2026-01-31T12:34:56+00:00',
      bin: '00ff',
      fix: '0102',
      map: { '1': 'x' },
      struct: { a: '1152921504606846976', 'b "c"': ['01'] },
    }
    expect(json).toEqual(expected)
    expect(csv).toBe(
      'true,-1,42,0.1,1.5,10.50,2026-01-31,12:34:56.000001,2026-01-31T12:34:56.123456,2026-01-31T12:34:56+00:00,' +
        '"say ""hi"",\n🛫",f81d4fae-7dec-11d0-a765-00a0c91e6bf6,00ff,0102,"[0.1,null]","{""1"":""x""}",' +
        '"{""a"":""1152921504606846976"",""b \\""c\\"""":[""01""]}"',
    )
    expect(text.slice(0, 6)).toEqual(['true', '-1', '42', '0.1', '1.5', '10.50'])
  })

  it('print nulls', () => {
    const { json, csv, text } = printed([FULL, {}])
    expect(Object.values(json as object)).toEqual(SCHEMA.fields.map(() => null))
    expect(csv).toBe(','.repeat(SCHEMA.fields.length - 1))
    expect(new Set(text)).toEqual(new Set(['null']))
  })

  it.each<[string, unknown, unknown, string]>([
    ['long', 2n ** 53n - 1n, 9_007_199_254_740_991, '9007199254740991'],
    ['long', 2n ** 53n + 1n, '9007199254740993', '9007199254740993'],
    ['long', -(2n ** 63n), '-9223372036854775808', '-9223372036854775808'],
    ['double', Number.NaN, 'NaN', 'NaN'],
    ['double', -Infinity, '-Infinity', '-Infinity'],
    ['double', -0, -0, '-0.0'],
    ['double', 1e300, 1e300, '1e+300'],
    ['float', 16_777_216, 16_777_216, '16777216'],
    ['float', 1.1754943508222875e-38, 1.1754944e-38, '1.1754944e-38'],
    ['string', '', '', '""'],
    ['string', 'null', 'null', 'null'],
    ['string', ' a', ' a', '" a"'],
    ['string', 'a\u2028\u0000', 'a\u2028\u0000', 'a\u2028\u0000'],
  ])('%s %s', (type, value, json, csv) => {
    const ran = printed([{ v: value }], defineSchema({ v: type }))
    expect(ran.json).toEqual({ v: json })
    expect(ran.csv).toBe(csv)
  })

  it("print names that need quotes, and the one that objects don't take", () => {
    const schema = defineSchema({ 'a "b", c': 'int', ['__proto__']: 'int', z: 'struct<"__proto__": int>' })
    expect(csvHeader(schema)).toBe('"a ""b"", c",__proto__,z')
    const row = Object.fromEntries([
      ['a "b", c', 1],
      ['__proto__', 2],
      ['z', Object.fromEntries([['__proto__', 3]])],
    ])
    const batch = rowsToBatch([row], schema)
    expect(jsonRows(schema)(batch)(0)).toBe('{"a \\"b\\", c":1,"__proto__":2,"z":{"__proto__":3}}')
  })

  it('print rows without columns', () => {
    const schema = defineSchema({})
    expect(jsonRows(schema)(rowsToBatch([{}], schema))(0)).toBe('{}')
  })
})
