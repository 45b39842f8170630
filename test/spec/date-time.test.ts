import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  civilFromDays,
  daysFromCivil,
  floorDivide,
  formatDate,
  formatTime,
  formatTimestamp,
  parseDate,
  parseTime,
  parseTimestamp,
  parseTimestamptz,
} from '../../src/spec/date-time.ts'
import { INT32 } from './arbitraries.ts'

describe('dates', () => {
  it.each([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2017-11-16', 17_486],
    ['2000-02-29', 11_016],
    ['1900-03-01', -25_508],
    ['0001-01-01', -719_162],
    ['0000-12-31', -719_163],
    ['9999-12-31', 2_932_896],
    ['+10000-01-01', 2_932_897],
    ['-0001-12-31', -719_529],
    ['+5881580-07-11', 2_147_483_647],
    ['-5877641-06-23', -2_147_483_648],
  ])('%s is day %i', (text, days) => {
    expect(parseDate(text)).toBe(days)
    expect(formatDate(days)).toBe(text)
  })

  it.each([
    ['2021-02-30'],
    ['2021-02-29'],
    ['1900-02-29'],
    ['2021-13-01'],
    ['2021-00-10'],
    ['2021-01-00'],
    ['2021-01-32'],
    ['2021-04-31'],
    ['21-01-01'],
    ['2021-1-1'],
    ['20210101'],
    ['12021-01-01'],
    ['-0000-01-01'],
    [' 2021-01-01'],
    ['2021-01-01 '],
    ['2021-01-01\n'],
    ['+5881580-07-12'],
    ['-5877641-06-22'],
    ['2021-01-01T00:00:00'],
    [''],
  ])('%j is no date', (text) => {
    expect(parseDate(text)).toBeUndefined()
  })

  it('agree with Date in its range', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
        const date = new Date(days * 86_400_000)
        const civil = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
        expect(civilFromDays(days)).toEqual(civil)
        expect(daysFromCivil(civil)).toBe(days)
      }),
    )
  })

  it('survive printing and parsing', () => {
    fc.assert(fc.property(INT32, (days) => parseDate(formatDate(days)) === days))
  })
})

describe('times', () => {
  it.each([
    ['00:00:00', 0n],
    ['22:31:08', 81_068_000_000n],
    ['23:59:59.999999', 86_399_999_999n],
    ['12:34:56.000001', 45_296_000_001n],
  ])('%s is %i µs', (text, micros) => {
    expect(parseTime(text, 6)).toBe(micros)
    expect(formatTime(micros, 6)).toBe(text)
  })

  it('takes shorter forms, and more digits where they are 0', () => {
    expect(parseTime('12:34', 6)).toBe(45_240_000_000n)
    expect(parseTime('12:34:56.5', 6)).toBe(45_296_500_000n)
    expect(parseTime('12:34:56.123456000', 6)).toBe(45_296_123_456n)
    expect(parseTime('12:34:56.123456789', 9)).toBe(45_296_123_456_789n)
  })

  it.each([
    ['24:00:00'],
    ['12:60:00'],
    ['12:00:60'],
    ['12'],
    ['1:00:00'],
    ['12:00:00.'],
    ['12:00:00.0000001'],
    ['12:00.5'],
  ])('%s is no time in µs', (text) => {
    expect(parseTime(text, 6)).toBeUndefined()
  })
})

describe('timestamps', () => {
  it.each([
    ['1970-01-01T00:00:00', 6, 0n],
    ['2017-11-16T22:31:08', 6, 1_510_871_468_000_000n],
    ['2017-11-16T22:31:08.000001', 6, 1_510_871_468_000_001n],
    ['1969-12-31T23:59:59.999999', 6, -1n],
    ['1969-12-31T23:59:59.999999999', 9, -1n],
    ['+294247-01-10T04:00:54.775807', 6, 2n ** 63n - 1n],
    ['-290308-12-21T19:59:05.224192', 6, -(2n ** 63n)],
    ['2262-04-11T23:47:16.854775807', 9, 2n ** 63n - 1n],
    ['1677-09-21T00:12:43.145224192', 9, -(2n ** 63n)],
  ] as const)('%s with %i digits is %i', (text, digits, units) => {
    expect(parseTimestamp(text, digits)).toBe(units)
    expect(formatTimestamp(units, digits)).toBe(text)
  })

  it('takes a space for the T, and a date for its midnight', () => {
    expect(parseTimestamp('2017-11-16 22:31:08', 6)).toBe(1_510_871_468_000_000n)
    expect(parseTimestamp('1970-01-02', 6)).toBe(86_400_000_000n)
  })

  it.each([
    ['2021-02-30T00:00:00'],
    ['2021-01-01T25:00:00'],
    ['2021-01-01T'],
    ['2021-01-01  00:00:00'],
    ['2021-01-01t00:00:00'],
    ['2021-01-01T00:00:00Z'],
    ['2021-01-01T00:00:00.1234567'],
    ['+294247-01-10T04:00:54.775808'],
  ])('%s is no timestamp in µs', (text) => {
    expect(parseTimestamp(text, 6)).toBeUndefined()
  })

  it.each([
    ['2017-11-16T14:31:08-08:00'],
    ['2017-11-16T22:31:08Z'],
    ['2017-11-16T22:31:08+00:00'],
    ['2017-11-17T04:16:08+0545'],
    ['2017-11-16 23:31:08+01'],
  ])('%s is one instant', (text) => {
    expect(parseTimestamptz(text, 6)).toBe(1_510_871_468_000_000n)
  })

  it.each([
    ['2017-11-16T22:31:08'],
    ['2017-11-16'],
    ['2017-11-16Z'],
    ['2017-11-16T22:31:08+19:00'],
    ['2017-11-16T22:31:08+01:60'],
    ['2017-11-16T22:31:08z'],
    ['2017-11-16T22:31:08 UTC'],
    ['-290308-12-21T19:59:05.224192+00:01'],
  ])('%s is no timestamptz', (text) => {
    expect(parseTimestamptz(text, 6)).toBeUndefined()
  })

  it('survive printing and parsing', () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    fc.assert(
      fc.property(int64, fc.constantFrom(6 as const, 9 as const), (units, digits) => {
        expect(parseTimestamp(formatTimestamp(units, digits), digits)).toBe(units)
      }),
    )
  })
})

describe('floorDivide', () => {
  it('rounds down, below and above what a number holds', () => {
    expect(floorDivide(-1n, 86_400)).toBe(-1)
    expect(floorDivide(-86_400n, 86_400)).toBe(-1)
    expect(floorDivide(86_399n, 86_400)).toBe(0)
    expect(floorDivide(-(2n ** 63n), 1_000_000_000)).toBe(-9_223_372_037)
  })

  it('is exact', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 100_000 }), fc.nat(), (quotient, divisor, seed) => {
        const value = BigInt(quotient) * BigInt(divisor) + BigInt(seed % divisor)
        expect(floorDivide(value, divisor)).toBe(quotient)
      }),
    )
  })
})
