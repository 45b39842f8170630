import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PrimitiveType, Value } from '../../src/spec/types.ts'
import { compareValues, comparatorOf, fromRowValue, toRowValue, valuesEqual } from '../../src/spec/value.ts'
import { PRIMITIVES, TEXT, TYPED_VALUES, valueOf } from './arbitraries.ts'

const DECIMAL: PrimitiveType = { kind: 'decimal', precision: 9, scale: 2 }
const simple = (kind: Exclude<PrimitiveType['kind'], 'decimal' | 'fixed'>): PrimitiveType => ({ kind })

describe('compareValues', () => {
  it.each<[PrimitiveType, Value[]]>([
    [simple('boolean'), [false, true]],
    [simple('int'), [-5, 0, 7]],
    [simple('long'), [-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n]],
    [simple('double'), [-Infinity, -1, -0, 0, 5e-324, Infinity, Number.NaN]],
    [simple('float'), [-Infinity, -0, 0, 1, Number.NaN]],
    [DECIMAL, [-10n, 9n, 10n]],
    [simple('string'), ['', 'Z', 'a', 'aa', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '😁', '\u{10ffff}']],
    [simple('uuid'), ['09000000-0000-0000-0000-000000000000', 'a0000000-0000-0000-0000-000000000000']],
    [simple('binary'), [[], [0], [0, 0], [1], [127], [128], [255], [255, 0]].map((bytes) => Uint8Array.from(bytes))],
  ])('orders %j', (type, ascending) => {
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) {
        expect(Math.sign(compareValues(type, a, b)), `${String(a)} ? ${String(b)}`).toBe(Math.sign(i - j))
        expect(valuesEqual(type, a, b)).toBe(i === j)
      }
    }
  })

  it('orders strings as their UTF-8 bytes', () => {
    fc.assert(
      fc.property(TEXT, TEXT, TEXT, (prefix, a, b) => {
        const bytes = Buffer.compare(Buffer.from(prefix + a), Buffer.from(prefix + b))
        expect(Math.sign(compareValues(simple('string'), prefix + a, prefix + b))).toBe(bytes)
      }),
    )
  })

  it('is a total order of every type', () => {
    const triples = PRIMITIVES.chain((type) => fc.tuple(fc.constant(type), valueOf(type), valueOf(type), valueOf(type)))
    fc.assert(
      fc.property(triples, ([type, a, b, c]) => {
        const compare = comparatorOf(type)
        expect(Math.sign(compare(a, b))).toBe(0 - Math.sign(compare(b, a)))
        const [x, y, z] = [a, b, c].toSorted(compare) as [Value, Value, Value]
        expect(compare(x, y)).toBeLessThanOrEqual(0)
        expect(compare(y, z)).toBeLessThanOrEqual(0)
        expect(compare(x, z)).toBeLessThanOrEqual(0)
      }),
    )
  })
})

describe('valuesEqual', () => {
  it('tells null from every value', () => {
    expect(valuesEqual(simple('int'), null, null)).toBe(true)
    expect(valuesEqual(simple('int'), null, 0)).toBe(false)
    expect(valuesEqual(simple('string'), '', null)).toBe(false)
  })
})

describe('row values', () => {
  it.each<[PrimitiveType, Value, unknown]>([
    [simple('long'), 5n, 5n],
    [DECIMAL, 1420n, '14.20'],
    [DECIMAL, -5n, '-0.05'],
    [{ kind: 'decimal', precision: 5, scale: 0 }, -12n, '-12'],
    [{ kind: 'decimal', precision: 2, scale: 2 }, 7n, '0.07'],
    [simple('date'), 20_484, '2026-01-31'],
    [simple('time'), 45_296_123_456n, '12:34:56.123456'],
    [simple('time'), 45_296_100_000n, '12:34:56.100000'],
    [simple('timestamp'), 1_510_871_468_000_000n, '2017-11-16T22:31:08'],
    [simple('timestamptz'), 1_510_871_468_000_001n, '2017-11-16T22:31:08.000001+00:00'],
    [simple('timestamp_ns'), 1_510_871_468_000_001_001n, '2017-11-16T22:31:08.000001001'],
    [simple('timestamptz_ns'), 1_510_871_468_000_000_000n, '2017-11-16T22:31:08+00:00'],
  ])('of %j %s is %s', (type, value, row) => {
    expect(toRowValue(type, value)).toBe(row)
    expect(fromRowValue(type, row)).toBe(value)
  })

  it('give back every value', () => {
    fc.assert(
      fc.property(TYPED_VALUES, ([type, value]) => {
        expect(fromRowValue(type, toRowValue(type, value))).toEqual(value)
      }),
    )
  })

  it('show null', () => {
    expect(toRowValue(simple('date'), null)).toBeNull()
    expect(toRowValue(simple('unknown'), null)).toBeNull()
  })
})

