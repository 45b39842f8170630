/**
 * Every change of the catalog, by a process that dies at its k-th request, for every k, before the request is applied or
 * after: others see the state before or the one after, nothing between, and the next process can make the change, or finds
 * it made.
 */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { IcebergError } from '../../src/base/errors.ts'
import type { Runtime } from '../../src/base/runtime.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { ObjectCatalog } from '../../src/catalog/object-catalog.ts'
import type { CasStore, FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { printIdentifier, printNamespace } from '../../src/spec/identifier.ts'
import { catalogEnvironment } from '../support/catalog-environment.ts'
import { overriding } from '../support/overriding.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'
import { parquetOf } from '../table/external-files.ts'

const schema = { id: 'int' }

/** The process is gone: none of its requests ever returns to it. */
const DEATH = new Error('the process died')
type Fate = { readonly at: number; readonly mode: 'lost' | 'landed' } | undefined

class World {
  readonly #store = `memory://${randomUUID()}`
  readonly runtime: Runtime = { ...virtualRuntime(), uuid: () => randomUUID() }
  readonly #labels = new Map<string, string>()
  requests = 0

  /** Where a table is that another warehouse made. */
  foreign = ''
  /** A Parquet file that no table has. */
  file = ''

  process(fate?: Fate, warehouse = 'lake'): Catalog {
    const memory = new MemoryFileIO({ runtime: this.runtime })
    let n = 0
    const request = async <T>(apply: () => Promise<T>): Promise<T> => {
      this.requests = n += 1
      if (fate !== undefined && (n > fate.at || (n === fate.at && fate.mode === 'lost'))) throw DEATH
      const answer = await apply()
      if (n === fate?.at) throw DEATH
      return answer
    }
    async function* listing<T>(pages: () => AsyncIterable<T>): AsyncGenerator<T> {
      for await (const page of pages()) yield await request(() => Promise.resolve(page))
    }
    const { cas } = memory
    const io = overriding<FileIO>(memory, {
      read: (...args) => request(() => memory.read(...args)),
      readRange: (...args) => request(() => memory.readRange(...args)),
      write: (...args) => request(() => memory.write(...args)),
      delete: (...args) => request(() => memory.delete(...args)),
      list: (...args) => listing(() => memory.list(...args)),
      cas: overriding<CasStore>(cas, {
        read: (...args) => request(() => cas.read(...args)),
        put: (...args) => request(() => cas.put(...args)),
        list: (...args) => listing(() => cas.list(...args)),
      }),
    })
    const place = { warehouse: `${this.#store}/${warehouse}`, runtime: this.runtime, swapTimeoutMs: 60_000 }
    return new ObjectCatalog(catalogEnvironment(io, place), { unsafe: true })
  }

  /** A table of one row, called by its first name from now on, wherever it goes. */
  async make(name: string): Promise<void> {
    const table = await this.process().createTable(name, { schema })
    await table.append([{ id: 1 }])
    this.#labels.set(table.metadata.tableUuid, name)
  }

  async makeForeign(): Promise<void> {
    const table = await this.process(undefined, 'other').createTable('x.t', { schema })
    await table.append([{ id: 1 }])
    this.#labels.set(table.metadata.tableUuid, 'foreign')
    this.foreign = table.metadataLocation
  }

  /** In the folder of `table`, or in none. */
  async makeFile(table?: string): Promise<void> {
    const folder = table === undefined ? `${this.#store}/files` : (await this.process().loadTable(table)).location
    this.file = `${folder}/data/1.parquet`
    await new MemoryFileIO({ runtime: this.runtime }).write(this.file, await parquetOf(schema, [{ id: 7 }]))
  }

  /** Whatever becomes of a commit that adds it, a file that was there stays. */
  async checkFile(): Promise<void> {
    const { sizeBytes } = await new MemoryFileIO({ runtime: this.runtime }).stat(this.file)
    expect(sizeBytes).toBeGreaterThan(0)
  }

  /** What a reader sees. */
  async see(): Promise<unknown> {
    const catalog = this.process()
    const label = (uuid: string): string => this.#labels.get(uuid) ?? 'new'
    const namespaces: Record<string, unknown> = {}
    const tables: Record<string, string> = {}
    for (const levels of await catalog.listNamespaces()) {
      namespaces[printNamespace(levels)] = await catalog.namespaceProperties(levels)
      for (const identifier of await catalog.listTables(levels)) {
        const table = await catalog.loadTable(identifier)
        tables[printIdentifier(identifier)] = `${label(table.metadata.tableUuid)}, ${await table.count()} rows`
      }
    }
    const dropped = (await catalog.listDropped()).map((d) => `${printIdentifier(d.identifier)}: ${label(d.uuid)}`)
    return { namespaces, tables, dropped: dropped.toSorted() }
  }
}

interface Change {
  readonly name: string
  readonly setUp: (world: World) => Promise<void>
  readonly run: (catalog: Catalog, world: World) => Promise<unknown>
}

const change = (
  name: string,
  setUp: (world: World, catalog: Catalog) => Promise<unknown>,
  run: Change['run'],
): Change => ({ name, setUp: async (world) => void (await setUp(world, world.process())), run })

const CHANGES: readonly Change[] = [
  change(
    'create a namespace',
    (_, c) => c.createNamespace('a'),
    (c) => c.createNamespace('b', { k: 'v' }),
  ),
  change(
    'change a namespace',
    (_, c) => c.createNamespace('a', { k: '1' }),
    (c) => c.updateNamespaceProperties('a', { set: { l: '2' }, remove: ['k'] }),
  ),
  change(
    'drop a namespace',
    (_, c) => c.createNamespace('a'),
    (c) => c.dropNamespace('a'),
  ),
  change(
    'create a table',
    (_, c) => c.createNamespace('a'),
    (c) => c.createTable('a.t', { schema }),
  ),
  change(
    'create a table with its first rows',
    (_, c) => c.createNamespace('a'),
    async (c) => (await c.stageTable('a.t', { schema })).append([{ id: 1 }]),
  ),
  change(
    'create a table with its first rows over a dropped one',
    async (w, c) => (await w.make('a.t'), c.dropTable('a.t')),
    async (c) => (await c.stageTable('a.t', { schema })).append([{ id: 1 }]),
  ),
  change(
    'create a table over a dropped one',
    async (w, c) => (await w.make('a.t'), c.dropTable('a.t')),
    (c) => c.createTable('a.t', { schema }),
  ),
  change(
    'drop a table that took the name of another',
    async (w, c) => (await w.make('a.t'), await c.dropTable('a.t'), await w.make('a.t')),
    (c) => c.dropTable('a.t'),
  ),
  change(
    'undrop in place',
    async (w, c) => (await w.make('a.t'), c.dropTable('a.t')),
    (c) => c.undropTable('a.t'),
  ),
  change(
    'undrop what another table took the name of',
    async (w, c) => (await w.make('a.t'), await c.dropTable('a.t'), await c.createTable('a.t', { schema })),
    (c) => c.undropTable('a.t', { to: 'a.back' }),
  ),
  change(
    'undrop from a dropped namespace',
    async (w, c) => (
      await w.make('a.t'),
      await c.dropTable('a.t'),
      await c.dropNamespace('a'),
      await c.createNamespace('a')
    ),
    (c) => c.undropTable('a.t'),
  ),
  change(
    'purge',
    async (w, c) => (await w.make('a.t'), c.dropTable('a.t')),
    (c) => c.purgeTable('a.t'),
  ),
  change(
    'rename',
    (w) => w.make('a.t'),
    (c) => c.renameTable('a.t', 'a.u'),
  ),
  change(
    'rename onto a dropped name, into another namespace',
    async (w, c) => (await w.make('a.t'), await w.make('b.u'), c.dropTable('b.u')),
    (c) => c.renameTable('a.t', 'b.u'),
  ),
  change(
    'register',
    async (w, c) => (await w.makeForeign(), c.createNamespace('a')),
    (c, w) => c.registerTable('a.t', w.foreign),
  ),
  change(
    'register onto a dropped name',
    async (w, c) => (await w.makeForeign(), await w.make('a.t'), c.dropTable('a.t')),
    (c, w) => c.registerTable('a.t', w.foreign),
  ),
  change(
    'deregister',
    async (w, c) => (await w.makeForeign(), c.registerTable('a.t', w.foreign)),
    (c) => c.deregisterTable('a.t'),
  ),
  change(
    'deregister a table that was made here',
    (w) => w.make('a.t'),
    (c) => c.deregisterTable('a.t'),
  ),
  change(
    'deregister a dropped table',
    async (w, c) => (await w.make('a.t'), c.dropTable('a.t')),
    (c) => c.deregisterTable('a.t', { dropped: true }),
  ),
  change(
    'append',
    (w) => w.make('a.t'),
    async (c) => (await c.loadTable('a.t')).append([{ id: 2 }]),
  ),
  change(
    'add files',
    async (w) => (await w.make('a.t'), w.makeFile()),
    async (c, w) => (await c.loadTable('a.t')).addFiles(w.file),
  ),
  change(
    'add files that lie in the folder of the table',
    async (w) => (await w.make('a.t'), w.makeFile('a.t')),
    async (c, w) => (await c.loadTable('a.t')).addFiles(w.file),
  ),
  change(
    'create a table of files that are there',
    async (w, c) => (await w.makeFile(), c.createNamespace('a')),
    async (c, w) => (await c.stageTable('a.t', { schema })).addFiles(w.file),
  ),
  change(
    'commit to two tables',
    async (w) => (await w.make('a.t'), await w.make('a.u')),
    (c) =>
      c.transaction(async (tx) => {
        for (const name of ['a.u', 'a.t']) await (await tx.table(name)).append([{ id: 2 }])
      }),
  ),
]

async function statesOf({ setUp, run }: Change): Promise<{ before: unknown; after: unknown; requests: number }> {
  const world = new World()
  await setUp(world)
  const before = await world.see()
  await run(world.process(), world)
  const { requests } = world
  return { before, after: await world.see(), requests }
}

describe.each(CHANGES)('a process that dies while it is to $name', (tested) => {
  it.each(['lost', 'landed'] as const)(
    'leaves the state before or after (request %s)',
    { timeout: 120_000 },
    async (mode) => {
      const { before, after, requests } = await statesOf(tested)
      expect(before).not.toEqual(after)
      let made = 0
      for (let at = 1; at <= requests; at += 1) {
        const world = new World()
        await tested.setUp(world)
        const ended = await tested.run(world.process({ at, mode }), world).catch((error: unknown) => error)
        const seen = await world.see()
        if (world.file !== '') await world.checkFile()
        const isMade = JSON.stringify(seen) === JSON.stringify(after)
        expect(isMade ? after : before, `at request ${at}`).toEqual(seen)
        if (isMade) made += 1
        if (ended === undefined) expect(isMade).toBe(true)
        const again = await tested.run(world.process(), world).catch((error: unknown) => error)
        // Made already: then it cannot be made a second time, except where that changes nothing or adds to it.
        if (again instanceof Error) expect(again, `at request ${at}`).toBeInstanceOf(IcebergError)
        if (again instanceof Error) expect(isMade, `at request ${at}: ${again.message}`).toBe(true)
        if (!isMade) expect(await world.see(), `at request ${at}, made again`).toEqual(after)
      }
      // The change itself lies somewhere among the requests.
      expect(made).toBeLessThan(requests)
      if (mode === 'landed') expect(made).toBeGreaterThan(0)
    },
  )
})
