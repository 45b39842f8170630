import type { CommandContext } from '../command.ts'
import { formatCount } from '../output.ts'
import { loadTable, scanOptions } from '../table-options.ts'

export async function count(context: CommandContext): Promise<void> {
  const request = scanOptions(context)
  const table = await loadTable(context)
  const rows = await table.scan(request).count()
  await context.output.result({ count: rows }, () => [formatCount(rows)])
}
