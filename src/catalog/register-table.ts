/**
 * Gives a name to a table that another catalog, or none, made: its metadata file becomes the state of a new pointer.
 * From then on only this catalog may commit to it. Uuid and location are claimed first, so that no two names stand for
 * one table: they would collect each other's files.
 */
import {
  AlreadyExistsError,
  CommitFailedError,
  CommitStateUnknownError,
  InvalidDataError,
  NoSuchNamespaceError,
  UnsupportedError,
  ValidationError,
} from '../base/errors.ts'
import { canonicalLocation, lastSegment, parentLocation, storeKindOf } from '../io/location.ts'
import { samePlace } from '../io/relocating.ts'
import { isMetadataFile } from '../manifest/find-metadata-file.ts'
import { readTableMetadata } from '../manifest/metadata-file.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { DATA_LOCATION } from '../spec/properties.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { HOLLOW, firstPointer } from './create-pointer.ts'
import { confirmName, freeName } from './name-claims.ts'
import { nameTaken, outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import type { ObjectBase } from './object-operations.ts'
import { PointerStore } from './pointer-store.ts'
import { RegistrationClaims } from './registration-claims.ts'

export interface Registrable {
  readonly identifier: TableIdentifier
  readonly metadata: TableMetadata
  readonly metadataLocation: string
}

const MAX_TRIES = 20
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

/**
 * Reads the metadata file and checks that this catalog could commit to its table. Errors: NotFoundError,
 * InvalidDataError, ValidationError and UnsupportedError saying why not, AlreadyExistsError for tables of the warehouse.
 */
export async function readRegistrable(
  env: CatalogEnvironment,
  request: Omit<Registrable, 'metadata'>,
  signal?: AbortSignal,
): Promise<Registrable> {
  const { metadataLocation } = request
  if (!isMetadataFile(metadataLocation)) {
    throw new ValidationError(`give the location of a metadata file, not of a folder: ${metadataLocation}`, {
      context: { location: metadataLocation },
    })
  }
  checkReachable(env, metadataLocation)
  const metadata = await readTableMetadata(env.io, metadataLocation, { signal })
  if (!UUID.test(metadata.tableUuid)) {
    const found = metadata.tableUuid === '' ? 'none' : JSON.stringify(metadata.tableUuid)
    throw new InvalidDataError(
      `${metadataLocation}: a table needs a uuid to be registered, and this one has ${found}: upgrade it with the engine that writes it`,
      { context: { location: metadataLocation } },
    )
  }
  checkInPlace(metadata, metadataLocation)
  for (const place of placesOf(metadata)) {
    checkReachable(env, place)
    checkForeign(env, place)
  }
  await checkUuidIsForeign(env, metadata.tableUuid.toLowerCase(), signal)
  return { ...request, metadata }
}

/** Tries again where the free name moved on: a dead registration of the same name is ended by moving it. */
export async function registerPointer(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  registrable: Registrable,
): Promise<ObjectBase> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const base = await tryRegister(env, namespaces, registrable)
    if (base !== undefined) return base
  }
  const table = printIdentifier(registrable.identifier)
  throw new CommitFailedError(`other registrations of ${table} came before this one: try again`, { context: { table } })
}

async function tryRegister(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, metadata, metadataLocation }: Registrable,
): Promise<ObjectBase | undefined> {
  const { tableUuid: uuid } = metadata
  const free = await freeName(env, namespaces, { identifier })
  const { location, base } = free
  const commitId = env.runtime.uuid()
  const next = firstPointer(env, { kind: 'table', uuid, commitId, metadataLocation }, free, versionOf(metadataLocation))
  const claims = new RegistrationClaims(env)
  const place = { uuid, location: metadata.location, metadataLocation }
  await claims.take({ identifier, nsGeneration: free.generation, baseU: base?.body.u, ...place })
  try {
    // The claims name this base: on another one the write would not be theirs, so a conflict is final.
    const outcome = await new PointerStore(env).swap({ location, base, next, writesMetadata: false })
    if (outcome.kind === 'unknown') throw registerUnknown(identifier, outcome.cause)
    if (outcome.kind === 'conflict') {
      if (outcome.held?.body.state === 'live') throw nameTaken(identifier, outcome.held.body)
      await claims.release()
      return undefined
    }
    await confirmed(confirmName(env, namespaces, { ...free, mine: next, grave: HOLLOW }), identifier)
    const outrun = outcome.held.body.u !== next.u
    return { metadata, metadataLocation, manifests: undefined, held: outcome.held, confirmed: true, outrun }
  } catch (error) {
    if (!(error instanceof CommitStateUnknownError)) await claims.release()
    throw error
  }
}

