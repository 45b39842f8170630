import type { CommandContext } from '../command.ts'

export async function deregister({ name, options, catalog, output, host }: CommandContext): Promise<void> {
  const request = { dropped: options.flag('dropped'), uuid: options.string('uuid'), signal: host.signal }
  const metadataLocation = await (await catalog()).deregisterTable(name, request)
  await output.result({ identifier: name, deregistered: true, metadataLocation }, () => [
    `deregistered ${name}; its files are kept, and this is where it stood:`,
    metadataLocation,
  ])
}
