/**
 * What every simulated history is made of: virtual time, a store with a faulty network before it, processes that crash, and
 * a judge that sees all that is written. The same seed gives the same history, event for event.
 */
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import { Client } from './client.ts'
import { FolderTree } from './folder-tree.ts'
import { ObjectStore } from './object-store.ts'
import { Random } from './random.ts'
import { Runs } from './runs.ts'
import { Scheduler } from './scheduler.ts'
import { SimulatedFileIO } from './simulated-file-io.ts'
import type { Network } from './simulated-file-io.ts'
import type { SystemUnderTest } from './system-under-test.ts'

const WAREHOUSES = { s3: 's3://sim/wh', file: 'file:///sim/wh' } as const
export type StoreScheme = keyof typeof WAREHOUSES

/** Clocks differ by up to ten minutes; on file: all processes share the machine's, which is the store's. */
const MAX_SKEW_MS = { s3: 600_000, file: 0 } as const
/** The shortest is less than a slow answer takes: some outcomes are unknown though nothing failed. */
const SWAP_TIMEOUTS_MS = [500, 5_000, 60_000] as const
export const PATIENT_MS = 60_000
const MAX_EVENTS = 200_000

export interface Judge {
  readonly violation: string | undefined
  /** Tells of an object of the catalog that was written. */
  onBody(location: string, bytes: Uint8Array): void
  fail(violation: string): void
}

export interface WorldOptions {
  readonly scheme?: StoreScheme | undefined
  /** False: a store that checks conditions before it writes, not as it writes. */
  readonly atomic?: boolean | undefined
  /** Share of the listings of folders that miss what just came. */
  readonly stale?: number | undefined
}

export interface SimulatedProcess {
  readonly client: Client
  readonly env: CatalogEnvironment
}

interface Work<P extends SimulatedProcess> {
  readonly operations: number
  /** Share of the operations in which the process crashes. */
  readonly crashes: number
  readonly maxRestMs: number
  readonly start: () => P
  readonly operate: (process: P) => Promise<void>
}

export class World {
  readonly sut: SystemUnderTest
  readonly random: Random
  readonly scheduler = new Scheduler()
  readonly store = new ObjectStore()
  readonly warehouse: string
  readonly #scheme: StoreScheme
  readonly #network: Network
  #judge: Judge | undefined

  constructor(seed: number, sut: SystemUnderTest, { scheme = 's3', atomic = true, stale }: WorldOptions = {}) {
    this.sut = sut
    this.random = new Random(seed)
    this.#scheme = scheme
    this.warehouse = WAREHOUSES[scheme]
    const onBody = (location: string, bytes: Uint8Array): void => this.judge.onBody(location, bytes)
    this.store.onPut = onBody
    const { scheduler, random, store } = this
    let folders: Network['folders']
    if (scheme === 'file') {
      // There the numbers tell what took effect.
      const tree = new FolderTree(stale === undefined ? {} : { stale })
      folders = { tree, runs: new Runs(tree, { onBody, fail: (violation) => this.judge.fail(violation) }) }
    }
    this.#network = { scheduler, random, store, faults: 0, atomic, folders }
  }

  get judge(): Judge {
    if (this.#judge === undefined) throw new Error('a world without a judge')
    return this.#judge
  }

  set judge(judge: Judge) {
    this.#judge = judge
  }

  /** Share of requests that something happens to. */
  set faults(share: number) {
    this.#network.faults = share
  }

  /** Drives virtual time until `task` is done; what is still under way then (late requests) lands too. */
  async play(task: Promise<unknown>): Promise<void> {
    let isDone = false
    task.then(
      () => (isDone = true),
      (error: unknown) =>
        this.judge.fail(`exception: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    )
    const calm = await this.scheduler.run(() => this.judge.violation !== undefined, MAX_EVENTS)
    if (!calm) this.judge.fail('livelock')
    else if (!isDone) this.judge.fail('somebody waits for ever')
  }

  process(leastTimeoutMs = 0): SimulatedProcess {
    const client = new Client(this.scheduler, this.random, MAX_SKEW_MS[this.#scheme])
    const retrier = new this.sut.Retrier({ runtime: client.runtime })
    const io = this.sut.retrying(new SimulatedFileIO(this.#network, client, this.sut), retrier)
    const env: CatalogEnvironment = {
      io,
      cas: io.cas,
      runtime: client.runtime,
      reporter: undefined,
      keys: this.sut.catalogKeys(this.warehouse),
      writer: 'simulation',
      swapTimeoutMs: Math.max(leastTimeoutMs, this.random.pick(SWAP_TIMEOUTS_MS)),
    }
    return { client, env }
  }

  /** One worker: a run of processes, one after another, each doing something until it ends or crashes. */
  async work<P extends SimulatedProcess>({ operations, crashes, maxRestMs, start, operate }: Work<P>): Promise<void> {
    for (let i = 0; i < operations; i++) {
      const process = start()
      const crashed = this.random.chance(crashes)
      const done = operate(process)
      await (crashed ? Promise.race([done, this.crash(process.client)]) : done)
      await this.sleep(this.random.int(maxRestMs))
    }
  }

  crash(client: Client): Promise<void> {
    return this.sleep(this.random.int(3_000)).then(() => void (client.alive = false))
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.scheduler.after(ms, resolve))
  }

  /** Refusals are part of life; anything that is no error of firn's is a bug, and so is damage where nobody did any. */
  readonly expected = (error: unknown): void => {
    if (!(error instanceof this.sut.IcebergError) || error instanceof this.sut.InvalidDataError) throw error
  }

  /** Hash of all that happened: equal for equal seeds. */
  fingerprint(): string {
    const { scheduler, store, random } = this
    return `${scheduler.events}/${scheduler.nowMs}/${store.objects.size}/${random.int(1e9)}`
  }
}

/**
 * Runs a history without the stacks of errors, which cost a twentieth of the time and are seldom read: one that an exception
 * ends is run again with them.
 */
export async function withStacksIfNeeded<H extends { readonly violation: string | undefined }>(
  run: () => Promise<H>,
): Promise<H> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const history = await run().finally(() => (Error.stackTraceLimit = stackTraceLimit))
  return history.violation?.startsWith('exception') === true ? run() : history
}
