/**
 * Takes a table from one key to a free name in one transaction: renames, and undrops from elsewhere than the name itself.
 * Its directory is named by uuid, so no data moves.
 */
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { freeName, liveName } from './name-claims.ts'
import { lostRace, outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { contentOf, overOf } from './pointer.ts'
import type { PointerBody, PointerKind } from './pointer.ts'
import { transact } from './transact.ts'

const ATTEMPTS = 20
const MAX_WAIT_MS = 2_000

export interface MoveRequest {
  readonly to: TableIdentifier
  readonly commitId: string
  /** Where the table is, read anew for each attempt. */
  readonly source: () => Promise<{ readonly location: string; readonly held: Held<PointerBody> }>
  /** Completes "… : try again" and "the store did not say whether …". */
  readonly description: string
  readonly signal?: AbortSignal | undefined
}

export interface RenameRequest {
  readonly from: TableIdentifier
  readonly to: TableIdentifier
  readonly kind: PointerKind
  readonly commitId: string
  readonly signal?: AbortSignal | undefined
}

/** Errors: NoSuchTableError, NoSuchNamespaceError, AlreadyExistsError, CommitFailedError, CommitStateUnknownError. */
export function renameName(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { from, to, kind, commitId, signal }: RenameRequest,
): Promise<void> {
  return moveName(env, namespaces, {
    to,
    commitId,
    source: () => liveName(env, namespaces, { identifier: from, kind, signal }),
    description: `${printIdentifier(from)} was renamed to ${printIdentifier(to)}`,
    signal,
  })
}

export async function moveName(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { to, commitId, source, description, signal }: MoveRequest,
): Promise<void> {
  const { runtime, writer } = env
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    signal?.throwIfAborted()
    const from = await source()
    const place = await freeName(env, namespaces, { identifier: to, signal })
    const { body } = from.held
    const droppedAtMs = body.droppedAtMs ?? (await env.io.storeTimeMs({ signal }))
    const left = {
      ...contentOf(body),
      state: 'dropped',
      droppedAtMs,
      movedTo: place.location,
      over: undefined,
    } as const
    const arrived = {
      ...contentOf(body),
      ...to,
      nsGeneration: place.generation,
      state: 'live',
      droppedAtMs: undefined,
      movedTo: undefined,
      over: overOf(place.base?.body),
      writer,
    } as const
    const outcome = await transact(env, {
      commitId,
      moves: true,
      participants: [
        { location: from.location, base: from.held, next: left },
        { location: place.location, base: place.base, next: arrived },
      ],
      ready: async () => (await namespaces.liveGeneration(to.namespace)) === place.generation,
    })
    if (outcome.kind === 'committed') return
    if (outcome.kind === 'unknown') throw outcomeUnknown(description, outcome.cause)
    await runtime.sleep(runtime.random() * Math.min(MAX_WAIT_MS, 20 * 2 ** attempt), signal)
  }
  throw lostRace(description)
}
