/**
 * Retries, as a decorator over any FileIO: full jitter between attempts, and one budget for all requests, so that a store
 * in trouble is not kept there by its clients. Compare-and-swap writes pass through: their loop is the commit's.
 */
import { messageOf, ServiceError } from '../base/errors.ts'
import type { Reporter, RequestVerb } from '../base/events.ts'
import type { Runtime } from '../base/runtime.ts'
import type { FileIO, ListOptions } from './file-io.ts'
import { compareBytewise } from './location.ts'
import { type AnyPage, wrapping } from './wrapping.ts'

export interface RetryPolicy {
  /** Attempts of one request, the first included. 8. */
  readonly maxAttempts?: number | undefined
  /** Upper end of the first wait; it doubles with each. 50 ms. */
  readonly baseWaitMs?: number | undefined
  /** 5 s. */
  readonly maxWaitMs?: number | undefined
}

/** Retries that can be made before any is earned. */
const BUDGET = 100
/** What a success earns: a store that always fails gets no retries in the long run, a shaky one a tenth more load. */
const EARNED_BY_SUCCESS = 0.1

/** Runs requests with retries out of one budget; share it among all that talk to one store. */
export class Retrier {
  readonly #runtime: Runtime
  readonly #reporter: Reporter | undefined
  readonly #policy: RetryPolicy
  /** Errors that have used up their attempts: an outer request that contains the failed one is not retried again. */
  readonly #final = new WeakSet<Error>()
  #budget = BUDGET

  constructor(options: RetryPolicy & { readonly runtime: Runtime; readonly reporter?: Reporter | undefined }) {
    this.#runtime = options.runtime
    this.#reporter = options.reporter
    this.#policy = options
  }

  /** Retries ServiceErrors that are `retryable`; an aborted signal ends the waiting with its reason. */
  async run<T>(
    request: { readonly verb: RequestVerb; readonly location: string },
    attempt: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { maxAttempts = 8, baseWaitMs = 50, maxWaitMs = 5000 } = this.#policy
    for (let made = 1; ; made += 1) {
      try {
        const result = await attempt()
        this.#budget = Math.min(BUDGET, this.#budget + EARNED_BY_SUCCESS)
        return result
      } catch (error) {
        if (!(error instanceof ServiceError) || !error.retryable || this.#final.has(error)) throw error
        if (made >= maxAttempts || this.#budget < 1) {
          this.#final.add(error)
          throw error
        }
        this.#budget -= 1
        const waitMs = this.#runtime.random() * Math.min(maxWaitMs, baseWaitMs * 2 ** (made - 1))
        const { verb, location } = request
        this.#reporter?.({ type: 'request-retry', verb, location, attempt: made, waitMs, reason: messageOf(error) })
        await this.#runtime.sleep(waitMs, signal)
      }
    }
  }
}

/** Writes are retried too: their names are never reused, so a second write of the same bytes changes nothing. */
export function retrying(inner: FileIO, retrier: Retrier): FileIO {
  return wrapping(inner, {
    call: (call, attempt, signal) => retrier.run(call, attempt, signal),
    once: (_call, attempt) => attempt(),
    put: (_call, attempt) => attempt(),
    clock: (location, attempt, signal) => retrier.run({ verb: 'GET', location }, attempt, signal),
    pages: (prefix, options, list) => resumed(retrier, prefix, options, list),
  })
}

/** Pages of a listing; one that breaks off is taken up behind the last page that came. */
async function* resumed<P extends AnyPage>(
  retrier: Retrier,
  prefix: string,
  options: ListOptions,
  list: (startAfter: string | undefined) => AsyncIterable<P>,
): AsyncGenerator<P> {
  let last = options.startAfter
  let pages: AsyncIterator<P> | undefined
  const next = async (): Promise<IteratorResult<P>> => {
    pages ??= list(last)[Symbol.asyncIterator]()
    try {
      return await pages.next()
    } catch (error) {
      pages = undefined
      throw error
    }
  }
  try {
    for (;;) {
      const result = await retrier.run({ verb: 'LIST', location: prefix }, next, options.signal)
      if (result.done === true) return
      last = lastOf(result.value, last)
      yield result.value
    }
  } finally {
    await pages?.return?.()
  }
}

function lastOf({ entries, folders }: AnyPage, before: string | undefined): string | undefined {
  const ends = [before, entries.at(-1)?.location, folders?.at(-1)].filter((end) => end !== undefined)
  return ends.toSorted(compareBytewise).at(-1)
}
