/**
 * Takes a table out of the catalog and leaves all its files: name, uuid and location are free again in one transaction,
 * so that another catalog, or this one, can register it by its newest metadata file.
 */
import { NoSuchTableError, UnsupportedError } from '../base/errors.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { findDropped, isRestorable } from './dropped-names.ts'
import { liveName } from './name-claims.ts'
import { lostRace, outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { ownKeys, takenBy } from './ownership.ts'
import { PointerStore } from './pointer-store.ts'
import { contentOf } from './pointer.ts'
import type { PointerBody } from './pointer.ts'
import { transact } from './transact.ts'
import type { Participant } from './transact.ts'

const ATTEMPTS = 20
const MAX_WAIT_MS = 2_000

export interface DeregisterRequest {
  readonly identifier: TableIdentifier
  /** One that was dropped under the name, the newest, or the one of `uuid`; else the live one. */
  readonly dropped: boolean
  readonly uuid?: string | undefined
  readonly commitId: string
  readonly signal?: AbortSignal | undefined
}

/**
 * The location of the table's newest metadata file. Errors: NoSuchTableError, NoSuchNamespaceError, CommitFailedError,
 * CommitStateUnknownError.
 */
export async function deregisterTable(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  request: DeregisterRequest,
): Promise<string> {
  const { identifier, commitId, signal } = request
  const { runtime } = env
  const name = printIdentifier(identifier)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    signal?.throwIfAborted()
    const from = await find(env, namespaces, request)
    const { metadataLocation } = from.held.body
    if (metadataLocation === undefined) {
      throw new UnsupportedError(`${name} has no metadata file to leave: drop it`, { context: { table: name } })
    }
    const outcome = await transact(env, {
      commitId,
      moves: true,
      participants: [await leaving(env, from), ...(await givingUp(env, from.held.body, metadataLocation))],
      ready: () => Promise.resolve(true),
    })
    if (outcome.kind === 'committed') return metadataLocation
    if (outcome.kind === 'unknown') throw outcomeUnknown(`${name} was deregistered`, outcome.cause)
    await runtime.sleep(runtime.random() * Math.min(MAX_WAIT_MS, 20 * 2 ** attempt), signal)
  }
  throw lostRace(`${name} was deregistered`)
}

interface Source {
  readonly location: string
  readonly held: Held<PointerBody>
}

async function find(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, dropped, uuid, signal }: DeregisterRequest,
): Promise<Source> {
  const kind = 'table'
  if (dropped) return findDropped(env, namespaces, { identifier, kind, uuid, wanted: isRestorable, signal })
  const live = await liveName(env, namespaces, { identifier, kind, signal })
  if (uuid === undefined || live.held.body.uuid === uuid) return live
  const name = printIdentifier(identifier)
  throw new NoSuchTableError(`${name} is not the table ${uuid} any more`, { context: { table: name, uuid } })
}

/** A hollow tombstone is left, so that nothing that was sent to the name before can land. */
async function leaving(env: CatalogEnvironment, { location, held }: Source): Promise<Participant> {
  const droppedAtMs = held.body.droppedAtMs ?? (await env.io.storeTimeMs())
  const next = { ...contentOf(held.body), state: 'dropped', hollow: true, droppedAtMs, over: undefined } as const
  return { location, base: held, next }
}

/** A table that was made here has no records yet; one that says that it was given up lets it be registered again. */
async function givingUp(env: CatalogEnvironment, body: PointerBody, metadataLocation: string): Promise<Participant[]> {
  const { uuid, nsGeneration, namespace, name } = body
  const pointers = new PointerStore(env)
  const [byUuid = '', ...others] = ownKeys(env, uuid, env.keys.tableLocation(uuid))
  const own = await pointers.settle(byUuid)
  const [place] = own?.body.places ?? []
  const locations = place === undefined ? [byUuid, ...others] : ownKeys(env, uuid, place)
  const places = own?.body.places ?? [env.keys.tableLocation(uuid)]
  const owned = { identifier: { namespace, name }, nsGeneration, uuid, places, metadataLocation }
  // An orphan removal may still be deleting what it found before: who registers the table goes on from its fence.
  const { gcHorizonMs } = body
  const next = { ...takenBy(env, owned), gcHorizonMs, state: 'dropped', movedTo: undefined } as const
  const participants: Participant[] = []
  for (const location of locations) {
    const base = location === byUuid ? own : await pointers.settle(location)
    participants.push({ location, base, next })
  }
  return participants
}
