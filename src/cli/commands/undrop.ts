import { contents } from '../table-contents.ts'
import type { CommandContext } from '../command.ts'

export async function undrop({ name, options, catalog, output, host }: CommandContext): Promise<void> {
  const request = { uuid: options.string('uuid'), to: options.string('to'), signal: host.signal }
  const table = await (await catalog()).undropTable(name, request)
  await output.result({ identifier: table.name, uuid: table.metadata.tableUuid }, () => [
    `${table.name} is back: ${contents(table.currentSnapshot)}`,
  ])
}
