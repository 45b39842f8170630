/**
 * One seeded history: processes that append, read, create and drop tables and raise the collection fence, over a
 * faulty network, with crashes; then the oracle. The same seed gives the same history, event for event.
 */
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import { Client } from './client.ts'
import { collectOrphans } from './collect.ts'
import { FolderTree } from './folder-tree.ts'
import { Ledger } from './ledger.ts'
import { ObjectStore } from './object-store.ts'
import { Random } from './random.ts'
import { Runs } from './runs.ts'
import { Scheduler } from './scheduler.ts'
import { SimulatedFileIO } from './simulated-file-io.ts'
import type { Network } from './simulated-file-io.ts'
import type { SystemUnderTest } from './system-under-test.ts'
import type { OpenTable, Process, Workload } from './workload.ts'

const WAREHOUSES = { s3: 's3://sim/wh', file: 'file:///sim/wh' } as const
/** Clocks differ by up to ten minutes; on file: all processes share the machine's, which is the store's. */
const MAX_SKEW_MS = { s3: 600_000, file: 0 } as const
const TABLES = ['t0', 't1'] as const
const WORKERS = 5
/** Longer histories show no more per second of processor time, and are longer to read. */
const OPERATIONS = 5
const GRACE_MS = 120_000
/** The shortest is less than a slow answer takes: some outcomes are unknown though nothing failed. */
const SWAP_TIMEOUTS_MS = [500, 5_000, 60_000] as const
const FAULTS = 0.06
const CRASHES = 0.08
const MAX_EVENTS = 200_000

export type StoreScheme = keyof typeof WAREHOUSES

export interface SimulationOptions {
  readonly store?: StoreScheme | undefined
  /** Whether errors have stacks. By default a history that an exception ends is run again with them. */
  readonly stacks?: boolean | undefined
  /** False: a store that checks conditions before it writes, not as it writes. */
  readonly atomic?: boolean | undefined
}

export interface History {
  readonly violation: string | undefined
  readonly events: number
  readonly commits: number
  readonly operations: number
  readonly unknown: number
  /** Old metadata files that were deleted. */
  readonly metadataDeletes: number
  /** Hash of all that was written: equal for equal seeds. */
  readonly fingerprint: string
}

type Outcome = 'ok' | 'failed' | 'unknown' | 'crashed'
interface Append {
  readonly id: string
  readonly uuid: string
  outcome: Outcome
}

export function replayCommand(seed: number, workload: { readonly name: string }, store: StoreScheme): string {
  return `npm run simulate -- --from ${seed} --seeds 1 --workload ${workload.name} --store ${store}`
}

export async function simulate(
  seed: number,
  sut: SystemUnderTest,
  workload: Workload,
  options: SimulationOptions = {},
): Promise<History> {
  const { stackTraceLimit } = Error
  // Stacks of the errors that are part of life cost a twentieth of the time.
  Error.stackTraceLimit = options.stacks === true ? stackTraceLimit : 0
  const history = await new World(seed, sut, workload, options).run()
  Error.stackTraceLimit = stackTraceLimit
  const wantsStack = history.violation?.startsWith('exception') === true && options.stacks === undefined
  return wantsStack ? simulate(seed, sut, workload, { ...options, stacks: true }) : history
}

class World {
  readonly #sut: SystemUnderTest
  readonly #workload: Workload
  readonly #random: Random
  readonly #scheduler = new Scheduler()
  readonly #store = new ObjectStore()
  readonly #scheme: StoreScheme
  readonly #ledger: Ledger
  readonly #network: Network
  readonly #appends: Append[] = []
  #operations = 0
  #ids = 0

  constructor(seed: number, sut: SystemUnderTest, workload: Workload, options: SimulationOptions) {
    this.#sut = sut
    this.#workload = workload
    this.#random = new Random(seed)
    this.#ledger = new Ledger(this.#store, {
      reach: (location) => workload.reach(this.#store, location),
      log: (location) => workload.log(this.#store, location),
      nowMs: () => this.#scheduler.nowMs,
      readerGraceMs: sut.READER_GRACE_MS,
    })
    this.#store.onPut = (location, bytes) => this.#ledger.onBody(location, bytes)
    this.#scheme = options.store ?? 's3'
    const folders = this.#scheme === 'file' ? this.#folders() : undefined
    const { atomic = true } = options
    this.#network = { scheduler: this.#scheduler, random: this.#random, store: this.#store, faults: 0, atomic, folders }
  }

