import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { murmur3 } from '../../src/spec/murmur3.ts'
import { transformHumanString } from '../../src/spec/transform-text.ts'
import type { Transform } from '../../src/spec/transform.ts'
import {
  applyTransform,
  bucketHash,
  checkTransform,
  parseTransform,
  printTransform,
  transformResultType,
} from '../../src/spec/transform.ts'
import type { PrimitiveType, Type, Value } from '../../src/spec/types.ts'
import { comparatorOf, fromRowValue } from '../../src/spec/value.ts'
import { TEXT, valueOf } from './arbitraries.ts'

const DECIMAL: PrimitiveType = { kind: 'decimal', precision: 9, scale: 2 }
const truncate = (width: number): Transform => ({ kind: 'truncate', width })

describe('bucketHash: Appendix B', () => {
  it.each<[PrimitiveType, unknown, number]>([
    [{ kind: 'int' }, 34, 2_017_239_379],
    [{ kind: 'long' }, 34n, 2_017_239_379],
    [DECIMAL, '14.20', -500_754_589],
    [{ kind: 'date' }, '2017-11-16', -653_330_422],
    [{ kind: 'time' }, '22:31:08', -662_762_989],
    [{ kind: 'timestamp' }, '2017-11-16T22:31:08', -2_047_944_441],
    [{ kind: 'timestamptz' }, '2017-11-16T14:31:08-08:00', -2_047_944_441],
    [{ kind: 'timestamp_ns' }, '2017-11-16T22:31:08', -2_047_944_441],
    [{ kind: 'timestamptz_ns' }, '2017-11-16T14:31:08-08:00', -2_047_944_441],
    [{ kind: 'timestamp' }, '2017-11-16T22:31:08.000001', -1_207_196_810],
    [{ kind: 'timestamptz' }, '2017-11-16T14:31:08.000001-08:00', -1_207_196_810],
    [{ kind: 'timestamp_ns' }, '2017-11-16T22:31:08.000001001', -1_207_196_810],
    [{ kind: 'timestamptz_ns' }, '2017-11-16T14:31:08.000001001-08:00', -1_207_196_810],
    [{ kind: 'string' }, 'iceberg', 1_210_000_089],
    [{ kind: 'string' }, '34', -427_558_391],
    [{ kind: 'uuid' }, 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 1_488_055_340],
    [{ kind: 'fixed', length: 4 }, Uint8Array.of(0, 1, 2, 3), -188_683_207],
    [{ kind: 'binary' }, Uint8Array.of(0, 1, 2, 3), -188_683_207],
    [{ kind: 'boolean' }, true, 1_392_991_556],
    [{ kind: 'float' }, 1, -142_385_009],
    [{ kind: 'double' }, 1, -142_385_009],
    [{ kind: 'float' }, 0, 1_669_671_676],
    [{ kind: 'float' }, -0, 1_669_671_676],
    [{ kind: 'double' }, 0, 1_669_671_676],
    [{ kind: 'double' }, -0, 1_669_671_676],
  ])('%j %s → %i', (type, input, hash) => {
    expect(bucketHash(type, fromRowValue(type, input))).toBe(hash)
  })

  it('is the same before and after a promotion', () => {
    fc.assert(
      fc.property(valueOf({ kind: 'int' }), (int) => {
        expect(bucketHash({ kind: 'int' }, int)).toBe(bucketHash({ kind: 'long' }, BigInt(int as number)))
      }),
    )
  })

  it('is that of the UTF-8 bytes of text, however long', () => {
    fc.assert(
      fc.property(TEXT, fc.constantFrom(0, 300, 400), (text, padding) => {
        const long = text + 'é'.repeat(padding)
        expect(bucketHash({ kind: 'string' }, long)).toBe(murmur3(Buffer.from(long)))
      }),
    )
  })

  it('takes nanoseconds before the epoch down to microseconds', () => {
    expect(bucketHash({ kind: 'timestamp_ns' }, -1n)).toBe(bucketHash({ kind: 'timestamp' }, -1n))
    expect(bucketHash({ kind: 'timestamp_ns' }, -1000n)).toBe(bucketHash({ kind: 'timestamp' }, -1n))
    expect(bucketHash({ kind: 'timestamp_ns' }, -1001n)).toBe(bucketHash({ kind: 'timestamp' }, -2n))
  })
})

