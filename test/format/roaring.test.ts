/** Sets of positions against a plain Set, for all three forms of containers. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { decodeRoaring, encodeRoaring } from '../../src/format/roaring-codec.ts'
import { positionSetOf, unionPositions } from '../../src/format/roaring.ts'
import type { PositionSet } from '../../src/format/roaring.ts'
import { positions } from './position-arbitraries.ts'

const sorted = (values: Iterable<number>): number[] => [...new Set(values)].toSorted((a, b) => a - b)

/** Faster than toEqual, which takes seconds for long lists. */
function isSame(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return Buffer.compare(Buffer.from(Float64Array.from(a).buffer), Buffer.from(Float64Array.from(b).buffer)) === 0
}

/** What makes sets equal: positions, cardinality, and membership of the positions and their neighbours. */
function expectSet(set: PositionSet, expected: readonly number[]): void {
  const model = new Set(expected)
  expect(isSame(Array.from(set), sorted(expected))).toBe(true)
  expect(set.cardinality).toBe(model.size)
  for (const position of sorted(expected).slice(0, 500)) {
    const near = [position - 1, position, position + 1]
    if (near.some((n) => set.has(n) !== model.has(n))) expect.fail(`has() is wrong near ${position}`)
  }
}

describe('position sets', () => {
  it('hold what they are made of', () => {
    fc.assert(
      fc.property(positions, (values) => expectSet(positionSetOf(values), values)),
      { numRuns: 50 },
    )
  })

  it('take 64-bit integers, repeated and unsorted ones', () => {
    expectSet(positionSetOf(BigInt64Array.of(9n, 2n ** 53n - 1n, 9n, 0n)), [0, 9, 2 ** 53 - 1])
    expectSet(positionSetOf(Float64Array.of(70_000, 3, 70_000)), [3, 70_000])
    expectSet(positionSetOf([]), [])
  })

  it.each([-1, 0.5, 2 ** 53, Number.NaN, -(2n ** 63n)])('refuse %s', (position) => {
    expect(() => positionSetOf([1, position], 's3://b/deletes.parquet')).toThrow(InvalidDataError)
    expect(() => positionSetOf([position], 's3://b/deletes.parquet')).toThrow(/^s3:\/\/b\/deletes\.parquet: /)
  })

  it('clear the rows of a batch, wherever it begins', () => {
    const window = fc.tuple(fc.integer({ min: -70_000, max: 70_000 }), fc.integer({ min: 0, max: 140_000 }))
    fc.assert(
      fc.property(positions, fc.nat(), window, (values, pick, [shift, length]) => {
        const first = Math.max(0, (values[pick % values.length] ?? 0) + shift)
        const mask = new Uint8Array(length).fill(7)
        positionSetOf(values).clearRange(mask, first)
        const expected = new Uint8Array(length).fill(7)
        for (const value of values) if (value >= first && value < first + length) expected[value - first] = 0
        expect(Buffer.compare(mask, expected)).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  it('unite', () => {
    fc.assert(
      fc.property(fc.array(positions, { maxLength: 4 }), (lists) => {
        const union = unionPositions(lists.map((values) => positionSetOf(values)))
        expectSet(union, lists.flat())
        // One form for equal sets, however they came about.
        expect(Buffer.compare(encodeRoaring(union), encodeRoaring(positionSetOf(lists.flat())))).toBe(0)
      }),
      { numRuns: 50 },
    )
  })

  it('are as they were after encoding, in the smallest form of their containers', () => {
    fc.assert(
      fc.property(positions, (values) => {
        const bytes = encodeRoaring(positionSetOf(values))
        const set = decodeRoaring(bytes, 'memory')
        expectSet(set, values)
        expect(Buffer.compare(encodeRoaring(set), bytes)).toBe(0)
      }),
      { numRuns: 50 },
    )
    const even = Array.from({ length: 32_768 }, (_, i) => i * 2)
    expect(encodeRoaring(positionSetOf(even)).length).toBe(8 + 4 + 8 + 4 + 4 + 8192)
    expect(encodeRoaring(positionSetOf(even.slice(0, 4096))).length).toBe(8 + 4 + 8 + 4 + 4 + 8192)
    expect(encodeRoaring(positionSetOf(even.slice(0, 100))).length).toBe(8 + 4 + 8 + 4 + 4 + 200)
    const all = Array.from({ length: 65_536 }, (_, i) => i)
    expect(encodeRoaring(positionSetOf(all)).length).toBe(8 + 4 + 4 + 1 + 4 + 2 + 4)
    expect([...decodeRoaring(encodeRoaring(positionSetOf(all)), 'memory').containers.values()]).toMatchObject([
      { form: 'runs', cardinality: 65_536 },
    ])
  })
})
