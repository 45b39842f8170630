import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expr/bind.ts'
import { compileRowFilter, evaluate } from '../../src/expr/evaluate.ts'
import { parseFilter } from '../../src/expr/parse-filter.ts'
import type { Schema } from '../../src/spec/types.ts'
import type { Value } from '../../src/spec/value.ts'

const schema: Schema = {
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    { id: 1, name: 'n', type: { kind: 'long' }, required: false },
    { id: 2, name: 'd', type: { kind: 'double' }, required: false },
    { id: 3, name: 's', type: { kind: 'string' }, required: false },
    { id: 4, name: 'b', type: { kind: 'binary' }, required: false },
    { id: 5, name: 'ok', type: { kind: 'boolean' }, required: false },
  ],
}

const holds = (filter: string, ...values: (Value | null)[]): boolean =>
  evaluate(bind(schema, parseFilter(filter)), (id) => values[id - 1] ?? null)

describe('evaluate', () => {
  it.each(['n = 1', 'n <> 1', 'n < 1', 'n >= 1', 'n in (1, 2)', 'n not in (1, 2)', 'not (n = 1)', 'n is not null'])(
    '%s is false of null',
    (filter) => {
      expect(holds(filter, null)).toBe(false)
    },
  )

  it.each([
    ["s like 'a%'", false],
    ["s not like 'a%'", false],
    ['d is nan', false],
    ['d is not nan', true],
    ['n is null', true],
    ['n is null or n = 1', true],
  ])('%s is %s of null', (filter, expected) => {
    expect(holds(filter, null, null, null)).toBe(expected)
  })

  it.each([
    ['d is nan', true],
    ['d is not nan', false],
    ['d <> 1', true],
    ['d not in (1, 2)', true],
    ['d = 1', false],
    ['d in (1, 2)', false],
    ['d < infinity', false],
    ['d >= -infinity', false],
    ['d > 1', false],
    ['d is not null', true],
  ])('%s is %s of NaN', (filter, expected) => {
    expect(holds(filter, null, Number.NaN)).toBe(expected)
  })

  it.each(['d = 0', 'd = -0', 'd >= 0', 'd <= -0', 'd in (0, 1)', 'd in (-0, 1)'])(
    '%s is true of 0 and -0',
    (filter) => {
      expect(holds(filter, null, 0)).toBe(true)
      expect(holds(filter, null, -0)).toBe(true)
    },
  )

  it('orders strings by code points, not by UTF-16 units', () => {
    expect(holds("s < '😀'", null, null, '\u{ffff}')).toBe(true)
    expect(holds("s > '\u{ffff}'", null, null, '😀')).toBe(true)
  })

  it('compares bytes by content, unsigned', () => {
    const bytes = Uint8Array.of(200, 1)
    expect(holds("b = x'c801'", null, null, null, bytes)).toBe(true)
    expect(holds("b <> x'c801'", null, null, null, bytes)).toBe(false)
    expect(holds("b > x'7f'", null, null, null, bytes)).toBe(true)
    expect(holds("b in (x'c801', x'00')", null, null, null, bytes)).toBe(true)
    expect(holds("b not in (x'c8', x'00')", null, null, null, bytes)).toBe(true)
    expect(holds("b in (x'c801', x'00')", null, null, null, Uint8Array.of(9, 200, 1).subarray(1))).toBe(true)
  })

  it('orders false before true', () => {
    expect(holds('ok < true', null, null, null, null, false)).toBe(true)
    expect(holds('ok = true', null, null, null, null, true)).toBe(true)
  })
})

describe('compileRowFilter', () => {
  it('asks for each column once per predicate, then only reads rows', () => {
    const asked: number[] = []
    const columns = [
      [1n, 5n, null, 9n],
      [0.5, Number.NaN, 1, 2],
    ]
    const filter = bind(schema, parseFilter('n > 1 and (d > 1 or d is nan)'))
    const test = compileRowFilter<number>(filter, ({ fieldId }) => {
      asked.push(fieldId)
      return (row) => columns[fieldId - 1]?.[row] ?? null
    })
    expect([0, 1, 2, 3].map(test)).toEqual([false, true, false, true])
    expect(asked).toEqual([1, 2, 2])
  })
})
