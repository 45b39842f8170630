/**
 * Commits what was staged on several tables: metadata files first, then all pointers by one transaction record, or, for a
 * single table, its pointer as ever. On a conflict every table is read again and staged anew where it changed.
 */
import { CommitFailedError, CommitStateUnknownError, NoSuchTableError } from '../base/errors.ts'
import { currentSnapshot } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { awaitTurn } from '../transaction/await-turn.ts'
import { deleteQuietly } from '../transaction/commit.ts'
import { retryPolicy } from '../transaction/retry-policy.ts'
import type { RetryPolicy } from '../transaction/retry-policy.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { nextMetadata, writeVersionHint } from './commit-steps.ts'
import { liveName } from './name-claims.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { baseOf } from './object-base.ts'
import { deleteFallen, fallenOut } from './old-metadata.ts'
import type { FallenMetadata } from './old-metadata.ts'
import { PointerStore } from './pointer-store.ts'
import { contentOf, nextPointer } from './pointer.ts'
import type { StagedTable } from './staged-table.ts'
import { nextVersions, transact } from './transact.ts'
import type { Participant, TransactionOutcome } from './transact.ts'

interface CommitRequest {
  readonly tables: readonly StagedTable[]
  readonly signal: AbortSignal | undefined
}

/** Errors: CommitFailedError, CommitStateUnknownError, NoSuchTableError, those of staging. */
export async function commitTables(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  request: CommitRequest,
): Promise<void> {
  const { runtime } = env
  const { tables, signal } = request
  const names = tables.map((table) => table.name).join(', ')
  const startMs = runtime.monotonicMs()
  for (let number = 0; ; number++) {
    signal?.throwIfAborted()
    const attemptStartMs = runtime.monotonicMs()
    // Anew each time: where only another table's pointer had moved, the name of this one's metadata would come again.
    const commitId = runtime.uuid()
    for (const table of tables) await rebase(env, namespaces, { table, number, signal })
    const outcome = await tryCommit(env, tables, commitId)
    if (outcome.kind === 'committed') return
    if (outcome.kind === 'unknown') throw stateUnknown(names, commitId, outcome.cause)
    const policy = policyOf(tables)
    const untilMs = startMs + policy.totalTimeoutMs
    const lostMs = runtime.monotonicMs()
    if (number >= policy.retries || lostMs >= untilMs) throw tooManyConflicts(names, number + 1)
    const ownMs = lostMs - attemptStartMs
    await awaitTurn({ runtime }, { ownMs, losses: number + 1, untilMs, mark: '' }, { limits: policy, signal })
    const waitMs = runtime.monotonicMs() - lostMs
    for (const { reporter, name } of tables) {
      const reason = 'another writer committed'
      reporter?.({ type: 'commit-retry', table: name, attempt: number + 1, waitMs, reason })
    }
  }
}

/** The first attempt goes on from what the transaction read, if nothing stands in its way; later ones from what is there now. */
async function rebase(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { table, number, signal }: { table: StagedTable; number: number; signal: AbortSignal | undefined },
): Promise<void> {
  const { base, identifier } = table
  const { uuid, nsGeneration } = base.held.body
  const isCurrent = number === 0 && !base.outrun
  if (isCurrent && (await namespaces.liveGeneration(identifier.namespace, signal)) === nsGeneration) {
    return table.rebase(base, signal)
  }
  const { held } = await liveName(env, namespaces, { identifier, kind: 'table', signal })
  if (held.body.uuid !== uuid) {
    throw new NoSuchTableError(`table ${table.name} was dropped and made again: load it anew`, {
      context: { table: table.name, uuid },
    })
  }
  return table.rebase(
    await baseOf(env, { held, visible: held.body }, { known: base, signal, withManifests: true }),
    signal,
  )
}

