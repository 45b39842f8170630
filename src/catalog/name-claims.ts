/**
 * Names as writers see them: one that is taken by a live table, one that is free, and the second look at the namespace
 * without which a body put at a name does not count (commit-protocol, "When a table exists").
 */
import { NoSuchNamespaceError } from '../base/errors.ts'
import { printIdentifier, printNamespace } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { nameTaken, noSuch, outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { PointerStore } from './pointer-store.ts'
import { nextPointer } from './pointer.ts'
import type { PointerBody, PointerChange, PointerKind } from './pointer.ts'

/** Where a name stands. */
export interface Place {
  readonly identifier: TableIdentifier
  readonly generation: number
  readonly location: string
}

export interface LiveName extends Place {
  readonly held: Held<PointerBody>
}

export interface FreeName extends Place {
  /** The tombstone to write over, if there ever was anything. */
  readonly base: Held<PointerBody> | undefined
}

/** The pointer of a live table or view; its namespace was seen alive after it. Errors: NoSuchTableError, NoSuchNamespaceError. */
export async function liveName(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, kind, signal }: { identifier: TableIdentifier; kind: PointerKind; signal?: AbortSignal | undefined },
): Promise<LiveName> {
  const { namespace } = identifier
  for (;;) {
    const generation = await namespaces.cachedGeneration(namespace, signal)
    const location = env.keys.pointer(identifier, generation)
    const held = await new PointerStore(env).settle(location, signal)
    if ((await namespaces.liveGeneration(namespace, signal)) !== generation) continue
    if (held?.body.state === 'live' && held.body.kind === kind) return { identifier, generation, location, held }
    throw noSuch(env, { identifier, kind, body: held?.body })
  }
}

/** Errors: AlreadyExistsError, NoSuchNamespaceError. */
export async function freeName(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, signal }: { identifier: TableIdentifier; signal?: AbortSignal | undefined },
): Promise<FreeName> {
  const generation = await namespaces.liveGeneration(identifier.namespace, signal)
  const location = env.keys.pointer(identifier, generation)
  const base = await new PointerStore(env).settle(location, signal)
  if (base?.body.state === 'live') throw nameTaken(identifier, base.body)
  return { identifier, generation, location, base }
}

/**
 * Reads the namespace again after `mine` went live at a name. Where it was dropped meanwhile, `grave` is put over it by a
 * swap on the very body. Errors: NoSuchNamespaceError when it is buried, CommitStateUnknownError where others went on from it.
 */
export async function confirmName(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, location, mine, grave }: Place & { mine: PointerBody; grave: PointerChange },
): Promise<void> {
  const pointers = new PointerStore(env)
  const name = printIdentifier(identifier)
  for (;;) {
    const namespace = await namespaces.settle(identifier.namespace).catch((cause: unknown) => {
      throw outcomeUnknown(`${name} came to stand in a live namespace`, cause)
    })
    if (namespace?.body.state === 'live' && namespace.body.generation === mine.nsGeneration) return
    const held = await pointers.settle(location)
    if (held?.body.u !== mine.u) throw outcomeUnknown(`${name} came to stand in a live namespace`, undefined)
    const commit = { commitId: env.runtime.uuid(), u: env.runtime.uuid() }
    const next = nextPointer(held.body, grave, commit)
    const outcome = await pointers.swap({ location, base: held, next, writesMetadata: false })
    if (outcome.kind === 'committed') break
    if (outcome.kind === 'unknown') throw outcomeUnknown(`${name} was taken back`, outcome.cause)
  }
  const namespace = printNamespace(identifier.namespace)
  throw new NoSuchNamespaceError(`namespace ${namespace} was dropped while ${name} was made: make it anew first`, {
    context: { namespace, table: name },
  })
}
