/**
 * Filters on statistics of columns: whether any row of a file, a row group or a manifest's partitions might match, and
 * whether all must. Planning skips what might not; deletes drop whole files whose rows all must.
 */
import { InvalidDataError } from '../base/errors.ts'
import type { DataFile } from '../spec/data-file.ts'
import { findField } from '../spec/schema.ts'
import { decodeSingleValue } from '../spec/single-value.ts'
import { isPrimitive } from '../spec/types.ts'
import type { PrimitiveType, Schema } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import { isFloating, negatePredicate, orderOf } from './bound-expression.ts'
import type { BoundComparison, BoundExpression, BoundPredicate, BoundSet } from './bound-expression.ts'

/** What is known of the values of one column; undefined is unknown. */
export interface ColumnStats {
  /** Nulls and NaNs included: as many as rows. */
  readonly valueCount?: number | undefined
  readonly nullCount?: number | undefined
  readonly nanCount?: number | undefined
  /** Not above any value but null and NaN. */
  readonly lower?: Value | undefined
  /** Not below any value but null and NaN. */
  readonly upper?: Value | undefined
}

export type StatsOf = (fieldId: number, type: PrimitiveType) => ColumnStats | undefined

/** False only where no row can match. */
export function statsMightMatch(expression: BoundExpression, statsOf: StatsOf): boolean {
  switch (expression.type) {
    case 'true':
      return true
    case 'false':
      return false
    case 'and':
      return expression.children.every((child) => statsMightMatch(child, statsOf))
    case 'or':
      return expression.children.some((child) => statsMightMatch(child, statsOf))
    default: {
      const stats = statsOf(expression.ref.fieldId, expression.ref.type)
      return stats === undefined || mightMatch(expression, sound(stats, expression.ref.type))
    }
  }
}

/** True only where every row matches. */
export function statsMustMatch(expression: BoundExpression, statsOf: StatsOf): boolean {
  switch (expression.type) {
    case 'true':
      return true
    case 'false':
      return false
    case 'and':
      return expression.children.every((child) => statsMustMatch(child, statsOf))
    case 'or':
      return expression.children.some((child) => statsMustMatch(child, statsOf))
    default: {
      const stats = statsOf(expression.ref.fieldId, expression.ref.type)
      return stats !== undefined && mustMatch(expression, sound(stats, expression.ref.type))
    }
  }
}

/** Whether rows of `file` might match; `schema` is the one that `expression` is bound to. */
export function fileMightMatch(expression: BoundExpression, file: DataFile, schema: Schema): boolean {
  if (file.recordCount === 0 || expression.type === 'true') return file.recordCount !== 0
  return statsMightMatch(expression, fileStats(file, schema))
}

/** Whether all rows of `file` match, as those of an empty file do. */
export function fileMustMatch(expression: BoundExpression, file: DataFile, schema: Schema): boolean {
  return file.recordCount === 0 || statsMustMatch(expression, fileStats(file, schema))
}

/** What the metrics of `file` tell of its columns, in the types of `schema`. */
export function fileStats(file: DataFile, schema: Schema): StatsOf {
  const known = new Map<number, ColumnStats>()
  return (fieldId) => {
    let stats = known.get(fieldId)
    if (stats === undefined) {
      stats = columnStats(file, schema, fieldId)
      known.set(fieldId, stats)
    }
    return stats
  }
}

function columnStats(file: DataFile, schema: Schema, fieldId: number): ColumnStats {
  const type = findField(schema, fieldId)?.type
  const valueCount = file.valueCounts?.get(fieldId)
  // Within structs, some formats don't count what null structs leave out: those rows are null here all the same.
  const complete = valueCount === file.recordCount
  const bound = (bounds: DataFile['lowerBounds']): Value | undefined =>
    type !== undefined && isPrimitive(type) ? decodeBound(type, bounds?.get(fieldId)) : undefined
  return {
    valueCount: complete ? valueCount : undefined,
    nullCount: complete ? file.nullValueCounts?.get(fieldId) : undefined,
    nanCount: file.nanValueCounts?.get(fieldId),
    lower: bound(file.lowerBounds),
    upper: bound(file.upperBounds),
  }
}

/** The value of a bound; undefined where there is none, or where a writer left bytes that are none. */
export function decodeBound(type: PrimitiveType, bytes: Uint8Array | undefined): Value | undefined {
  if (bytes === undefined) return undefined
  try {
    return decodeSingleValue(type, bytes)
  } catch (error) {
    if (error instanceof InvalidDataError) return undefined
    throw error
  }
}

