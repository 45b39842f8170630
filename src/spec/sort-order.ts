/** Sort orders (spec, "Sorting"): how the writer orders rows within a file, recorded in table metadata. */
import type { JsonCursor, JsonObject } from '../base/json.ts'
import type { NameOptions } from './schema.ts'
import { parseSourceIds, printSourceIds } from './source-ids-json.ts'
import { bindTransformTerm, failTerm } from './transform-term.ts'
import { parseTransform, printTransform } from './transform.ts'
import type { Transform } from './transform.ts'
import type { Schema } from './types.ts'

type SortDirection = 'asc' | 'desc'
type NullOrder = 'nulls-first' | 'nulls-last'

export interface SortField {
  /** One source column, but for transforms of several (v3). */
  readonly sourceIds: readonly number[]
  readonly transform: Transform
  readonly direction: SortDirection
  readonly nullOrder: NullOrder
}

export interface SortOrder {
  readonly orderId: number
  readonly fields: readonly SortField[]
}

export const UNSORTED: SortOrder = { orderId: 0, fields: [] }

/**
 * An order with id 1 from terms such as `origin`, `origin desc nulls last` and `bucket(16, id) asc`; `UNSORTED` from
 * none. Nulls come first when ascending and last when descending unless the term tells. ValidationError for bad terms.
 */
export function buildSortOrder(schema: Schema, terms: readonly string[], options: NameOptions = {}): SortOrder {
  if (terms.length === 0) return UNSORTED
  const fields = terms.map((text): SortField => {
    const { transform, source, suffix } = bindTransformTerm(schema, text, options)
    return { sourceIds: [source.id], transform, ...parseSuffix(text, suffix) }
  })
  return { orderId: 1, fields }
}

export function parseSortOrder(cursor: JsonCursor): SortOrder {
  return { orderId: cursor.get('order-id').integer(), fields: cursor.get('fields').array().map(parseSortField) }
}

export function printSortOrder(order: SortOrder): JsonObject {
  const fields = order.fields.map(({ transform, sourceIds, direction, nullOrder }) => ({
    transform: printTransform(transform),
    ...printSourceIds(sourceIds),
    direction,
    'null-order': nullOrder,
  }))
  return { 'order-id': order.orderId, fields }
}

function parseSortField(field: JsonCursor): SortField {
  const direction = field.get('direction')
  const nullOrder = field.get('null-order')
  return {
    sourceIds: parseSourceIds(field),
    transform: parseTransform(field.get('transform').string()),
    direction: asDirection(direction.string()) ?? direction.fail('"asc" or "desc"'),
    nullOrder: asNullOrder(nullOrder.string()) ?? nullOrder.fail('"nulls-first" or "nulls-last"'),
  }
}

/** `[asc|desc] [nulls first|last]`. */
function parseSuffix(term: string, suffix: readonly string[]): Pick<SortField, 'direction' | 'nullOrder'> {
  const explicit = asDirection(suffix[0] ?? '')
  const direction = explicit ?? 'asc'
  const words = suffix.slice(explicit === undefined ? 0 : 1)
  const nullOrder = words.length === 0 ? defaultNullOrder(direction) : asNullOrder(words.join('-'))
  return {
    direction,
    nullOrder: nullOrder ?? failTerm(term, 'only "asc" or "desc", then "nulls first" or "nulls last" may follow'),
  }
}

function defaultNullOrder(direction: SortDirection): NullOrder {
  return direction === 'asc' ? 'nulls-first' : 'nulls-last'
}

function asDirection(text: string): SortDirection | undefined {
  const word = text.toLowerCase()
  return word === 'asc' || word === 'desc' ? word : undefined
}

function asNullOrder(text: string): NullOrder | undefined {
  const words = text.toLowerCase()
  return words === 'nulls-first' || words === 'nulls-last' ? words : undefined
}
