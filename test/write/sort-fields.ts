/** Random sort fields over the columns of `poolSchema`. */
import fc from 'fast-check'
import type { SortField } from '../../src/spec/sort-order.ts'
import type { Transform } from '../../src/spec/transform.ts'
import { checkTransform } from '../../src/spec/transform.ts'
import type { PrimitiveType } from '../../src/spec/types.ts'
import { poolSchema } from './columns.ts'

const TRANSFORMS: readonly Transform[] = [
  { kind: 'identity' },
  { kind: 'month' },
  { kind: 'hour' },
  { kind: 'void' },
  { kind: 'bucket', buckets: 3 },
  { kind: 'truncate', width: 2 },
]

const schema = poolSchema()

function fits(transform: Transform, type: PrimitiveType): boolean {
  try {
    checkTransform(transform, { name: 'c', type })
    return true
  } catch {
    return false
  }
}

export const sortField: fc.Arbitrary<SortField> = fc
  .tuple(fc.constantFrom(...schema.fields), fc.boolean(), fc.boolean(), fc.nat())
  .map(([{ id, type }, desc, nullsLast, pick]) => {
    const usable = TRANSFORMS.filter((transform) => fits(transform, type as PrimitiveType))
    return {
      sourceIds: [id],
      transform: usable[pick % usable.length] ?? { kind: 'void' },
      direction: desc ? 'desc' : 'asc',
      nullOrder: nullsLast ? 'nulls-last' : 'nulls-first',
    }
  })
