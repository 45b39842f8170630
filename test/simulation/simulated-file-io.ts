/**
 * FileIO over the simulated store: random latencies, lost requests and answers, late landings, 500 after and 503 before.
 * On file: its compare-and-swap is the real one over simulated folders.
 */
import type {
  ByteRange,
  CasEntry,
  CasListOptions,
  CasOutcome,
  CasPage,
  CasRecord,
  CasStore,
  FileIO,
  ListOptions,
  ListPage,
  ReadAnswer,
  StatAnswer,
  StreamAnswer,
  Answer,
} from '../../src/io/file-io.ts'
import type { Client } from './client.ts'
import type { FolderTree } from './folder-tree.ts'
import type { ObjectStore } from './object-store.ts'
import type { Random } from './random.ts'
import type { Runs } from './runs.ts'
import type { Scheduler } from './scheduler.ts'
import { SimulatedFiles } from './simulated-files.ts'
import type { SystemUnderTest } from './system-under-test.ts'

const TIMEOUT_MS = 2_000
const LATE_MS = 20_000
const EPSILON_MS = 1_000

export interface Network {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly store: ObjectStore
  /** Share of requests that something happens to; settable, so that the end of a run is calm. */
  faults: number
  readonly atomic: boolean
  /** Where compare-and-swap is that of file:. */
  readonly folders: { readonly tree: FolderTree; readonly runs: Runs } | undefined
}

/** What the client is told instead of an answer. */
type Fault = 'timeout' | 503 | 500
class Faulty extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(String(fault))
    this.fault = fault
  }
}

export class SimulatedFileIO implements FileIO {
  readonly kind: 's3' | 'local'
  readonly storeId = 'simulated'
  readonly cas: CasStore
  readonly #network: Network
  readonly #client: Client
  readonly #sut: SystemUnderTest
  #heard: { storeTimeMs: number; atMs: number } | undefined

