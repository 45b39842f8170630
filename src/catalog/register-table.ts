/**
 * Gives a name to a table that another catalog, or none, made: its metadata file becomes the state of a new pointer.
 * From then on only this catalog may commit to it. Uuid and location become its own in the same transaction, so that no
 * two names stand for one table or for tables within each other: they would collect each other's files.
 */
import { AlreadyExistsError, InvalidDataError, UnsupportedError, ValidationError } from '../base/errors.ts'
import { isUuid } from '../base/uuid.ts'
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
import { firstContent } from './create-pointer.ts'
import { freeName } from './name-claims.ts'
import { lostRace, outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { checkUuidIsForeign, freeOwns, isApart, ownKeys, takenBy, wasGivenUp } from './ownership.ts'
import { PointerStore } from './pointer-store.ts'
import { transact } from './transact.ts'

export interface Registrable {
  readonly identifier: TableIdentifier
  readonly metadata: TableMetadata
  readonly metadataLocation: string
}

export interface RegisterRequest extends Registrable {
  readonly commitId: string
  readonly signal?: AbortSignal | undefined
}

const MAX_TRIES = 20
const MAX_WAIT_MS = 2_000

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
  if (!isUuid(metadata.tableUuid.toLowerCase())) {
    const found = metadata.tableUuid === '' ? 'none' : JSON.stringify(metadata.tableUuid)
    throw new InvalidDataError(
      `${metadataLocation}: a table needs a uuid to be registered, and this one has ${found}: upgrade it with the engine that writes it`,
      { context: { location: metadataLocation } },
    )
  }
  checkInPlace(metadata, metadataLocation)
  const uuid = metadata.tableUuid.toLowerCase()
  const isGivenUp = wasGivenUp((await new PointerStore(env).view(env.keys.own(uuid), signal))?.visible)
  for (const place of placesOf(metadata)) {
    checkReachable(env, place)
    checkForeign(env, place, isGivenUp ? uuid : undefined)
  }
  if (!isGivenUp) await checkUuidIsForeign(env, uuid, signal)
  return { ...request, metadata }
}

/**
 * One transaction over the uuid, the location and the name: the table is this warehouse's under that name, or nothing
 * happened. Errors: AlreadyExistsError, NoSuchNamespaceError, CommitFailedError, CommitStateUnknownError.
 */
export async function registerPointer(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, metadata, metadataLocation, commitId, signal }: RegisterRequest,
): Promise<void> {
  const { runtime } = env
  const { tableUuid: uuid, location } = metadata
  const places = placesOf(metadata)
  const keys = ownKeys(env, uuid, location)
  const description = `${printIdentifier(identifier)} was registered`
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    signal?.throwIfAborted()
    const place = await freeName(env, namespaces, { identifier, signal })
    const owns = await freeOwns(env, keys)
    const owned = { identifier, nsGeneration: place.generation, uuid, places, metadataLocation }
    const gcHorizonMs = Math.max(...owns.map(({ held }) => held?.body.gcHorizonMs ?? 0))
    const next = { ...firstContent(env, { kind: 'table', uuid, metadataLocation }, place), gcHorizonMs }
    const outcome = await transact(env, {
      commitId,
      moves: true,
      leastV: versionOf(metadataLocation),
      participants: [
        ...owns.map(({ location: key, held }) => ({ location: key, base: held, next: takenBy(env, owned) })),
        { location: place.location, base: place.base, next },
      ],
      ready: async () =>
        (await isApart(env, places, keys)) &&
        (await namespaces.liveGeneration(identifier.namespace)) === place.generation,
    })
    if (outcome.kind === 'committed') return
    if (outcome.kind === 'unknown') throw outcomeUnknown(description, outcome.cause)
    await runtime.sleep(runtime.random() * Math.min(MAX_WAIT_MS, 20 * 2 ** attempt), signal)
  }
  throw lostRace(description)
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

/**
 * Tables that this warehouse made lie in folders named by their uuids, and stay theirs when they are dropped, until they
 * are given up: then `free` is the folder.
 */
function checkForeign({ keys }: CatalogEnvironment, location: string, free: string | undefined): void {
  const [warehouse, place] = [canonicalLocation(keys.warehouse), canonicalLocation(location)]
  const context = { location, warehouse: keys.warehouse }
  if (warehouse === place || warehouse.startsWith(`${place}/`)) {
    throw new ValidationError(`the table's files would lie around the warehouse ${keys.warehouse}: ${location}`, {
      context,
    })
  }
  const [folder = ''] = place.startsWith(`${warehouse}/`) ? place.slice(warehouse.length + 1).split('/') : []
  if (folder !== '_catalog' && (!isUuid(folder.toLowerCase()) || folder === free)) return
  throw new AlreadyExistsError(`${location} belongs to a table of this warehouse, live or dropped: it has its name`, {
    context,
  })
}

/** Metadata files count on from the one registered, so that the highest version is the newest for all who look. */
function versionOf(metadataLocation: string): number {
  return Number(/^v?(\d{1,9})[-.]/.exec(lastSegment(metadataLocation))?.[1] ?? 0)
}
