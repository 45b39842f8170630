import type { CommandContext } from '../command.ts'
import { confirmPurge } from './purge.ts'

export async function drop({ name, options, catalog, output, host }: CommandContext): Promise<void> {
  const purge = options.flag('purge')
  if (purge) confirmPurge(options, name)
  await (await catalog()).dropTable(name, { purge, signal: host.signal })
  await output.result({ identifier: name, dropped: true, ...(purge && { purged: true }) }, () => [
    purge ? `dropped ${name} and deleted its files` : `dropped ${name}; its files are kept: firn undrop brings it back`,
  ])
}
