/**
 * One seeded history of names: processes that create, drop, undrop, purge and rename tables, make and drop namespaces,
 * append, commit to several tables and read several together, over a faulty network, with crashes; then the oracle.
 */
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import type { NamespaceStore } from '../../src/catalog/namespace-store.ts'
import type { TableIdentifier } from '../../src/spec/identifier.ts'
import type { CommitAction, TableOperations } from '../../src/transaction/operations.ts'
import { AddedFiles } from './added-files.ts'
import { collectDirectories } from './collect.ts'
import type { Directories } from './collect.ts'
import { ROW, writeForeignTables } from './foreign-tables.ts'
import type { NamesHistory, NamesOptions } from './names-history.ts'
import { NamesOracle } from './names-oracle.ts'
import type { Outcome } from './names-oracle.ts'
import { rowsAt, rowsIn } from './names-rows.ts'
import type { SystemUnderTest } from './system-under-test.ts'
import { World, withStacksIfNeeded } from './world.ts'
import type { SimulatedProcess } from './world.ts'

const WORKERS = 6
const OPERATIONS = 10
const FAULTS = 0.07
const CRASHES = 0.1
/** What can be run again and again, and commits, which are told by their rows. */
const UNCOUNTED = new Set(['purge', 'append', 'addFiles', 'collect', 'sweep', 'transaction', 'loadTables'])

export function simulateNames(seed: number, sut: SystemUnderTest, options: NamesOptions = {}): Promise<NamesHistory> {
  // Whether a namespace is empty is asked of a listing: it must show what was there throughout.
  return withStacksIfNeeded(() => new Names(new World(seed, sut, { scheme: options.store, stale: 0 }), options).run())
}

interface Process extends SimulatedProcess {
  readonly namespaces: NamespaceStore
  readonly operation: string
}

type Operation = (process: Process) => Promise<unknown>

class Names {
  readonly #world: World
  readonly #oracle: NamesOracle
  readonly #added: AddedFiles
  readonly #trace: ((line: string) => void) | undefined
  readonly #directories: Directories | undefined
  readonly #spaces: readonly [string, ...string[]]
  readonly #names: readonly [string, ...string[]]
  readonly #kinds: Record<string, number> = {}
  readonly #outcomes = { ok: 0, failed: 0, unknown: 0 }
  #operations = 0

