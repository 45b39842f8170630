/**
 * One seeded history: processes that append, read, create and drop tables and raise the collection fence, over a
 * faulty network, with crashes; then the oracle. The same seed gives the same history, event for event.
 */
import { collectOrphans } from './collect.ts'
import { Ledger } from './ledger.ts'
import type { SystemUnderTest } from './system-under-test.ts'
import type { OpenTable, Process, Workload } from './workload.ts'
import { PATIENT_MS, World, withStacksIfNeeded } from './world.ts'
import type { SimulatedProcess, StoreScheme } from './world.ts'

const TABLES = ['t0', 't1'] as const
const WORKERS = 5
/** Longer histories show no more per second of processor time, and are longer to read. */
const OPERATIONS = 5
const GRACE_MS = 120_000
const FAULTS = 0.06
const CRASHES = 0.08

export interface SimulationOptions {
  readonly store?: StoreScheme | undefined
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

export function simulate(
  seed: number,
  sut: SystemUnderTest,
  workload: Workload,
  { store, atomic }: SimulationOptions = {},
): Promise<History> {
  return withStacksIfNeeded(() => new Commits(new World(seed, sut, { scheme: store, atomic }), workload).run())
}

class Commits {
  readonly #world: World
  readonly #workload: Workload
  readonly #ledger: Ledger
  readonly #appends: Append[] = []
  #operations = 0
  #ids = 0

  constructor(world: World, workload: Workload) {
    this.#world = world
    this.#workload = workload
    this.#ledger = new Ledger(world.store, {
      reach: (location) => workload.reach(world.store, location),
      log: (location) => workload.log(world.store, location),
      nowMs: () => world.scheduler.nowMs,
      readerGraceMs: world.sut.READER_GRACE_MS,
    })
    world.judge = this.#ledger
  }

  async run(): Promise<History> {
    const world = this.#world
    await world.play(this.#setUp())
    world.faults = FAULTS
    await world.play(Promise.all(Array.from({ length: WORKERS }, () => this.#work())))
    world.faults = 0
    await world.play(this.#checkHeads())
    await world.play(this.#checkAppends())
    return {
      violation: this.#ledger.violation,
      events: world.scheduler.events,
      commits: this.#ledger.commits,
      operations: this.#operations,
      unknown: this.#appends.filter((append) => append.outcome === 'unknown').length,
      metadataDeletes: this.#ledger.metadataDeletes,
      fingerprint: world.fingerprint(),
    }
  }

  #process(leastTimeoutMs?: number): Process & SimulatedProcess {
    const { client, env } = this.#world.process(leastTimeoutMs)
    const catalog = new this.#world.sut.ObjectCatalog(env, { unsafe: true })
    return { env, catalog, client, pause: (ms) => client.runtime.sleep(ms) }
  }

  async #setUp(): Promise<void> {
    const { catalog } = this.#process(PATIENT_MS)
    await catalog.createNamespace('ns')
    // The other table is made by whoever wants it first, several at once.
    await this.#create(catalog, TABLES[0])
  }

  async #create(catalog: Process['catalog'], table: string): Promise<void> {
    await catalog.createTable(`ns.${table}`, {
      schema: { id: 'string', day: 'date' },
      partitionBy: ['day'],
      formatVersion: this.#world.random.chance(0.5) ? 3 : 2,
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

  #work(): Promise<void> {
    return this.#world.work({
      operations: OPERATIONS,
      crashes: CRASHES,
      maxRestMs: 8_000,
      start: () => this.#process(),
      operate: (process) => this.#operate(process),
    })
  }

  async #operate(process: Process): Promise<void> {
    this.#operations++
    const table = this.#world.random.pick(TABLES)
    const roll = this.#world.random.next()
    try {
      if (roll < 0.6) await this.#appendSome(process, table)
      else if (roll < 0.8) await this.#read(process, table)
      else if (roll < 0.85) await process.catalog.dropTable(`ns.${table}`)
      else if (roll < 0.95) await this.#create(process.catalog, table)
      else await this.#collect(process, table)
    } catch (error) {
      // Refusals are part of life; anything that is no error of firn's is a bug.
      this.#world.expected(error)
      // A dropped table is soon made again, so that most of a history has something to work on.
      if (error instanceof this.#world.sut.NotFoundError)
        await this.#create(process.catalog, table).catch(this.#world.expected)
    }
  }

  async #appendSome(process: Process, table: string): Promise<void> {
    const open = await this.#workload.open(process, table)
    const appends = 1 + this.#world.random.int(3)
    for (let i = 0; i < appends; i++) {
      const append: Append = { id: String(this.#ids++), uuid: open.uuid, outcome: 'crashed' }
      this.#appends.push(append)
      const pauseMs = this.#world.random.chance(0.1)
        ? this.#world.random.int(3 * GRACE_MS)
        : this.#world.random.int(100)
      append.outcome = await this.#outcomeOf(open.append(append.id, pauseMs))
    }
  }

  async #outcomeOf(committing: Promise<void>): Promise<Outcome> {
    try {
      await committing
      return 'ok'
    } catch (error) {
      if (error instanceof this.#world.sut.CommitStateUnknownError) return 'unknown'
      this.#world.expected(error)
      return 'failed'
    }
  }

  async #read(process: Process, table: string): Promise<void> {
    const open: OpenTable = await this.#workload.open(process, table)
    const seen = await open.read(this.#world.random.int(20_000))
    if (new Set(seen).size !== seen.length) this.#ledger.fail(`reader of ${table}: a row twice`)
    const entries = this.#ledger.tables.get(open.uuid) ?? []
    const whole = entries.some((entry) =>
      sameRows(this.#workload.rowsOf(this.#world.store, entry.metadataLocation), seen),
    )
    if (!whole) this.#ledger.fail(`reader of ${table}: ${seen.length} rows that are no snapshot`)
  }

  #collect({ env }: Process, table: string): Promise<void> {
    return collectOrphans(this.#world.sut, env, {
      pointer: env.keys.pointer({ namespace: ['ns'], name: table }, 1),
      folderOf: ({ uuid }) => `${env.keys.tableLocation(uuid)}/data/`,
      graceMs: GRACE_MS,
      reach: (location) => this.#workload.reach(this.#world.store, location),
    })
  }

  /** When all is calm again, whoever comes finds what was written last. */
  async #checkHeads(): Promise<void> {
    const { env } = this.#process()
    const pointers = new this.#world.sut.PointerStore(env)
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
      const rows = this.#workload.rowsOf(this.#world.store, last.metadataLocation)
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
