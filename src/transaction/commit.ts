/**
 * The commit loop: stage on the current base, commit, and on a conflict stage again on a fresh one. Data files and the
 * commit id stay the same over all attempts; only what names the base is made anew (commit-protocol: "A commit", 5).
 */
import { CommitFailedError, CommitStateUnknownError, NotFoundError, SessionExpiredError } from '../base/errors.ts'
import { longProperty } from '../spec/properties.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { awaitTurn, waitInLine } from './await-turn.ts'
import type { WaitLimits } from './await-turn.ts'
import { paceOf } from './pace.ts'
import type { Turn } from './turn.ts'
import type {
  CommitAction,
  CommitAttempt,
  CommitOutcome,
  CommitResult,
  Staged,
  TableBase,
  TableOperations,
} from './operations.ts'

export type { CommitAction, StageContext } from './operations.ts'

export interface CommitOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * Commits `action`, retrying conflicts with full jitter until `commit.retry.total-timeout-ms` (30 minutes) have passed,
 * or `commit.retry.num-retries` where the table sets it.
 * Errors: CommitFailedError (nothing visible, clean up), CommitStateUnknownError (never clean up).
 */
export async function commitTable(
  operations: TableOperations,
  action: CommitAction,
  options: CommitOptions = {},
): Promise<CommitResult> {
  if (operations.defer !== undefined) return operations.defer(action, options.signal)
  const lost: string[] = []
  try {
    const result = await commitUntilDecided(operations, action, { lost, signal: options.signal })
    await deleteQuietly(operations, lost)
    return result
  } catch (error) {
    if (!(error instanceof CommitStateUnknownError)) {
      await Promise.allSettled(action.uploads)
      await deleteQuietly(operations, [...action.files, ...lost])
    }
    throw error
  }
}

/** commitTable without its cleaning up: `lost` collects the files of attempts that definitely failed. */
export async function commitUntilDecided(
  operations: TableOperations,
  action: CommitAction,
  { lost, signal }: { lost: string[]; signal: AbortSignal | undefined },
): Promise<CommitResult> {
  const { runtime, reporter, name } = operations
  const commitId = runtime.uuid()
  const startMs = runtime.monotonicMs()
  const pace = paceOf(operations)
  const { mark } = pace
  let base = operations.current
  let policy = retryPolicy(base.metadata)
  const hasWaited = pace.begin()
  if (hasWaited) {
    const waiting = { mark, ownMs: pace.commitMs, untilMs: startMs + policy.totalTimeoutMs }
    await waitInLine(operations, waiting, { limits: policy, signal })
    pace.startOver()
    base = await operations.refresh({ signal, withManifests: true })
  }
  let attemptStartMs = runtime.monotonicMs()
  let losses = 0
  let isHurried = hasWaited
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted()
    const staged = await action.stage(base, { commitId, attempt, isHurried })
    lost.push(...staged.attemptFiles)
    const tell = (turn: Turn | undefined): Turn | undefined => pace.tell(turn, staged.isNextLong)
    const outcome = await tryCommit(operations, action, { base, staged, commitId, tell })
    if (outcome.kind === 'unknown') throw stateUnknown(name, commitId, outcome.cause)
    const waitStartMs = runtime.monotonicMs()
    const ownMs = waitStartMs - attemptStartMs
    if (outcome.kind === 'committed') {
      pace.won(ownMs)
      // An attempt may go on with files of one that was lost.
      const live = new Set(staged.attemptFiles)
      lost.splice(0, lost.length, ...lost.filter((file) => !live.has(file)))
      report(operations, outcome.base, { attempts: attempt + 1, durationMs: waitStartMs - startMs })
      return { base: outcome.base, attempts: attempt + 1 }
    }
    lost.push(...(outcome.kind === 'expired' ? await renewed(action, outcome.error, signal) : outcome.files))
    policy = retryPolicy(base.metadata)
    const untilMs = startMs + policy.totalTimeoutMs
    const seen = await afterConflict(operations, signal, async () => operations.peek?.(signal))
    // Somebody took a place in the line, or orphan removal its fence: nobody has come first.
    const isOutpaced =
      outcome.kind === 'expired' || seen === undefined || seen.metadataLocation !== base.metadataLocation
    if (isOutpaced) losses += 1
    if (losses > policy.retries || waitStartMs >= untilMs) throw tooManyConflicts(name, attempt + 1)
    isHurried = isOutpaced
    if (isOutpaced) {
      pace.startOver()
      await afterConflict(operations, signal, () =>
        awaitTurn(operations, { ownMs, losses, untilMs, mark }, { limits: policy, signal }),
      )
    }
    attemptStartMs = runtime.monotonicMs()
    if (attemptStartMs >= untilMs) throw tooManyConflicts(name, attempt + 1)
    const waitMs = attemptStartMs - waitStartMs
    const reason = outcome.kind === 'expired' ? 'the session expired' : 'another writer committed'
    reporter?.({ type: 'commit-retry', table: name, attempt: attempt + 1, waitMs, reason })
    base = await afterConflict(operations, signal, () => operations.refresh({ signal, withManifests: true }))
  }
}

