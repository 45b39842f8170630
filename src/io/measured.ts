/**
 * Counting of requests. S3 reports its own, one by one as they go over the wire; `measured` reports the calls of stores
 * that have no wire. Both feed one reporter, which `countRequests` sums up by verb.
 */
import { NotFoundError, ServiceError } from '../base/errors.ts'
import type { Reporter, RequestEvent, RequestVerb } from '../base/events.ts'
import type { Runtime } from '../base/runtime.ts'
import type {
  Answer,
  ByteRange,
  CasListOptions,
  CasOutcome,
  CasPage,
  CasRecord,
  CasStore,
  CasToken,
  FileIO,
  IoOptions,
  ListOptions,
  ListPage,
  ReadAnswer,
  StatAnswer,
} from './file-io.ts'

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
  return new MeasuredFileIO(inner, new Meter(options.runtime, options.reporter))
}

interface Described {
  readonly outcome?: RequestEvent['outcome']
  readonly bytesReceived?: number
}

interface Measure {
  readonly verb: RequestVerb
  readonly location: string
  readonly bytesSent?: number
}

class Meter {
  readonly #runtime: Runtime
  readonly #reporter: Reporter

  constructor(runtime: Runtime, reporter: Reporter) {
    this.#runtime = runtime
    this.#reporter = reporter
  }

  async run<T>(measure: Measure, call: () => Promise<T>, describe: (result: T) => Described = () => ({})): Promise<T> {
    const startMs = this.#runtime.monotonicMs()
    const report = ({ outcome = 'ok', bytesReceived = 0 }: Described): void => {
      const durationMs = this.#runtime.monotonicMs() - startMs
      this.#reporter({ type: 'request', bytesSent: 0, ...measure, bytesReceived, durationMs, outcome })
    }
    try {
      const result = await call()
      report(describe(result))
      return result
    } catch (error) {
      report({ outcome: outcomeOf(error) })
      throw error
    }
  }

  async *pages<P>(prefix: string, pages: AsyncIterable<P>): AsyncGenerator<P> {
    const iterator = pages[Symbol.asyncIterator]()
    try {
      let page = await this.run({ verb: 'LIST', location: prefix }, () => iterator.next())
      while (page.done !== true) {
        yield page.value
        page = await iterator.next()
      }
    } finally {
      await iterator.return?.()
    }
  }
}

class MeasuredFileIO implements FileIO {
  readonly kind: FileIO['kind']
  readonly storeId: string
  readonly cas: CasStore
  readonly #inner: FileIO
  readonly #meter: Meter

  constructor(inner: FileIO, meter: Meter) {
    this.kind = inner.kind
    this.storeId = inner.storeId
    this.cas = new MeasuredCasStore(inner.cas, meter)
    this.#inner = inner
    this.#meter = meter
  }

  read(location: string, options?: IoOptions): Promise<ReadAnswer> {
    return this.#meter.run({ verb: 'GET', location }, () => this.#inner.read(location, options), sizeOf)
  }

  readRange(location: string, range: ByteRange, options?: IoOptions): Promise<ReadAnswer> {
    return this.#meter.run({ verb: 'GET', location }, () => this.#inner.readRange(location, range, options), sizeOf)
  }

  write(location: string, bytes: Uint8Array, options?: IoOptions): Promise<Answer> {
    const measure: Measure = { verb: 'PUT', location, bytesSent: bytes.length }
    return this.#meter.run(measure, () => this.#inner.write(location, bytes, options))
  }

  stat(location: string, options?: IoOptions): Promise<StatAnswer> {
    return this.#meter.run({ verb: 'HEAD', location }, () => this.#inner.stat(location, options))
  }

  list(prefix: string, options?: ListOptions): AsyncGenerator<ListPage> {
    return this.#meter.pages(prefix, this.#inner.list(prefix, options))
  }

  delete(locations: readonly string[], options?: IoOptions): Promise<Answer> {
    const [location = ''] = locations
    return this.#meter.run({ verb: 'DELETE', location }, () => this.#inner.delete(locations, options))
  }

  storeTimeMs(options?: IoOptions): Promise<number> {
    return this.#inner.storeTimeMs(options)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

class MeasuredCasStore implements CasStore {
  readonly epsilonMs: number
  readonly #inner: CasStore
  readonly #meter: Meter

  constructor(inner: CasStore, meter: Meter) {
    this.epsilonMs = inner.epsilonMs
    this.#inner = inner
    this.#meter = meter
  }

  read(location: string, options?: IoOptions): Promise<CasRecord | undefined> {
    return this.#meter.run(
      { verb: 'GET', location },
      () => this.#inner.read(location, options),
      (record) => (record === undefined ? { outcome: 'not-found' } : sizeOf(record)),
    )
  }

  put(location: string, bytes: Uint8Array, expected: CasToken | undefined, options?: IoOptions): Promise<CasOutcome> {
    const measure: Measure = { verb: 'PUT', location, bytesSent: bytes.length }
    return this.#meter.run(
      measure,
      () => this.#inner.put(location, bytes, expected, options),
      ({ kind }) => ({ outcome: kind === 'written' ? 'ok' : kind === 'settled' ? 'refused' : 'failed' }),
    )
  }

  list(prefix: string, options?: CasListOptions): AsyncGenerator<CasPage> {
    return this.#meter.pages(prefix, this.#inner.list(prefix, options))
  }
}

function sizeOf({ bytes }: { readonly bytes: Uint8Array }): Described {
  return { bytesReceived: bytes.length }
}

function outcomeOf(error: unknown): RequestEvent['outcome'] {
  if (error instanceof NotFoundError) return 'not-found'
  return error instanceof ServiceError ? 'failed' : 'refused'
}