describe('murmur3', () => {
  // Vectors of the reference implementation (SMHasher) with seed 0; tails of every length.
  it.each([
    ['', 0],
    ['a', 0x3c2569b2],
    ['ab', 0x9bbfd75f],
    ['abc', 0xb3dd93fa],
    ['abcd', 0x43ed676a],
    ['Hello, world!', 0xc0363e43],
    ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  ])('of %j', (text, hash) => {
    expect(murmur3(new TextEncoder().encode(text)) >>> 0).toBe(hash)
  })
})

describe('applyTransform', () => {
  it.each<[string, PrimitiveType, unknown, Value]>([
    ['truncate[10]', { kind: 'int' }, 1, 0],
    ['truncate[10]', { kind: 'int' }, -1, -10],
    ['truncate[10]', { kind: 'int' }, -10, -10],
    ['truncate[10]', { kind: 'long' }, 19, 10n],
    ['truncate[10]', { kind: 'long' }, -11, -20n],
    ['truncate[50]', DECIMAL, '10.65', 1050n],
    ['truncate[10]', DECIMAL, '-0.05', -10n],
    ['truncate[3]', { kind: 'string' }, 'iceberg', 'ice'],
    ['truncate[9]', { kind: 'string' }, 'iceberg', 'iceberg'],
    ['truncate[2]', { kind: 'string' }, '😀😁😂', '😀😁'],
    ['truncate[3]', { kind: 'string' }, 'a😀b😁', 'a😀b'],
    ['truncate[1]', { kind: 'string' }, '', ''],
    ['truncate[2]', { kind: 'binary' }, Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2)],
    ['year', { kind: 'date' }, '2017-11-16', 47],
    ['month', { kind: 'date' }, '2017-11-16', 574],
    ['day', { kind: 'date' }, '2017-11-16', 17_486],
    ['year', { kind: 'timestamp' }, '2017-11-16T22:31:08', 47],
    ['month', { kind: 'timestamptz' }, '2017-11-16T14:31:08-08:00', 574],
    ['day', { kind: 'timestamp_ns' }, '2017-11-16T22:31:08', 17_486],
    ['hour', { kind: 'timestamptz_ns' }, '2017-11-16T14:31:08-08:00', 419_686],
    ['hour', { kind: 'timestamp' }, '2017-11-16T22:31:08', 419_686],
    ['year', { kind: 'timestamp' }, '1969-12-31T23:59:59.999999', -1],
    ['month', { kind: 'timestamp' }, '1969-12-31T23:59:59.999999', -1],
    ['day', { kind: 'timestamp' }, '1969-12-31T23:59:59.999999', -1],
    ['hour', { kind: 'timestamp' }, '1969-12-31T23:59:59.999999', -1],
    ['hour', { kind: 'timestamp_ns' }, '1969-12-31T23:59:59.999999999', -1],
    ['month', { kind: 'date' }, '1968-12-31', -13],
    ['year', { kind: 'date' }, '+12000-01-01', 10_030],
    ['identity', { kind: 'string' }, 'x', 'x'],
    ['bucket[16]', { kind: 'int' }, 34, 2_017_239_379 % 16],
    ['bucket[16]', { kind: 'string' }, '34', ((-427_558_391 & 0x7fffffff) >>> 0) % 16],
    ['bucket[100]', { kind: 'long' }, 34n, 79],
    ['bucket[100]', { kind: 'string' }, '34', 57],
  ])('%s of %j %s', (transform, type, input, result) => {
    expect(applyTransform(parseTransform(transform), type, fromRowValue(type, input))).toEqual(result)
  })

  it.each(['identity', 'bucket[4]', 'truncate[4]', 'year', 'month', 'day', 'hour', 'void'])('%s keeps null', (text) => {
    expect(applyTransform(parseTransform(text), { kind: 'timestamp' }, null)).toBeNull()
  })

  it('void gives null, an unknown transform nothing', () => {
    expect(applyTransform({ kind: 'void' }, { kind: 'int' }, 5)).toBeNull()
    expect(() => applyTransform(parseTransform('zorder'), { kind: 'int' }, 5)).toThrow(UnsupportedError)
  })

  it('buckets lie between 0 and their number', () => {
    fc.assert(
      fc.property(TEXT, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (text, buckets) => {
        const bucket = applyTransform({ kind: 'bucket', buckets }, { kind: 'string' }, text) as number
        return bucket >= 0 && bucket < buckets
      }),
    )
  })
})