describe('fromRowValue takes what is exact', () => {
  it.each<[PrimitiveType, unknown, Value]>([
    [simple('boolean'), 'TRUE', true],
    [simple('int'), '42', 42],
    [simple('int'), -0, 0],
    [simple('int'), -5n, -5],
    [simple('long'), 42, 42n],
    [simple('long'), '+9223372036854775807', 2n ** 63n - 1n],
    [simple('long'), '-0', 0n],
    [simple('double'), 2n ** 60n, 2 ** 60],
    [simple('double'), '-1.5e3', -1500],
    [simple('double'), 'NaN', Number.NaN],
    [simple('double'), '-Infinity', -Infinity],
    [simple('float'), 0.1, Math.fround(0.1)],
    [simple('float'), Infinity, Infinity],
    [DECIMAL, 14.2, 1420n],
    [DECIMAL, '14.2000', 1420n],
    [DECIMAL, '1e3', 100_000n],
    [DECIMAL, 12n, 1200n],
    [DECIMAL, '-.5', -50n],
    [simple('date'), new Date('2026-01-31'), 20_484],
    [simple('timestamp'), new Date(1), 1000n],
    [simple('timestamptz'), new Date(-1), -1000n],
    [simple('timestamptz_ns'), new Date(1), 1_000_000n],
    [simple('timestamptz'), '2017-11-16T14:31:08-08:00', 1_510_871_468_000_000n],
    [simple('uuid'), 'F79C3E09-677C-4BBD-A479-3F349CB785E7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    [{ kind: 'fixed', length: 2 }, Buffer.from([1, 2]), Buffer.from([1, 2])],
  ])('%j: %s', (type, input, value) => {
    expect(fromRowValue(type, input)).toEqual(value)
  })
})

describe('fromRowValue refuses', () => {
  it.each<[PrimitiveType, unknown, string]>([
    [simple('long'), 'abc', 'expected long, found "abc"'],
    [simple('boolean'), 1, 'expected boolean, found 1'],
    [simple('int'), 2 ** 31, 'expected int, found 2147483648'],
    [simple('int'), 1.5, 'expected int, found 1.5'],
    [simple('int'), Number.NaN, 'expected int, found NaN'],
    [simple('int'), '1.0', 'expected int, found "1.0"'],
    [simple('int'), ' 1', 'expected int, found " 1"'],
    [simple('int'), '', 'expected int, found ""'],
    [simple('int'), '0x10', 'expected int, found "0x10"'],
    [simple('long'), 2 ** 53, 'expected long, found 9007199254740992'],
    [simple('long'), 2n ** 63n, 'expected long, found 9223372036854775808'],
    [simple('long'), {}, 'expected long, found an object'],
    [simple('long'), [1], 'expected long, found an array'],
    [simple('double'), 2n ** 53n + 1n, 'expected double, found 9007199254740993'],
    [simple('double'), '1e999', 'expected double, found "1e999"'],
    [simple('double'), '', 'expected double, found ""'],
    [simple('float'), 1e39, 'expected float, found 1e+39'],
    [DECIMAL, 0.1 + 0.2, 'expected decimal(9,2), found 0.30000000000000004'],
    [DECIMAL, '0.001', 'expected decimal(9,2), found "0.001"'],
    [DECIMAL, '12345678.00', 'expected decimal(9,2), found "12345678.00"'],
    [DECIMAL, Number.NaN, 'expected decimal(9,2), found NaN'],
    [DECIMAL, '.', 'expected decimal(9,2), found "."'],
    [{ kind: 'decimal', precision: 38, scale: 0 }, 1e21, 'expected decimal(38,0), found 1e+21'],
    [simple('date'), '2021-02-30', 'expected date, found "2021-02-30"'],
    [simple('date'), new Date(1), 'expected date (a Date must be midnight UTC), found 1970-01-01T00:00:00.001Z'],
    [simple('date'), 5, 'expected date, found 5'],
    [simple('timestamp'), '2021-01-01T00:00:00Z', 'expected timestamp (without offset), found "2021-01-01T00:00:00Z"'],
    [
      simple('timestamptz'),
      '2021-01-01T00:00:00',
      'expected timestamptz (with an offset, such as Z), found "2021-01-01T00:00:00"',
    ],
    [simple('timestamp'), new Date(Number.NaN), 'expected timestamp, found an invalid date'],
    [simple('timestamp_ns'), new Date('2300-01-01'), 'expected timestamp_ns, found 2300-01-01T00:00:00.000Z'],
    [simple('timestamp'), 5n, 'expected timestamp, found 5'],
    [simple('string'), 5, 'expected string, found 5'],
    [simple('uuid'), 'f79c3e09', 'expected uuid, found "f79c3e09"'],
    [{ kind: 'fixed', length: 2 }, new Uint8Array(3), 'expected fixed(2), found 3 bytes'],
    [simple('binary'), 'abc', 'expected binary, found "abc"'],
    [simple('int'), null, 'expected int, found null'],
    [simple('unknown'), 1, 'expected null (its type is unknown), found 1'],
    [simple('int'), 'x'.repeat(100), `expected int, found "${'x'.repeat(60)}…"`],
  ])('%j: %s', (type, input, message) => {
    expect(() => fromRowValue(type, input)).toThrow(expect.objectContaining({ name: 'ValidationError', message }))
  })
})
