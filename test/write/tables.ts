/** Metadata of tables to write to. */
import { newTableMetadata } from '../../src/spec/new-table-metadata.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { UNPARTITIONED, buildPartitionSpec } from '../../src/spec/partition-spec.ts'
import { UNSORTED, buildSortOrder } from '../../src/spec/sort-order.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import type { Schema } from '../../src/spec/types.ts'

export interface TableInput {
  readonly schema: Schema
  readonly partitionBy?: readonly string[]
  readonly sortBy?: readonly string[]
  readonly properties?: Readonly<Record<string, string>>
  readonly location?: string
}

export function tableMetadata(input: TableInput): TableMetadata {
  const { schema, partitionBy = [], sortBy = [], properties = {}, location = 'memory://write/t' } = input
  const partitionSpec: PartitionSpec =
    partitionBy.length === 0 ? UNPARTITIONED : buildPartitionSpec(schema, partitionBy)
  return newTableMetadata({
    schema,
    partitionSpec,
    sortOrder: sortBy.length === 0 ? UNSORTED : buildSortOrder(schema, sortBy),
    location,
    properties,
    formatVersion: 3,
    tableUuid: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    nowMs: 1000,
  })
}