type AttemptOutcome = CommitOutcome | { readonly kind: 'expired'; readonly error: SessionExpiredError }

/** An attempt that throws never got to await its uploads: their failures are heard here, so that none goes unhandled. */
async function tryCommit(
  operations: TableOperations,
  { sessionStartMs }: CommitAction,
  { base, staged, commitId, tell }: { base: TableBase; staged: Staged } & Pick<CommitAttempt, 'commitId' | 'tell'>,
): Promise<AttemptOutcome> {
  try {
    return await operations.commit(base, staged, { commitId, sessionStartMs, tell })
  } catch (error) {
    await Promise.allSettled(staged.uploads)
    if (error instanceof SessionExpiredError) return { kind: 'expired', error }
    throw error
  }
}

/** Orphan removal may have taken the files, or may be about to: only copies under new names are safe. */
async function renewed(
  action: CommitAction,
  expired: SessionExpiredError,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  if (action.renew === undefined) throw expired
  return action.renew(expired, signal)
}

export interface RetryPolicy extends WaitLimits {
  readonly retries: number
  readonly totalTimeoutMs: number
}

export function retryPolicy({ properties }: TableMetadata): RetryPolicy {
  return {
    retries: longProperty(properties, 'commit.retry.num-retries', Number.MAX_SAFE_INTEGER),
    totalTimeoutMs: longProperty(properties, 'commit.retry.total-timeout-ms', 1_800_000),
    leastMs: longProperty(properties, 'commit.retry.min-wait-ms', 10),
    capMs: longProperty(properties, 'commit.retry.max-wait-ms', 2_000),
  }
}

/** The conflict was definite, so whatever fails here leaves a failed commit, not an unknown one. */
async function afterConflict<T>(
  operations: TableOperations,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (signal?.aborted || cause instanceof NotFoundError) throw cause
    throw new CommitFailedError(
      `commit to ${operations.name} lost to another writer and could not read the table again`,
      {
        context: { table: operations.name },
        cause,
      },
    )
  }
}

/** Orphans cost space, not correctness: a failure to delete them is left to orphan removal. */
export async function deleteQuietly(
  operations: Pick<TableOperations, 'io' | 'reporter' | 'name'>,
  files: readonly string[],
): Promise<void> {
  if (files.length === 0) return
  await operations.io.delete(files).catch((error: unknown) => {
    operations.reporter?.({ type: 'cleanup-failed', table: operations.name, files: files.length, cause: error })
  })
}

function report(
  operations: TableOperations,
  { metadata }: TableBase,
  { attempts, durationMs }: { attempts: number; durationMs: number },
): void {
  const snapshot = metadata.snapshots.find((s) => s.snapshotId === metadata.currentSnapshotId)
  operations.reporter?.({
    type: 'commit-report',
    table: operations.name,
    snapshotId: snapshot?.snapshotId,
    sequenceNumber: metadata.lastSequenceNumber,
    operation: snapshot?.summary?.operation,
    attempts,
    durationMs,
    summary: snapshot?.summary?.properties ?? {},
  })
}

function stateUnknown(table: string, commitId: string, cause: unknown): CommitStateUnknownError {
  return new CommitStateUnknownError(
    `the store did not say whether the commit to ${table} landed; its files are kept: load the table and look before you retry`,
    { context: { table, commitId }, cause },
  )
}

function tooManyConflicts(table: string, attempts: number): CommitFailedError {
  return new CommitFailedError(
    `other writers committed to ${table} first in all ${attempts} attempts; nothing was committed: try again, or raise commit.retry.*`,
    { context: { table, attempts } },
  )
}
