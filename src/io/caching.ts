/**
 * A cache of immutable objects, as a decorator over any FileIO: whole objects and byte ranges, least recently used out
 * first, within a limit of bytes. Equal reads that overlap become one. Pointers never come here: they go through `cas`.
 */
import { onAbort } from '../base/abort.ts'
import { checkRange, shorterThan } from './byte-range.ts'
import type { Answer, ByteRange, FileIO, IoOptions, ReadAnswer, StreamAnswer } from './file-io.ts'
import { lastSegment } from './location.ts'
import { PassingFileIO } from './passing.ts'

/** Objects written through are kept up to this size: metadata, manifests and lists, which the next commit reads. */
const WRITE_THROUGH_BYTES = 1024 * 1024
/** An entry takes at most this part of the cache. */
const LARGEST_PART = 1 / 4
/** The one object outside `cas` whose name is written again. */
const MUTABLE = 'version-hint.text'

export function caching(inner: FileIO, options: { readonly sizeBytes: number }): FileIO {
  return new CachingFileIO(inner, options.sizeBytes)
}

class CachingFileIO extends PassingFileIO {
  readonly #cache: ByteCache
  readonly #flights = new Map<string, Flight>()

  constructor(inner: FileIO, sizeBytes: number) {
    super(inner)
    this.#cache = new ByteCache(sizeBytes)
  }

  override async read(location: string, options: IoOptions = {}): Promise<ReadAnswer> {
    options.signal?.throwIfAborted()
    if (lastSegment(location) === MUTABLE) return this.inner.read(location, options)
    const fetch = (signal: AbortSignal): Promise<ReadAnswer> => this.inner.read(location, { signal })
    return this.#cache.get(location, location) ?? this.#shared(location, location, fetch, options.signal)
  }

  override async readRange(location: string, range: ByteRange, options: IoOptions = {}): Promise<ReadAnswer> {
    options.signal?.throwIfAborted()
    checkRange(location, range)
    const end = range.offset + range.length
    const whole = this.#cache.get(location, location)
    if (whole !== undefined) {
      if (end > whole.bytes.length) throw shorterThan(location, range)
      return { bytes: whole.bytes.subarray(range.offset, end), storeTimeMs: whole.storeTimeMs }
    }
    const key = `${range.offset}-${end}`
    const fetch = (signal: AbortSignal): Promise<ReadAnswer> => this.inner.readRange(location, range, { signal })
    return this.#cache.get(location, key) ?? this.#shared(location, key, fetch, options.signal)
  }

  override async write(location: string, bytes: Uint8Array, options?: IoOptions): Promise<Answer> {
    this.#forget(location)
    const answer = await this.inner.write(location, bytes, options)
    if (bytes.length <= WRITE_THROUGH_BYTES && lastSegment(location) !== MUTABLE) {
      this.#cache.set(location, location, { bytes: bytes.slice(), storeTimeMs: answer.storeTimeMs })
    }
    return answer
  }

  override writeStream(
    location: string,
    chunks: AsyncIterable<Uint8Array>,
    options?: IoOptions,
  ): Promise<StreamAnswer> {
    this.#forget(location)
    return this.inner.writeStream(location, chunks, options)
  }

  override delete(locations: readonly string[], options?: IoOptions): Promise<Answer> {
    for (const location of locations) this.#forget(location)
    return this.inner.delete(locations, options)
  }

  override async close(): Promise<void> {
    this.#cache.clear()
    await this.inner.close()
  }

  /** Neither kept bytes nor a read under way tell of the location any more. */
  #forget(location: string): void {
    this.#cache.delete(location)
    for (const name of this.#flights.keys()) if (name.startsWith(`${location}\n`)) this.#flights.delete(name)
  }

  /** One read for all who ask for the same at the same time; it is aborted once the last of them has gone. */
  async #shared(
    location: string,
    key: string,
    fetch: (signal: AbortSignal) => Promise<ReadAnswer>,
    signal: AbortSignal | undefined,
  ): Promise<ReadAnswer> {
    const name = keyOf(location, key)
    const flight = this.#flights.get(name) ?? this.#start(name, location, key, fetch)
    flight.waiting += 1
    try {
      return await untilAborted(flight.answer, signal)
    } finally {
      flight.waiting -= 1
      if (flight.waiting === 0) {
        flight.controller.abort()
        if (this.#flights.get(name) === flight) this.#flights.delete(name)
      }
    }
  }

  #start(name: string, location: string, key: string, fetch: (signal: AbortSignal) => Promise<ReadAnswer>): Flight {
    const controller = new AbortController()
    const epoch = this.#cache.epoch
    const answer = fetch(controller.signal).then((read) => {
      // What was written or deleted meanwhile is not brought back.
      if (this.#cache.epoch === epoch) this.#cache.set(location, key, read)
      return read
    })
    answer.catch(() => {})
    const flight: Flight = { controller, answer, waiting: 0 }
    this.#flights.set(name, flight)
    return flight
  }
}

interface Flight {
  readonly controller: AbortController
  readonly answer: Promise<ReadAnswer>
  waiting: number
}

/** Answers by location and part, least recently used first. */
class ByteCache {
  /** Grows with every deletion. */
  epoch = 0
  readonly #limitBytes: number
  readonly #entries = new Map<string, ReadAnswer>()
  /** Keys of each location's entries. */
  readonly #keys = new Map<string, Set<string>>()
  #sizeBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get(location: string, part: string): ReadAnswer | undefined {
    const key = keyOf(location, part)
    const found = this.#entries.get(key)
    if (found === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, found)
    return found
  }

  set(location: string, part: string, answer: ReadAnswer): void {
    if (answer.bytes.length > this.#limitBytes * LARGEST_PART) return
    const key = keyOf(location, part)
    this.#remove(key)
    this.#entries.set(key, answer)
    const keys = this.#keys.get(location) ?? new Set()
    this.#keys.set(location, keys.add(key))
    this.#sizeBytes += costOf(key, answer)
    for (const oldest of this.#entries.keys()) {
      if (this.#sizeBytes <= this.#limitBytes) break
      this.#remove(oldest)
    }
  }

  delete(location: string): void {
    this.epoch += 1
    for (const key of this.#keys.get(location) ?? []) this.#remove(key)
  }

  clear(): void {
    this.epoch += 1
    this.#entries.clear()
    this.#keys.clear()
    this.#sizeBytes = 0
  }

  #remove(key: string): void {
    const answer = this.#entries.get(key)
    if (answer === undefined) return
    this.#entries.delete(key)
    this.#sizeBytes -= costOf(key, answer)
    const location = key.slice(0, key.lastIndexOf('\n'))
    const keys = this.#keys.get(location)
    keys?.delete(key)
    if (keys?.size === 0) this.#keys.delete(location)
  }
}

function keyOf(location: string, part: string): string {
  return `${location}\n${part === location ? '' : part}`
}

/** Bytes and names, with something for the bookkeeping. */
function costOf(key: string, { bytes }: ReadAnswer): number {
  return bytes.length + 2 * key.length + 200
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const release = onAbort(signal, () => reject(signal.reason as Error))
    promise.then(resolve, reject).finally(release)
  })
}
