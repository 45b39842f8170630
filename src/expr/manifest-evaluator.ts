/** Projected filters on a manifest's partition summaries: whether any file that it lists might hold matching rows. */
import type { FieldSummary } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import type { PrimitiveType } from '../spec/types.ts'
import type { BoundExpression } from './bound-expression.ts'
import { isFloating } from './bound-expression.ts'
import { decodeBound, statsMightMatch } from './metrics-evaluator.ts'
import type { ColumnStats } from './metrics-evaluator.ts'

/**
 * `projected` is `projectPartition`'s of the manifest's spec; `summaries` are in the order of the spec's fields. True
 * where a manifest has no summaries.
 */
export function manifestMightMatch(
  projected: BoundExpression,
  spec: PartitionSpec,
  summaries: readonly FieldSummary[] | undefined,
): boolean {
  return statsMightMatch(projected, (fieldId, type) => {
    const summary = summaries?.[spec.fields.findIndex((field) => field.fieldId === fieldId)]
    return summary === undefined ? undefined : summaryStats(summary, type)
  })
}

/** A summary as statistics of partition values; of how many there are, it only tells whether all are null or NaN. */
function summaryStats(summary: FieldSummary, type: PrimitiveType): ColumnStats {
  const { containsNull, lowerBound, upperBound } = summary
  const containsNan = isFloating(type) ? summary.containsNan : false
  const empty = lowerBound === undefined && upperBound === undefined
  const onlyNulls = empty && containsNull && containsNan === false
  const onlyNans = empty && !containsNull && containsNan === true
  return {
    valueCount: onlyNulls || onlyNans ? 1 : undefined,
    nullCount: onlyNulls ? 1 : containsNull ? undefined : 0,
    nanCount: onlyNans ? 1 : containsNan === false ? 0 : undefined,
    lower: decodeBound(type, lowerBound),
    upper: decodeBound(type, upperBound),
  }
}
