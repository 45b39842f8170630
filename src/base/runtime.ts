/**
 * The only file that touches clock, timers and randomness. Everything else takes a `Runtime`, so that the simulation
 * runs the real code under a virtual clock and a seed.
 */
import { randomUUID } from 'node:crypto'
import { onAbort } from './abort.ts'

/** A signal that aborts by itself; `cancel` frees its timer. */
export interface Deadline {
  readonly signal: AbortSignal
  cancel(): void
}

export interface Runtime {
  /** Monotonic clock in milliseconds, origin arbitrary. */
  monotonicMs(): number
  /** Local wall clock in epoch milliseconds: for display and local stores only, never for a safety decision on s3. */
  wallMs(): number
  /** Uniform in [0, 1). */
  random(): number
  /** UUID version 4, lower case with dashes. */
  uuid(): string
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /**
   * Resolves once what was begun is with the system: Node gives a request to its connection only when no promise is left
   * to run, so that without this it would wait for all the work that follows.
   */
  begun(): Promise<void>
  /** A signal that aborts with a TimeoutError after `ms`, or together with `parent`. */
  deadline(ms: number, parent?: AbortSignal): Deadline
}

export const systemRuntime: Runtime = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  random: () => Math.random(),
  uuid: () => randomUUID(),
  sleep,
  begun: () => new Promise((resolve) => process.nextTick(resolve)),
  deadline,
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error)
      return
    }
    const timer = setTimeout(() => {
      release?.()
      resolve()
    }, ms)
    const release =
      signal &&
      onAbort(signal, () => {
        clearTimeout(timer)
        reject(signal.reason as Error)
      })
  })
}

function deadline(ms: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError')), ms)
  if (parent?.aborted) controller.abort(parent.reason)
  const release = parent && onAbort(parent, () => controller.abort(parent.reason))
  return {
    signal: controller.signal,
    cancel() {
      clearTimeout(timer)
      release?.()
    },
  }
}

/** A snapshot id as the specification's implementations make them: 63 random bits of a UUID, never 0. */
export function randomSnapshotId(runtime: Runtime): bigint {
  const hex = runtime.uuid().replaceAll('-', '')
  const id = (BigInt(`0x${hex.slice(0, 16)}`) ^ BigInt(`0x${hex.slice(16)}`)) & 0x7fff_ffff_ffff_ffffn
  return id === 0n ? 1n : id
}
