/**
 * Sorts rows by the table's sort order, in memory: as many as fit there (external-sorter.ts merges what doesn't).
 */
import type { RecordBatch } from 'apache-arrow'
import { takeRows } from '../format/arrow-take.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { Schema } from '../spec/types.ts'
import { concatBatches } from '../format/arrow-concat.ts'
import { orderRows } from './merge-sort.ts'
import { sortKeys } from './sort-keys.ts'

const ROWS_PER_BATCH = 65_536

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
  return orderRows(
    order.fields.flatMap((field) => sortKeys(batch, schema, field)),
    batch.numRows,
  )
}