  constructor(world: World, { trace, directories }: NamesOptions) {
    const { sut, random, store, scheduler } = world
    this.#world = world
    this.#trace = trace
    this.#directories = directories
    this.#spaces = random.chance(0.35) ? ['A'] : ['A', 'B']
    this.#names = random.chance(0.3) ? ['a'] : ['a', 'b']
    const oracle = new NamesOracle(store, (location) => this.#rowsOf(location))
    this.#oracle = oracle
    world.judge = {
      get violation() {
        return oracle.violation
      },
      fail: (violation) => oracle.fail(violation),
      onBody(location, bytes) {
        trace?.(`${scheduler.nowMs} ${location.replace(/.*_catalog/, '')} ${new TextDecoder().decode(bytes)}`)
        oracle.onBody(location, bytes)
      },
    }
    this.#added = new AddedFiles({
      sut,
      random,
      store,
      oracle,
      elsewhere: `${world.warehouse}-elsewhere`,
      outcomeOf: (running) => this.#outcomeOf(running),
    })
  }

  async run(): Promise<NamesHistory> {
    const world = this.#world
    await world.play(this.#setUp())
    world.faults = FAULTS
    await world.play(Promise.all(Array.from({ length: WORKERS }, () => this.#work())))
    world.faults = 0
    await world.play(this.#resolveAll())
    if (this.#oracle.violation === undefined) this.#oracle.verdict()
    return {
      violation: this.#oracle.violation,
      events: world.scheduler.events,
      operations: this.#operations,
      outcomes: this.#outcomes,
      kinds: this.#kinds,
      fingerprint: `${world.fingerprint()}/${this.#oracle.bodies}`,
    }
  }

  #process(): Process {
    const { client, env } = this.#world.process()
    const { sut, random } = this.#world
    return { client, env, namespaces: new sut.NamespaceStore(env), operation: random.uuid() }
  }

  async #setUp(): Promise<void> {
    const { namespaces, env } = this.#process()
    for (const space of this.#spaces) await namespaces.create([space], {})
    for (const table of await writeForeignTables(env, `${this.#world.warehouse}-foreign`)) this.#oracle.isForeign(table)
  }

  async #work(): Promise<void> {
    const { random } = this.#world
    for (let i = 0; i < OPERATIONS; i++) {
      const process = this.#process()
      const done = this.#operate(process)
      await (random.chance(CRASHES) ? Promise.race([done, this.#world.crash(process.client)]) : done)
      await this.#world.sleep(random.int(random.chance(0.15) ? 40_000 : 2_500))
    }
  }

  readonly #bag: readonly (readonly [name: string, weight: number, run: Operation])[] = [
    ['create', 9, (p) => this.#create(p)],
    ['createView', 3, (p) => this.#createView(p)],
    ['append', 12, (p) => this.#append(p)],
    ['addFiles', 8, (p) => this.#added.add(p, this.#identifier())],
    ['collect', 6, (p) => this.#added.collect(p, this.#identifier())],
    ['sweep', 2, (p) => this.#sweep(p)],
    ['drop', 6, (p) => this.#world.sut.dropName(p.env, p.namespaces, { ...this.#target(p), ...this.#kind() })],
    ['undrop', 5, (p) => this.#world.sut.undropName(p.env, p.namespaces, { ...this.#target(p), ...this.#kind() })],
    ['undropTo', 4, (p) => this.#undropTo(p)],
    ['purge', 2, (p) => this.#world.sut.purgeName(p.env, p.namespaces, { ...this.#target(p), ...this.#kind() })],
    ['rename', 7, (p) => this.#rename(p)],
    ['register', 6, (p) => this.#register(p)],
    ['deregister', 4, (p) => this.#deregister(p)],
    ['createNamespace', 4, (p) => p.namespaces.create([this.#world.random.pick(this.#spaces)], {}, p.operation)],
    ['dropNamespace', 4, (p) => this.#dropNamespace(p)],
    ['transaction', 7, (p) => this.#transact(p)],
    ['loadTables', 3, (p) => this.#readTogether(p)],
  ]

  async #operate(process: Process): Promise<void> {
    this.#operations++
    const total = this.#bag.reduce((sum, [, weight]) => sum + weight, 0)
    let roll = this.#world.random.int(total)
    const [name, , run] = this.#bag.find(([, weight]) => (roll -= weight) < 0) ?? this.#bag[0] ?? []
    if (name === undefined || run === undefined) return
    const { operation } = process
    this.#trace?.(`${this.#world.scheduler.nowMs} ${operation} begins: ${name}`)
    const counts = !UNCOUNTED.has(name)
    if (counts) this.#oracle.begin(operation)
    const outcome = await this.#outcomeOf(run(process))
    this.#trace?.(`${this.#world.scheduler.nowMs} ${operation} ends: ${outcome}`)
    if (counts) this.#oracle.end(operation, outcome)
    this.#outcomes[outcome]++
    this.#kinds[`${name} ${outcome}`] = (this.#kinds[`${name} ${outcome}`] ?? 0) + 1
  }

  async #outcomeOf(running: Promise<unknown>): Promise<Outcome> {
    try {
      await running
      return 'ok'
    } catch (error) {
      if (error instanceof this.#world.sut.CommitStateUnknownError) return 'unknown'
      // Refusals are part of life; anything that is no error of firn's is a bug.
      if (error instanceof this.#world.sut.IcebergError && !(error instanceof this.#world.sut.InvalidDataError))
        return 'failed'
      throw error
    }
  }

  #sweep({ env }: Process): Promise<unknown> {
    const directories = this.#directories
    return directories === undefined
      ? this.#world.sut.sweepRecords(env)
      : collectDirectories(this.#world.sut, env, directories)
  }

  #identifier(): TableIdentifier {
    return { namespace: [this.#world.random.pick(this.#spaces)], name: this.#world.random.pick(this.#names) }
  }

  #target({ operation }: Process): { identifier: TableIdentifier; commitId: string } {
    return { identifier: this.#identifier(), commitId: operation }
  }

  #kind(): { kind: 'table' | 'view' } {
    return { kind: this.#world.random.chance(0.1) ? 'view' : 'table' }
  }

  async #create({ env, namespaces, operation }: Process): Promise<void> {
    const properties = { 'commit.retry.total-timeout-ms': '60000' }
    const options = { schema: { id: 'string' }, properties }
    await this.#world.sut.createTable(env, namespaces, { identifier: this.#identifier(), options, commitId: operation })
  }

  async #createView({ env, namespaces, operation }: Process): Promise<void> {
    const uuid = this.#world.random.uuid()
    const location = `${env.keys.tableLocation(uuid)}/metadata/view.json`
    await this.#world.sut.createPointer(env, namespaces, {
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
    await this.#world.sut.undropName(env, namespaces, request)
  }

  async #rename({ env, namespaces, operation }: Process): Promise<void> {
    const request = { from: this.#identifier(), to: this.#identifier(), commitId: operation, ...this.#kind() }
    await this.#world.sut.renameName(env, namespaces, request)
  }

  async #register({ env, namespaces, operation }: Process): Promise<void> {
    const [first, ...others] = this.#oracle.away
    if (first === undefined) throw new this.#world.sut.IcebergError('nothing to register')
    const { metadataLocation } = this.#world.random.pick([first, ...others])
    const registrable = await this.#world.sut.readRegistrable(env, { identifier: this.#identifier(), metadataLocation })
    await this.#world.sut.registerPointer(env, namespaces, { ...registrable, commitId: operation })
  }

  async #deregister(process: Process): Promise<void> {
    const { env, namespaces } = process
    const request = { ...this.#target(process), dropped: this.#world.random.chance(0.4) }
    await this.#world.sut.deregisterTable(env, namespaces, request)
  }

  async #dropNamespace({ env, namespaces, operation }: Process): Promise<void> {
    await this.#world.sut.dropNamespace(env, namespaces, {
      namespace: [this.#world.random.pick(this.#spaces)],
      commitId: operation,
    })
  }

  /** One process, several appends: the later ones are warm. */
  async #append({ env, namespaces, client }: Process): Promise<void> {
    const identifier = this.#identifier()
    const base = await this.#world.sut.loadBase(env, namespaces, { identifier })
    const ensureWritable = (): Promise<void> => Promise.resolve()
    const operations = new this.#world.sut.ObjectOperations(env, { identifier, base, namespaces, ensureWritable })
    for (let left = this.#world.random.chance(0.4) ? 1 + this.#world.random.int(5) : 1; left > 0; left--) {
      const row = this.#world.random.uuid()
      this.#oracle.adds(row, [base.metadata.tableUuid])
      const commits = this.#stage(env, operations, row).then((action) =>
        this.#world.sut.commitTable(operations, action),
      )
      const outcome = await this.#outcomeOf(commits)
      this.#oracle.endRow(row, outcome)
      if (outcome !== 'ok') return
      if (this.#world.random.chance(0.2)) await client.runtime.sleep(this.#world.random.int(20_000))
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
    const transaction = new this.#world.sut.TableTransaction(env, namespaces, undefined)
    const [one, other] = [this.#identifier(), this.#identifier()]
    const uuids = new Set<string>()
    const work = async (): Promise<void> => {
      for (const identifier of [one, other]) {
        const table = await transaction.table(identifier)
        if (uuids.has(table.current.metadata.tableUuid)) continue
        uuids.add(table.current.metadata.tableUuid)
        await this.#world.sut.commitTable(table, await this.#stage(env, table, operation))
      }
      this.#oracle.adds(operation, [...uuids])
      if (this.#world.random.chance(0.1)) await client.runtime.sleep(this.#world.random.int(20_000))
    }
    const outcome = await this.#outcomeOf(transaction.run(work, () => Promise.resolve()))
    this.#oracle.endRow(operation, outcome)
  }

  async #readTogether({ env }: Process): Promise<void> {
    const catalog = new this.#world.sut.ObjectCatalog(env, { unsafe: true })
    const identifiers = this.#spaces.flatMap((space) => this.#names.map((name) => ({ namespace: [space], name })))
    const tables = await catalog.loadTables(identifiers.slice(0, 2 + this.#world.random.int(3)))
    this.#oracle.sawTogether(
      tables.map(({ metadata }) => ({
        uuid: metadata.tableUuid,
        rows: new Set(rowsIn(metadata.properties).map(([row]) => row)),
      })),
    )
  }

  async #resolveAll(): Promise<void> {
    await this.#world.sleep(20_000)
    const { env, namespaces } = this.#process()
    for (const space of this.#spaces) await namespaces.settle([space])
    const pointers = new this.#world.sut.PointerStore(env)
    for (const key of this.#oracle.keys) await pointers.settle(key)
    for (const uuid of this.#oracle.uuids) {
      const own = await pointers.settle(env.keys.own(uuid))
      this.#oracle.owns(uuid, own?.body.state === 'live')
    }
  }

  #rowsOf(location: string): ReadonlyMap<string, string> {
    const { files, double } = rowsAt(this.#world.store, location)
    if (double !== undefined) this.#oracle.fail(`${location}: row ${double} is there twice`)
    return files
  }
}
