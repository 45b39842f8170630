import type { CommandContext } from '../command.ts'
import { loadRows } from '../load-rows.ts'

export async function append(context: CommandContext): Promise<void> {
  const [, ...files] = context.options.args
  await loadRows(context, { files: files.length > 0 ? files : ['-'], create: context.options.flag('create') })
}
