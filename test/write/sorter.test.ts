import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { buildSortOrder } from '../../src/spec/sort-order.ts'
import type { SortOrder } from '../../src/spec/sort-order.ts'
import { applyTransform, transformResultType } from '../../src/spec/transform.ts'
import type { PrimitiveType } from '../../src/spec/types.ts'
import { compareValues, fromRowValue } from '../../src/spec/value.ts'
import type { RowValue } from '../../src/spec/value.ts'
import { sortBatches, sortedRows } from '../../src/write/sorter.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { poolRows, poolSchema, readRows } from './columns.ts'
import { sortField } from './sort-fields.ts'

const schema = poolSchema()

/** The specification read aloud. */
function naive(order: SortOrder): (a: Record<string, RowValue>, b: Record<string, RowValue>) => number {
  return (a, b) => {
    for (const { sourceIds, transform, direction, nullOrder } of order.fields) {
      const field = schema.fields[(sourceIds[0] ?? 0) - 1]
      const type = field?.type as PrimitiveType
      const [x, y] = [a, b].map((row) => {
        const input = row[field?.name ?? ''] ?? null
        return applyTransform(transform, type, input === null ? null : fromRowValue(type, input))
      })
      if (x === undefined || y === undefined || (x === null && y === null)) continue
      if (x === null || y === null) return (x === null) === (nullOrder === 'nulls-first') ? -1 : 1
      const compared = compareValues(transformResultType(transform, type), x, y)
      if (compared !== 0) return direction === 'asc' ? compared : -compared
    }
    return 0
  }
}

describe('sorter', () => {
  it('sorts as the specification says, and stably', () => {
    fc.assert(
      fc.property(poolRows, fc.array(sortField, { minLength: 1, maxLength: 3 }), fc.nat(40), (input, fields, cut) => {
        const order: SortOrder = { orderId: 1, fields }
        const batch = rowsToBatch(input, schema)
        const sorted = [
          ...sortBatches([batch.slice(0, cut), batch.slice(Math.min(cut, input.length))], { schema, order }),
        ]
        expect(sorted.flatMap((piece) => readRows(piece, schema))).toEqual(
          readRows(rowsToBatch(input.toSorted(naive(order)), schema), schema),
        )
      }),
      { numRuns: 400 },
    )
  })

  it('leaves sorted rows as they are', () => {
    const small = defineSchema({ id: 'long' })
    const order = buildSortOrder(small, ['id'])
    expect(
      sortedRows(rowsToBatch([{ id: null }, { id: 1 }, { id: 1 }, { id: 3 }], small), small, order),
    ).toBeUndefined()
    expect(sortedRows(rowsToBatch([{ id: 2 }, { id: 1 }], small), small, order)).toEqual(Uint32Array.of(1, 0))
  })

  it('cuts large sorts into batches', () => {
    const small = defineSchema({ id: 'long' })
    const order = buildSortOrder(small, ['id desc'])
    const batch = rowsToBatch(
      Array.from({ length: 150_000 }, (_, id) => ({ id })),
      small,
    )
    const pieces = [...sortBatches([batch], { schema: small, order })]
    expect(pieces.map((piece) => piece.numRows)).toEqual([65_536, 65_536, 18_928])
    expect(pieces[2]?.getChildAt(0)?.get(18_927)).toBe(0n)
  })

  it('sorts by members of structs', () => {
    const nested = defineSchema({ s: 'struct<k: string>' })
    const order = buildSortOrder(nested, ['s.k nulls last'])
    const batch = rowsToBatch([{ s: null }, { s: { k: 'b' } }, { s: {} }, { s: { k: 'a' } }], nested)
    expect(sortedRows(batch, nested, order)).toEqual(Uint32Array.of(3, 1, 0, 2))
  })
})
