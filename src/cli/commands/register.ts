import { toLocation } from '../../io/location.ts'
import type { CommandContext } from '../command.ts'
import { contents } from '../table-contents.ts'

export async function register({ name, options, catalog, output, host }: CommandContext): Promise<void> {
  const location = toLocation(options.args[1] ?? '', host.cwd)
  const table = await (await catalog()).registerTable(name, location, { signal: host.signal })
  const { metadata, metadataLocation, currentSnapshot } = table
  const json = {
    identifier: table.name,
    uuid: metadata.tableUuid,
    location: table.location,
    metadataLocation,
    formatVersion: metadata.formatVersion,
    currentSnapshotId: metadata.currentSnapshotId ?? null,
  }
  await output.result(json, () => [
    `registered ${table.name}: ${contents(currentSnapshot)}`,
    'from now on only this warehouse may commit to it',
  ])
}
