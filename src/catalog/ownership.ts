/**
 * Who owns the uuid and the location of a registered table: records below `own/`, which move in one transaction with the
 * table's name (commit-protocol, "Register"). A record has the form of a pointer that is no table's home: live while the
 * table is this warehouse's, dropped once it was given up. What came to nothing leaves one without a metadata file.
 */
import { createHash } from 'node:crypto'
import { AlreadyExistsError } from '../base/errors.ts'
import { mapConcurrent } from '../base/concurrency.ts'
import { isUuid } from '../base/uuid.ts'
import { canonicalLocation, lastSegment, parentLocation } from '../io/location.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { PointerStore } from './pointer-store.ts'
import { nextPointer } from './pointer.ts'
import type { PointerBody, PointerContent } from './pointer.ts'
import { readTransaction } from './transaction-record.ts'

/** What a table is to own. The first place is its location. */
export interface Owned {
  readonly identifier: TableIdentifier
  readonly nsGeneration: number
  readonly uuid: string
  readonly places: readonly string[]
  readonly metadataLocation: string
}

export interface HeldOwn {
  readonly location: string
  readonly held: Held<PointerBody> | undefined
}

const CONCURRENCY = 16
const MAX_HOPS = 20
const OF_LOCATION = /\/[\da-f]{64}\.json$/

/** Keys of the records of a uuid and of a location. */
export function ownKeys({ keys }: CatalogEnvironment, uuid: string, location: string): readonly string[] {
  const hash = createHash('sha256').update(canonicalLocation(location)).digest('hex')
  return [keys.own(uuid.toLowerCase()), keys.own(hash)]
}

/** The content of a record while the table is this warehouse's. */
export function takenBy({ keys, writer }: CatalogEnvironment, owned: Owned): PointerContent {
  const { identifier, nsGeneration, uuid, places, metadataLocation } = owned
  return {
    ...identifier,
    kind: 'table',
    uuid,
    nsGeneration,
    metadataLocation,
    prevMetadataLocation: undefined,
    gcHorizonMs: 0,
    state: 'live',
    hollow: true,
    movedTo: keys.pointer(identifier, nsGeneration),
    droppedAtMs: undefined,
    over: undefined,
    places,
    writer,
  }
}

function isTaken({ state }: Pick<PointerContent, 'state'>): boolean {
  return state === 'live'
}

/** Whether the table of this uuid was this warehouse's and was given up: its files are free for whoever registers them. */
export function wasGivenUp(body: PointerBody | undefined): boolean {
  return body !== undefined && !isTaken(body) && body.metadataLocation !== undefined
}

/** Errors: AlreadyExistsError where the folder of a uuid holds files of a table that this warehouse made. */
export async function checkUuidIsForeign(
  { io, keys }: CatalogEnvironment,
  uuid: string,
  signal?: AbortSignal,
): Promise<void> {
  for await (const { entries } of io.list(`${keys.tableLocation(uuid)}/`, { signal })) {
    if (entries.length === 0) continue
    throw new AlreadyExistsError(`the table's uuid ${uuid} is that of a table of this warehouse, live or dropped`, {
      context: { uuid },
    })
  }
}

/** Without intents. Errors: AlreadyExistsError naming who has one of them. */
export async function freeOwns(env: CatalogEnvironment, locations: readonly string[]): Promise<readonly HeldOwn[]> {
  const pointers = new PointerStore(env)
  const found: HeldOwn[] = []
  for (const location of locations) {
    const held = await pointers.settle(location)
    if (held !== undefined && isTaken(held.body)) throw await taken(env, held.body)
    found.push({ location, held })
  }
  return found
}

/**
 * Whether no other registered table lies in one of `places`, or around it. Asked while one's own intents stand, so that of
 * two registrations at once one sees the other: false where that is undecided. Errors: AlreadyExistsError.
 */
