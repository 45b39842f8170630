/**
 * One table inside a multi-table transaction: operations on it are staged one on another instead of being committed, and
 * staged again, with the same data files, where another writer commits first.
 */
import { SessionExpiredError, ValidationError } from '../base/errors.ts'
import { applyTableUpdates } from '../spec/apply-table-updates.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { checkRequirements } from '../spec/table-requirement.ts'
import type { TableUpdate } from '../spec/table-update.ts'
import { deleteQuietly } from '../transaction/commit.ts'
import type { CommitAction, CommitResult, Staged, TableBase, TableOperations } from '../transaction/operations.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { allSettled, checkSession } from './commit-steps.ts'
import type { ObjectBase } from './object-base.ts'

interface Deferred {
  readonly action: CommitAction
  /** Names this action's files: no two of a transaction share one. */
  readonly commitId: string
  staged: Staged
}

export class StagedTable implements TableOperations {
  readonly name: string
  readonly identifier: TableIdentifier
  readonly io: CatalogEnvironment['io']
  readonly runtime: CatalogEnvironment['runtime']
  readonly reporter: CatalogEnvironment['reporter']
  readonly #env: CatalogEnvironment
  readonly #deferred: Deferred[] = []
  /** Files of stagings that came to nothing. */
  readonly #lost: string[] = []
  #base: ObjectBase
  #stagings = 0
  #current: TableBase
  #queue: Promise<unknown> = Promise.resolve()
  #isOver = false

  constructor(env: CatalogEnvironment, identifier: TableIdentifier, base: ObjectBase) {
    this.#env = env
    this.name = printIdentifier(identifier)
    this.identifier = identifier
    this.io = env.io
    this.runtime = env.runtime
    this.reporter = env.reporter
    this.#base = base
    this.#current = base
  }

  /** What the next commit would leave. */
  get current(): TableBase {
    return this.#current
  }

  /** The committed state that all is staged on. */
  get base(): ObjectBase {
    return this.#base
  }

  get isChanged(): boolean {
    return this.#deferred.length > 0
  }

  get updates(): readonly TableUpdate[] {
    return this.#deferred.flatMap(({ staged }) => staged.updates)
  }

  /** A transaction keeps to the state that it began with. */
  refresh(): Promise<TableBase> {
    return Promise.resolve(this.#current)
  }

  commit(): never {
    throw new ValidationError(`${this.name} is changed with its transaction, not by itself`)
  }

  /** One after another, whatever the caller does at once. */
  defer(action: CommitAction): Promise<CommitResult> {
    const turn = this.#queue.then(() => this.#defer(action))
    this.#queue = turn.catch(() => {})
    return turn
  }

  /** Makes all that was staged fit `base`: stages it again where the table has changed. */
  async rebase(base: ObjectBase, signal: AbortSignal | undefined): Promise<void> {
    const isChanged = base.metadata !== this.#base.metadata
    this.#base = base
    const isRenewed = await this.#renewExpired(signal)
    if (!isChanged && !isRenewed) return
    this.#current = base
    this.#stagings++
    for (const deferred of this.#deferred) {
      this.#lost.push(...deferred.staged.attemptFiles)
      deferred.staged = await this.#stage(deferred)
    }
  }

  /** Copies files that orphan removal may have taken. True where any had to be. */
  async #renewExpired(signal: AbortSignal | undefined): Promise<boolean> {
    let isRenewed = false
    for (const { action } of this.#deferred) {
      const { sessionStartMs } = action
      try {
        checkSession(this.#env, { name: this.name, pointer: this.#base.held.body, sessionStartMs })
      } catch (error) {
        if (!(error instanceof SessionExpiredError) || action.renew === undefined) throw error
        this.#lost.push(...(await action.renew(error, signal)))
        isRenewed = true
      }
    }
    return isRenewed
  }

  lose(files: readonly string[]): void {
    this.#lost.push(...files)
  }

  /** Once the outcome is definite: deletes what nothing names. */
  async end(outcome: 'committed' | 'failed'): Promise<void> {
    await this.close()
    const failed = outcome === 'committed' ? [] : this.#deferred
    await Promise.allSettled(failed.flatMap(({ action, staged }) => action.uploads.concat(staged.uploads)))
    const files = failed.flatMap(({ action, staged }) => action.files.concat(staged.attemptFiles))
    // What was staged again may go on with files of what was staged before.
    const live = new Set(outcome === 'committed' ? this.#deferred.flatMap(({ staged }) => staged.attemptFiles) : [])
    await deleteQuietly(this, [...this.#lost.filter((file) => !live.has(file)), ...files])
  }

  /** Takes no more changes, and waits for those under way. */
  async close(): Promise<void> {
    this.#isOver = true
    await this.#queue
  }

  async #defer(action: CommitAction): Promise<CommitResult> {
    try {
      if (this.#isOver) throw new ValidationError(`the transaction on ${this.name} is over: load the table anew`)
      const commitId = this.runtime.uuid()
      const staged = await this.#stage({ action, commitId })
      this.#deferred.push({ action, commitId, staged })
      return { base: this.#current, attempts: 1 }
    } catch (error) {
      await Promise.allSettled(action.uploads)
      await deleteQuietly(this, action.files)
      throw error
    }
  }

  async #stage({ action, commitId }: Pick<Deferred, 'action' | 'commitId'>): Promise<Staged> {
    const { metadata, metadataLocation, manifests } = this.#current
    const staged = await action.stage(this.#current, { commitId, attempt: this.#stagings })
    try {
      // What is staged next, and scans inside the transaction, read these files.
      await allSettled(staged.uploads)
      checkRequirements(metadata, staged.requirements)
      const next = applyTableUpdates(metadata, staged.updates, { nowMs: await this.io.storeTimeMs() })
      const hasSnapshot = next.currentSnapshotId !== metadata.currentSnapshotId
      this.#current = { metadata: next, metadataLocation, manifests: hasSnapshot ? staged.manifests : manifests }
      return staged
    } catch (error) {
      this.#lost.push(...staged.attemptFiles)
      throw error
    }
  }
}
