/**
 * Which metrics a data file's manifest entry keeps of each column: the table's properties, a limit for very wide tables,
 * and bounds for the columns that the table is sorted by (Java's MetricsConfig). Writers ask it per field id.
 */
import {
  defaultMetricsMode,
  longProperty,
  METRICS_MAX_INFERRED_COLUMNS,
  METRICS_MAX_INFERRED_COLUMNS_DEFAULT,
  METRICS_MODE_COLUMN_PREFIX,
  METRICS_MODE_DEFAULT,
  metricsModeProperty,
  type MetricsMode,
  type TableProperties,
} from './properties.ts'
import { childFields, columnName } from './schema.ts'
import type { SortOrder } from './sort-order.ts'
import { isNested, type NestedField, type Schema } from './types.ts'

/** What the modes of a table's columns hang on. */
export interface MetricsInput {
  readonly schema: Schema
  readonly sortOrder: SortOrder
  readonly properties: TableProperties
}

/** The mode of each leaf column by field id. */
export function metricsModes({ schema, sortOrder, properties }: MetricsInput): (fieldId: number) => MetricsMode {
  const inferred = inferredIds(schema, properties)
  const sorted = sortedIds(sortOrder)
  const byDefault = defaultMetricsMode(properties)
  return (fieldId) => {
    const name = columnName(schema, fieldId)
    const own = name === undefined ? undefined : metricsModeProperty(properties, METRICS_MODE_COLUMN_PREFIX + name)
    if (own !== undefined) return own
    const mode: MetricsMode = inferred === undefined || inferred.has(fieldId) ? byDefault : { kind: 'none' }
    const promoted = sorted.has(fieldId) && (mode.kind === 'none' || mode.kind === 'counts')
    return promoted ? { kind: 'truncate', length: 16 } : mode
  }
}

/** The first leaves of a schema too wide for metrics on all; undefined where all get them. */
function inferredIds(schema: Schema, properties: TableProperties): ReadonlySet<number> | undefined {
  if (metricsModeProperty(properties, METRICS_MODE_DEFAULT) !== undefined) return undefined
  const limit = longProperty(properties, METRICS_MAX_INFERRED_COLUMNS, METRICS_MAX_INFERRED_COLUMNS_DEFAULT)
  const leaves = leafIds(schema.fields)
  return leaves.length > limit ? new Set(leaves.slice(0, limit)) : undefined
}

/** Leaves of a level come before those nested below it. */
function leafIds(fields: readonly NestedField[]): number[] {
  const leaves = fields.filter((field) => !isNested(field.type)).map((field) => field.id)
  return [...leaves, ...fields.flatMap(({ type }) => (isNested(type) ? leafIds(childFields(type)) : []))]
}

/** Bounds only help where the transform keeps the order. */
function sortedIds({ fields }: SortOrder): ReadonlySet<number> {
  const ordered = fields.filter(({ transform }) => !['bucket', 'void', 'unknown'].includes(transform.kind))
  return new Set(ordered.flatMap((field) => field.sourceIds))
}
