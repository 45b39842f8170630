/**
 * Sorts rows by the table's sort order, in memory: as many as fit there (external-sorter.ts merges what doesn't).
 */
import type { RecordBatch } from 'apache-arrow'
import { takeRows } from '../format/arrow-take.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { Schema } from '../spec/types.ts'
import { concatBatches } from '../format/arrow-concat.ts'
import { sortKeys } from './sort-keys.ts'
import type { SortKey } from './sort-keys.ts'

export const ROWS_PER_BATCH = 65_536

/** The rows of all batches in order, stable, in batches of a size that suits encoding. */
export function* sortBatches(
  batches: readonly [RecordBatch, ...RecordBatch[]],
  {
    schema,
    order,
    rowsPerBatch = ROWS_PER_BATCH,
  }: { readonly schema: Schema; readonly order: SortOrder; readonly rowsPerBatch?: number | undefined },
): Generator<RecordBatch> {
  const batch = concatBatches(batches)
  const permutation = sortedRows(batch, schema, order)
  for (let from = 0; from < batch.numRows; from += rowsPerBatch) {
    const to = Math.min(batch.numRows, from + rowsPerBatch)
    yield permutation === undefined ? batch.slice(from, to) : takeRows(batch, permutation.subarray(from, to))
  }
}

/** Row numbers in sorted order; undefined where the rows are sorted already. */
export function sortedRows(batch: RecordBatch, schema: Schema, order: SortOrder): Uint32Array | undefined {
  const keys = order.fields.flatMap((field) => sortKeys(batch, schema, field))
  if (isSorted(keys, batch.numRows)) return undefined
  const rows = new Uint32Array(batch.numRows).map((_, row) => row)
  const [only, ...others] = keys
  if (only === undefined) return undefined
  return others.length === 0
    ? rows.toSorted((a, b) => compare(only[a] as number, only[b] as number) || a - b)
    : rows.toSorted((a, b) => compareRows(keys, a, b) || a - b)
}

function isSorted(keys: readonly SortKey[], rows: number): boolean {
  for (let row = 1; row < rows; row++) if (compareRows(keys, row - 1, row) > 0) return false
  return true
}

function compareRows(keys: readonly SortKey[], a: number, b: number): number {
  for (const key of keys) {
    const order = compare(key[a] as number, key[b] as number)
    if (order !== 0) return order
  }
  return 0
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
