/**
 * Group commit: appends of one process to one table that wait for a commit under way are taken together as the next one,
 * one snapshot and one compare-and-swap for all (commit-protocol, "Many writers"). Each caller gets its own result or
 * error; an append that finds nobody waiting goes at once, alone.
 */
import {
  CommitStateUnknownError,
  InvalidDataError,
  SessionExpiredError,
  UnsupportedError,
  ValidationError,
} from '../base/errors.ts'
import { AppendAction } from './append.ts'
import type { AppendFiles } from './append-member.ts'
import { commitTable, commitUntilDecided, deleteQuietly } from './commit.ts'
import type { TableOperations } from './operations.ts'
import { Claims, QueuedAppend, abortOfAll } from './queued-append.ts'
import type { AppendCommit } from './queued-append.ts'
import { retryPolicy } from './retry-policy.ts'

/** Appends in one snapshot: what bounds its manifest. */
const MAX_GROUP = 1_000

export class AppendQueue {
  readonly #operations: TableOperations
  #waiting: QueuedAppend[] = []
  #isCommitting = false

  constructor(operations: TableOperations) {
    this.#operations = operations
  }

  /**
   * Commits the files, perhaps in one snapshot with those of others. Appends whose summaries give one key two values,
   * or that set the same table property, are not put together. Aborted while it waits, it is taken out; once its
   * commit is sent, what comes of that is awaited. What has definitely failed is deleted.
   * Errors: those of commitTable.
   */
  async commit(files: AppendFiles, signal: AbortSignal | undefined): Promise<AppendCommit> {
    const member = new QueuedAppend(files, signal)
    if (this.#operations.defer !== undefined) {
      const action = new AppendAction(this.#operations, [member])
      const { attempts } = await commitTable(this.#operations, action, { signal })
      return { snapshotId: action.snapshotId, attempts }
    }
    this.#enter(member)
    return await member.outcome
  }

  #enter(member: QueuedAppend): void {
    this.#waiting.push(member)
    member.onAbort(() => {
      if (this.#remove([member])) void this.#fail(member, member.signal?.reason)
    })
    void this.#run()
  }

  #remove(members: readonly QueuedAppend[]): boolean {
    const before = this.#waiting.length
    const gone = new Set(members)
    this.#waiting = this.#waiting.filter((member) => !gone.has(member))
    return this.#waiting.length < before
  }

  async #run(): Promise<void> {
    if (this.#isCommitting) return
    this.#isCommitting = true
    while (this.#waiting.length > 0) {
      const group = this.#take()
      if (group.length > 0) await this.#commit(group)
    }
    this.#isCommitting = false
  }

  /** The next group. Files that are still being uploaded hold up no others, but where all are. */
  #take(): readonly QueuedAppend[] {
    const broken = this.#waiting.filter((member) => member.uploadFailure !== undefined)
    this.#remove(broken)
    for (const member of broken) void this.#fail(member, member.uploadFailure?.error)
    const uploaded = this.#waiting.filter((member) => member.isUploaded)
    const [first, ...others] = uploaded.length > 0 ? uploaded : this.#waiting
    if (first === undefined) return []
    const group = [first]
    const claims = new Claims()
    claims.add(first)
    for (const member of first.isAlone ? [] : others) {
      if (group.length === MAX_GROUP) break
      if (!member.isAlone && claims.add(member)) group.push(member)
    }
    this.#remove(group)
    return group
  }

  async #commit(group: readonly QueuedAppend[]): Promise<void> {
    const left = new Set(group)
    const action = new AppendAction(this.#operations, group, (member, reason) => {
      const queued = group.find((other) => other === member)
      if (queued === undefined || !left.delete(queued)) return
      if (reason instanceof SessionExpiredError) void this.#renew(queued, reason)
      else void this.#fail(queued, reason)
    })
    const lost: string[] = []
    const aborting = abortOfAll(group)
    try {
      await commitUntilDecided(this.#operations, action, { lost, signal: aborting.signal })
      const replaced = [...left].flatMap((member) => member.replaced)
      await deleteQuietly(this.#operations, [...lost, ...action.outdatedPaths, ...replaced])
      for (const member of left) member.succeed(action.snapshotId)
    } catch (error) {
      if (error instanceof CommitStateUnknownError) for (const member of left) member.fail(error)
      else {
        await Promise.allSettled(action.uploads)
        await deleteQuietly(this.#operations, [...lost, ...action.manifestPaths, ...action.outdatedPaths])
        await this.#afterFailure([...left], error)
      }
    } finally {
      aborting.release()
    }
  }

  /** Nothing of the group is visible. Those that made it fail are told; if that was not all, the others go again. */
  async #afterFailure(group: readonly QueuedAppend[], error: unknown): Promise<void> {
    const guilty = group.filter((member) => member.signal?.aborted === true || member.uploadFailure !== undefined)
    const others = group.filter((member) => !guilty.includes(member))
    await Promise.all(guilty.map((member) => this.#fail(member, member.uploadFailure?.error ?? member.signal?.reason)))
    if (guilty.length > 0) this.#waiting.unshift(...others)
    else if (group.length > 1 && isFaultOfOne(error)) {
      for (const member of others) member.isAlone = true
      this.#waiting.unshift(...others)
    } else await Promise.all(others.map((member) => this.#fail(member, error)))
  }

  /** Expired files are copied beside the commits of the others; their append then comes again. */
  async #renew(member: QueuedAppend, expired: SessionExpiredError): Promise<void> {
    const { runtime, current } = this.#operations
    try {
      member.startMs ??= runtime.monotonicMs()
      const passedMs = runtime.monotonicMs() - member.startMs
      if (passedMs > retryPolicy(current.metadata).totalTimeoutMs) throw expired
      member.replaced.push(...(await member.renew(this.#operations, member.signal)))
      member.signal?.throwIfAborted()
    } catch (error) {
      await this.#fail(member, error)
      return
    }
    this.#enter(member)
  }

  async #fail(member: QueuedAppend, error: unknown): Promise<void> {
    await Promise.allSettled(member.uploads)
    await deleteQuietly(this.#operations, [...member.files, ...member.replaced])
    member.fail(error)
  }
}

/** An error that the files of a single member may be the cause of. */
function isFaultOfOne(error: unknown): boolean {
  return error instanceof ValidationError || error instanceof UnsupportedError || error instanceof InvalidDataError
}
