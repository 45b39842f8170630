/**
 * One seeded history of names: processes that create, drop, undrop, purge and rename tables, make and drop namespaces,
 * append, commit to several tables and read several together, over a faulty network, with crashes; then the oracle.
 */
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import type { NamespaceStore } from '../../src/catalog/namespace-store.ts'
import type { TableIdentifier } from '../../src/spec/identifier.ts'
import type { CommitAction, TableOperations } from '../../src/transaction/operations.ts'
import { AddedFiles } from './added-files.ts'
import { Client } from './client.ts'
import { collectDirectories } from './collect.ts'
import type { Directories } from './collect.ts'
import { FolderTree } from './folder-tree.ts'
import { ROW, writeForeignTables } from './foreign-tables.ts'
import type { NamesHistory, NamesOptions } from './names-history.ts'
import { NamesOracle } from './names-oracle.ts'
import type { Outcome } from './names-oracle.ts'
import { rowsAt, rowsIn } from './names-rows.ts'
import { ObjectStore } from './object-store.ts'
import { Random } from './random.ts'
import { Runs } from './runs.ts'
import { Scheduler } from './scheduler.ts'
import { SimulatedFileIO } from './simulated-file-io.ts'
import type { Network } from './simulated-file-io.ts'
import type { StoreScheme } from './simulate.ts'
import type { SystemUnderTest } from './system-under-test.ts'

const WAREHOUSES = { s3: 's3://sim/wh', file: 'file:///sim/wh' } as const
const MAX_SKEW_MS = { s3: 600_000, file: 0 } as const
const WORKERS = 6
const OPERATIONS = 10
const FAULTS = 0.07
const CRASHES = 0.1
const MAX_EVENTS = 200_000
/** What can be run again and again, and commits, which are told by their rows. */
const UNCOUNTED = new Set(['purge', 'append', 'addFiles', 'collect', 'sweep', 'transaction', 'loadTables'])

export async function simulateNames(
  seed: number,
  sut: SystemUnderTest,
  options: NamesOptions = {},
): Promise<NamesHistory> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = options.stacks === true ? stackTraceLimit : 0
  const history = await new NamesWorld(seed, sut, options).run()
  Error.stackTraceLimit = stackTraceLimit
  const wantsStack = history.violation?.startsWith('exception') === true && options.stacks === undefined
  return wantsStack ? simulateNames(seed, sut, { ...options, stacks: true }) : history
}

interface Process {
  readonly client: Client
  readonly env: CatalogEnvironment
  readonly namespaces: NamespaceStore
  readonly operation: string
}

type Operation = (process: Process) => Promise<unknown>

class NamesWorld {
  readonly #sut: SystemUnderTest
  readonly #random: Random
  readonly #scheduler = new Scheduler()
  readonly #store = new ObjectStore()
  readonly #scheme: StoreScheme
  readonly #oracle: NamesOracle
  readonly #network: Network
  readonly #added: AddedFiles
  readonly #trace: ((line: string) => void) | undefined
  readonly #directories: Directories | undefined
  readonly #spaces: readonly [string, ...string[]]
  readonly #names: readonly [string, ...string[]]
  readonly #kinds: Record<string, number> = {}
  readonly #outcomes = { ok: 0, failed: 0, unknown: 0 }
  #operations = 0

  constructor(seed: number, sut: SystemUnderTest, options: NamesOptions) {
    this.#sut = sut
    this.#random = new Random(seed)
    this.#trace = options.trace
    this.#directories = options.directories
    this.#spaces = this.#random.chance(0.35) ? ['A'] : ['A', 'B']
    this.#names = this.#random.chance(0.3) ? ['a'] : ['a', 'b']
    this.#oracle = new NamesOracle(this.#store, (location) => this.#rowsOf(location))
    this.#scheme = options.store ?? 's3'
    const onBody = (location: string, bytes: Uint8Array): void => {
      this.#trace?.(`${this.#scheduler.nowMs} ${location.replace(/.*_catalog/, '')} ${new TextDecoder().decode(bytes)}`)
      this.#oracle.onBody(location, bytes)
    }
    this.#store.onPut = onBody
    let folders: Network['folders']
    if (this.#scheme === 'file') {
      // Whether a namespace is empty is asked of a listing: it must show what was there throughout.
      const tree = new FolderTree({ stale: 0 })
      folders = { tree, runs: new Runs(tree, { onBody, fail: (violation) => this.#oracle.fail(violation) }) }
    }
    this.#network = {
      scheduler: this.#scheduler,
      random: this.#random,
      store: this.#store,
      faults: 0,
      atomic: true,
      folders,
    }
    this.#added = new AddedFiles({
      sut,
      random: this.#random,
      store: this.#store,
      oracle: this.#oracle,
      elsewhere: `${WAREHOUSES[this.#scheme]}-elsewhere`,
      outcomeOf: (running) => this.#outcomeOf(running),
    })
  }

