import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ValidationError } from '../../base/errors.ts'
import { mapLocalErrors } from '../../io/local-errors.ts'
import type { SchemaInput } from '../../spec/define-schema.ts'
import type { CommandContext } from '../command.ts'
import { schemaOption, tableLayout } from '../table-options.ts'
import { parseSchemaText } from '../terms.ts'

export async function create(context: CommandContext): Promise<void> {
  const { name, options, catalog, output, host } = context
  const layout = tableLayout(options, await readSchema(context))
  const table = await (await catalog()).createTable(name, { ...layout, signal: host.signal })
  const { location, metadata } = table
  const json = { identifier: table.name, uuid: metadata.tableUuid, location }
  await output.result(json, () => [`created ${table.name} at ${location}`])
}

async function readSchema({ options, host }: CommandContext): Promise<SchemaInput> {
  const given = schemaOption(options)
  const file = options.string('schema-file')
  if (given !== undefined && file === undefined) return given
  if (given !== undefined || file === undefined)
    throw new ValidationError('give the columns by either --schema or --schema-file')
  const path = resolve(host.cwd, file)
  return parseSchemaText(await mapLocalErrors(path, () => readFile(path, 'utf8')), path)
}
