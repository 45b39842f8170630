import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { decodeSingleValue, encodeSingleValue, encodeUnscaled } from '../../src/spec/single-value.ts'
import type { PrimitiveType, Value } from '../../src/spec/types.ts'
import { TYPED_VALUES } from './arbitraries.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

describe('binary single values', () => {
  it.each<[PrimitiveType, Value, string]>([
    [{ kind: 'boolean' }, false, '00'],
    [{ kind: 'boolean' }, true, '01'],
    [{ kind: 'int' }, 34, '22000000'],
    [{ kind: 'int' }, -1, 'ffffffff'],
    [{ kind: 'long' }, 34n, '2200000000000000'],
    [{ kind: 'float' }, 1, '0000803f'],
    [{ kind: 'double' }, 1, '000000000000f03f'],
    [{ kind: 'double' }, -0, '0000000000000080'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, 1420n, '058c'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, 0n, '00'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, 128n, '0080'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, -128n, '80'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, -129n, 'ff7f'],
    [{ kind: 'date' }, 17_486, '4e440000'],
    [{ kind: 'time' }, 81_068_000_000n, '008307e012000000'],
    [{ kind: 'timestamp' }, -1n, 'ffffffffffffffff'],
    [{ kind: 'timestamptz_ns' }, 1n, '0100000000000000'],
    [{ kind: 'string' }, 'iceberg', '69636562657267'],
    [{ kind: 'string' }, '\ufeff😀', 'efbbbff09f9880'],
    [{ kind: 'uuid' }, 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09677c4bbda4793f349cb785e7'],
    [{ kind: 'fixed', length: 4 }, Uint8Array.of(0, 1, 2, 3), '00010203'],
    [{ kind: 'binary' }, new Uint8Array(), ''],
  ])('%j %s', (type, value, encoded) => {
    expect(hex(encodeSingleValue(type, value))).toBe(encoded)
    expect(decodeSingleValue(type, bytesOf(encoded))).toEqual(value)
  })

  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(TYPED_VALUES, ([type, value]) => {
        // At an offset, as bounds lie in a manifest's buffer.
        const encoded = Buffer.concat([Buffer.of(9, 9, 9), encodeSingleValue(type, value)]).subarray(3)
        expect(decodeSingleValue(type, encoded)).toEqual(value)
      }),
    )
  })
})

describe('decodeSingleValue', () => {
  it.each<[PrimitiveType, string, Value]>([
    [{ kind: 'long' }, 'feffffff', -2n],
    [{ kind: 'double' }, '0000c03f', 1.5],
    [{ kind: 'timestamp' }, 'ffffffff', -86_400_000_000n],
    [{ kind: 'timestamp_ns' }, '01000000', 86_400_000_000_000n],
    [{ kind: 'decimal', precision: 20, scale: 2 }, '000000000000058c', 1420n],
    [{ kind: 'boolean' }, '07', true],
  ])('reads as %j: %s, of before a promotion or of other writers', (type, encoded, value) => {
    expect(decodeSingleValue(type, bytesOf(encoded))).toBe(value)
  })

  it.each<[PrimitiveType, string]>([
    [{ kind: 'boolean' }, ''],
    [{ kind: 'int' }, '0000000000000000'],
    [{ kind: 'long' }, '000000'],
    [{ kind: 'float' }, '0000000000000000'],
    [{ kind: 'timestamptz' }, '01000000'],
    [{ kind: 'time' }, '01000000'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, ''],
    [{ kind: 'decimal', precision: 38, scale: 2 }, '7fffffffffffffffffffffffffffffff'],
    [{ kind: 'string' }, 'e282'],
    [{ kind: 'uuid' }, '00'],
    [{ kind: 'fixed', length: 2 }, '00'],
    [{ kind: 'unknown' }, '00'],
  ])('refuses as %j: %s', (type, encoded) => {
    expect(() => decodeSingleValue(type, bytesOf(encoded))).toThrow(InvalidDataError)
  })

  it('undoes the shortest bytes of a decimal', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }), (unscaled) => {
        const { length } = encodeUnscaled(unscaled)
        expect(BigInt.asIntN(8 * length, unscaled)).toBe(unscaled)
        if (length > 1) expect(BigInt.asIntN(8 * (length - 1), unscaled)).not.toBe(unscaled)
      }),
    )
  })
})
