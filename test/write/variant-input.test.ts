import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseVariantMetadata } from '../../src/format/variant-metadata.ts'
import { decodeVariant } from '../../src/format/variant-value.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { encodeVariant } from '../../src/write/variant-input.ts'
import { readRows } from './columns.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const schema = defineSchema({ id: 'int', v: 'variant' })

function valueOf(input: unknown): readonly number[] {
  return [...encodeVariant(input).value]
}

function back(input: unknown): unknown {
  const { metadata, value } = encodeVariant(input)
  return decodeVariant(metadata, value)
}

describe('variants from JavaScript values', () => {
  it.each<[unknown, readonly number[]]>([
    [null, [0]],
    [undefined, [0]],
    [true, [4]],
    [7, [12, 7]],
    [-129, [16, 0x7f, 0xff]],
    [40_000, [20, 0x40, 0x9c, 0, 0]],
    [2 ** 40, [24, 0, 0, 0, 0, 0, 1, 0, 0]],
    [7n, [24, 7, 0, 0, 0, 0, 0, 0, 0]],
    [1.5, [28, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]],
    ['ab', [9, 97, 98]],
    [bytes(1), [60, 1, 0, 0, 0, 1]],
    [
      [true, null],
      [3, 2, 0, 1, 2, 4, 0],
    ],
    [{ b: 1, a: 2, c: undefined }, [2, 2, 0, 1, 0, 2, 4, 12, 2, 12, 1]],
    [new Map([['a', 2]]), [2, 1, 0, 0, 2, 12, 2]],
  ])('%o', (input, expected) => {
    expect(valueOf(input)).toEqual(expected)
  })

  it('what is read is what was given, as the types of variants go', () => {
    expect(back(2 ** 40)).toBe(2n ** 40n)
    expect(back(-(10n ** 38n) + 1n)).toBe(`-${'9'.repeat(38)}`)
    expect(back(new Date(1))).toBe('1970-01-01T00:00:00.001000+00:00')
    expect(back('x'.repeat(64))).toBe('x'.repeat(64))
    expect(back(Array.from({ length: 300 }, (_, i) => i))).toEqual(Array.from({ length: 300 }, (_, i) => i))
    expect(Object.is(back(-0), -0)).toBe(true)
  })

  it('names are sorted by their bytes in UTF-8, each once', () => {
    const { metadata } = encodeVariant({ '\uffff': { a: 1 }, '😀': [{ a: 2 }], a: 0 })
    expect(parseVariantMetadata(metadata).names).toEqual(['a', '\uffff', '😀'])
    expect((metadata[0] ?? 0) & 0x10).toBe(0x10)
  })

  it('JSON survives', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (json) => {
        const text = JSON.stringify(back(json), (_, value: unknown) =>
          typeof value === 'bigint' ? Number(value) : value,
        )
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(json)))
      }),
    )
  })

  it('bytes of a variant are taken as they are', () => {
    const given = { metadata: bytes(1, 0, 0), value: bytes(44, 0x4e, 0x44, 0, 0) }
    expect(readRows(rowsToBatch([{ v: given }], schema), schema)).toEqual([{ id: null, v: '2017-11-16' }])
    // Two other members make an object of it.
    expect(back({ metadata: 1, value: 2 })).toEqual({ metadata: 1, value: 2 })
  })

  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  it.each<[unknown, string]>([
    [() => 1, 'row 2, column "v": expected variant, found a function'],
    [{ a: [1, Symbol('x')] }, 'row 2, column "v.a[1]": expected variant, found a symbol'],
    [{ a: new Set([1]) }, 'row 2, column "v.a": expected variant, found an object'],
    [[10n ** 38n], `row 2, column "v[0]": expected variant (integers of at most 38 digits), found 1${'0'.repeat(38)}`],
    [{ a: '\ud800' }, 'row 2, column "v.a": expected well-formed text, found "\\ud800"'],
    [{ '\ud800': 1 }, 'expected well-formed text'],
    [new Map([[1, 2]]), 'row 2, column "v": expected text for keys, found 1'],
    [new Date(Number.NaN), 'row 2, column "v": expected variant, found an invalid date'],
    [
      { metadata: bytes(9), value: bytes(0) },
      `expected a variant in Parquet's encoding, found bytes that are not a variant`,
    ],
    [cycle, 'expected at most 500 levels, found more'],
  ])('%o is refused: %s', (input, message) => {
    expect(() => rowsToBatch([{ v: 1 }, { v: input }], schema)).toThrow(message)
  })
})
