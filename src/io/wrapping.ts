/**
 * A FileIO around another whose calls all go through one function: what decorators that treat every request alike
 * (retrying.ts, measured.ts) are made of.
 */
import type { RequestVerb } from '../base/events.ts'
import type {
  Answer,
  ByteRange,
  CasEntry,
  CasListOptions,
  CasOutcome,
  CasPage,
  CasRecord,
  CasStore,
  CasToken,
  FileIO,
  IoOptions,
  ListEntry,
  ListOptions,
  ListPage,
  ReadAnswer,
  StatAnswer,
  StreamAnswer,
} from './file-io.ts'

export interface Call {
  readonly verb: RequestVerb
  readonly location: string
  readonly bytesSent?: number
}

export interface AnyPage {
  readonly entries: readonly (ListEntry | CasEntry)[]
  readonly folders?: readonly string[]
}

export interface CallWrapper {
  call<T>(call: Call, attempt: () => Promise<T>, signal: AbortSignal | undefined): Promise<T>
  /** What can be sent once only. */
  once(call: Call, attempt: () => Promise<StreamAnswer>): Promise<StreamAnswer>
  /** Compare-and-swap writes, one attempt each. */
  put(call: Call, attempt: () => Promise<CasOutcome>): Promise<CasOutcome>
  /** Asking for the store's time, which is a request only where no answer was heard yet. */
  clock(storeId: string, attempt: () => Promise<number>, signal: AbortSignal | undefined): Promise<number>
  /** A listing, which `list` begins behind a location. */
  pages<P extends AnyPage>(
    prefix: string,
    options: ListOptions,
    list: (startAfter: string | undefined) => AsyncIterable<P>,
  ): AsyncIterable<P>
}

export function wrapping(inner: FileIO, wrapper: CallWrapper): FileIO {
  return new WrappingFileIO(inner, wrapper)
}

class WrappingFileIO implements FileIO {
  readonly kind: FileIO['kind']
  readonly storeId: string
  readonly cas: CasStore
  readonly #inner: FileIO
  readonly #wrapper: CallWrapper

  constructor(inner: FileIO, wrapper: CallWrapper) {
    this.kind = inner.kind
    this.storeId = inner.storeId
    this.cas = new WrappingCasStore(inner.cas, wrapper)
    this.#inner = inner
    this.#wrapper = wrapper
  }

  read(location: string, options: IoOptions = {}): Promise<ReadAnswer> {
    return this.#wrapper.call({ verb: 'GET', location }, () => this.#inner.read(location, options), options.signal)
  }

  readRange(location: string, range: ByteRange, options: IoOptions = {}): Promise<ReadAnswer> {
    const attempt = (): Promise<ReadAnswer> => this.#inner.readRange(location, range, options)
    return this.#wrapper.call({ verb: 'GET', location }, attempt, options.signal)
  }

  write(location: string, bytes: Uint8Array, options: IoOptions = {}): Promise<Answer> {
    const call: Call = { verb: 'PUT', location, bytesSent: bytes.length }
    return this.#wrapper.call(call, () => this.#inner.write(location, bytes, options), options.signal)
  }

  writeStream(location: string, chunks: AsyncIterable<Uint8Array>, options?: IoOptions): Promise<StreamAnswer> {
    return this.#wrapper.once({ verb: 'PUT', location }, () => this.#inner.writeStream(location, chunks, options))
  }

  stat(location: string, options: IoOptions = {}): Promise<StatAnswer> {
    return this.#wrapper.call({ verb: 'HEAD', location }, () => this.#inner.stat(location, options), options.signal)
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<ListPage> {
    return this.#wrapper.pages(prefix, options, (startAfter) => this.#inner.list(prefix, { ...options, startAfter }))
  }

  delete(locations: readonly string[], options: IoOptions = {}): Promise<Answer> {
    const [location = ''] = locations
    return this.#wrapper.call(
      { verb: 'DELETE', location },
      () => this.#inner.delete(locations, options),
      options.signal,
    )
  }

  storeTimeMs(options: IoOptions = {}): Promise<number> {
    return this.#wrapper.clock(this.storeId, () => this.#inner.storeTimeMs(options), options.signal)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

class WrappingCasStore implements CasStore {
  readonly epsilonMs: number
  readonly #inner: CasStore
  readonly #wrapper: CallWrapper

  constructor(inner: CasStore, wrapper: CallWrapper) {
    this.epsilonMs = inner.epsilonMs
    this.#inner = inner
    this.#wrapper = wrapper
  }

  read(location: string, options: IoOptions = {}): Promise<CasRecord | undefined> {
    return this.#wrapper.call({ verb: 'GET', location }, () => this.#inner.read(location, options), options.signal)
  }

  put(location: string, bytes: Uint8Array, expected: CasToken | undefined, options?: IoOptions): Promise<CasOutcome> {
    const call: Call = { verb: 'PUT', location, bytesSent: bytes.length }
    return this.#wrapper.put(call, () => this.#inner.put(location, bytes, expected, options))
  }

  list(prefix: string, options: CasListOptions = {}): AsyncIterable<CasPage> {
    return this.#wrapper.pages(prefix, options, (startAfter) => this.#inner.list(prefix, { ...options, startAfter }))
  }
}
