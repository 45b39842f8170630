/**
 * Finds what is dropped: tombstones at names, tombstones that a new table carries `over`, tables of dropped generations of
 * a namespace, and trash. Names are scanned before trash, since a body leaves a name only once trash holds it.
 */
import { mapConcurrent } from '../base/concurrency.ts'
import { NoSuchNamespaceError, NoSuchTableError } from '../base/errors.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { PointerStore } from './pointer-store.ts'
import type { PointerBody, PointerKind } from './pointer.ts'

const CONCURRENCY = 16

export interface DroppedName {
  readonly identifier: TableIdentifier
  readonly body: PointerBody
  /** Key that holds the body; undefined for one that is carried `over` and may not be in trash yet. */
  readonly location: string | undefined
}

/**
 * Whether undrop may take it. A body that is live in a generation which is not was put there by a create or undrop that
 * never came to be acknowledged.
 */
export function isRestorable(body: PointerBody, inLiveGeneration: boolean): boolean {
  if (body.hollow || body.movedTo !== undefined) return false
  return body.state === 'dropped' || (body.state === 'live' && !inLiveGeneration)
}

export function isPurgeable(body: PointerBody): boolean {
  return body.state === 'purging' || (body.state === 'dropped' && isRestorable(body, true))
}

/** All of the warehouse, or of one namespace. `wanted` decides what counts, given whether its generation is live. */
export async function scanDropped(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  options: {
    readonly namespace?: readonly string[] | undefined
    readonly wanted: (body: PointerBody, inLiveGeneration: boolean) => boolean
    readonly signal?: AbortSignal | undefined
  },
): Promise<DroppedName[]> {
  const { keys } = env
  const { namespace, wanted, signal } = options
  const found = new Map<string, DroppedName>()
  const keep = (body: PointerBody, isLive: boolean, location: string | undefined): void => {
    if (!wanted(body, isLive)) return
    // What a new table carries over may have left trash for a name again.
    if (location === undefined && found.has(body.uuid)) return
    found.set(body.uuid, { identifier: identify(body), body, location })
  }
  const names = namespace === undefined ? keys.namespaces : keys.allPointers(namespace)
  for await (const { location, visible } of views(env, names, signal)) {
    keep(visible, await isLiveGeneration(namespaces, visible, signal), location)
    if (visible.over !== undefined) keep(visible.over, false, undefined)
  }
  for await (const { location, visible } of views(env, keys.allTrash, signal)) {
    const isElsewhere = namespace !== undefined && !sameLevels(visible.namespace, namespace)
    if (isElsewhere) continue
    // Trash knows better than the body that carried it there.
    if (found.get(visible.uuid)?.location === undefined) found.delete(visible.uuid)
    keep(visible, false, location)
  }
  return [...found.values()]
}

/** The newest under a name, or the one of `uuid`. Errors: NoSuchTableError. */
export async function findDropped(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  request: {
    readonly identifier: TableIdentifier
    readonly kind: PointerKind
    readonly uuid?: string | undefined
    readonly wanted: (body: PointerBody, inLiveGeneration: boolean) => boolean
    readonly signal?: AbortSignal | undefined
  },
): Promise<{ location: string; held: Held<PointerBody> }> {
  const { identifier, kind, uuid, wanted, signal } = request
  const pointers = new PointerStore(env)
  const { namespace, name } = identifier
  const isAsked = (body: PointerBody): boolean => body.kind === kind && (uuid === undefined || body.uuid === uuid)
  const here = await atName(env, namespaces, identifier, signal)
  if (here !== undefined && isAsked(here.held.body) && wanted(here.held.body, true)) return here
  const all = await scanDropped(env, namespaces, { namespace, wanted, signal })
  const [newest] = all
    .filter(({ body }) => body.name === name && isAsked(body))
    .toSorted((a, b) => (b.body.droppedAtMs ?? 0) - (a.body.droppedAtMs ?? 0))
  if (newest === undefined) throw nothingDropped(identifier, uuid)
  const location = newest.location ?? (await pointers.bury(newest.body))
  const held = await pointers.settle(location, signal)
  const isLive = held !== undefined && (await isLiveGeneration(namespaces, held.body, signal))
  const isInTrash = location.startsWith(env.keys.allTrash)
  if (held === undefined || !wanted(held.body, isLive && !isInTrash)) throw nothingDropped(identifier, uuid)
  return { location, held }
}

/** Most often the tombstone stands where the table was. */
async function atName(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  identifier: TableIdentifier,
  signal: AbortSignal | undefined,
): Promise<{ location: string; held: Held<PointerBody> } | undefined> {
  const namespace = await namespaces.settle(identifier.namespace, signal)
  if (namespace?.body.state !== 'live') return undefined
  const location = env.keys.pointer(identifier, namespace.body.generation)
  const held = await new PointerStore(env).settle(location, signal)
  return held && { location, held }
}

async function isLiveGeneration(
  namespaces: NamespaceStore,
  { namespace, nsGeneration }: PointerBody,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    return (await namespaces.load(namespace, signal)).generation === nsGeneration
  } catch (error) {
    if (error instanceof NoSuchNamespaceError) return false
    throw error
  }
}

async function* views(
  env: CatalogEnvironment,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ location: string; visible: PointerBody }> {
  const { cas, keys } = env
  const pointers = new PointerStore(env)
  for await (const page of cas.list(prefix, { signal })) {
    const locations = page.entries
      .map(({ location }) => location)
      .filter((location) => prefix === keys.allTrash || keys.parsePointer(location) !== undefined)
    const read = mapConcurrent(locations, CONCURRENCY, async (location) => ({
      location,
      view: await pointers.view(location, signal),
    }))
    for await (const { location, view } of read) if (view !== undefined) yield { location, visible: view.visible }
  }
}

function identify({ namespace, name }: PointerBody): TableIdentifier {
  return { namespace, name }
}

function sameLevels(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((level, i) => level === b[i])
}

function nothingDropped(identifier: TableIdentifier, uuid: string | undefined): NoSuchTableError {
  const name = printIdentifier(identifier)
  const which = uuid === undefined ? name : `${name} with uuid ${uuid}`
  return new NoSuchTableError(
    `nothing dropped under ${which}: \`firn ls --dropped\`, or listDropped, tells what can be brought back`,
    {
      context: { table: name, uuid },
    },
  )
}
