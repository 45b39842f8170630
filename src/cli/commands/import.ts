import type { CommandContext } from '../command.ts'
import { loadRows } from '../load-rows.ts'

export async function importFiles(context: CommandContext): Promise<void> {
  await loadRows(context, { files: context.options.args.slice(1), create: true })
}
