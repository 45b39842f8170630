/**
 * One seeded history of writers that share commits: appends of one process at the same time, some of them aborted, and
 * streams that are started again where their token stands, over a faulty network, with crashes and with orphan removal.
 * Rows go through Parquet, manifests (merged early) and the real catalog. The same seed gives the same history.
 */
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import type { Table } from '../../src/table/table.ts'
import { Client } from './client.ts'
import { collectOrphans } from './collect.ts'
import { Ledger } from './ledger.ts'
import { ObjectStore } from './object-store.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { SimulatedFileIO } from './simulated-file-io.ts'
import type { Network } from './simulated-file-io.ts'
import { StreamOracle, streamRow } from './stream-oracle.ts'
import type { SystemUnderTest } from './system-under-test.ts'
import { fullWorkload } from './workload.ts'

const WAREHOUSE = 's3://sim/wh'
const TABLE = 't'
const MAX_SKEW_MS = 600_000
const WORKERS = 4
const OPERATIONS = 5
const STREAMS = [0, 1] as const
const GRACE_MS = 8_000
const SWAP_TIMEOUTS_MS = [500, 5_000, 60_000] as const
const FAULTS = 0.06
const CRASHES = 0.12
const MAX_EVENTS = 200_000

export interface WritersHistory {
  readonly violation: string | undefined
  readonly events: number
  readonly commits: number
  readonly operations: number
  readonly appends: number
  readonly unknown: number
  readonly fingerprint: string
}

type Outcome = 'ok' | 'failed' | 'unknown' | 'crashed'
interface Append {
  readonly id: string
  outcome: Outcome
}

class Aborted extends Error {}

export async function simulateWriters(
  seed: number,
  sut: SystemUnderTest,
  options: { readonly stacks?: boolean | undefined } = {},
): Promise<WritersHistory> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = options.stacks === true ? stackTraceLimit : 0
  const history = await new World(seed, sut).run()
  Error.stackTraceLimit = stackTraceLimit
  const wantsStack = history.violation?.startsWith('exception') === true && options.stacks === undefined
  return wantsStack ? simulateWriters(seed, sut, { stacks: true }) : history
}

interface Process {
  readonly env: CatalogEnvironment
  readonly client: Client
  readonly open: () => Promise<Table>
}

class World {
  readonly #sut: SystemUnderTest
  readonly #workload = fullWorkload()
  readonly #random: Random
  readonly #scheduler = new Scheduler()
  readonly #store = new ObjectStore()
  readonly #ledger: Ledger
  readonly #streams: StreamOracle
  readonly #network: Network
  readonly #appends: Append[] = []
  #operations = 0