/** The pointer stands: whatever keeps it from being confirmed, other than a namespace that is gone, leaves that open. */
async function confirmed(confirming: Promise<void>, identifier: TableIdentifier): Promise<void> {
  try {
    await confirming
  } catch (error) {
    const isDefinite = error instanceof NoSuchNamespaceError || error instanceof CommitStateUnknownError
    throw isDefinite ? error : registerUnknown(identifier, error)
  }
}

/** Where commits write files. */
function placesOf(metadata: TableMetadata): readonly string[] {
  const { location, properties } = metadata
  return [location, metadataFolder(metadata), properties[DATA_LOCATION] ?? location]
}

function checkReachable({ io, keys }: CatalogEnvironment, location: string): void {
  if (/^[a-z][a-z0-9+.-]*:/i.test(location) && storeKindOf(location) === io.kind) return
  throw new UnsupportedError(
    `${location} cannot be reached from the warehouse ${keys.warehouse}: a table is registered in a catalog of its own store`,
    { context: { location, warehouse: keys.warehouse } },
  )
}

/** Commits write where the metadata says: a copy would go on in the original's folder, or nowhere. */
function checkInPlace(metadata: TableMetadata, metadataLocation: string): void {
  const recorded = metadataFolder(metadata)
  if (samePlace(recorded, parentLocation(metadataLocation))) return
  throw new ValidationError(
    `${metadataLocation} lies outside of ${recorded}, where its table keeps metadata: a copied table can be read in place, but not registered`,
    { context: { location: metadataLocation, recorded } },
  )
}

/** Tables that this warehouse made lie in folders named by their uuids, and stay theirs when they are dropped. */
function checkForeign({ keys }: CatalogEnvironment, location: string): void {
  const [warehouse, place] = [canonicalLocation(keys.warehouse), canonicalLocation(location)]
  const context = { location, warehouse: keys.warehouse }
  if (warehouse === place || warehouse.startsWith(`${place}/`)) {
    throw new ValidationError(`the table's files would lie around the warehouse ${keys.warehouse}: ${location}`, {
      context,
    })
  }
  const [folder = ''] = place.startsWith(`${warehouse}/`) ? place.slice(warehouse.length + 1).split('/') : []
  if (folder !== '_catalog' && !UUID.test(folder)) return
  throw new AlreadyExistsError(`${location} belongs to a table of this warehouse, live or dropped: it has its name`, {
    context,
  })
}

async function checkUuidIsForeign(
  { io, keys }: CatalogEnvironment,
  uuid: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for await (const { entries } of io.list(`${keys.tableLocation(uuid)}/`, { signal })) {
    if (entries.length === 0) continue
    throw new AlreadyExistsError(`the table's uuid ${uuid} is that of a table of this warehouse, live or dropped`, {
      context: { uuid },
    })
  }
}

/** Metadata files count on from the one registered, so that the highest version is the newest for all who look. */
function versionOf(metadataLocation: string): number {
  return Number(/^v?(\d{1,9})[-.]/.exec(lastSegment(metadataLocation))?.[1] ?? 0)
}

function registerUnknown(identifier: TableIdentifier, cause: unknown): CommitStateUnknownError {
  return outcomeUnknown(`${printIdentifier(identifier)} was registered`, cause)
}
