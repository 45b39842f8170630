/** Finds the newest metadata file in the folder of a table that no catalog is asked for. */
import { NotFoundError } from '../base/errors.ts'
import { joinLocation, lastSegment } from '../io/location.ts'
import type { FileIO, IoOptions, ListEntry } from '../io/file-io.ts'

/** `v3.metadata.json`, `00003-….gz.metadata.json`, `v3.metadata.json.gz` … */
const METADATA_FILE = /^(?:v(\d+)|(\d+)-.*)\.(?:gz\.metadata\.json|metadata\.json(?:\.gz)?)$/
const MAX_HINT_BYTES = 1024
const SUFFIXES = ['.metadata.json', '.gz.metadata.json', '.metadata.json.gz']

/** Whether a location is that of a file, by its name: folders of tables don't end so. */
export function isMetadataFile(location: string): boolean {
  return /\.json(?:\.gz)?$/i.test(location)
}

/**
 * The file that `version-hint.text` names, which engines without a catalog go by; where there is no hint, or it names
 * nothing, the highest version, of equal ones the last written. NotFoundError where there is none.
 */
export async function findMetadataFile(io: FileIO, tableLocation: string, options: IoOptions = {}): Promise<string> {
  const folder = joinLocation(tableLocation, 'metadata')
  const itself = lastSegment(tableLocation) === 'metadata' ? [tableLocation] : []
  for (const candidate of [folder, ...itself]) {
    const found = (await hintedFile(io, candidate, options)) ?? (await highestVersion(io, candidate, options))
    if (found !== undefined) return found
  }
  throw new NotFoundError(
    `no table at ${tableLocation}: there is no metadata file in ${folder}; give the location of one, or a table's name`,
    { context: { location: tableLocation } },
  )
}

async function hintedFile(io: FileIO, folder: string, options: IoOptions): Promise<string | undefined> {
  const hint = await unlessMissing(io.read(joinLocation(folder, 'version-hint.text'), options))
  const text = new TextDecoder().decode(hint?.bytes.subarray(0, MAX_HINT_BYTES)).trim()
  // A hint is one name: anything else could point out of the folder.
  if (!/^[\w.-]+$/.test(text)) return undefined
  const stem = /^\d+$/.test(text) ? `v${text}` : text.replace(/(?:\.gz)?\.metadata\.json(?:\.gz)?$/, '')
  for (const suffix of SUFFIXES) {
    const location = joinLocation(folder, `${stem}${suffix}`)
    if ((await unlessMissing(io.stat(location, options))) !== undefined) return location
  }
  return undefined
}

async function highestVersion(io: FileIO, folder: string, options: IoOptions): Promise<string | undefined> {
  let newest: ListEntry | undefined
  for await (const { entries } of io.list(`${folder}/`, options)) {
    for (const entry of entries) {
      if (versionOf(entry.location) >= 0 && (newest === undefined || isNewer(entry, newest))) newest = entry
    }
  }
  return newest?.location
}

function isNewer(a: ListEntry, b: ListEntry): boolean {
  const [left, right] = [versionOf(a.location), versionOf(b.location)]
  return left === right ? a.lastModifiedMs > b.lastModifiedMs : left > right
}

/** −1 for what is no metadata file. */
function versionOf(location: string): number {
  const [, hadoop, catalog] = METADATA_FILE.exec(lastSegment(location)) ?? []
  return Number(hadoop ?? catalog ?? -1)
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}