describe('order is kept by', () => {
  const temporal: PrimitiveType[] = [
    { kind: 'timestamp' },
    { kind: 'timestamptz' },
    { kind: 'timestamp_ns' },
    { kind: 'timestamptz_ns' },
  ]
  const widths = fc.integer({ min: 1, max: 1000 })
  const cases = fc.oneof(
    fc.tuple(
      fc.constantFrom<Transform>({ kind: 'year' }, { kind: 'month' }, { kind: 'day' }, { kind: 'hour' }),
      fc.constantFrom(...temporal),
    ),
    fc.tuple(
      fc.constantFrom<Transform>({ kind: 'year' }, { kind: 'month' }, { kind: 'day' }),
      fc.constant<PrimitiveType>({ kind: 'date' }),
    ),
    fc.tuple(widths.map(truncate), fc.constantFrom<PrimitiveType>(DECIMAL, { kind: 'string' }, { kind: 'binary' })),
  )

  it('truncate, year, month, day and hour', () => {
    fc.assert(
      fc.property(
        cases.chain(([transform, type]) =>
          fc.tuple(fc.constant(transform), fc.constant(type), valueOf(type), valueOf(type)),
        ),
        ([transform, type, a, b]) => {
          const [low, high] = comparatorOf(type)(a, b) <= 0 ? [a, b] : [b, a]
          const [x, y] = [applyTransform(transform, type, low), applyTransform(transform, type, high)] as [Value, Value]
          expect(comparatorOf(transformResultType(transform, type))(x, y)).toBeLessThanOrEqual(0)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('truncate of integers, whose results are the nearest multiples below', () => {
    const inner = fc.integer({ min: -(2 ** 31) + 1000, max: 2 ** 31 - 1 })
    fc.assert(
      fc.property(inner, widths, (value, width) => {
        const result = applyTransform(truncate(width), { kind: 'int' }, value) as number
        expect(Math.abs(result % width)).toBe(0)
        expect(value - result).toBeGreaterThanOrEqual(0)
        expect(value - result).toBeLessThan(width)
        expect(applyTransform(truncate(width), { kind: 'long' }, BigInt(value))).toBe(BigInt(result))
      }),
    )
  })

  it('but not at the lowest integers, which wrap around as in Java', () => {
    expect(applyTransform(truncate(10), { kind: 'int' }, -2_147_483_648)).toBe(2_147_483_646)
    expect(applyTransform(truncate(10), { kind: 'long' }, -(2n ** 63n))).toBe(2n ** 63n - 2n)
  })
})

describe('transform text', () => {
  it.each([
    'identity',
    'bucket[16]',
    'truncate[1]',
    'year',
    'month',
    'day',
    'hour',
    'void',
    'zorder[a, b]',
    'bucket[0]',
  ])('%s is read and printed', (text) => {
    expect(printTransform(parseTransform(text))).toBe(text)
  })

  it('ignores letter case of known names alone', () => {
    expect(parseTransform('Bucket[16]')).toEqual({ kind: 'bucket', buckets: 16 })
    expect(parseTransform('MONTH')).toEqual({ kind: 'month' })
    expect(parseTransform('ZOrder')).toEqual({ kind: 'unknown', text: 'ZOrder' })
    expect(parseTransform('bucket[99999999999]').kind).toBe('unknown')
  })
})

describe('checkTransform', () => {
  const list: Type = { kind: 'list', elementId: 1, element: { kind: 'int' }, elementRequired: true }

  it.each<[string, Type]>([
    ['identity', { kind: 'boolean' }],
    ['identity', { kind: 'double' }],
    ['bucket[4]', { kind: 'uuid' }],
    ['bucket[4]', { kind: 'fixed', length: 3 }],
    ['truncate[4]', { kind: 'binary' }],
    ['day', { kind: 'date' }],
    ['hour', { kind: 'timestamptz_ns' }],
    ['void', list],
  ])('lets %s take %j', (transform, type) => {
    expect(() => checkTransform(parseTransform(transform), { name: 'c', type })).not.toThrow()
  })

  it.each<[string, Type]>([
    ['identity', { kind: 'geometry' }],
    ['identity', { kind: 'variant' }],
    ['identity', list],
    ['bucket[4]', { kind: 'boolean' }],
    ['bucket[4]', { kind: 'double' }],
    ['truncate[4]', { kind: 'uuid' }],
    ['truncate[4]', { kind: 'fixed', length: 3 }],
    ['month', { kind: 'string' }],
    ['hour', { kind: 'date' }],
    ['hour', { kind: 'time' }],
  ])('refuses %s of %j', (transform, type) => {
    expect(() => checkTransform(parseTransform(transform), { name: 'c', type })).toThrow(ValidationError)
  })

  it('refuses unknown transforms', () => {
    expect(() => checkTransform(parseTransform('zorder'), { name: 'c', type: { kind: 'int' } })).toThrow(
      UnsupportedError,
    )
  })
})

describe('transformHumanString', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  it.each<[string, PrimitiveType, Value | null, string]>([
    ['identity', { kind: 'int' }, null, 'null'],
    ['void', { kind: 'int' }, null, 'null'],
    ['year', { kind: 'date' }, 47, '2017'],
    ['year', { kind: 'date' }, -1970, '0000'],
    ['month', { kind: 'timestamp' }, 574, '2017-11'],
    ['month', { kind: 'timestamp' }, -1, '1969-12'],
    ['day', { kind: 'timestamp' }, 17_486, '2017-11-16'],
    ['hour', { kind: 'timestamp' }, 419_686, '2017-11-16-22'],
    ['hour', { kind: 'timestamp' }, -1, '1969-12-31-23'],
    ['bucket[4]', { kind: 'string' }, 3, '3'],
    ['truncate[2]', { kind: 'binary' }, bytes, 'AQID'],
    ['truncate[10]', DECIMAL, -1050n, '-10.50'],
    ['identity', { kind: 'date' }, 17_486, '2017-11-16'],
    ['identity', { kind: 'time' }, 36_775_038_194n, '10:12:55.038194'],
    ['identity', { kind: 'time' }, 36_775_038_000n, '10:12:55.038'],
    ['identity', { kind: 'time' }, 36_720_000_000n, '10:12'],
    ['identity', { kind: 'timestamptz' }, 1_512_123_175_038_194n, '2017-12-01T10:12:55.038194+00:00'],
    ['identity', { kind: 'timestamp' }, 1_512_123_175_000_000n, '2017-12-01T10:12:55'],
    ['identity', { kind: 'timestamp' }, 1_512_123_175_100_000n, '2017-12-01T10:12:55.1'],
    ['identity', { kind: 'timestamp_ns' }, 1_512_123_175_038_194_001n, '2017-12-01T10:12:55.038194001'],
    ['identity', { kind: 'long' }, -1234n, '-1234'],
    ['identity', { kind: 'string' }, 'a/b=c=d', 'a/b=c=d'],
    ['identity', { kind: 'boolean' }, true, 'true'],
    ['identity', { kind: 'uuid' }, 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['identity', { kind: 'fixed', length: 3 }, bytes, 'AQID'],
    ['identity', { kind: 'float' }, Math.fround(0.1), '0.1'],
    ['identity', { kind: 'float' }, Math.fround(1e10), '1.0E10'],
    ['identity', { kind: 'double' }, 1, '1.0'],
    ['identity', { kind: 'double' }, -0, '-0.0'],
    ['identity', { kind: 'double' }, 1.5e-7, '1.5E-7'],
    ['identity', { kind: 'double' }, Number.NaN, 'NaN'],
    ['identity', { kind: 'double' }, -Infinity, '-Infinity'],
    ['zorder', { kind: 'int' }, 'x', 'x'],
  ])('%s of %j: %s → %s', (transform, type, value, text) => {
    expect(transformHumanString(parseTransform(transform), type, value)).toBe(text)
  })
})
