/** The metadata of a table that is about to be created: version 0 of its history, before its first snapshot. */
import { ValidationError } from '../base/errors.ts'
import { checkSchemaForVersion } from './check-schema.ts'
import { assignFreshIds } from './define-schema.ts'
import { metricsModes } from './metrics-modes.ts'
import { FIRST_PARTITION_FIELD_ID } from './partition-spec.ts'
import type { PartitionSpec } from './partition-spec.ts'
import {
  longProperty,
  METRICS_MODE_COLUMN_PREFIX,
  PARQUET_COMPRESSION,
  PARQUET_COMPRESSION_DEFAULT,
  RESERVED_PROPERTIES,
} from './properties.ts'
import type { TableProperties } from './properties.ts'
import { columnName, highestFieldId, requireField } from './schema.ts'
import { checkPartitionNames, checkPartitionSpec, checkSortOrder } from './shape-check.ts'
import { UNSORTED } from './sort-order.ts'
import type { SortOrder } from './sort-order.ts'
import { withoutTrailingSlash } from './table-metadata-access.ts'
import type { TableMetadata } from './table-metadata.ts'
import { lastFieldId } from './table-shape-json.ts'
import type { Schema } from './types.ts'

export interface NewTable {
  readonly schema: Schema
  readonly partitionSpec: PartitionSpec
  readonly sortOrder: SortOrder
  readonly location: string
  readonly properties: TableProperties
  readonly formatVersion: 2 | 3
  readonly tableUuid: string
  /** The catalog's time. */
  readonly nowMs: number
}

/**
 * Gives all ids anew, in Java's order (fields from 1, partition fields from 1000), whatever table the schema comes from;
 * spec and order follow it by column name. ValidationError for what the format version or the schema doesn't allow.
 */
export function newTableMetadata(input: NewTable): TableMetadata {
  const { formatVersion, tableUuid, nowMs } = input
  const schema = assignFreshIds(input.schema)
  const partitionSpec = freshSpec(input, schema)
  const sortOrder = freshSortOrder(input, schema)
  const properties = storedProperties(input.properties)
  checkSchemaForVersion(schema, formatVersion)
  checkPartitionSpec(partitionSpec, schema)
  checkPartitionNames(partitionSpec, schema)
  checkSortOrder(sortOrder, schema)
  checkProperties({ schema, sortOrder, properties })
  return {
    formatVersion,
    tableUuid,
    location: withoutTrailingSlash(input.location),
    lastSequenceNumber: 0n,
    lastUpdatedMs: nowMs,
    lastColumnId: highestFieldId(schema),
    schemas: [schema],
    currentSchemaId: schema.schemaId,
    partitionSpecs: [partitionSpec],
    defaultSpecId: partitionSpec.specId,
    lastPartitionId: lastFieldId([partitionSpec]),
    properties,
    currentSnapshotId: undefined,
    snapshots: [],
    snapshotLog: [],
    metadataLog: [],
    sortOrders: [sortOrder],
    defaultSortOrderId: sortOrder.orderId,
    refs: {},
    nextRowId: 0n,
    statistics: [],
    partitionStatistics: [],
    encryptionKeys: [],
    extra: {},
  }
}

function freshSpec({ partitionSpec, schema: given }: NewTable, schema: Schema): PartitionSpec {
  const fields = partitionSpec.fields.map((field, index) => ({
    ...field,
    fieldId: FIRST_PARTITION_FIELD_ID + index,
    sourceIds: field.sourceIds.map((id) => freshId(given, schema, id)),
  }))
  return { specId: 0, fields }
}

function freshSortOrder({ sortOrder, schema: given }: NewTable, schema: Schema): SortOrder {
  if (sortOrder.fields.length === 0) return UNSORTED
  const fields = sortOrder.fields.map((field) => ({
    ...field,
    sourceIds: field.sourceIds.map((id) => freshId(given, schema, id)),
  }))
  return { orderId: 1, fields }
}

function freshId(given: Schema, fresh: Schema, id: number): number {
  const name = columnName(given, id)
  if (name === undefined)
    throw new ValidationError(`a partition or sort field uses column ${id}, which the schema lacks`)
  return requireField(fresh, name).id
}

/** As Java does, new tables say which codec they are written with, and reserved names stay out. */
function storedProperties(properties: TableProperties): TableProperties {
  const kept = Object.entries(properties).filter(([key]) => !RESERVED_PROPERTIES.has(key))
  return { [PARQUET_COMPRESSION]: PARQUET_COMPRESSION_DEFAULT, ...Object.fromEntries(kept) }
}

/** Mistakes in these would surface only in a later write. */
function checkProperties(table: Pick<NewTable, 'schema' | 'sortOrder' | 'properties'>): void {
  const { schema, properties } = table
  const modeOf = metricsModes(table)
  for (const { id } of schema.fields) modeOf(id)
  for (const key of Object.keys(properties)) {
    if (key.startsWith('commit.retry.')) longProperty(properties, key, 0)
    if (key.startsWith(METRICS_MODE_COLUMN_PREFIX))
      modeOf(requireField(schema, key.slice(METRICS_MODE_COLUMN_PREFIX.length)).id)
  }
}
