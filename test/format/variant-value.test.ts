import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { variantArray, variantObject, variantString } from '../../src/format/variant-bytes.ts'
import { parseVariantMetadata, printVariantMetadata } from '../../src/format/variant-metadata.ts'
import { MAX_VARIANT_DEPTH, decodeVariant } from '../../src/format/variant-value.ts'
import type { RowValue } from '../../src/spec/value.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const NO_NAMES = bytes(1, 0, 0)
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const primitive = (id: number, data = ''): Uint8Array => Uint8Array.of(id << 2, ...hex(data))

describe('values of variants', () => {
  it.each<[string, Uint8Array, RowValue]>([
    ['null', primitive(0), null],
    ['true', primitive(1), true],
    ['false', primitive(2), false],
    ['int8', primitive(3, 'ff'), -1],
    ['int16', primitive(4, '0080'), -32768],
    ['int32', primitive(5, 'ffffff7f'), 2 ** 31 - 1],
    ['int64', primitive(6, '0100000000000080'), -(2n ** 63n) + 1n],
    ['double', primitive(7, '000000000000f8bf'), -1.5],
    ['decimal4', primitive(8, '02 8c050000'), '14.20'],
    ['decimal8', primitive(9, '00 ffffffffffffffff'), '-1'],
    [
      'decimal16',
      primitive(10, '26 01000000000000000000000000000080'),
      `-${(2n ** 127n - 1n) / 10n ** 38n}.${(2n ** 127n - 1n) % 10n ** 38n}`,
    ],
    ['date', primitive(11, '4e440000'), '2017-11-16'],
    ['timestamp with time zone', primitive(12, 'ffffffffffffffff'), '1969-12-31T23:59:59.999999+00:00'],
    ['timestamp', primitive(13, '0000000000000000'), '1970-01-01T00:00:00'],
    ['float', primitive(14, '0000c03f'), 1.5],
    ['binary', primitive(15, '02000000 00ff'), bytes(0, 255)],
    ['string', primitive(16, '02000000 c3a4'), 'ä'],
    ['short string', bytes(1 | (2 << 2), 0xc3, 0xa4), 'ä'],
    ['time', primitive(17, '0100000000000000'), '00:00:00.000001'],
    ['nanoseconds with time zone', primitive(18, '0100000000000000'), '1970-01-01T00:00:00.000000001+00:00'],
    ['nanoseconds', primitive(19, '0100000000000000'), '1970-01-01T00:00:00.000000001'],
    ['uuid', primitive(20, 'f79c3e09677c4bbda4793f349cb785e7'), 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['an empty array', bytes(3, 0, 0), []],
    ['an array of wide offsets', bytes(3 | (0b111 << 2), 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4), [true]],
  ])('%s', (_, value, expected) => {
    expect(decodeVariant(NO_NAMES, value)).toEqual(expected)
  })

  it('objects, whatever the order of their values', () => {
    const metadata = printVariantMetadata(['__proto__', 'a', 'b'])
    expect(decodeVariant(metadata, bytes(2, 2, 1, 2, 1, 0, 3, 8, 12, 7))).toEqual({ a: 7, b: false })
    const proto = decodeVariant(metadata, variantObject([[0, bytes(4)]])) as object
    expect(Object.entries(proto)).toEqual([['__proto__', true]])
  })

  it('dictionaries of any width', () => {
    const names = Array.from({ length: 300 }, (_, i) => `name ${String(i).padStart(5, '0')}`)
    const { names: found, idOf } = parseVariantMetadata(printVariantMetadata(names))
    expect(found).toEqual(names)
    expect([idOf('name 00299'), idOf('other')]).toEqual([299, undefined])
    const fields = names.map((name, id) => [id, variantString(name)] as const)
    const all = Object.fromEntries(names.map((name) => [name, name]))
    expect(decodeVariant(printVariantMetadata(names), variantObject(fields))).toEqual(all)
  })

  let deep = bytes(0)
  for (let i = 0; i <= MAX_VARIANT_DEPTH; i++) deep = variantArray([deep])
  // Arrays of 200 items that are all one and the same array.
  let bomb = bytes(0)
  for (let i = 0; i < 5; i++) {
    bomb = bytes(
      3 | (1 << 2),
      200,
      ...Array.from({ length: 200 }, () => [0, 0]).flat(),
      bomb.length & 255,
      bomb.length >> 8,
      ...bomb,
    )
  }
  it.each<[string, Uint8Array, Uint8Array]>([
    ['its metadata is empty', bytes(), bytes(0)],
    ['version 2', bytes(2, 0, 0), bytes(0)],
    ['dictionary runs over the end', bytes(1, 200), bytes(0)],
    ['name lies outside', bytes(1, 1, 0, 9), bytes(0)],
    ['not UTF-8', bytes(1, 1, 0, 1, 0xff), bytes(0)],
    ['it has no value', NO_NAMES, bytes()],
    ['runs over the end', NO_NAMES, primitive(6, '01')],
    ['runs over the end', NO_NAMES, primitive(16, 'ffffff7f 61')],
    ['runs over the end', NO_NAMES, bytes(3 | (0b100 << 2), 255, 255, 255, 255)],
    ['runs over the end', NO_NAMES, bytes(3, 1, 0, 9, 0)],
    ['bytes follow', NO_NAMES, bytes(0, 0)],
    ['of 0 names', NO_NAMES, bytes(2, 1, 0, 0, 1, 0)],
    ['two fields "a"', bytes(1, 1, 0, 1, 97), bytes(2, 2, 0, 0, 0, 1, 2, 0, 0)],
    ['scale 39', NO_NAMES, primitive(8, '27 00000000')],
    ['levels', NO_NAMES, deep],
    ['overlap', NO_NAMES, bomb],
  ])('%s: refused', (problem, metadata, value) => {
    expect(() => decodeVariant(metadata, value)).toThrow(InvalidDataError)
    expect(() => decodeVariant(metadata, value)).toThrow(problem)
  })

  it('types of later versions are told apart', () => {
    expect(() => decodeVariant(NO_NAMES, primitive(21))).toThrow(UnsupportedError)
  })
})
