import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import type { Schema } from '../../src/spec/types.ts'
import { castBatch } from '../../src/write/arrow-input.ts'
import { RowPacker, rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { SHAPES, readRows } from './columns.ts'

const oneColumn = (type: string): Schema => defineSchema({ c: type })
const pack = (type: string, ...values: unknown[]): unknown[] => {
  const schema = oneColumn(type)
  return readRows(
    rowsToBatch(
      values.map((c) => ({ c })),
      schema,
    ),
    schema,
  ).map(({ c }) => c)
}
const failure = (run: () => unknown): ValidationError => {
  try {
    run()
  } catch (error) {
    if (error instanceof ValidationError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('rows to Arrow', () => {
  it('keeps every row of every schema', () => {
    fc.assert(
      fc.property(SHAPES, ({ schema, rows }) => {
        expect(readRows(rowsToBatch(rows, schema), schema)).toEqual(rows)
      }),
      { numRuns: 300 },
    )
  })

  it('keeps rows over several runs and batches of one packer', () => {
    fc.assert(
      fc.property(SHAPES, fc.integer({ min: 1, max: 7 }), ({ schema, rows }, step) => {
        const packer = new RowPacker(schema)
        const read: unknown[] = []
        for (let from = 0; from < rows.length; from += step) {
          packer.append(rows, from, Math.min(rows.length, from + step))
          if (from % 2 === 0) read.push(...readRows(packer.finish(), schema))
        }
        read.push(...readRows(packer.finish(), schema))
        expect(read).toEqual(rows)
      }),
    )
  })

  it('encodes text beyond ASCII over chunk borders', () => {
    const texts = Array.from(
      { length: 5000 },
      (_, i) => `${'é😀x'.repeat(i % 9)}${i}${i % 700 === 0 ? 'ü'.repeat(9000) : ''}`,
    )
    expect(pack('string', ...texts)).toEqual(texts)
  })

  it.each<[string, unknown, unknown]>([
    ['int', 2 ** 31 - 1, 2 ** 31 - 1],
    ['int', '12', 12],
    ['long', 2 ** 53 - 1, BigInt(2 ** 53 - 1)],
    ['long', -5, -5n],
    ['long', -(2 ** 32) - 1, -(2n ** 32n) - 1n],
    ['long', -(2n ** 63n), -(2n ** 63n)],
    ['float', 0.1, Math.fround(0.1)],
    ['double', Number.NaN, Number.NaN],
    ['double', -0, -0],
    ['decimal(9,2)', '14.2', '14.20'],
    ['decimal(9,2)', 14.25, '14.25'],
    ['decimal(38,0)', -(10n ** 38n) + 1n, String(-(10n ** 38n) + 1n)],
    ['date', '2024-02-29', '2024-02-29'],
    ['date', '0001-01-01', '0001-01-01'],
    ['date', new Date(86_400_000), '1970-01-02'],
    ['time', '12:34:56.1', '12:34:56.100000'],
    ['timestamp', '2026-01-31T12:34:56.1234', '2026-01-31T12:34:56.123400'],
    ['timestamp', '1969-12-31T23:59:59.999999', '1969-12-31T23:59:59.999999'],
    ['timestamp', '9999-12-31T23:59:59.999999', '9999-12-31T23:59:59.999999'],
    ['timestamptz', '2026-01-31T12:34:56Z', '2026-01-31T12:34:56+00:00'],
    ['timestamptz', '2026-01-31T12:34:56+00:00', '2026-01-31T12:34:56+00:00'],
    ['timestamptz', '2026-01-31T12:34:56+02:00', '2026-01-31T10:34:56+00:00'],
    ['timestamptz', new Date(-1), '1969-12-31T23:59:59.999000+00:00'],
    ['timestamptz', new Date(8.64e15), '+275760-09-13T00:00:00+00:00'],
    ['timestamp_ns', '2026-01-31T12:34:56.000000001', '2026-01-31T12:34:56.000000001'],
    ['uuid', 'F79C3E09-677C-4BBD-A479-3F349CB785E7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['fixed[2]', Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
    ['binary', Buffer.from([7]), Uint8Array.of(7)],
    ['list<int>', [1, null, 3], [1, null, 3]],
    ['map<string, int>', { a: 1 }, new Map([['a', 1]])],
    ['map<int, string>', { 7: 'x' }, new Map([[7, 'x']])],
    ['struct<a: int, b: string>', { b: 'x' }, { a: null, b: 'x' }],
  ])('%s takes %o', (type, input, expected) => {
    const [found] = pack(type, input)
    expect(found instanceof Uint8Array ? [...found] : found).toEqual(
      expected instanceof Uint8Array ? [...expected] : expected,
    )
  })

  it.each<[string, unknown, string]>([
    ['int', 2 ** 31, 'column "c": expected int, found 2147483648'],
    ['int', 'abc', 'column "c": expected int, found "abc"'],
    ['int', 1.5, 'column "c": expected int, found 1.5'],
    ['long', 2 ** 53, 'column "c": expected long, found 9007199254740992'],
    ['long', 2n ** 63n, 'column "c": expected long, found 9223372036854775808'],
    ['float', 1e39, 'column "c": expected float, found 1e+39'],
    ['decimal(3,1)', '100.0', 'column "c": expected decimal(3,1), found "100.0"'],
    ['decimal(3,1)', 0.25, 'column "c": expected decimal(3,1), found 0.25'],
    ['date', '2023-02-29', 'column "c": expected date, found "2023-02-29"'],
    ['timestamp', '2026-01-31T24:00:00', 'column "c": expected timestamp'],
    ['timestamp', '2026-01-31T12:00:00Z', 'column "c": expected timestamp'],
    ['timestamptz', '2026-01-31T12:00:00', 'column "c": expected timestamptz'],
    ['timestamptz', new Date(Number.NaN), 'column "c": expected timestamptz'],
    ['timestamp', '2026-01-31T12:34:56.', 'column "c": expected timestamp'],
    ['uuid', 'f79c3e09', 'column "c": expected uuid, found "f79c3e09"'],
    ['fixed[2]', Uint8Array.of(1), 'column "c": expected fixed(2), found 1 bytes'],
    ['boolean', 1, 'column "c": expected boolean, found 1'],
    ['string', 5, 'column "c": expected string, found 5'],
    ['string', 'a\ud800', 'column "c": expected well-formed text'],
    ['string not null', null, 'column "c": expected string (required), found null'],
    ['string not null', undefined, 'column "c": expected string (required), found null'],
    ['list<int>', [1, 'x'], 'column "c[1]": expected int, found "x"'],
    ['list<int not null>', [1, null], 'column "c[1]": expected int (required), found null'],
    ['list<int>', 5, 'column "c": expected list, found 5'],
    ['list<string>', ['a', 'b\udc00'], 'column "c[1]": expected well-formed text'],
    ['map<string, list<int>>', { k: [1, 2n ** 40n] }, 'column "c["k"][1]": expected int, found 1099511627776'],
    ['map<string, int>', { 'k\ud800': 1 }, 'expected well-formed text'],
    ['struct<a: struct<b: int>>', { a: { b: true } }, 'column "c.a.b": expected int, found true'],
    ['struct<a: int>', { z: 1 }, 'column "c.z": expected one of a, found 1'],
    ['struct<a: int not null>', {}, 'column "c.a": expected int (required), found null'],
    ['struct<a: int>', [1], 'column "c": expected struct, found an array'],
  ])('%s refuses %o', (type, input, message) => {
    const good = { c: pack(type === 'string not null' ? 'string' : type, null)[0] }
    const first = type.endsWith('not null') ? { c: 'x' } : good
    const error = failure(() => rowsToBatch([first, { c: input }, first], oneColumn(type)))
    expect(error.message).toContain(message)
    expect(error.message).toMatch(/^row 2, /)
    expect(error.context).toMatchObject({ row: 2 })
  })

  it('puts what nobody sees below a null struct', () => {
    const schema = defineSchema({ s: 'struct<a: int not null, b: list<string not null> not null>' })
    const rows = [{ s: null }, { s: { a: 1, b: ['x'] } }, { s: null }]
    const batch = rowsToBatch(rows, schema)
    expect(readRows(batch, schema)).toEqual(rows)
    expect(batch.data.children[0]?.children.map((child) => child.nullCount)).toEqual([0, 0])
  })

  it('names unknown columns, and rows that are none', () => {
    const schema = defineSchema({ id: 'long', delay: 'int' })
    expect(failure(() => rowsToBatch([{ id: 1 }, { id: 2, dealy: 3 }], schema)).message).toBe(
      'row 2: the table has no column "dealy"; its columns are id, delay',
    )
    expect(failure(() => rowsToBatch([[1] as never], schema)).message).toMatch(
      /^row 1: expected an object .* an array$/,
    )
    expect(failure(() => rowsToBatch([{ id: 1 }, null as never], schema)).message).toMatch(/^row 2: .* found null$/)
    expect(rowsToBatch([{ id: 1, dealy: undefined }], schema).numRows).toBe(1)
    expect(() => rowsToBatch([{ id: 1, delay: 2 }, { delay: 2, id: 1 }, { id: 1 }], schema)).not.toThrow()
  })

  it('reports the first row that fails, whichever its column, counted over all batches', () => {
    const schema = defineSchema({ a: 'int', b: 'int' })
    const packer = new RowPacker(schema)
    packer.append([{ a: 1 }, { a: 2 }])
    packer.finish()
    packer.append([{ a: 1 }])
    const rows = [{ a: 1 }, { b: 'bad' }, { a: 'bad' }, { c: 1 }]
    expect(failure(() => packer.append(rows)).context).toEqual({ row: 5, column: 'b', expected: 'int', found: '"bad"' })
  })

  it('reports the row of a lone surrogate found late', () => {
    const schema = oneColumn('string')
    const rows = Array.from({ length: 100 }, (_, i) => ({ c: i === 60 ? 'x\ud83d' : i === 61 ? '\ude00y' : 'ok' }))
    expect(failure(() => rowsToBatch(rows, schema)).context).toMatchObject({ row: 61, column: 'c' })
  })

  it('looks only at own properties for names that all objects have', () => {
    const schema = defineSchema({ constructor: 'string', hasOwnProperty: 'int' })
    expect(readRows(rowsToBatch([{}], schema), schema)).toEqual([{ constructor: null, hasOwnProperty: null }])
    const own = JSON.parse('{"__proto__": "x"}') as Record<string, unknown>
    const schemaOfProto: Schema = { ...defineSchema({ p: 'string' }) }
    const field = { ...schemaOfProto.fields[0], name: '__proto__' } as Schema['fields'][0]
    const batch = rowsToBatch([own, {}], { ...schemaOfProto, fields: [field] })
    expect([...(batch.getChildAt(0) ?? [])]).toEqual(['x', null])
  })

  it('writes a default where a column is left out, not where it is null', () => {
    const [field] = oneColumn('int').fields
    const schema: Schema = { ...oneColumn('int'), fields: [{ ...(field as Schema['fields'][0]), writeDefault: 7 }] }
    expect(readRows(rowsToBatch([{}, { c: null }, { c: 1 }], schema), schema)).toEqual([
      { c: 7 },
      { c: null },
      { c: 1 },
    ])
  })

  it('writes defaults of nested fields, of structs and of lists', () => {
    const members = { id: 3, name: 'x', required: true, type: { kind: 'int' }, writeDefault: 3 } as const
    const point = { kind: 'struct', fields: [members] } as const
    const list = { kind: 'list', elementId: 4, element: point, elementRequired: true } as const
    const schema: Schema = {
      ...oneColumn('int'),
      fields: [
        { id: 1, name: 'p', type: point, required: true, writeDefault: new Map() },
        { id: 2, name: 'l', type: list, required: false, writeDefault: [new Map([[3, 1]]), new Map()] },
        { id: 5, name: 'q', type: point, required: false },
      ],
    }
    const rows = [
      { p: { x: 3 }, l: [{ x: 1 }, { x: 3 }], q: null },
      { p: { x: 7 }, l: [], q: { x: 3 } },
    ]
    expect(readRows(rowsToBatch([{}, { p: { x: 7 }, l: [], q: {} }], schema), schema)).toEqual(rows)
    const whole = castBatch(rowsToBatch([{ q: {} }], { ...schema, fields: schema.fields.slice(2) }), schema)
    expect(readRows(whole, schema)).toEqual([{ ...rows[0], q: { x: 3 } }])
  })
})
