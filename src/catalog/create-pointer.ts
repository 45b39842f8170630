/**
 * Creation at a name: metadata first, then the pointer, create-only or over a tombstone; then the namespace is read
 * again, since it may have been dropped meanwhile (commit-protocol, "Create").
 */
import { CommitFailedError } from '../base/errors.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { deleteQuietly } from '../transaction/commit.ts'
import { nextCasBody } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { confirmName, freeName } from './name-claims.ts'
import type { FreeName } from './name-claims.ts'
import { lostRace, outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { PointerStore } from './pointer-store.ts'
import { overOf } from './pointer.ts'
import type { PointerBody, PointerContent, PointerKind } from './pointer.ts'
import type { Held } from './cas-body.ts'

/** Directories without a pointer are collected after this long at the earliest; a create gives up at half of it. */
const DIRECTORY_GRACE_MS = 72 * 3_600_000
const ATTEMPTS = 10

export interface CreateRequest {
  readonly identifier: TableIdentifier
  readonly kind: PointerKind
  readonly uuid: string
  readonly commitId: string
  /** Store time before the first upload. */
  readonly startMs: number
  /** Writes the first metadata file, named after the version of the pointer that will name it. */
  writeMetadata(v: number): Promise<string>
  readonly signal?: AbortSignal | undefined
}

interface Located {
  readonly metadataLocation: string
}

/** What is left at a name of a table that its namespace did not live to see. */
const HOLLOW = { state: 'dropped', hollow: true, metadataLocation: undefined } as const

export interface CreatedPointer extends Located {
  readonly held: Held<PointerBody>
  /** Others have gone on from it already. */
  readonly outrun: boolean
}

/** Errors: AlreadyExistsError, NoSuchNamespaceError, CommitFailedError, CommitStateUnknownError. */
export async function createPointer(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  request: CreateRequest,
): Promise<CreatedPointer> {
  const lost = new Set<string>()
  try {
    return await tryToCreate(env, namespaces, { request, lost })
  } finally {
    // Only now: a later attempt may take the name of an earlier one's file again, and a DELETE may land late.
    await deleteQuietly({ io: env.io, reporter: env.reporter, name: printIdentifier(request.identifier) }, [...lost])
  }
}

/** `lost` is left with the metadata files of attempts that definitely failed. */
async function tryToCreate(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { request, lost }: { readonly request: CreateRequest; readonly lost: Set<string> },
): Promise<CreatedPointer> {
  const { io } = env
  const { identifier, signal } = request
  const pointers = new PointerStore(env)
  const name = printIdentifier(identifier)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    signal?.throwIfAborted()
    const place = await freeName(env, namespaces, { identifier, signal })
    const metadataLocation = await request.writeMetadata((place.base?.body.v ?? 0) + 1)
    const leftMs = DIRECTORY_GRACE_MS / 2 - ((await io.storeTimeMs()) - request.startMs)
    if (leftMs <= 0) throw tooLate(name)
    const next = firstPointer(env, { ...request, metadataLocation }, place)
    lost.delete(metadataLocation)
    const outcome = await pointers.swap({
      location: place.location,
      base: place.base,
      next,
      writesMetadata: true,
      timeoutMs: Math.min(env.swapTimeoutMs, leftMs),
    })
    if (outcome.kind === 'unknown') throw outcomeUnknown(`${name} was made`, outcome.cause)
    if (outcome.kind === 'committed') {
      await confirmName(env, namespaces, { ...place, mine: next, grave: HOLLOW })
      return { held: outcome.held, metadataLocation, outrun: outcome.held.body.u !== next.u }
    }
    lost.add(metadataLocation)
  }
  throw lostRace(`${name} was made`)
}

function firstPointer(
  env: CatalogEnvironment,
  request: Pick<CreateRequest, 'kind' | 'uuid' | 'commitId'> & Located,
  place: FreeName,
): PointerBody {
  const next = nextCasBody(place.base?.body, request.commitId, env.runtime.uuid())
  return { ...next, ...firstContent(env, request, place), txn: undefined }
}

/**
 * What the first body of a table at a free name says. Over a tombstone it carries the old body whole, until whoever writes
 * next has put that into trash.
 */
export function firstContent(
  { writer }: CatalogEnvironment,
  { kind, uuid, metadataLocation }: Pick<CreateRequest, 'kind' | 'uuid'> & Located,
  place: FreeName,
): PointerContent {
  return {
    ...place.identifier,
    kind,
    uuid,
    nsGeneration: place.generation,
    metadataLocation,
    prevMetadataLocation: undefined,
    gcHorizonMs: 0,
    state: 'live',
    hollow: false,
    movedTo: undefined,
    droppedAtMs: undefined,
    over: overOf(place.base?.body),
    writer,
  }
}

function tooLate(name: string): CommitFailedError {
  return new CommitFailedError(`making ${name} took too long: its files may be collected; try again`, {
    context: { name },
  })
}