  constructor(seed: number, sut: SystemUnderTest) {
    this.#sut = sut
    this.#random = new Random(seed)
    this.#streams = new StreamOracle(this.#store, STREAMS)
    this.#ledger = new Ledger(this.#store, {
      reach: (location) => this.#checkCommit(location),
      log: (location) => this.#workload.log(this.#store, location),
      nowMs: () => this.#scheduler.nowMs,
      readerGraceMs: sut.READER_GRACE_MS,
    })
    this.#store.onPut = (location, bytes) => this.#ledger.onBody(location, bytes)
    this.#network = {
      scheduler: this.#scheduler,
      random: this.#random,
      store: this.#store,
      faults: 0,
      atomic: true,
      folders: undefined,
    }
  }

  /** Run as the pointer is written: nobody hears what it throws. */
  #checkCommit(location: string): readonly string[] {
    try {
      const wrong = this.#streams.violationAt(location, this.#rows(location))
      if (wrong !== undefined) this.#ledger.fail(wrong)
      return this.#workload.reach(this.#store, location)
    } catch (error) {
      this.#ledger.fail(`a commit that cannot be read: ${String(error)}`)
      return []
    }
  }

  async run(): Promise<WritersHistory> {
    await this.#play(this.#setUp())
    this.#network.faults = FAULTS
    await this.#play(Promise.all(Array.from({ length: WORKERS }, () => this.#work())))
    this.#checkEnd()
    return {
      violation: this.#ledger.violation,
      events: this.#scheduler.events,
      commits: this.#ledger.commits,
      operations: this.#operations,
      appends: this.#appends.length,
      unknown: this.#appends.filter((append) => append.outcome === 'unknown').length,
      fingerprint: `${this.#scheduler.events}/${this.#scheduler.nowMs}/${this.#store.objects.size}/${this.#random.int(1e9)}`,
    }
  }

  async #play(task: Promise<unknown>): Promise<void> {
    let isDone = false
    task.then(
      () => (isDone = true),
      (error: unknown) => this.#ledger.fail(`exception: ${error instanceof Error ? error.stack : String(error)}`),
    )
    const calm = await this.#scheduler.run(() => this.#ledger.violation !== undefined, MAX_EVENTS)
    if (!calm) this.#ledger.fail('livelock')
    else if (!isDone) this.#ledger.fail('somebody waits for ever')
  }

  #process(leastTimeoutMs = 0): Process {
    const client = new Client(this.#scheduler, this.#random, MAX_SKEW_MS)
    const retrier = new this.#sut.Retrier({ runtime: client.runtime })
    const io = this.#sut.retrying(new SimulatedFileIO(this.#network, client, this.#sut), retrier)
    const env: CatalogEnvironment = {
      io,
      cas: io.cas,
      runtime: client.runtime,
      reporter: undefined,
      keys: this.#sut.catalogKeys(WAREHOUSE),
      writer: 'simulation',
      swapTimeoutMs: Math.max(leastTimeoutMs, this.#random.pick(SWAP_TIMEOUTS_MS)),
    }
    const catalog = new this.#sut.ObjectCatalog(env, { unsafe: true })
    return { env, client, open: () => catalog.loadTable(`ns.${TABLE}`) }
  }

  async #setUp(): Promise<void> {
    const { env } = this.#process(SWAP_TIMEOUTS_MS[2])
    const catalog = new this.#sut.ObjectCatalog(env, { unsafe: true })
    await catalog.createTable(`ns.${TABLE}`, {
      schema: { id: 'string', day: 'date' },
      formatVersion: this.#random.chance(0.5) ? 3 : 2,
      properties: {
        'write.parquet.compression-codec': 'uncompressed',
        'commit.retry.total-timeout-ms': '600000',
        'commit.manifest.min-count-to-merge': '3',
      },
    })
  }

  async #work(): Promise<void> {
    for (let i = 0; i < OPERATIONS; i++) {
      const process = this.#process()
      const crashed = this.#random.chance(CRASHES)
      const done = this.#operate(process)
      await (crashed ? Promise.race([done, this.#crash(process.client)]) : done)
      await this.#sleep(this.#random.int(5_000))
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
    const roll = this.#random.next()
    try {
      if (roll < 0.45) await this.#appendTogether(await process.open(), process)
      else if (roll < 0.85) await this.#stream(await process.open(), process)
      else await this.#collect(process.env)
    } catch (error) {
      this.#expected(error)
    }
  }

  readonly #expected = (error: unknown): void => {
    if (!(error instanceof this.#sut.IcebergError) || error instanceof this.#sut.InvalidDataError) throw error
  }

  async #appendTogether(table: Table, { client }: Process): Promise<void> {
    const count = 2 + this.#random.int(5)
    await Promise.all(Array.from({ length: count }, () => this.#appendOne(table, client)))
  }

  /** Its files may wait long for their commit; some callers lose patience. */
  async #appendOne(table: Table, { runtime }: Client): Promise<void> {
    await runtime.sleep(this.#random.int(200))
    const append: Append = { id: String(this.#appends.length), outcome: 'crashed' }
    this.#appends.push(append)
    const controller = new AbortController()
    const reason = new Aborted()
    if (this.#random.chance(0.2)) this.#scheduler.after(this.#random.int(2_000), () => controller.abort(reason))
    const pauseMs = this.#random.chance(0.08) ? this.#random.int(30_000) : this.#random.int(200)
    const [first = '', second = ''] = this.#workload.idsOf(append.id)
    async function* rows(): AsyncGenerator<Record<string, string>> {
      yield { id: first, day: '2026-01-01' }
      await runtime.sleep(pauseMs)
      yield { id: second, day: '2026-01-02' }
    }
    try {
      await table.append(rows(), { signal: controller.signal })
      append.outcome = 'ok'
    } catch (error) {
      append.outcome = error instanceof this.#sut.CommitStateUnknownError ? 'unknown' : 'failed'
      if (error !== reason) this.#expected(error)
    }
  }

  /** A pipeline: reads where the stream stands, and goes on from there. Two of one stream may run at once. */
  async #stream(table: Table, { client }: Process): Promise<void> {
    const stream = this.#random.pick(STREAMS)
    const flushRows = 1 + this.#random.int(4)
    const appender = await table.bufferedAppender({ stream: String(stream), flushRows, flushMs: 500 })
    let position = Number(appender.token ?? 0)
    const pieces = 1 + this.#random.int(5)
    for (let i = 0; i < pieces; i++) {
      const rows = Array.from({ length: this.#random.int(4) }, () => streamRow(stream, ++position))
      await appender.append(rows, { token: String(position) })
      if (this.#random.chance(0.3)) await appender.flush()
      if (appender.token !== undefined) this.#streams.acknowledge(stream, Number(appender.token))
      await client.runtime.sleep(this.#random.int(1_000))
    }
    await appender.close()
    this.#streams.acknowledge(stream, position)
  }

  #collect(env: CatalogEnvironment): Promise<void> {
    return collectOrphans(this.#sut, env, {
      pointer: env.keys.pointer({ namespace: ['ns'], name: TABLE }, 1),
      folderOf: ({ uuid }) => `${env.keys.tableLocation(uuid)}/`,
      graceMs: GRACE_MS,
      reach: (location) => this.#workload.reach(this.#store, location),
    })
  }

  #rows(metadataLocation: string): readonly string[] {
    return this.#workload.rowsOf(this.#store, metadataLocation)
  }

  /** Each acknowledged append is there once, each failed one is not, each stream is at least where it was acknowledged. */
  #checkEnd(): void {
    if (this.#ledger.violation !== undefined) return
    const [entries = []] = this.#ledger.tables.values()
    const last = entries.at(-1)?.metadataLocation ?? ''
    const rows = this.#rows(last)
    const present = new Set(rows)
    if (present.size !== rows.length) this.#ledger.fail('a row is there twice')
    const behind = this.#streams.behind(last)
    if (behind !== undefined) this.#ledger.fail(behind)
    for (const { id, outcome } of this.#appends) {
      const ids = this.#workload.idsOf(id)
      const found = ids.filter((row) => present.has(row)).length
      if (found !== 0 && found !== ids.length) this.#ledger.fail(`append ${id} is there in part`)
      if (outcome === 'ok' && found === 0) this.#ledger.fail(`append ${id} was acknowledged and is lost`)
      if (outcome === 'failed' && found > 0) this.#ledger.fail(`append ${id} was reported failed and is there`)
    }
  }
}
