/**
 * One seeded history of writers that share commits: appends of one process at the same time, some of them aborted, and
 * streams that are started again where their token stands, over a faulty network, with crashes and with orphan removal.
 * Rows go through Parquet, manifests (merged early) and the real catalog. The same seed gives the same history.
 */
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import type { Table } from '../../src/table/table.ts'
import type { Client } from './client.ts'
import { collectOrphans } from './collect.ts'
import { Ledger } from './ledger.ts'
import { StreamOracle, streamRow } from './stream-oracle.ts'
import type { SystemUnderTest } from './system-under-test.ts'
import { fullWorkload } from './workload.ts'
import { PATIENT_MS, World, withStacksIfNeeded } from './world.ts'
import type { SimulatedProcess } from './world.ts'

const TABLE = 't'
const WORKERS = 4
const OPERATIONS = 5
const STREAMS = [0, 1] as const
const GRACE_MS = 8_000
const FAULTS = 0.06
const CRASHES = 0.12

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

export function simulateWriters(seed: number, sut: SystemUnderTest): Promise<WritersHistory> {
  return withStacksIfNeeded(() => new Writers(new World(seed, sut)).run())
}

interface Process extends SimulatedProcess {
  readonly open: () => Promise<Table>
}

class Writers {
  readonly #world: World
  readonly #workload = fullWorkload()
  readonly #ledger: Ledger
  readonly #streams: StreamOracle
  readonly #appends: Append[] = []
  #operations = 0

  constructor(world: World) {
    this.#world = world
    this.#streams = new StreamOracle(world.store, STREAMS)
    this.#ledger = new Ledger(world.store, {
      reach: (location) => this.#checkCommit(location),
      log: (location) => this.#workload.log(world.store, location),
      nowMs: () => world.scheduler.nowMs,
      readerGraceMs: world.sut.READER_GRACE_MS,
    })
    world.judge = this.#ledger
  }

  /** Run as the pointer is written: nobody hears what it throws. */
  #checkCommit(location: string): readonly string[] {
    try {
      const wrong = this.#streams.violationAt(location, this.#rows(location))
      if (wrong !== undefined) this.#ledger.fail(wrong)
      return this.#workload.reach(this.#world.store, location)
    } catch (error) {
      this.#ledger.fail(`a commit that cannot be read: ${String(error)}`)
      return []
    }
  }

  async run(): Promise<WritersHistory> {
    const world = this.#world
    await world.play(this.#setUp())
    world.faults = FAULTS
    await world.play(Promise.all(Array.from({ length: WORKERS }, () => this.#work())))
    this.#checkEnd()
    return {
      violation: this.#ledger.violation,
      events: world.scheduler.events,
      commits: this.#ledger.commits,
      operations: this.#operations,
      appends: this.#appends.length,
      unknown: this.#appends.filter((append) => append.outcome === 'unknown').length,
      fingerprint: world.fingerprint(),
    }
  }

  #process(): Process {
    const { env, client } = this.#world.process()
    const catalog = new this.#world.sut.ObjectCatalog(env, { unsafe: true })
    return { env, client, open: () => catalog.loadTable(`ns.${TABLE}`) }
  }

  async #setUp(): Promise<void> {
    const { env } = this.#world.process(PATIENT_MS)
    const catalog = new this.#world.sut.ObjectCatalog(env, { unsafe: true })
    await catalog.createTable(`ns.${TABLE}`, {
      schema: { id: 'string', day: 'date' },
      formatVersion: this.#world.random.chance(0.5) ? 3 : 2,
      properties: {
        'write.parquet.compression-codec': 'uncompressed',
        'commit.retry.total-timeout-ms': '600000',
        'commit.manifest.min-count-to-merge': '3',
      },
    })
  }

  #work(): Promise<void> {
    return this.#world.work({
      operations: OPERATIONS,
      crashes: CRASHES,
      maxRestMs: 5_000,
      start: () => this.#process(),
      operate: (process) => this.#operate(process),
    })
  }

  async #operate(process: Process): Promise<void> {
    this.#operations++
    const roll = this.#world.random.next()
    try {
      if (roll < 0.45) await this.#appendTogether(await process.open(), process)
      else if (roll < 0.85) await this.#stream(await process.open(), process)
      else await this.#collect(process.env)
    } catch (error) {
      this.#world.expected(error)
    }
  }

  async #appendTogether(table: Table, { client }: Process): Promise<void> {
    const count = 2 + this.#world.random.int(5)
    await Promise.all(Array.from({ length: count }, () => this.#appendOne(table, client)))
  }

  /** Its files may wait long for their commit; some callers lose patience. */
  async #appendOne(table: Table, { runtime }: Client): Promise<void> {
    await runtime.sleep(this.#world.random.int(200))
    const append: Append = { id: String(this.#appends.length), outcome: 'crashed' }
    this.#appends.push(append)
    const controller = new AbortController()
    const reason = new Aborted()
    if (this.#world.random.chance(0.2))
      this.#world.scheduler.after(this.#world.random.int(2_000), () => controller.abort(reason))
    const pauseMs = this.#world.random.chance(0.08) ? this.#world.random.int(30_000) : this.#world.random.int(200)
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
      append.outcome = error instanceof this.#world.sut.CommitStateUnknownError ? 'unknown' : 'failed'
      if (error !== reason) this.#world.expected(error)
    }
  }

  /** A pipeline: reads where the stream stands, and goes on from there. Two of one stream may run at once. */
  async #stream(table: Table, { client }: Process): Promise<void> {
    const stream = this.#world.random.pick(STREAMS)
    const flushRows = 1 + this.#world.random.int(4)
    const appender = await table.bufferedAppender({ stream: String(stream), flushRows, flushMs: 500 })
    let position = Number(appender.token ?? 0)
    const pieces = 1 + this.#world.random.int(5)
    for (let i = 0; i < pieces; i++) {
      const rows = Array.from({ length: this.#world.random.int(4) }, () => streamRow(stream, ++position))
      await appender.append(rows, { token: String(position) })
      if (this.#world.random.chance(0.3)) await appender.flush()
      if (appender.token !== undefined) this.#streams.acknowledge(stream, Number(appender.token))
      await client.runtime.sleep(this.#world.random.int(1_000))
    }
    await appender.close()
    this.#streams.acknowledge(stream, position)
  }

  #collect(env: CatalogEnvironment): Promise<void> {
    return collectOrphans(this.#world.sut, env, {
      pointer: env.keys.pointer({ namespace: ['ns'], name: TABLE }, 1),
      folderOf: ({ uuid }) => `${env.keys.tableLocation(uuid)}/`,
      graceMs: GRACE_MS,
      reach: (location) => this.#workload.reach(this.#world.store, location),
    })
  }

  #rows(metadataLocation: string): readonly string[] {
    return this.#workload.rowsOf(this.#world.store, metadataLocation)
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