  /** On s3 the ledger is fed by the store, on file: by the numbers. */
  #folders(): Network['folders'] {
    const tree = new FolderTree()
    const runs = new Runs(tree, {
      onBody: (location, bytes) => this.#ledger.onBody(location, bytes),
      fail: (violation) => this.#ledger.fail(violation),
    })
    return { tree, runs }
  }

  async run(): Promise<History> {
    await this.#play(this.#setUp())
    this.#network.faults = FAULTS
    await this.#play(Promise.all(Array.from({ length: WORKERS }, () => this.#work())))
    this.#network.faults = 0
    await this.#play(this.#checkHeads())
    await this.#play(this.#checkAppends())
    return {
      violation: this.#ledger.violation,
      events: this.#scheduler.events,
      commits: this.#ledger.commits,
      operations: this.#operations,
      unknown: this.#appends.filter((append) => append.outcome === 'unknown').length,
      metadataDeletes: this.#ledger.metadataDeletes,
      fingerprint: `${this.#scheduler.events}/${this.#scheduler.nowMs}/${this.#store.objects.size}/${this.#random.int(1e9)}`,
    }
  }

  /** Drives virtual time until `task` is done; what is still under way then (late requests) lands too. */
  async #play(task: Promise<unknown>): Promise<void> {
    task.catch((error: unknown) =>
      this.#ledger.fail(`exception: ${error instanceof Error ? error.stack : String(error)}`),
    )
    const calm = await this.#scheduler.run(() => this.#ledger.violation !== undefined, MAX_EVENTS)
    if (!calm) this.#ledger.fail('livelock')
  }

  #process(leastTimeoutMs = 0): Process & { readonly client: Client } {
    const client = new Client(this.#scheduler, this.#random, MAX_SKEW_MS[this.#scheme])
    const retrier = new this.#sut.Retrier({ runtime: client.runtime })
    const io = this.#sut.retrying(new SimulatedFileIO(this.#network, client, this.#sut), retrier)
    const env: CatalogEnvironment = {
      io,
      cas: io.cas,
      runtime: client.runtime,
      reporter: undefined,
      keys: this.#sut.catalogKeys(WAREHOUSES[this.#scheme]),
      writer: 'simulation',
      swapTimeoutMs: Math.max(leastTimeoutMs, this.#random.pick(SWAP_TIMEOUTS_MS)),
    }
    const catalog = new this.#sut.ObjectCatalog(env, { unsafe: true })
    return { env, catalog, client, pause: (ms) => client.runtime.sleep(ms) }
  }

  async #setUp(): Promise<void> {
    const { catalog } = this.#process(SWAP_TIMEOUTS_MS[2])
    await catalog.createNamespace('ns')
    // The other table is made by whoever wants it first, several at once.
    await this.#create(catalog, TABLES[0])
  }

  async #create(catalog: Process['catalog'], table: string): Promise<void> {
    await catalog.createTable(`ns.${table}`, {
      schema: { id: 'string', day: 'date' },
      partitionBy: ['day'],
      formatVersion: this.#random.chance(0.5) ? 3 : 2,
      properties: {
        'write.parquet.compression-codec': 'uncompressed',
        'commit.retry.total-timeout-ms': '600000',
        'commit.manifest.min-count-to-merge': '4',
        // One of the two lets go of old metadata files.
        'write.metadata.delete-after-commit.enabled': String(table === TABLES[1]),
        'write.metadata.previous-versions-max': table === TABLES[1] ? '4' : '100',
      },
    })
  }

  /** One worker: a run of processes, one after another, each doing a few things until it ends or crashes. */
  async #work(): Promise<void> {
    const random = this.#random
    for (let i = 0; i < OPERATIONS; i++) {
      const process = this.#process()
      const crashed = random.chance(CRASHES)
      const done = this.#operate(process)
      await (crashed ? Promise.race([done, this.#crash(process.client)]) : done)
      await this.#sleep(random.int(8_000))
    }
  }

  #crash(client: Client): Promise<void> {
    return this.#sleep(this.#random.int(3_000)).then(() => void (client.alive = false))
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#scheduler.after(ms, resolve))
  }

  async #operate(process: Process): Promise<void> {
    this.#operations++
    const table = this.#random.pick(TABLES)
    const roll = this.#random.next()
    try {
      if (roll < 0.6) await this.#appendSome(process, table)
      else if (roll < 0.8) await this.#read(process, table)
      else if (roll < 0.85) await process.catalog.dropTable(`ns.${table}`)
      else if (roll < 0.95) await this.#create(process.catalog, table)
      else await this.#collect(process, table)
    } catch (error) {
      // Refusals are part of life; anything that is no error of firn's is a bug.
      this.#expected(error)
      // A dropped table is soon made again, so that most of a history has something to work on.
      if (error instanceof this.#sut.NotFoundError) await this.#create(process.catalog, table).catch(this.#expected)
    }
  }

  readonly #expected = (error: unknown): void => {
    if (!(error instanceof this.#sut.IcebergError) || error instanceof this.#sut.InvalidDataError) throw error
  }

  async #appendSome(process: Process, table: string): Promise<void> {
    const open = await this.#workload.open(process, table)
    const appends = 1 + this.#random.int(3)
    for (let i = 0; i < appends; i++) {
      const append: Append = { id: String(this.#ids++), uuid: open.uuid, outcome: 'crashed' }
      this.#appends.push(append)
      const pauseMs = this.#random.chance(0.1) ? this.#random.int(3 * GRACE_MS) : this.#random.int(100)
      append.outcome = await this.#outcomeOf(open.append(append.id, pauseMs))
    }
  }

  async #outcomeOf(committing: Promise<void>): Promise<Outcome> {
    try {
      await committing
      return 'ok'
    } catch (error) {
      if (error instanceof this.#sut.CommitStateUnknownError) return 'unknown'
      this.#expected(error)
      return 'failed'
    }
  }

  async #read(process: Process, table: string): Promise<void> {
    const open: OpenTable = await this.#workload.open(process, table)
    const seen = await open.read(this.#random.int(20_000))
    if (new Set(seen).size !== seen.length) this.#ledger.fail(`reader of ${table}: a row twice`)
    const entries = this.#ledger.tables.get(open.uuid) ?? []
    const whole = entries.some((entry) => sameRows(this.#workload.rowsOf(this.#store, entry.metadataLocation), seen))
    if (!whole) this.#ledger.fail(`reader of ${table}: ${seen.length} rows that are no snapshot`)
  }

  #collect({ env }: Process, table: string): Promise<void> {
    return collectOrphans(this.#sut, env, {
      pointer: env.keys.pointer({ namespace: ['ns'], name: table }, 1),
      folderOf: ({ uuid }) => `${env.keys.tableLocation(uuid)}/data/`,
      graceMs: GRACE_MS,
      reach: (location) => this.#workload.reach(this.#store, location),
    })
  }

  /** When all is calm again, whoever comes finds what was written last. */
  async #checkHeads(): Promise<void> {
    const { env } = this.#process()
    const pointers = new this.#sut.PointerStore(env)
    for (const [location, u] of this.#ledger.heads()) {
      const held = await pointers.read(location)
      if (held?.body.u !== u) this.#ledger.fail(`${location}: v${held?.body.v} is read, which is not the last`)
    }
  }

  /** Each acknowledged append is in its table once, each failed one is not, each table's files are whole. */
  async #checkAppends(): Promise<void> {
    if (this.#ledger.violation !== undefined) return
    for (const [uuid, entries] of this.#ledger.tables) {
      const last = entries.at(-1)
      if (last === undefined) continue
      const rows = this.#workload.rowsOf(this.#store, last.metadataLocation)
      const present = new Set(rows)
      if (present.size !== rows.length) this.#ledger.fail(`table ${uuid}: a row is there twice`)
      for (const append of this.#appends.filter((a) => a.uuid === uuid)) this.#checkAppend(append, present)
    }
  }

  #checkAppend({ id, outcome }: Append, present: ReadonlySet<string>): void {
    const ids = this.#workload.idsOf(id)
    const found = ids.filter((row) => present.has(row)).length
    if (found !== 0 && found !== ids.length) this.#ledger.fail(`append ${id} is there in part`)
    if (outcome === 'ok' && found === 0) this.#ledger.fail(`append ${id} was acknowledged and is lost`)
    if (outcome === 'failed' && found > 0) this.#ledger.fail(`append ${id} was reported failed and is there`)
  }
}

function sameRows(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  const rows = new Set(a)
  return b.every((row) => rows.has(row))
}
