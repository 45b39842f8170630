/** What the commits of one table and of several do alike before and after their pointers move. */
import { SessionExpiredError } from '../base/errors.ts'
import { joinLocation, lastSegment } from '../io/location.ts'
import { encodeByProperty, metadataFileName } from '../manifest/metadata-file.ts'
import { applyTableUpdates } from '../spec/apply-table-updates.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { TableUpdate } from '../spec/table-update.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import type { TableBase } from '../transaction/operations.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import type { PointerBody } from './pointer.ts'

/** Files of a session that began before the fence may be gone (commit-protocol, "A commit" 2). */
export function checkSession(
  { cas }: CatalogEnvironment,
  { name, pointer, sessionStartMs }: { name: string; pointer: PointerBody; sessionStartMs: number | undefined },
): void {
  if (sessionStartMs === undefined || sessionStartMs - cas.epsilonMs > pointer.gcHorizonMs) return
  throw new SessionExpiredError(
    `the files of this commit to ${name} were uploaded so long ago that orphan removal may have taken them: write them again`,
    { context: { table: name }, notAfterMs: pointer.gcHorizonMs + cas.epsilonMs },
  )
}

/** The metadata file that a pointer of version `v` will name. */
export async function nextMetadata(
  { io }: CatalogEnvironment,
  base: TableBase,
  { updates, commitId, v }: { updates: readonly TableUpdate[]; commitId: string; v: number },
): Promise<{ metadata: TableMetadata; location: string; bytes: Uint8Array }> {
  const nowMs = await io.storeTimeMs()
  const metadata = applyTableUpdates(base.metadata, updates, { nowMs, baseMetadataLocation: base.metadataLocation })
  // Engines that open a folder by its path look for the name of a plain file.
  const { bytes, gzip } = encodeByProperty(metadata, { gzipLarge: io.kind !== 'local' })
  const location = joinLocation(metadataFolder(metadata), metadataFileName(v, commitId, gzip))
  return { metadata, location, bytes }
}

/** For engines that open a folder by its path. Nothing of ours reads it, so a failure to write it loses nothing. */
export async function writeVersionHint(
  { io, reporter }: CatalogEnvironment,
  { name, metadata, metadataLocation }: { name: string; metadata: TableMetadata; metadataLocation: string },
): Promise<void> {
  if (io.kind !== 'local') return
  const version = lastSegment(metadataLocation).replace(/(\.gz)?\.metadata\.json$/, '')
  const hint = joinLocation(metadataFolder(metadata), 'version-hint.text')
  await io.write(hint, new TextEncoder().encode(version)).catch((cause: unknown) => {
    reporter?.({ type: 'hint-failed', table: name, location: hint, cause })
  })
}

/** Waits for all, whatever fails, so that nothing is still being written when files are cleaned up. */
export async function allSettled(promises: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(promises)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