  async run(): Promise<NamesHistory> {
    await this.#play(this.#setUp())
    this.#network.faults = FAULTS
    await this.#play(Promise.all(Array.from({ length: WORKERS }, () => this.#work())))
    this.#network.faults = 0
    await this.#play(this.#resolveAll())
    if (this.#oracle.violation === undefined) this.#oracle.verdict()
    const { nowMs, events } = this.#scheduler
    return {
      violation: this.#oracle.violation,
      events,
      operations: this.#operations,
      outcomes: this.#outcomes,
      kinds: this.#kinds,
      fingerprint: `${events}/${nowMs}/${this.#store.objects.size}/${this.#oracle.bodies}/${this.#random.int(1e9)}`,
    }
  }

  async #play(task: Promise<unknown>): Promise<void> {
    let isDone = false
    void task.then(
      () => (isDone = true),
      (error: unknown) =>
        this.#oracle.fail(`exception: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    )
    const calm = await this.#scheduler.run(() => this.#oracle.violation !== undefined, MAX_EVENTS)
    if (!calm) this.#oracle.fail('livelock')
    else if (!isDone) this.#oracle.fail('an operation waits for ever')
  }

  #process(): Process {
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
      swapTimeoutMs: this.#random.pick([500, 5_000, 60_000]),
    }
    return { client, env, namespaces: new this.#sut.NamespaceStore(env), operation: this.#random.uuid() }
  }

  async #setUp(): Promise<void> {
    const { namespaces, env } = this.#process()
    for (const space of this.#spaces) await namespaces.create([space], {})
    for (const table of await writeForeignTables(env, `${WAREHOUSES[this.#scheme]}-foreign`))
      this.#oracle.isForeign(table)
  }

