import { contents } from '../table-contents.ts'
import type { CommandContext } from '../command.ts'
import { onDropped } from '../not-dropped.ts'

export async function undrop(context: CommandContext): Promise<void> {
  const { name, options, output, host } = context
  const request = { uuid: options.string('uuid'), to: options.string('to'), signal: host.signal }
  const catalog = await context.catalog()
  const table = await onDropped(context, () => catalog.undropTable(name, request))
  await output.result({ identifier: table.name, uuid: table.metadata.tableUuid }, () => [
    `${table.name} is back: ${contents(table.currentSnapshot)}`,
  ])
}
