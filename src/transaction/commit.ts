/**
 * The commit loop: stage on the current base, commit, and on a conflict stage again on a fresh one. Data files and the
 * commit id stay the same over all attempts; only what names the base is made anew (commit-protocol: "A commit", 5).
 */
import { CommitFailedError, CommitStateUnknownError, NotFoundError, SessionExpiredError } from '../base/errors.ts'
import { awaitTurn, waitInLine } from './await-turn.ts'
import { paceOf } from './pace.ts'
import type { Pace } from './pace.ts'
import { retryPolicy } from './retry-policy.ts'
import type { Turn } from './turn.ts'
import type { CommitAction, CommitOutcome, CommitResult, Staged, TableBase, TableOperations } from './operations.ts'

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

/** What all attempts of one commit share. */
interface Commit {
  readonly operations: TableOperations
  readonly action: CommitAction
  readonly commitId: string
  readonly startMs: number
  readonly pace: Pace
  /** Collects the files of attempts that definitely failed. */
  readonly lost: string[]
  readonly signal: AbortSignal | undefined
}

/** commitTable without its cleaning up: `lost` collects the files of attempts that definitely failed. */
export async function commitUntilDecided(
  operations: TableOperations,
  action: CommitAction,
  { lost, signal }: Pick<Commit, 'lost' | 'signal'>,
): Promise<CommitResult> {
  const { runtime, name } = operations
  const [commitId, startMs] = [runtime.uuid(), runtime.monotonicMs()]
  const commit: Commit = { operations, action, commitId, startMs, pace: paceOf(operations), lost, signal }
  let isHurried = commit.pace.begin()
  let base = isHurried ? await baseInTurn(commit) : operations.current
  let attemptStartMs = runtime.monotonicMs()
  let losses = 0
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted()
    const staged = await action.stage(base, { commitId, attempt, isHurried })
    lost.push(...staged.attemptFiles)
    const outcome = await tryCommit(commit, base, staged)
    if (outcome.kind === 'unknown') throw stateUnknown(name, commitId, outcome.cause)
    const ownMs = runtime.monotonicMs() - attemptStartMs
    const attempts = attempt + 1
    if (outcome.kind === 'committed') return landed(commit, outcome.base, { staged, attempts, ownMs })
    const isExpired = outcome.kind === 'expired'
    lost.push(...(isExpired ? await renewed(action, outcome.error, signal) : outcome.files))
    isHurried = isExpired || (await wasOutpaced(commit, base))
    if (isHurried) losses += 1
    await pauseAfter({ base, attempts, losses, ownMs, isOutpaced: isHurried, isExpired }, commit)
    attemptStartMs = runtime.monotonicMs()
    base = await afterConflict(operations, signal, () => operations.refresh({ signal, withManifests: true }))
  }
}

/** Of a writer that told others to come first, once they did. */
async function baseInTurn({ operations, startMs, pace, signal }: Commit): Promise<TableBase> {
  const policy = retryPolicy(operations.current.metadata)
  const waiting = { mark: pace.mark, ownMs: pace.commitMs, untilMs: startMs + policy.totalTimeoutMs }
  await waitInLine(operations, waiting, { limits: policy, signal })
  pace.startOver()
  return operations.refresh({ signal, withManifests: true })
}

function landed(
  { operations, startMs, pace, lost }: Commit,
  base: TableBase,
  { staged, attempts, ownMs }: { staged: Staged; attempts: number; ownMs: number },
): CommitResult {
  pace.won(ownMs)
  // An attempt may go on with files of one that was lost.
  const live = new Set(staged.attemptFiles)
  lost.splice(0, lost.length, ...lost.filter((file) => !live.has(file)))
  report(operations, base, { attempts, durationMs: operations.runtime.monotonicMs() - startMs })
  return { base, attempts }
}

/** Not by those who took a place in the line, nor by orphan removal, which raised its fence: nobody has come first then. */
async function wasOutpaced({ operations, signal }: Commit, { metadataLocation }: TableBase): Promise<boolean> {
  const seen = await afterConflict(operations, signal, async () => operations.peek?.(signal))
  return seen === undefined || seen.metadataLocation !== metadataLocation
}

interface LostAttempt {
  readonly base: TableBase
  readonly attempts: number
  readonly losses: number
  readonly ownMs: number
  readonly isOutpaced: boolean
  readonly isExpired: boolean
}

/** Resolves when the next attempt should begin. Errors: CommitFailedError where there is to be none. */
async function pauseAfter(
  { base, attempts, losses, ownMs, isOutpaced, isExpired }: LostAttempt,
  { operations, startMs, pace, signal }: Commit,
): Promise<void> {
  const { runtime, reporter, name } = operations
  const policy = retryPolicy(base.metadata)
  const untilMs = startMs + policy.totalTimeoutMs
  const lostMs = runtime.monotonicMs()
  if (losses > policy.retries || lostMs >= untilMs) throw tooManyConflicts(name, attempts)
  if (isOutpaced) {
    pace.startOver()
    const attempt = { ownMs, losses, untilMs, mark: pace.mark }
    await afterConflict(operations, signal, () => awaitTurn(operations, attempt, { limits: policy, signal }))
  }
  const nowMs = runtime.monotonicMs()
  if (nowMs >= untilMs) throw tooManyConflicts(name, attempts)
  const reason = isExpired ? 'the session expired' : 'another writer committed'
  reporter?.({ type: 'commit-retry', table: name, attempt: attempts, waitMs: nowMs - lostMs, reason })
}

type AttemptOutcome = CommitOutcome | { readonly kind: 'expired'; readonly error: SessionExpiredError }

/** An attempt that throws never got to await its uploads: their failures are heard here, so that none goes unhandled. */
async function tryCommit(
  { operations, action: { sessionStartMs }, commitId, pace }: Commit,
  base: TableBase,
  staged: Staged,
): Promise<AttemptOutcome> {
  const tell = (turn: Turn | undefined): Turn | undefined => pace.tell(turn, staged.isNextLong)
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
