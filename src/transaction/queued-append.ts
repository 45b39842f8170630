/** An append in the queue of its table: what became of it so far, and who is to be told in the end. */
import { onAbort } from '../base/abort.ts'
import { AppendMember } from './append-member.ts'
import type { AppendFiles } from './append-member.ts'

export interface AppendCommit {
  /** Undefined where there were no files, only properties. */
  readonly snapshotId: bigint | undefined
  /** Attempts of all commits that the append was part of. */
  readonly attempts: number
}

export class QueuedAppend extends AppendMember {
  readonly outcome: Promise<AppendCommit>
  /** Names of files that were copied since. */
  readonly replaced: string[] = []
  /** Not to be put together with others. */
  isAlone = false
  /** Whether all uploads have come to an end, and with what error. */
  isUploaded = false
  uploadFailure: { readonly error: unknown } | undefined
  /** When its files were first found to have expired. */
  startMs: number | undefined
  #resolve: (commit: AppendCommit) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #release: (() => void) | undefined

  constructor(files: AppendFiles, signal: AbortSignal | undefined) {
    super(files, signal)
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    void this.#watch()
  }

  /** Calls `listener` when the caller wants no more of it; the last one given counts. */
  onAbort(listener: () => void): void {
    this.#release?.()
    if (this.signal?.aborted === true) listener()
    else this.#release = this.signal && onAbort(this.signal, listener)
  }

  succeed(snapshotId: bigint | undefined): void {
    this.#release?.()
    this.#resolve({ snapshotId, attempts: this.attempts })
  }

  fail(error: unknown): void {
    this.#release?.()
    this.#reject(error)
  }

  async #watch(): Promise<void> {
    const results = await Promise.allSettled(this.uploads)
    this.isUploaded = true
    for (const result of results) if (result.status === 'rejected') this.uploadFailure ??= { error: result.reason }
  }
}

/** What the members of a group say of the snapshot and the table: none may contradict another. */
export class Claims {
  readonly #summary = new Map<string, string>()
  readonly #properties = new Set<string>()

  /** False where it doesn't fit what others say. */
  add({ input: { summary = {}, properties = {} } }: AppendMember): boolean {
    const entries = Object.entries(summary)
    const keys = Object.keys(properties)
    const fits =
      entries.every(([key, value]) => (this.#summary.get(key) ?? value) === value) &&
      keys.every((key) => !this.#properties.has(key))
    if (!fits) return false
    for (const [key, value] of entries) this.#summary.set(key, value)
    for (const key of keys) this.#properties.add(key)
    return true
  }
}

/** A signal that aborts when all of the group have; undefined where one never can. */
export function abortOfAll(group: readonly AppendMember[]): {
  readonly signal: AbortSignal | undefined
  readonly release: () => void
} {
  const signals = group.flatMap(({ signal }) => signal ?? [])
  if (signals.length < group.length) return { signal: undefined, release: () => {} }
  const controller = new AbortController()
  let left = signals.length
  const leave = (signal: AbortSignal): void => {
    left -= 1
    if (left === 0) controller.abort(signal.reason)
  }
  const releases = signals.map((signal) => {
    if (!signal.aborted) return onAbort(signal, () => leave(signal))
    leave(signal)
    return () => {}
  })
  return { signal: controller.signal, release: () => releases.forEach((release) => release()) }
}
