import type { CommandContext } from '../command.ts'

export async function rename({ name, options, catalog, output, host }: CommandContext): Promise<void> {
  const [, to = ''] = options.args
  await (await catalog()).renameTable(name, to, { signal: host.signal })
  await output.result({ from: name, to }, () => [`renamed ${name} to ${to}`])
}
