/**
 * The store of `memory://name/path` locations: tests, examples and trials. Stores are shared within the process by name,
 * so that two FileIOs see the same objects; nothing takes time and everything is atomic.
 */
import { NotFoundError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import { checkRange, shorterThan } from './byte-range.ts'
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
  StreamAnswer,
} from './file-io.ts'
import { compareBytewise, parseMemoryLocation } from './location.ts'

const PAGE_SIZE = 1000

interface MemoryObject {
  readonly bytes: Uint8Array
  readonly lastModifiedMs: number
  readonly token: CasToken
}

/** The objects of one named store, by path. */
class MemoryStore {
  readonly objects: Map<string, MemoryObject> = new Map()
  #writes = 0

  put(path: string, bytes: Uint8Array, lastModifiedMs: number): CasToken {
    this.#writes += 1
    const token = String(this.#writes)
    this.objects.set(path, { bytes: bytes.slice(), lastModifiedMs, token })
    return token
  }
}

const stores = new Map<string, MemoryStore>()

/** The process's store of that name, made when it is first asked for. */
function memoryStore(name: string): MemoryStore {
  const store = stores.get(name) ?? new MemoryStore()
  stores.set(name, store)
  return store
}

/** Forgets a named store with all its objects. */
export function dropMemoryStore(name: string): void {
  stores.delete(name)
}

export class MemoryFileIO implements FileIO {
  readonly kind = 'memory'
  readonly storeId = 'memory'
  readonly cas: CasStore
  readonly #runtime: Runtime

  constructor(options: { readonly runtime: Runtime }) {
    this.#runtime = options.runtime
    this.cas = new MemoryCasStore(options.runtime)
  }

  async read(location: string, options: IoOptions = {}): Promise<ReadAnswer> {
    options.signal?.throwIfAborted()
    return { bytes: require(location).bytes, storeTimeMs: this.#runtime.wallMs() }
  }

  async readRange(location: string, range: ByteRange, options: IoOptions = {}): Promise<ReadAnswer> {
    options.signal?.throwIfAborted()
    checkRange(location, range)
    const { bytes } = require(location)
    const end = range.offset + range.length
    if (end > bytes.length) throw shorterThan(location, range)
    return { bytes: bytes.subarray(range.offset, end), storeTimeMs: this.#runtime.wallMs() }
  }

  async write(location: string, bytes: Uint8Array, options: IoOptions = {}): Promise<Answer> {
    options.signal?.throwIfAborted()
    const { store, path } = parseMemoryLocation(location)
    const storeTimeMs = this.#runtime.wallMs()
    memoryStore(store).put(path, bytes, storeTimeMs)
    return { storeTimeMs }
  }

  async writeStream(
    location: string,
    chunks: AsyncIterable<Uint8Array>,
    options: IoOptions = {},
  ): Promise<StreamAnswer> {
    options.signal?.throwIfAborted()
    const parts: Uint8Array[] = []
    for await (const chunk of chunks) parts.push(chunk.slice())
    const bytes = Buffer.concat(parts)
    return { ...(await this.write(location, bytes, options)), sizeBytes: bytes.length }
  }

  async stat(location: string, options: IoOptions = {}): Promise<StatAnswer> {
    options.signal?.throwIfAborted()
    const { bytes, lastModifiedMs } = require(location)
    return { sizeBytes: bytes.length, lastModifiedMs, storeTimeMs: this.#runtime.wallMs() }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListPage> {
    const found = objectsBelow(prefix, options.startAfter)
    for (let start = 0; start === 0 || start < found.length; start += PAGE_SIZE) {
      options.signal?.throwIfAborted()
      const entries = found.slice(start, start + PAGE_SIZE).map(([location, { bytes, lastModifiedMs }]) => ({
        location,
        sizeBytes: bytes.length,
        lastModifiedMs,
      }))
      yield { entries, storeTimeMs: this.#runtime.wallMs() }
    }
  }

  async delete(locations: readonly string[], options: IoOptions = {}): Promise<Answer> {
    options.signal?.throwIfAborted()
    for (const location of locations) {
      const { store, path } = parseMemoryLocation(location)
      memoryStore(store).objects.delete(path)
    }
    return { storeTimeMs: this.#runtime.wallMs() }
  }

  async storeTimeMs(options: IoOptions = {}): Promise<number> {
    options.signal?.throwIfAborted()
    return this.#runtime.wallMs()
  }

  async close(): Promise<void> {}
}

class MemoryCasStore implements CasStore {
  readonly epsilonMs = 0
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  async read(location: string, options: IoOptions = {}): Promise<CasRecord | undefined> {
    options.signal?.throwIfAborted()
    const object = find(location)
    return object === undefined ? undefined : { ...object, storeTimeMs: this.#runtime.wallMs() }
  }

  async put(
    location: string,
    bytes: Uint8Array,
    expected: CasToken | undefined,
    options: IoOptions = {},
  ): Promise<CasOutcome> {
    options.signal?.throwIfAborted()
    const storeTimeMs = this.#runtime.wallMs()
    if (find(location)?.token !== expected) return { kind: 'settled', storeTimeMs }
    const { store, path } = parseMemoryLocation(location)
    return { kind: 'written', token: memoryStore(store).put(path, bytes, storeTimeMs), storeTimeMs }
  }

  async *list(prefix: string, options: CasListOptions = {}): AsyncGenerator<CasPage> {
    const { delimited = false, startAfter, signal } = options
    const items = new Map<string, number | undefined>()
    for (const [location, { bytes }] of objectsBelow(prefix, undefined)) {
      const slash = delimited ? location.indexOf('/', prefix.length) : -1
      if (slash === -1) items.set(location, bytes.length)
      else items.set(location.slice(0, slash + 1), undefined)
    }
    const found = [...items].filter(([name]) => startAfter === undefined || compareBytewise(name, startAfter) > 0)
    for (let start = 0; start === 0 || start < found.length; start += PAGE_SIZE) {
      signal?.throwIfAborted()
      const page = found.slice(start, start + PAGE_SIZE)
      yield {
        entries: page.flatMap(([location, sizeBytes]) => (sizeBytes === undefined ? [] : [{ location, sizeBytes }])),
        folders: page.flatMap(([location, sizeBytes]) => (sizeBytes === undefined ? [location] : [])),
        storeTimeMs: this.#runtime.wallMs(),
      }
    }
  }
}

function find(location: string): MemoryObject | undefined {
  const { store, path } = parseMemoryLocation(location)
  return memoryStore(store).objects.get(path)
}

function require(location: string): MemoryObject {
  const object = find(location)
  if (object === undefined) throw new NotFoundError(`${location} does not exist`, { context: { location } })
  return object
}

function objectsBelow(prefix: string, startAfter: string | undefined): [string, MemoryObject][] {
  const { store } = parseMemoryLocation(prefix)
  return [...memoryStore(store).objects]
    .map(([path, object]): [string, MemoryObject] => [`memory://${store}/${path}`, object])
    .filter(([location]) => location.startsWith(prefix))
    .filter(([location]) => startAfter === undefined || compareBytewise(location, startAfter) > 0)
    .toSorted(([a], [b]) => compareBytewise(a, b))
}
