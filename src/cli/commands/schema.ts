import { ValidationError } from '../../base/errors.ts'
import { printSchema } from '../../spec/schema-json.ts'
import { resolveAsOf, schemaById } from '../../spec/table-metadata-access.ts'
import type { Schema } from '../../spec/types.ts'
import type { ReadableTable } from '../../table/readable-table.ts'
import type { CommandContext } from '../command.ts'
import { columnLines } from '../column-lines.ts'
import { loadTable } from '../table-options.ts'

export async function schema(context: CommandContext): Promise<void> {
  const { output, options } = context
  const asOf = options.string('as-of')
  const all = options.flag('all')
  if (all && asOf !== undefined) throw new ValidationError('--all and --as-of do not go together')
  const table = await loadTable(context)
  if (!all) {
    const found = asOf === undefined ? table.schema : schemaAsOf(table, asOf)
    await output.result(printSchema(found), () => columnLines(found, output.columns))
    return
  }
  for (const [i, found] of table.metadata.schemas.entries()) {
    const isCurrent = found.schemaId === table.metadata.currentSchemaId
    const title = `schema ${found.schemaId}${isCurrent ? ', the current one' : ''}:`
    await output.result(printSchema(found), () => [
      ...(i === 0 ? [] : ['']),
      title,
      ...columnLines(found, output.columns),
    ])
  }
}

/** Old snapshots of version 1 do not say which was theirs. */
function schemaAsOf({ metadata, schema: current }: ReadableTable, asOf: string): Schema {
  const { schemaId } = resolveAsOf(metadata, asOf)
  return schemaId === undefined ? current : schemaById(metadata, schemaId)
}