  async #work(): Promise<void> {
    const random = this.#random
    for (let i = 0; i < OPERATIONS; i++) {
      const process = this.#process()
      const done = this.#operate(process)
      await (random.chance(CRASHES) ? Promise.race([done, this.#crash(process.client)]) : done)
      await this.#sleep(random.int(random.chance(0.15) ? 40_000 : 2_500))
    }
  }

  #crash(client: Client): Promise<void> {
    return this.#sleep(this.#random.int(3_000)).then(() => void (client.alive = false))
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#scheduler.after(ms, resolve))
  }

  readonly #bag: readonly (readonly [name: string, weight: number, run: Operation])[] = [
    ['create', 9, (p) => this.#create(p)],
    ['createView', 3, (p) => this.#createView(p)],
    ['append', 12, (p) => this.#append(p)],
    ['addFiles', 8, (p) => this.#added.add(p, this.#identifier())],
    ['collect', 6, (p) => this.#added.collect(p, this.#identifier())],
    ['sweep', 2, (p) => this.#sweep(p)],
    ['drop', 6, (p) => this.#sut.dropName(p.env, p.namespaces, { ...this.#target(p), ...this.#kind() })],
    ['undrop', 5, (p) => this.#sut.undropName(p.env, p.namespaces, { ...this.#target(p), ...this.#kind() })],
    ['undropTo', 4, (p) => this.#undropTo(p)],
    ['purge', 2, (p) => this.#sut.purgeName(p.env, p.namespaces, { ...this.#target(p), ...this.#kind() })],
    ['rename', 7, (p) => this.#rename(p)],
    ['register', 6, (p) => this.#register(p)],
    ['deregister', 4, (p) => this.#deregister(p)],
    ['createNamespace', 4, (p) => p.namespaces.create([this.#random.pick(this.#spaces)], {}, p.operation)],
    ['dropNamespace', 4, (p) => this.#dropNamespace(p)],
    ['transaction', 7, (p) => this.#transact(p)],
    ['loadTables', 3, (p) => this.#readTogether(p)],
  ]

  async #operate(process: Process): Promise<void> {
    this.#operations++
    const total = this.#bag.reduce((sum, [, weight]) => sum + weight, 0)
    let roll = this.#random.int(total)
    const [name, , run] = this.#bag.find(([, weight]) => (roll -= weight) < 0) ?? this.#bag[0] ?? []
    if (name === undefined || run === undefined) return
    const { operation } = process
    this.#trace?.(`${this.#scheduler.nowMs} ${operation} begins: ${name}`)
    const counts = !UNCOUNTED.has(name)
    if (counts) this.#oracle.begin(operation)
    const outcome = await this.#outcomeOf(run(process))
    this.#trace?.(`${this.#scheduler.nowMs} ${operation} ends: ${outcome}`)
    if (counts) this.#oracle.end(operation, outcome)
    this.#outcomes[outcome]++
    this.#kinds[`${name} ${outcome}`] = (this.#kinds[`${name} ${outcome}`] ?? 0) + 1
  }

  async #outcomeOf(running: Promise<unknown>): Promise<Outcome> {
    try {
      await running
      return 'ok'
    } catch (error) {
      if (error instanceof this.#sut.CommitStateUnknownError) return 'unknown'
      // Refusals are part of life; anything that is no error of firn's is a bug.
      if (error instanceof this.#sut.IcebergError && !(error instanceof this.#sut.InvalidDataError)) return 'failed'
      throw error
    }
  }

  #sweep({ env }: Process): Promise<unknown> {
    const directories = this.#directories
    return directories === undefined ? this.#sut.sweepRecords(env) : collectDirectories(this.#sut, env, directories)
  }

  #identifier(): TableIdentifier {
    return { namespace: [this.#random.pick(this.#spaces)], name: this.#random.pick(this.#names) }
  }

  #target({ operation }: Process): { identifier: TableIdentifier; commitId: string } {
    return { identifier: this.#identifier(), commitId: operation }
  }

  #kind(): { kind: 'table' | 'view' } {
    return { kind: this.#random.chance(0.1) ? 'view' : 'table' }
  }

  async #create({ env, namespaces, operation }: Process): Promise<void> {
    const properties = { 'commit.retry.total-timeout-ms': '60000' }
    const options = { schema: { id: 'string' }, properties }
    await this.#sut.createTable(env, namespaces, { identifier: this.#identifier(), options, commitId: operation })
  }

  async #createView({ env, namespaces, operation }: Process): Promise<void> {
    const uuid = this.#random.uuid()
    const location = `${env.keys.tableLocation(uuid)}/metadata/view.json`
    await this.#sut.createPointer(env, namespaces, {
      identifier: this.#identifier(),
      kind: 'view',
      uuid,
      commitId: operation,
      startMs: await env.io.storeTimeMs(),
      writeMetadata: async () => {
        await env.io.write(location, new TextEncoder().encode('{}'))
        return location
      },
    })
  }

  async #undropTo(process: Process): Promise<void> {
    const { env, namespaces } = process
    const request = { ...this.#target(process), ...this.#kind(), to: this.#identifier() }
    await this.#sut.undropName(env, namespaces, request)
  }

  async #rename({ env, namespaces, operation }: Process): Promise<void> {
    const request = { from: this.#identifier(), to: this.#identifier(), commitId: operation, ...this.#kind() }
    await this.#sut.renameName(env, namespaces, request)
  }

  async #register({ env, namespaces, operation }: Process): Promise<void> {
    const [first, ...others] = this.#oracle.away
    if (first === undefined) throw new this.#sut.IcebergError('nothing to register')
    const { metadataLocation } = this.#random.pick([first, ...others])
    const registrable = await this.#sut.readRegistrable(env, { identifier: this.#identifier(), metadataLocation })
    await this.#sut.registerPointer(env, namespaces, { ...registrable, commitId: operation })
  }

  async #deregister(process: Process): Promise<void> {
    const { env, namespaces } = process
    const request = { ...this.#target(process), dropped: this.#random.chance(0.4) }
    await this.#sut.deregisterTable(env, namespaces, request)
  }

  async #dropNamespace({ env, namespaces, operation }: Process): Promise<void> {
    await this.#sut.dropNamespace(env, namespaces, {
      namespace: [this.#random.pick(this.#spaces)],
      commitId: operation,
    })
  }

  /** One process, several appends: the later ones are warm. */
  async #append({ env, namespaces, client }: Process): Promise<void> {
    const identifier = this.#identifier()
    const base = await this.#sut.loadBase(env, namespaces, { identifier })
    const ensureWritable = (): Promise<void> => Promise.resolve()
    const operations = new this.#sut.ObjectOperations(env, { identifier, base, namespaces, ensureWritable })
    for (let left = this.#random.chance(0.4) ? 1 + this.#random.int(5) : 1; left > 0; left--) {
      const row = this.#random.uuid()
      this.#oracle.adds(row, [base.metadata.tableUuid])
      const commits = this.#stage(env, operations, row).then((action) => this.#sut.commitTable(operations, action))
      const outcome = await this.#outcomeOf(commits)
      this.#oracle.endRow(row, outcome)
      if (outcome !== 'ok') return
      if (this.#random.chance(0.2)) await client.runtime.sleep(this.#random.int(20_000))
    }
  }

  async #stage(env: CatalogEnvironment, operations: TableOperations, row: string): Promise<CommitAction> {
    const { metadata } = operations.current
    const sessionStartMs = await env.io.storeTimeMs()
    const file = `${metadata.location}/data/${row}`
    await env.io.write(file, new TextEncoder().encode(row))
    return {
      sessionStartMs,
      files: [file],
      uploads: [],
      stage: () =>
        Promise.resolve({
          updates: [{ action: 'set-properties', updates: { [ROW + row]: file } }],
          requirements: [{ type: 'assert-table-uuid', uuid: metadata.tableUuid }],
          uploads: [],
          attemptFiles: [],
          manifests: undefined,
        }),
    }
  }

  /** The row of the transaction goes to both tables. */
  async #transact({ env, namespaces, operation, client }: Process): Promise<void> {
    const transaction = new this.#sut.TableTransaction(env, namespaces, undefined)
    const [one, other] = [this.#identifier(), this.#identifier()]
    const uuids = new Set<string>()
    const work = async (): Promise<void> => {
      for (const identifier of [one, other]) {
        const table = await transaction.table(identifier)
        if (uuids.has(table.current.metadata.tableUuid)) continue
        uuids.add(table.current.metadata.tableUuid)
        await this.#sut.commitTable(table, await this.#stage(env, table, operation))
      }
      this.#oracle.adds(operation, [...uuids])
      if (this.#random.chance(0.1)) await client.runtime.sleep(this.#random.int(20_000))
    }
    const outcome = await this.#outcomeOf(transaction.run(work, () => Promise.resolve()))
    this.#oracle.endRow(operation, outcome)
  }

  async #readTogether({ env }: Process): Promise<void> {
    const catalog = new this.#sut.ObjectCatalog(env, { unsafe: true })
    const identifiers = this.#spaces.flatMap((space) => this.#names.map((name) => ({ namespace: [space], name })))
    const tables = await catalog.loadTables(identifiers.slice(0, 2 + this.#random.int(3)))
    this.#oracle.sawTogether(
      tables.map(({ metadata }) => ({
        uuid: metadata.tableUuid,
        rows: new Set(rowsIn(metadata.properties).map(([row]) => row)),
      })),
    )
  }

  async #resolveAll(): Promise<void> {
    await this.#sleep(20_000)
    const { env, namespaces } = this.#process()
    for (const space of this.#spaces) await namespaces.settle([space])
    const pointers = new this.#sut.PointerStore(env)
    for (const key of this.#oracle.keys) await pointers.settle(key)
    for (const uuid of this.#oracle.uuids) {
      const own = await pointers.settle(env.keys.own(uuid))
      this.#oracle.owns(uuid, own?.body.state === 'live')
    }
  }

  #rowsOf(location: string): ReadonlyMap<string, string> {
    const { files, double } = rowsAt(this.#store, location)
    if (double !== undefined) this.#oracle.fail(`${location}: row ${double} is there twice`)
    return files
  }
}
