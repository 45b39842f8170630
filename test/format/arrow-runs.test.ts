import type { RecordBatch } from 'apache-arrow'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runsOf, keepRuns } from '../../src/format/arrow-runs.ts'
import { rowGetter } from '../../src/format/arrow-values.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { RowPacker } from '../../src/write/rows-to-arrow.ts'

const SCHEMA = defineSchema({
  flag: 'boolean',
  long: 'long',
  price: 'decimal(20, 2)',
  id: 'uuid',
  text: 'string',
  tags: 'list<string>',
  sizes: 'map<string, list<int>>',
  place: 'struct<lat: double, inner: struct<ok: boolean>>',
})

const rows = fc.array(
  fc.record({
    flag: fc.option(fc.boolean()),
    long: fc.option(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    price: fc.option(fc.constantFrom('0.01', '-123456789012345678.90')),
    id: fc.option(fc.uuid()),
    text: fc.option(fc.string({ maxLength: 9 })),
    tags: fc.option(fc.array(fc.option(fc.string({ maxLength: 3 })), { maxLength: 3 })),
    sizes: fc.option(fc.constantFrom(new Map(), new Map([['a', [1, 2]]]), new Map([['b', []]]))),
    place: fc.option(fc.record({ lat: fc.option(fc.double()), inner: fc.option(fc.record({ ok: fc.boolean() })) })),
  }),
  { maxLength: 200 },
)

function rowsOf(batch: RecordBatch): unknown[] {
  const get = rowGetter(batch, SCHEMA)
  return Array.from({ length: batch.numRows }, (_, row) => get(row))
}

/** Rows that are kept and left out in turns. */
function maskOf(length: number, lengths: Iterator<number>): Uint8Array {
  const mask = new Uint8Array(length)
  for (let row = 0, kept = 1; row < mask.length; kept = 1 - kept) {
    const { value } = lengths.next()
    mask.fill(kept, row, row + value)
    row += value + 1
  }
  return mask
}

describe('keepRuns', () => {
  it('takes the rows of a mask, of slices too', () => {
    fc.assert(
      fc.property(rows, fc.infiniteStream(fc.nat(9)), fc.nat(20), (input, lengths, start) => {
        const packer = new RowPacker(SCHEMA)
        packer.append(input)
        const batch = packer.finish().slice(start)
        const mask = maskOf(batch.numRows, lengths)
        const expected = rowsOf(batch).filter((_, row) => mask[row] === 1)
        expect(rowsOf(keepRuns(batch, runsOf(mask)))).toEqual(expected)
      }),
      { numRuns: 200 },
    )
  })

  it('leaves neighbours in the same memory as they are, and what was kept of them', () => {
    fc.assert(
      fc.property(rows, fc.infiniteStream(fc.nat(9)), fc.nat(200), fc.nat(200), (input, lengths, a, b) => {
        const packer = new RowPacker(SCHEMA)
        packer.append(input)
        const whole = packer.finish()
        const [from, to] = [Math.min(a, b, whole.numRows), Math.min(Math.max(a, b), whole.numRows)]
        const parts = [whole.slice(0, from), whole.slice(from, to), whole.slice(to)]
        const masks = parts.map(({ numRows }) => maskOf(numRows, lengths))
        const expected = parts.map((part, i) => rowsOf(part).filter((_, row) => masks[i]?.[row] === 1))
        const [first, second, third] = parts.map(
          (part, i) => () => keepRuns(part, runsOf(masks[i] ?? new Uint8Array())),
        )
        // The one in the middle first.
        const middle = second?.()
        const kept = [first?.(), middle, third?.()]
        expect(kept.map((part) => part && rowsOf(part))).toEqual(expected)
      }),
      { numRuns: 200 },
    )
  })

  it.each([
    [[], []],
    [[0, 0], []],
    [
      [1, 1, 0, 1],
      [0, 2, 3, 4],
    ],
    [
      [0, 1, 1, 0],
      [1, 3],
    ],
  ])('finds the runs of %j', (mask, runs) => {
    expect([...runsOf(Uint8Array.from(mask))]).toEqual(runs)
  })
})