  constructor(network: Network, client: Client, sut: SystemUnderTest) {
    this.#network = network
    this.#client = client
    this.#sut = sut
    this.kind = network.folders === undefined ? 's3' : 'local'
    this.cas = this.#localCas() ?? {
      epsilonMs: EPSILON_MS,
      read: (location) => this.#readRecord(location),
      put: (location, bytes, expected) => this.#conditionalPut(location, bytes, expected),
      list: (prefix, options) => this.#listRecords(prefix, options),
    }
  }

  #localCas(): CasStore | undefined {
    const { folders } = this.#network
    if (folders === undefined) return undefined
    const files = new SimulatedFiles(this.#network, folders.tree, this.#client)
    return folders.runs.watch(new this.#sut.LocalCasStore({ runtime: this.#client.runtime, files }))
  }

  async read(location: string): Promise<ReadAnswer> {
    const { bytes } = await this.#require(location)
    return { bytes, storeTimeMs: this.#now() }
  }

  async readRange(location: string, { offset, length }: ByteRange): Promise<ReadAnswer> {
    const { bytes } = await this.#require(location)
    return { bytes: bytes.subarray(offset, offset + length), storeTimeMs: this.#now() }
  }

  async write(location: string, bytes: Uint8Array): Promise<Answer> {
    const { store, scheduler } = this.#network
    await this.#asked(() => store.put(location, bytes, scheduler.nowMs))
    return { storeTimeMs: this.#now() }
  }

  async writeStream(location: string, chunks: AsyncIterable<Uint8Array>): Promise<StreamAnswer> {
    const parts: Uint8Array[] = []
    for await (const chunk of chunks) parts.push(chunk)
    const bytes = Buffer.concat(parts)
    return { ...(await this.write(location, bytes)), sizeBytes: bytes.length }
  }

  async stat(location: string): Promise<StatAnswer> {
    const { bytes, lastModifiedMs } = await this.#require(location)
    return { sizeBytes: bytes.length, lastModifiedMs, storeTimeMs: this.#now() }
  }

  async *list(prefix: string, { startAfter = '' }: ListOptions = {}): AsyncGenerator<ListPage> {
    const found = await this.#asked(() => this.#network.store.list(prefix, startAfter))
    const entries = found.map(([location, { bytes, lastModifiedMs }]) => ({
      location,
      sizeBytes: bytes.length,
      lastModifiedMs,
    }))
    yield { entries, storeTimeMs: this.#now() }
  }

  async delete(locations: readonly string[]): Promise<Answer> {
    await this.#asked(() => locations.forEach((location) => this.#network.store.delete(location)))
    return { storeTimeMs: this.#now() }
  }

  async storeTimeMs(): Promise<number> {
    if (this.#heard === undefined) await this.#asked(() => undefined)
    const { storeTimeMs, atMs } = this.#heard ?? { storeTimeMs: 0, atMs: 0 }
    return storeTimeMs + (this.#network.scheduler.nowMs - atMs)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #require(location: string): Promise<{ bytes: Uint8Array; lastModifiedMs: number }> {
    const found = await this.#asked(() => this.#network.store.objects.get(location))
    if (found === undefined) throw new this.#sut.NotFoundError(`no object ${location}`, { context: { location } })
    return found
  }

  async #readRecord(location: string): Promise<CasRecord | undefined> {
    const found = await this.#asked(() => this.#network.store.objects.get(location))
    return (
      found && { bytes: found.bytes, token: found.etag, lastModifiedMs: found.lastModifiedMs, storeTimeMs: this.#now() }
    )
  }

  async #conditionalPut(location: string, bytes: Uint8Array, etag: string | undefined): Promise<CasOutcome> {
    const { store, scheduler, random, atomic } = this.#network
    const expected = { etag }
    try {
      const answer = await this.#request<{ readonly etag?: string }>((settle) => {
        if (store.refuses(location, expected) !== undefined) return settle({})
        const write = (): void => settle({ etag: store.put(location, bytes, scheduler.nowMs).etag })
        if (atomic) write()
        else scheduler.after(random.int(30), write)
      })
      const storeTimeMs = this.#hear()
      return answer.etag === undefined
        ? { kind: 'settled', storeTimeMs }
        : { kind: 'written', token: answer.etag, storeTimeMs }
    } catch (cause) {
      return { kind: 'ambiguous', cause }
    }
  }

  async *#listRecords(
    prefix: string,
    { delimited = false, startAfter = '' }: CasListOptions = {},
  ): AsyncGenerator<CasPage> {
    const found = await this.#asked(() => this.#network.store.list(prefix, startAfter))
    const entries: CasEntry[] = []
    const folders = new Set<string>()
    for (const [location, { bytes }] of found) {
      const slash = delimited ? location.indexOf('/', prefix.length) : -1
      if (slash < 0) entries.push({ location, sizeBytes: bytes.length })
      else folders.add(location.slice(0, slash + 1))
    }
    yield { entries, folders: [...folders], storeTimeMs: this.#now() }
  }

  #now(): number {
    return this.#heard?.storeTimeMs ?? 0
  }

  #hear(): number {
    const { nowMs } = this.#network.scheduler
    this.#heard = { storeTimeMs: nowMs, atMs: nowMs }
    return nowMs
  }

  async #asked<T>(apply: () => T): Promise<T> {
    try {
      const answer = await this.#request<T>((settle) => settle(apply()))
      this.#hear()
      return answer
    } catch (error) {
      const message = error instanceof Faulty ? `store answered ${error.fault}` : String(error)
      throw new this.#sut.ServiceError(message, { retryable: error instanceof Faulty, cause: error })
    }
  }

  /** One request through the network; `apply` runs at the store, maybe late, maybe without its answer being heard. */
  #request<T>(apply: (settle: (answer: T) => void) => void): Promise<T> {
    const { scheduler, random, faults } = this.#network
    const client = this.#client
    const there = latency(random)
    const back = latency(random)
    const roll = random.next() / (faults || Number.MIN_VALUE)
    return new Promise((resolve, reject) => {
      let done = false
      const finish = (act: () => void): void => {
        if (!done && client.alive) act()
        done = true
        timeout.cancelled = true
      }
      const fail = (fault: Fault): void => finish(() => reject(new Faulty(fault)))
      const timeout = scheduler.after(TIMEOUT_MS, () => fail('timeout'))
      if (roll < 0.25) return
      if (roll < 0.4) {
        scheduler.after(there + back, () => fail(503))
        return
      }
      const landsMs = there + (roll < 0.55 ? random.int(LATE_MS) : 0)
      scheduler.after(landsMs, () =>
        apply((answer) => {
          if (roll >= 0.55 && roll < 0.85) return
          scheduler.after(back, () => (roll >= 0.85 && roll < 1 ? fail(500) : finish(() => resolve(answer))))
        }),
      )
    })
  }
}

function latency(random: Random): number {
  return 5 + random.int(40) + (random.chance(0.02) ? random.int(1_500) : 0)
}
