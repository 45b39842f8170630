/**
 * Counting of requests. S3 reports its own, one by one as they go over the wire; `measured` reports the calls of stores
 * that have no wire. Both feed one reporter, which `countRequests` sums up by verb.
 */
import { NotFoundError, ServiceError } from '../base/errors.ts'
import type { Reporter, RequestEvent, RequestVerb } from '../base/events.ts'
import type { Runtime } from '../base/runtime.ts'
import type { FileIO } from './file-io.ts'
import { type Call, wrapping } from './wrapping.ts'

/** Requests by verb; verbs without any are 0. */
export type RequestCounts = Readonly<Record<RequestVerb, number>>

/** A reporter that counts requests and hands all events on. */
export function countRequests(next?: Reporter): { readonly reporter: Reporter; readonly counts: () => RequestCounts } {
  const counts: Record<RequestVerb, number> = { GET: 0, PUT: 0, HEAD: 0, LIST: 0, DELETE: 0, POST: 0 }
  return {
    reporter(event) {
      if (event.type === 'request') counts[event.verb] += 1
      next?.(event)
    },
    counts: () => ({ ...counts }),
  }
}

/** Reports each call as a request. */
export function measured(inner: FileIO, options: { readonly runtime: Runtime; readonly reporter: Reporter }): FileIO {
  const { runtime, reporter } = options
  const measure = async <T>(call: Call, attempt: () => Promise<T>, describe: (result: T) => Described): Promise<T> => {
    const startMs = runtime.monotonicMs()
    const report = (described: Described): void => {
      const durationMs = runtime.monotonicMs() - startMs
      reporter({ type: 'request', bytesSent: 0, bytesReceived: 0, outcome: 'ok', ...call, durationMs, ...described })
    }
    try {
      const result = await attempt()
      report(describe(result))
      return result
    } catch (error) {
      report({ outcome: outcomeOf(error) })
      throw error
    }
  }
  return wrapping(inner, {
    call: (call, attempt) => measure(call, attempt, describeAnswer),
    once: (call, attempt) => measure(call, attempt, ({ sizeBytes }) => ({ bytesSent: sizeBytes })),
    put: (call, attempt) =>
      measure(call, attempt, ({ kind }) => ({
        outcome: kind === 'written' ? 'ok' : kind === 'settled' ? 'refused' : 'failed',
      })),
    clock: (_storeId, attempt) => attempt(),
    async *pages(prefix, { startAfter }, list) {
      const pages = list(startAfter)[Symbol.asyncIterator]()
      try {
        // Stores without a wire list in one go.
        let page = await measure(
          { verb: 'LIST', location: prefix },
          () => pages.next(),
          () => ({}),
        )
        for (; page.done !== true; page = await pages.next()) yield page.value
      } finally {
        await pages.return?.()
      }
    },
  })
}

type Described = Partial<Pick<RequestEvent, 'outcome' | 'bytesReceived' | 'bytesSent'>>

/** An object that is not there is no error of `cas.read`. */
function describeAnswer(answer: unknown): Described {
  if (answer === undefined) return { outcome: 'not-found' }
  const hasBytes = typeof answer === 'object' && answer !== null && 'bytes' in answer
  return hasBytes && answer.bytes instanceof Uint8Array ? { bytesReceived: answer.bytes.length } : {}
}

function outcomeOf(error: unknown): RequestEvent['outcome'] {
  if (error instanceof NotFoundError) return 'not-found'
  return error instanceof ServiceError ? 'failed' : 'refused'
}
