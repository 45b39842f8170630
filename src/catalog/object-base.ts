/** Bases of commits in an object catalog: what a pointer names, with the pointer. Reads, and writes nothing. */
import { InvalidDataError } from '../base/errors.ts'
import { readManifestListFile } from '../manifest/manifest-io.ts'
import { readTableMetadata } from '../manifest/metadata-file.ts'
import type { ManifestFile } from '../spec/data-file.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { shareMetadata } from '../spec/share-metadata.ts'
import { currentSnapshot } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { RefreshOptions, TableBase } from '../transaction/operations.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { noSuch } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { PointerStore } from './pointer-store.ts'
import type { PointerView } from './pointer-store.ts'
import type { PointerBody, PointerKind } from './pointer.ts'

/** A base with the pointer it was read from. */
export interface ObjectBase extends TableBase {
  readonly held: Held<PointerBody>
  /** Whether the namespace was seen live after the pointer was read: what a write needs, a reader doesn't. */
  readonly confirmed: boolean
  /** Others have gone on from it, or a transaction waits on it: a commit must settle and read the table again first. */
  readonly outrun: boolean
}

export interface ReadRequest extends RefreshOptions {
  /** A base already in memory: spares the metadata read where the pointer still names it. */
  readonly known?: ObjectBase | undefined
}

export interface LoadRequest extends ReadRequest {
  readonly identifier: TableIdentifier
}

/** Reads pointer and metadata, and writes nothing. */
export async function loadBase(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, ...request }: LoadRequest,
): Promise<ObjectBase> {
  const view = await viewLive(env, namespaces, { identifier, kind: 'table', signal: request.signal })
  return baseOf(env, view, request)
}

/** A reader may use a cached generation, but a miss makes it read the namespace again. Errors: NoSuchTableError. */
export async function viewLive(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, kind, signal }: { identifier: TableIdentifier; kind: PointerKind; signal?: AbortSignal | undefined },
): Promise<PointerView> {
  const pointers = new PointerStore(env)
  const cached = await namespaces.cachedGeneration(identifier.namespace, signal)
  let view = await pointers.view(env.keys.pointer(identifier, cached), signal)
  if (view?.visible.state !== 'live') {
    const { generation } = await namespaces.load(identifier.namespace, signal)
    if (generation !== cached) view = await pointers.view(env.keys.pointer(identifier, generation), signal)
  }
  if (view?.visible.state === 'live' && view.visible.kind === kind) return view
  throw noSuch(env, { identifier, kind, body: view?.visible })
}

/** The table that a pointer names. */
export async function baseOf(
  env: CatalogEnvironment,
  { held, visible }: PointerView,
  { known, signal, withManifests = false }: ReadRequest = {},
): Promise<ObjectBase> {
  const location = visible.metadataLocation ?? ''
  // An intent stands in the way of a commit: it has to be settled first.
  const state = { held: { ...held, body: visible }, confirmed: false, outrun: held.body.txn !== undefined }
  if (known?.metadataLocation === location) return { ...known, ...state }
  const { manifestList: hint } = visible
  const reading = withManifests && hint !== undefined ? readHinted(env.io, hint, { known, signal }) : undefined
  const fresh = await readTableMetadata(env.io, location, { signal })
  if (fresh.tableUuid !== visible.uuid) throw wrongTable(location, fresh.tableUuid)
  const metadata = known === undefined ? fresh : shareMetadata(fresh, known.metadata)
  const hinted = currentSnapshot(metadata)?.manifestList === hint ? await reading : undefined
  const manifests = carriedManifests(known, metadata) ?? hinted
  return { metadata, metadataLocation: location, manifests, ...state }
}

/** A commit that made no snapshot leaves the manifests as they were. */
function carriedManifests(known: ObjectBase | undefined, metadata: TableMetadata): readonly ManifestFile[] | undefined {
  const unchanged = known !== undefined && known.metadata.currentSnapshotId === metadata.currentSnapshotId
  return unchanged ? known.manifests : undefined
}

/** The list that the pointer tells of; undefined where it can't be read. Those known already stay the same objects. */
async function readHinted(
  io: CatalogEnvironment['io'],
  list: string,
  { known, signal }: ReadRequest,
): Promise<readonly ManifestFile[] | undefined> {
  const manifests = await readManifestListFile(io, list, { signal }).catch(() => undefined)
  const earlier = new Map(known?.manifests?.map((manifest) => [manifest.manifestPath, manifest]))
  return manifests?.map((manifest) => {
    const other = earlier.get(manifest.manifestPath)
    return other?.sequenceNumber === manifest.sequenceNumber ? other : manifest
  })
}

function wrongTable(location: string, uuid: string): InvalidDataError {
  return new InvalidDataError(`the pointer names the metadata of another table: ${location}`, {
    context: { location, uuid },
  })
}
