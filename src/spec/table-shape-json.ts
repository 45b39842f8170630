/**
 * The shape of a table in its metadata JSON: schemas, partition specs and sort orders, each a list with the id of the
 * one in use. v1 wrote a single `schema` and `partition-spec` and left most ids out; those forms are resolved here.
 */
import { InvalidDataError, messageOf } from '../base/errors.ts'
import type { JsonCursor } from '../base/json.ts'
import { FIRST_PARTITION_FIELD_ID, parsePartitionFields, parsePartitionSpec } from './partition-spec.ts'
import type { PartitionSpec } from './partition-spec.ts'
import { parseSchema } from './schema-json.ts'
import { checkPartitionSpec, checkSortOrder } from './shape-check.ts'
import { parseSortOrder, type SortOrder, UNSORTED } from './sort-order.ts'
import type { FormatVersion } from './table-metadata.ts'
import type { Schema } from './types.ts'

export interface SchemaList {
  readonly schemas: readonly Schema[]
  readonly currentSchemaId: number
}

export function parseSchemas(root: JsonCursor, version: FormatVersion): SchemaList {
  // v1 files exist with `schemas` but no `current-schema-id`: there `schema` is the current one.
  const listed = root.has('schemas') && (version > 1 || root.has('current-schema-id') || !root.has('schema'))
  if (version === 1 && !listed) {
    const schema = parseTableSchema(root.get('schema'))
    return { schemas: [schema], currentSchemaId: schema.schemaId }
  }
  const schemas = root.get('schemas').array().map(parseTableSchema)
  const id = root.get('current-schema-id')
  checkIds(
    root.get('schemas'),
    'schema-id',
    schemas.map((s) => s.schemaId),
  )
  return {
    schemas,
    currentSchemaId: chosenId(
      id,
      'schemas',
      schemas.map((s) => s.schemaId),
    ),
  }
}

/** Java wants the type named, and so do the tables that are to be read elsewhere too. */
function parseTableSchema(cursor: JsonCursor): Schema {
  if (cursor.get('type').string() !== 'struct') cursor.get('type').fail('struct')
  return parseSchema(cursor)
}

export interface SpecList {
  readonly partitionSpecs: readonly PartitionSpec[]
  readonly defaultSpecId: number
  readonly lastPartitionId: number
}

export function parsePartitionSpecs(root: JsonCursor, version: FormatVersion): SpecList {
  const { partitionSpecs, defaultSpecId } = parseSpecList(root, version)
  const last = root.get('last-partition-id')
  const lastPartitionId = version === 1 && last.value === undefined ? lastFieldId(partitionSpecs) : last.integer()
  return { partitionSpecs, defaultSpecId, lastPartitionId }
}

function parseSpecList(root: JsonCursor, version: FormatVersion): Omit<SpecList, 'lastPartitionId'> {
  if (version === 1 && !root.has('partition-specs')) {
    return {
      partitionSpecs: [{ specId: 0, fields: parsePartitionFields(root.get('partition-spec')) }],
      defaultSpecId: 0,
    }
  }
  const partitionSpecs = root.get('partition-specs').array().map(parsePartitionSpec)
  const ids = partitionSpecs.map((spec) => spec.specId)
  checkIds(root.get('partition-specs'), 'spec-id', ids)
  const id = root.get('default-spec-id')
  // v1 files exist without a default id: specs were only ever added, so the highest is the one in use.
  if (version === 1 && id.value === undefined && ids.length > 0)
    return { partitionSpecs, defaultSpecId: Math.max(...ids) }
  return { partitionSpecs, defaultSpecId: chosenId(id, 'partition-specs', ids) }
}

/** The highest partition field id in `specs`, 999 where there is none. */
export function lastFieldId(specs: readonly PartitionSpec[]): number {
  return Math.max(FIRST_PARTITION_FIELD_ID - 1, ...specs.flatMap((spec) => spec.fields.map((field) => field.fieldId)))
}

export interface SortOrderList {
  readonly sortOrders: readonly SortOrder[]
  readonly defaultSortOrderId: number
}

export function parseSortOrders(root: JsonCursor, version: FormatVersion): SortOrderList {
  if (version === 1 && !root.has('sort-orders')) return { sortOrders: [UNSORTED], defaultSortOrderId: UNSORTED.orderId }
  const listed = root.get('sort-orders').array().map(parseSortOrder)
  checkIds(
    root.get('sort-orders'),
    'order-id',
    listed.map((order) => order.orderId),
  )
  const id = root.get('default-sort-order-id')
  // Order 0 is reserved for "unsorted"; some writers choose it without listing it.
  const implied = id.value === UNSORTED.orderId && !listed.some((order) => order.orderId === UNSORTED.orderId)
  const sortOrders = implied ? [UNSORTED, ...listed] : listed
  return {
    sortOrders,
    defaultSortOrderId: chosenId(
      id,
      'sort-orders',
      sortOrders.map((order) => order.orderId),
    ),
  }
}

/** The spec and the order in use must suit the current schema; older ones may name columns that are gone. */
export function checkDefaults(metadata: SchemaList & SpecList & SortOrderList, root: JsonCursor): void {
  const { schemas, partitionSpecs, sortOrders } = metadata
  const schema = schemas.find(({ schemaId }) => schemaId === metadata.currentSchemaId)
  const spec = partitionSpecs.find(({ specId }) => specId === metadata.defaultSpecId)
  const order = sortOrders.find(({ orderId }) => orderId === metadata.defaultSortOrderId)
  if (schema === undefined || spec === undefined || order === undefined) return
  suits(root.get('default-spec-id'), () => checkPartitionSpec(spec, schema))
  suits(root.get('default-sort-order-id'), () => checkSortOrder(order, schema))
}

function suits(id: JsonCursor, check: () => void): void {
  try {
    check()
  } catch (cause) {
    const context = { location: id.location, path: id.path }
    throw new InvalidDataError(`${id.path}: ${messageOf(cause)}`, { context, cause })
  }
}

/** Fails at the second of two entries with the same id. */
export function checkIds(list: JsonCursor, key: string, ids: readonly (number | bigint)[]): void {
  const seen = new Set<number | bigint>()
  for (const [index, id] of ids.entries()) {
    if (seen.has(id)) list.array()[index]?.get(key).fail('an id that no other entry has')
    seen.add(id)
  }
}

function chosenId(cursor: JsonCursor, list: string, ids: readonly number[]): number {
  const id = cursor.integer()
  return ids.includes(id) ? id : cursor.fail(`the id of one of the ${list} (${ids.join(', ') || 'none'})`)
}
