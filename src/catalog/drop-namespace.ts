/**
 * Drops an empty namespace: `dropping` first, which lets nobody else in, then a look at every name in it, then `dropped`
 * or back to live (commit-protocol, "Drop namespace"). Whoever meets a `dropping` that hangs takes it back.
 */
import { CommitFailedError, NamespaceNotEmptyError } from '../base/errors.ts'
import { printNamespace } from '../spec/identifier.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { PointerStore } from './pointer-store.ts'
import { SIZE_CLASS } from './pointer.ts'

/** Errors: NoSuchNamespaceError, NamespaceNotEmptyError, CommitFailedError, CommitStateUnknownError. */
export async function dropNamespace(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { namespace, commitId }: { namespace: readonly string[]; commitId: string },
): Promise<void> {
  const name = printNamespace(namespace)
  const live = await namespaces.live(namespace)
  const [child] = await namespaces.list(namespace)
  if (child !== undefined) throw notEmpty(name, `namespace ${printNamespace(child)}`)
  const begun = await namespaces.swap(namespace, live, { state: 'dropping' })
  if (begun.kind === 'unknown') throw outcomeUnknown(`namespace ${name} is being dropped`, begun.cause)
  const isOurs = begun.kind === 'committed' && begun.held.body.prevU === live.body.u
  if (!isOurs || begun.held.body.state !== 'dropping') throw interrupted(name)
  let occupant: string | undefined
  try {
    occupant = await findLive(env, env.keys.pointers(namespace, live.body.generation))
  } catch (error) {
    await namespaces.swap(namespace, begun.held, { state: 'live' }).catch(() => {})
    throw error
  }
  if (occupant !== undefined) {
    await namespaces.swap(namespace, begun.held, { state: 'live' })
    throw notEmpty(name, occupant)
  }
  const ended = await namespaces.swap(namespace, begun.held, { state: 'dropped' }, commitId)
  if (ended.kind === 'conflict') throw interrupted(name)
  if (ended.kind === 'unknown') throw outcomeUnknown(`namespace ${name} was dropped`, ended.cause)
}

/** The first name that is live, in words. Intents are resolved first: what they bring counts. */
async function findLive(env: CatalogEnvironment, prefix: string): Promise<string | undefined> {
  const pointers = new PointerStore(env)
  for await (const page of env.cas.list(prefix)) {
    for (const { location, sizeBytes } of page.entries) {
      if (sizeBytes !== undefined && sizeBytes % 16 === SIZE_CLASS.tombstone) continue
      const held = await pointers.settle(location)
      if (held?.body.state === 'live') return `${held.body.kind} ${held.body.name}`
    }
  }
  return undefined
}

function notEmpty(name: string, occupant: string): NamespaceNotEmptyError {
  return new NamespaceNotEmptyError(`namespace ${name} is not empty: it has ${occupant}; drop or rename that first`, {
    context: { namespace: name },
  })
}

function interrupted(name: string): CommitFailedError {
  return new CommitFailedError(`namespace ${name} was changed while it was dropped; it is still there: try again`, {
    context: { namespace: name },
  })
}