export async function isApart(
  env: CatalogEnvironment,
  places: readonly string[],
  own: readonly string[],
): Promise<boolean> {
  const mine = places.map(canonicalLocation)
  // Nothing else may lie in a folder of the warehouse that is named by a uuid, or around it.
  const [home = ''] = mine
  const isOwnFolder = isUuid(lastSegment(home)) && parentLocation(home) === canonicalLocation(env.keys.warehouse)
  if (isOwnFolder && mine.every((place) => place === home || place.startsWith(`${home}/`))) return true
  let isUndecided = false
  for await (const page of env.cas.list(env.keys.allOwn)) {
    const others = page.entries.map((entry) => entry.location).filter((key) => OF_LOCATION.test(key))
    const read = mapConcurrent(
      others.filter((key) => !own.includes(key)),
      CONCURRENCY,
      (key) => readOwn(env, key),
    )
    for await (const { content, isPending } of read) {
      if (content === undefined || !isTaken(content) || !overlaps(mine, content)) continue
      if (!isPending) throw await taken(env, content)
      isUndecided = true
    }
  }
  return !isUndecided
}

/** Gives up what a table owns that is gone for good. Errors: those of the store. */
export async function freeOwnership(env: CatalogEnvironment, uuid: string): Promise<void> {
  const pointers = new PointerStore(env)
  const first = await pointers.settle(env.keys.own(uuid.toLowerCase()))
  const [location] = first?.body.places ?? []
  if (first === undefined || location === undefined) return
  // The record of the uuid last: it tells where the other is, should this have to be done again.
  for (const key of ownKeys(env, uuid, location).toReversed()) {
    for (;;) {
      const held = await pointers.settle(key)
      if (held === undefined || !isTaken(held.body) || held.body.uuid !== uuid) break
      const commit = { commitId: env.runtime.uuid(), u: env.runtime.uuid() }
      const next = nextPointer(held.body, { state: 'dropped', movedTo: undefined }, commit)
      const outcome = await pointers.swap({ location: key, base: held, next, writesMetadata: false })
      if (outcome.kind !== 'conflict') break
    }
  }
}

/** As it is, or as a transaction that is not decided yet would leave it. */
async function readOwn(
  env: CatalogEnvironment,
  key: string,
): Promise<{ readonly content: PointerContent | undefined; readonly isPending: boolean }> {
  const held = await new PointerStore(env).read(key)
  if (held?.body.txn === undefined) return { content: held?.body, isPending: false }
  const record = await readTransaction(env, held.body.txn.id)
  if (record?.body.state === 'committed') return { content: held.body.txn.next, isPending: false }
  // What is about to be given up is taken until it is. Where the record was swept, the intent is gone by now.
  const isOver = record?.body.state === 'aborted' || isTaken(held.body)
  return isOver ? { content: held.body, isPending: false } : { content: held.body.txn.next, isPending: true }
}

function overlaps(mine: readonly string[], { places = [] }: PointerContent): boolean {
  const theirs = places.map(canonicalLocation)
  return mine.some((a) => theirs.some((b) => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)))
}

async function taken(env: CatalogEnvironment, own: PointerContent): Promise<AlreadyExistsError> {
  const { uuid, places: [location] = [] } = own
  const name = await nameOf(env, own)
  const where =
    name === undefined
      ? `as ${printIdentifier(own)}, and was dropped: its files are still its own until it is deregistered or purged`
      : `as ${printIdentifier(name)}`
  return new AlreadyExistsError(`the table ${uuid} at ${location} is registered already, ${where}`, {
    context: { table: printIdentifier(name ?? own), uuid, location },
  })
}

/** Under which name it lives now; undefined where it is dropped. */
async function nameOf(
  env: CatalogEnvironment,
  { uuid, movedTo }: PointerContent,
): Promise<TableIdentifier | undefined> {
  const pointers = new PointerStore(env)
  let key = movedTo
  for (let hops = 0; hops < MAX_HOPS && key !== undefined; hops++) {
    const view = await pointers.view(key)
    if (view?.visible.uuid !== uuid) return undefined
    if (view.visible.state === 'live') return view.visible
    key = view.visible.movedTo
  }
  return undefined
}
