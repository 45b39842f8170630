/**
 * A sort order over single rows of different batches, whose sort keys (sort-keys.ts) can't be compared: it takes longer
 * a row, and serves where few are looked at.
 */
import type { RecordBatch } from 'apache-arrow'
import { valueGetter } from '../format/arrow-values.ts'
import type { SortField, SortOrder } from '../spec/sort-order.ts'
import { applyTransform, transformResultType } from '../spec/transform.ts'
import type { Schema, Value } from '../spec/types.ts'
import { comparatorOf } from '../spec/value.ts'
import { leafColumn, leafPath } from './leaf-column.ts'

/** What a row is sorted by: one value a field of the order. */
export type RowReader = (row: number) => readonly (Value | null)[]

export class RowOrder {
  readonly #fields: readonly { readonly read: FieldReader; readonly compare: FieldComparator }[]

  constructor(schema: Schema, order: SortOrder) {
    const fields = order.fields.filter(({ transform }) => transform.kind !== 'void')
    this.#fields = fields.map((field) => ({
      read: fieldReader(schema, field),
      compare: fieldComparator(schema, field),
    }))
  }

  reader(batch: RecordBatch): RowReader {
    const readers = this.#fields.map(({ read }) => read(batch))
    return (row) => readers.map((valueOf) => valueOf(row))
  }

  compare(a: readonly (Value | null)[], b: readonly (Value | null)[]): number {
    for (const [i, { compare }] of this.#fields.entries()) {
      const order = compare(a[i] ?? null, b[i] ?? null)
      if (order !== 0) return order
    }
    return 0
  }
}

type FieldReader = (batch: RecordBatch) => (row: number) => Value | null
type FieldComparator = (a: Value | null, b: Value | null) => number

function fieldReader(schema: Schema, { sourceIds, transform }: SortField): FieldReader {
  const path = leafPath(schema, sourceIds)
  return (batch) => {
    const column = leafColumn(batch, path)
    const valueOf = valueGetter(column.data, path.type)
    return (row) => {
      const isBelowNull = column.parents.some((parent) => !parent.getValid(row))
      return isBelowNull ? null : applyTransform(transform, path.type, valueOf(row))
    }
  }
}

function fieldComparator(schema: Schema, { sourceIds, transform, direction, nullOrder }: SortField): FieldComparator {
  const compare = comparatorOf(transformResultType(transform, leafPath(schema, sourceIds).type))
  const sign = direction === 'desc' ? -1 : 1
  const nullSign = nullOrder === 'nulls-first' ? -1 : 1
  return (a, b) => {
    if (a === null || b === null) return a === b ? 0 : a === null ? nullSign : -nullSign
    return sign * compare(a, b)
  }
}
