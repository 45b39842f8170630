import { toLocation } from '../../io/location.ts'
import { ValidationError } from '../../base/errors.ts'
import { openFileIO } from '../../io/open-file-io.ts'
import { findMetadataFile, isMetadataFile } from '../../manifest/find-metadata-file.ts'
import type { CommandContext } from '../command.ts'
import { contents } from '../table-contents.ts'

export async function register(context: CommandContext): Promise<void> {
  const { name, options, catalog, output, host } = context
  const location = toLocation(options.args[1] ?? '', host.cwd)
  if (!isMetadataFile(location)) throw await notAFolder(context, location)
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

/** Registering is for good: which state of the table it is to be, is said and not guessed. */
async function notAFolder(
  { storeOptions, closeAtEnd, host }: CommandContext,
  location: string,
): Promise<ValidationError> {
  const io = openFileIO(location, { ...(await storeOptions(location)), cacheSizeBytes: 0 })
  closeAtEnd(io)
  const newest = await findMetadataFile(io, location, { signal: host.signal }).catch(() => undefined)
  const found = newest === undefined ? location : `the newest in ${location} is ${newest}`
  return new ValidationError(`give the location of a metadata file, not of a folder: ${found}`, {
    context: { location },
  })
}
