/**
 * Deletes the files of a dropped table for good. The tombstone goes to `purging` first, which excludes undrop, and stays:
 * a name that existed is never free for a create-only write again.
 */
import { NotFoundError, UnsupportedError } from '../base/errors.ts'
import { readTableMetadata } from '../manifest/metadata-file.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { DATA_LOCATION, METADATA_LOCATION } from '../spec/properties.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { findDropped, isPurgeable } from './dropped-names.ts'
import { outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { freeOwnership } from './ownership.ts'
import { PointerStore } from './pointer-store.ts'
import { nextPointer } from './pointer.ts'
import type { PointerBody, PointerKind } from './pointer.ts'

export interface PurgeRequest {
  readonly identifier: TableIdentifier
  readonly kind: PointerKind
  /** Which of several tables dropped under the name; the newest by default. */
  readonly uuid?: string | undefined
  readonly commitId: string
  readonly signal?: AbortSignal | undefined
}

/** Safe to run again after a crash. Errors: NoSuchTableError, UnsupportedError, CommitStateUnknownError. */
export async function purgeName(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  request: PurgeRequest,
): Promise<void> {
  const { identifier, commitId, signal } = request
  for (;;) {
    const { location, held } = await findDropped(env, namespaces, { ...request, wanted: isPurgeable })
    await checkOwnFiles(env, identifier, held)
    if (held.body.state !== 'purging') {
      const next = nextPointer(held.body, { state: 'purging' }, { commitId, u: env.runtime.uuid() })
      const outcome = await new PointerStore(env).swap({ location, base: held, next, writesMetadata: false })
      if (outcome.kind === 'unknown') throw outcomeUnknown(`${printIdentifier(identifier)} was purged`, outcome.cause)
      if (outcome.kind === 'conflict') continue
    }
    const files = env.io.list(`${env.keys.tableLocation(held.body.uuid)}/`, { signal })
    for await (const page of files) {
      if (page.entries.length > 0)
        await env.io.delete(
          page.entries.map((entry) => entry.location),
          { signal },
        )
    }
    await freeOwnership(env, held.body.uuid)
    return
  }
}

/** Only the folder that is named by the table's uuid is surely nobody else's. */
async function checkOwnFiles(
  { io, keys }: CatalogEnvironment,
  identifier: TableIdentifier,
  { body }: Held<PointerBody>,
): Promise<void> {
  if (body.kind !== 'table' || body.state === 'purging' || body.metadataLocation === undefined) return
  const own = keys.tableLocation(body.uuid)
  const metadata = await readTableMetadata(io, body.metadataLocation).catch((error: unknown) => {
    if (error instanceof NotFoundError) return undefined
    throw error
  })
  if (metadata === undefined) return
  const { location, properties } = metadata
  const places = [location, properties[DATA_LOCATION], properties[METADATA_LOCATION]]
  const foreign = places.find((place) => place !== undefined && place !== own && !place.startsWith(`${own}/`))
  if (foreign === undefined) return
  const name = printIdentifier(identifier)
  throw new UnsupportedError(
    `${name} has files at ${foreign}, which may not be its alone: nothing was deleted; deregister it and delete them yourself`,
    { context: { table: name, location: foreign } },
  )
}
