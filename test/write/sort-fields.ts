/** Random sort fields over the columns of `poolSchema`. */
import fc from 'fast-check'
import type { SortField } from '../../src/spec/sort-order.ts'
import type { PrimitiveType } from '../../src/spec/types.ts'
import { poolSchema } from './columns.ts'
import { transformsOf } from './transforms.ts'

const schema = poolSchema()

export const sortField: fc.Arbitrary<SortField> = fc
  .tuple(fc.constantFrom(...schema.fields), fc.boolean(), fc.boolean(), fc.nat())
  .map(([{ id, type }, desc, nullsLast, pick]) => {
    const usable = transformsOf(type as PrimitiveType)
    return {
      sourceIds: [id],
      transform: usable[pick % usable.length] ?? { kind: 'void' },
      direction: desc ? 'desc' : 'asc',
      nullOrder: nullsLast ? 'nulls-last' : 'nulls-first',
    }
  })
