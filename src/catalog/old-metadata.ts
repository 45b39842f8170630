/**
 * Metadata files that have fallen out of the metadata log are deleted where the table asks for it
 * (`write.metadata.delete-after-commit.enabled`), but not while a reader may be on its way from the pointer to one of
 * them. Who commits deletes what fell out with its own commits; what a process leaves when it ends is orphan removal's.
 */
import { lastSegment } from '../io/location.ts'
import type { FileIO } from '../io/file-io.ts'
import { METADATA_DELETE_AFTER_COMMIT, booleanProperty } from '../spec/properties.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { deleteQuietly } from '../transaction/commit.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'

/** How long a metadata file stays after a later one took its place, in milliseconds of store time. */
export const READER_GRACE_MS = 600_000
/** Requests to delete are at least this far apart, so that a busy table's commits seldom wait for one. */
const PAUSE_MS = 1_000

export interface FallenMetadata {
  readonly location: string
  /** Store time from which nobody can be on the way to it. */
  readonly dueMs: number
}

/**
 * What falls out of the log as `after` follows `before`: nothing unless the table asks for its deletion. Only metadata
 * files in the table's own folders count: a registered table's log may name files that belong to others.
 * Errors: ValidationError for a property that can't be read.
 */
export function fallenOut(before: TableMetadata, after: TableMetadata): readonly FallenMetadata[] {
  if (!booleanProperty(after.properties, METADATA_DELETE_AFTER_COMMIT, false)) return []
  const kept = new Set(after.metadataLog.map((entry) => entry.metadataFile))
  const folders = [after.location, metadataFolder(after)].map((folder) => `${folder.replace(/\/+$/, '')}/`)
  const times = [...before.metadataLog.map((entry) => entry.timestampMs), before.lastUpdatedMs, after.lastUpdatedMs]
  return before.metadataLog.flatMap(({ metadataFile: location }, i) => {
    const isOwn = /\.metadata\.json(\.gz)?$/.test(lastSegment(location)) && folders.some((f) => location.startsWith(f))
    if (!isOwn || kept.has(location)) return []
    // A time tells when a file was staged, not when the pointer came to name it; but the one after it was staged later than that.
    const replacedMs = times[i + 2] ?? after.lastUpdatedMs
    return [{ location, dueMs: replacedMs + READER_GRACE_MS }]
  })
}

/** What waits for its time, of all tables of one store: handles come and go, often one a commit. */
class Waiting {
  fallen: FallenMetadata[] = []
  lastMs = -Infinity
}
const waitingOf = new WeakMap<FileIO, Waiting>()

/** Called when a commit has landed: remembers what fell out with it, and deletes what is due. Never fails the commit. */
export async function deleteFallen(
  env: Pick<CatalogEnvironment, 'io' | 'runtime' | 'reporter'>,
  name: string,
  fallen: readonly FallenMetadata[],
): Promise<void> {
  const waiting = waitingOf.get(env.io) ?? new Waiting()
  waitingOf.set(env.io, waiting)
  waiting.fallen.push(...fallen)
  const monotonicMs = env.runtime.monotonicMs()
  if (waiting.fallen.length === 0 || monotonicMs - waiting.lastMs < PAUSE_MS) return
  const nowMs = await env.io.storeTimeMs().catch(() => -Infinity)
  const due = waiting.fallen.filter(({ dueMs }) => dueMs <= nowMs)
  if (due.length === 0) return
  waiting.lastMs = monotonicMs
  waiting.fallen = waiting.fallen.filter(({ dueMs }) => dueMs > nowMs)
  await deleteQuietly(
    { ...env, name },
    due.map(({ location }) => location),
  )
}
