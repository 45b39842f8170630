import type { JsonObject } from '../../base/json.ts'
import { printPartitionSpec } from '../../spec/partition-spec.ts'
import { printSchema } from '../../spec/schema-json.ts'
import { printSortOrder } from '../../spec/sort-order.ts'
import type { ReadableTable } from '../../table/readable-table.ts'
import { StaticTable } from '../../table/static-table.ts'
import type { CommandContext } from '../command.ts'
import { formatTime } from '../output.ts'
import { columnLines } from '../column-lines.ts'
import { contents } from '../table-contents.ts'
import { loadTable } from '../table-options.ts'
import { printPartitionTerms, printSortTerms } from '../terms.ts'

export async function describe(context: CommandContext): Promise<void> {
  const table = await loadTable(context)
  const { metadata } = table
  const json = {
    identifier: table.name,
    uuid: metadata.tableUuid,
    location: table.location,
    ...(table instanceof StaticTable && { relocated: relocatedOf(table) }),
    metadataLocation: table.metadataLocation,
    formatVersion: metadata.formatVersion,
    currentSnapshotId: metadata.currentSnapshotId ?? null,
    schema: printSchema(table.schema),
    partitionSpec: printPartitionSpec(table.partitionSpec),
    sortOrder: printSortOrder(table.sortOrder),
    properties: metadata.properties,
  }
  await context.output.result(json, () => [
    ...overview(table),
    '',
    ...columnLines(table.schema, context.output.columns),
  ])
}

function relocatedOf({ relocation }: StaticTable): JsonObject | null {
  return relocation === undefined ? null : { from: relocation.from, to: relocation.to }
}

function overview(table: ReadableTable): string[] {
  const { metadata, schema, currentSnapshot: snapshot } = table
  const relocation = table instanceof StaticTable ? table.relocation : undefined
  const facts = [
    ...(table instanceof StaticTable ? [] : [['table', table.name]]),
    ['uuid', metadata.tableUuid],
    ['location', table.location],
    ...(relocation === undefined ? [] : [['relocated', `${relocation.from} → ${relocation.to}`]]),
    ['metadata', table.metadataLocation],
    ['format', `version ${metadata.formatVersion}`],
    ['snapshot', snapshot ? `${snapshot.snapshotId} of ${formatTime(snapshot.timestampMs)}` : 'none'],
    ['contents', contents(snapshot)],
    ['partitions', printPartitionTerms(table.partitionSpec, schema) || 'none'],
    ['order', printSortTerms(table.sortOrder, schema) || 'none'],
    ...Object.entries(metadata.properties).map(([key, value]) => ['property', `${key}=${value}`]),
  ]
  return facts.map(([name = '', value]) => `${name.padEnd(12)}${value}`)
}
