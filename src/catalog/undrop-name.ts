/**
 * Brings a dropped table back: in place where its tombstone still stands at the name, else (its name was taken again, or
 * its namespace dropped) from trash or the dropped generation by a transaction of two keys.
 */
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { findDropped, isRestorable } from './dropped-names.ts'
import { moveName } from './move-name.ts'
import { confirmName } from './name-claims.ts'
import { outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { PointerStore } from './pointer-store.ts'
import { nextPointer } from './pointer.ts'
import type { PointerKind } from './pointer.ts'

export interface UndropRequest {
  readonly identifier: TableIdentifier
  readonly kind: PointerKind
  /** Which of several tables dropped under the name; the newest by default. */
  readonly uuid?: string | undefined
  /** Another name for it. */
  readonly to?: TableIdentifier | undefined
  readonly commitId: string
  readonly signal?: AbortSignal | undefined
}

/** Errors: NoSuchTableError, NoSuchNamespaceError, AlreadyExistsError, CommitFailedError, CommitStateUnknownError. */
export async function undropName(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  request: UndropRequest,
): Promise<void> {
  const { identifier, to = identifier, commitId, signal } = request
  const isHere = printIdentifier(to) === printIdentifier(identifier)
  if (isHere && (await undropInPlace(env, namespaces, request))) return
  await moveName(env, namespaces, {
    to,
    commitId,
    source: () => findDropped(env, namespaces, { ...request, wanted: isRestorable }),
    description: `${printIdentifier(identifier)} was undropped`,
    signal,
  })
}

/** False where the name's own pointer is not what is to be brought back. */
async function undropInPlace(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, kind, uuid, commitId, signal }: UndropRequest,
): Promise<boolean> {
  const pointers = new PointerStore(env)
  for (;;) {
    const generation = await namespaces.liveGeneration(identifier.namespace, signal)
    const location = env.keys.pointer(identifier, generation)
    const held = await pointers.settle(location, signal)
    if (held === undefined || !isRestorable(held.body, true) || held.body.kind !== kind) return false
    if (uuid !== undefined && held.body.uuid !== uuid) return false
    const { droppedAtMs } = held.body
    const change = { state: 'live', droppedAtMs: undefined } as const
    const mine = nextPointer(held.body, change, { commitId, u: env.runtime.uuid() })
    const outcome = await pointers.swap({ location, base: held, next: mine, writesMetadata: false })
    if (outcome.kind === 'unknown') {
      throw outcomeUnknown(`${printIdentifier(identifier)} was undropped`, outcome.cause)
    }
    if (outcome.kind === 'conflict') continue
    const grave = { state: 'dropped', droppedAtMs } as const
    await confirmName(env, namespaces, { identifier, generation, location, mine, grave })
    return true
  }
}