async function tryCommit(
  env: CatalogEnvironment,
  tables: readonly StagedTable[],
  commitId: string,
): Promise<TransactionOutcome> {
  const places = tables.map(({ base, identifier }) => ({
    location: env.keys.pointer(identifier, base.held.body.nsGeneration),
    base: base.held,
    next: contentOf(base.held.body),
  }))
  const alone = places.length === 1
  const versions = nextVersions({ participants: places, moves: false }).map((v) => (alone ? v - 1 : v))
  const written = await writeAll(env, tables, { versions, commitId })
  const participants = places.map(({ location, base, next }, i) => {
    const { metadataLocation: prevMetadataLocation } = next
    const { metadata, location: metadataLocation } = written[i] ?? {}
    const changes = {
      metadataLocation,
      prevMetadataLocation,
      manifestList: metadata && currentSnapshot(metadata)?.manifestList,
      over: undefined,
      writer: env.writer,
    }
    return { location, base, next: Object.assign({}, next, changes) }
  })
  const outcome = alone
    ? await swapOne(env, participants, commitId)
    : await transact(env, { participants, commitId, moves: false, ready: () => Promise.resolve(true) })
  if (outcome.kind === 'conflict') tables.forEach((table, i) => table.lose(locationsOf(written.slice(i, i + 1))))
  if (outcome.kind === 'committed') await tellAll(env, tables, written)
  return outcome
}

interface Written {
  readonly metadata: TableMetadata
  readonly location: string
  readonly fallen: readonly FallenMetadata[]
}

async function writeAll(
  env: CatalogEnvironment,
  tables: readonly StagedTable[],
  { versions, commitId }: { versions: readonly number[]; commitId: string },
): Promise<Written[]> {
  const writing = tables.map(async ({ base, updates }, i): Promise<Written> => {
    const { metadata, location, bytes } = await nextMetadata(env, base, { updates, commitId, v: versions[i] ?? 0 })
    const fallen = fallenOut(base.metadata, metadata)
    await env.io.write(location, bytes)
    return { metadata, location, fallen }
  })
  const settled = await Promise.allSettled(writing)
  const written = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = settled.find((result) => result.status === 'rejected')
  if (failed === undefined) return written
  const [first] = tables
  if (first !== undefined) await deleteQuietly(first, locationsOf(written))
  throw failed.reason
}

function locationsOf(written: readonly Written[]): string[] {
  return written.map(({ location }) => location)
}

async function swapOne(
  env: CatalogEnvironment,
  participants: readonly Participant[],
  commitId: string,
): Promise<TransactionOutcome> {
  const [only] = participants
  if (only?.base === undefined) return { kind: 'conflict' }
  const { location, base } = only
  const next = nextPointer(base.body, only.next, { commitId, u: env.runtime.uuid() })
  const outcome = await new PointerStore(env).swap({ location, base, next, writesMetadata: true })
  return outcome.kind === 'committed' ? { kind: 'committed', held: new Map([[location, outcome.held]]) } : outcome
}

async function tellAll(
  env: CatalogEnvironment,
  tables: readonly StagedTable[],
  written: readonly Written[],
): Promise<void> {
  for (const [i, { metadata, location, fallen }] of written.entries()) {
    const name = tables[i]?.name ?? ''
    await writeVersionHint(env, { name, metadata, metadataLocation: location })
    await deleteFallen(env, name, fallen)
  }
}

/** The most impatient of the tables decides when to give up, the most patient how long a wait may be. */
function policyOf(tables: readonly StagedTable[]): RetryPolicy {
  const policies = tables.map(({ base }) => retryPolicy(base.metadata))
  return {
    retries: Math.min(...policies.map(({ retries }) => retries)),
    totalTimeoutMs: Math.min(...policies.map(({ totalTimeoutMs }) => totalTimeoutMs)),
    leastMs: Math.max(...policies.map(({ leastMs }) => leastMs)),
    capMs: Math.max(...policies.map(({ capMs }) => capMs)),
  }
}

function stateUnknown(tables: string, commitId: string, cause: unknown): CommitStateUnknownError {
  return new CommitStateUnknownError(
    `the store did not say whether the transaction on ${tables} landed; its files are kept: load the tables and look before you retry`,
    { context: { tables, commitId }, cause },
  )
}

function tooManyConflicts(tables: string, attempts: number): CommitFailedError {
  return new CommitFailedError(
    `other writers committed to ${tables} first in all ${attempts} attempts; nothing was committed: try again, or raise commit.retry.*`,
    { context: { tables, attempts } },
  )
}