/** Bounds that are NaN, or above one another, come from writers with another order: they say nothing. */
function sound(stats: ColumnStats, type: PrimitiveType): ColumnStats {
  const lower = Number.isNaN(stats.lower) ? undefined : stats.lower
  const upper = Number.isNaN(stats.upper) ? undefined : stats.upper
  const crossed = lower !== undefined && upper !== undefined && orderOf(type)(lower, upper) > 0
  return crossed ? { ...stats, lower: undefined, upper: undefined } : { ...stats, lower, upper }
}

function mightMatch(predicate: BoundPredicate, stats: ColumnStats): boolean {
  const { valueCount, nullCount, nanCount = isFloating(predicate.ref.type) ? undefined : 0 } = stats
  const onlyNulls = valueCount !== undefined && nullCount === valueCount
  switch (predicate.type) {
    case 'is-null':
      return nullCount !== 0
    case 'not-null':
      return !onlyNulls
    case 'is-nan':
      return nanCount !== 0 && !onlyNulls
    case 'not-nan':
      return valueCount === undefined || nanCount !== valueCount
    case 'not-eq':
    case 'not-in':
      return !onlyNulls && (nanCount !== 0 || !isExcluded(predicate, stats))
    default: {
      const known = valueCount !== undefined && nullCount !== undefined && nanCount !== undefined
      return !(known && nullCount + nanCount === valueCount) && mightCompare(predicate, stats)
    }
  }
}

/** All rows match where none can match the opposite, and none is of those that match neither. */
function mustMatch(predicate: BoundPredicate, stats: ColumnStats): boolean {
  if (mightMatch(negatePredicate(predicate), stats)) return false
  switch (predicate.type) {
    case 'is-null':
    case 'not-null':
    case 'is-nan':
    case 'not-nan':
      return true
    case 'not-eq':
    case 'not-in':
      return stats.nullCount === 0
    default:
      return stats.nullCount === 0 && (stats.nanCount === 0 || !isFloating(predicate.ref.type))
  }
}

/** Whether all values are one, which `<>` or `not in` leaves out. */
function isExcluded(predicate: BoundComparison | BoundSet, { lower, upper }: ColumnStats): boolean {
  if (lower === undefined || upper === undefined) return false
  const order = orderOf(predicate.ref.type)
  if (order(lower, upper) !== 0) return false
  if ('value' in predicate) return order(lower, predicate.value) === 0
  const found = firstAtLeast(predicate, lower)
  return found !== undefined && order(found, lower) === 0
}

function mightCompare(predicate: BoundComparison | BoundSet, { lower, upper }: ColumnStats): boolean {
  const order = orderOf(predicate.ref.type)
  switch (predicate.type) {
    case 'lt':
      return lower === undefined || order(lower, predicate.value) < 0
    case 'lt-eq':
      return lower === undefined || order(lower, predicate.value) <= 0
    case 'gt':
      return upper === undefined || order(upper, predicate.value) > 0
    case 'gt-eq':
      return upper === undefined || order(upper, predicate.value) >= 0
    case 'eq': {
      const { value } = predicate
      return (lower === undefined || order(lower, value) <= 0) && (upper === undefined || order(upper, value) >= 0)
    }
    case 'in': {
      const found = lower === undefined ? predicate.values[0] : firstAtLeast(predicate, lower)
      return found !== undefined && (upper === undefined || order(found, upper) <= 0)
    }
    case 'starts-with': {
      // All strings of a prefix lie together, the prefix itself first.
      const prefix = String(predicate.value)
      if (upper !== undefined && order(upper, prefix) < 0) return false
      return lower === undefined || order(lower, prefix) <= 0 || String(lower).startsWith(prefix)
    }
    case 'not-starts-with': {
      const prefix = String(predicate.value)
      const all = typeof lower === 'string' && typeof upper === 'string'
      return !(all && lower.startsWith(prefix) && upper.startsWith(prefix))
    }
    default:
      return true
  }
}

/** The least value of the set that is not below `bound`, by binary search: sets may be large, and files many. */
function firstAtLeast({ ref, values }: BoundSet, bound: Value): Value | undefined {
  const order = orderOf(ref.type)
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (order(values[middle] ?? bound, bound) < 0) low = middle + 1
    else high = middle
  }
  return values[low]
}
