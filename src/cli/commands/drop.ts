import type { CommandContext } from '../command.ts'

export async function drop({ name, catalog, output }: CommandContext): Promise<void> {
  await (await catalog()).dropTable(name)
  await output.result({ identifier: name, dropped: true }, () => [`dropped ${name}; its files are kept`])
}
