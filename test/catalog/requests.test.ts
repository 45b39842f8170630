/** How many requests each call takes, and that readers write nothing, whatever they meet. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ForbiddenError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { ObjectCatalog } from '../../src/catalog/object-catalog.ts'
import type { CasStore, FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { catalogEnvironment } from '../support/catalog-environment.ts'
import { overriding } from '../support/overriding.ts'

const schema = { id: 'int' }
type Verb = 'GET' | 'PUT' | 'LIST' | 'DELETE'

interface Counted {
  readonly catalog: Catalog
  /** The requests of a call, such as `{ GET: 2 }`. */
  readonly count: (call: () => Promise<unknown>) => Promise<Partial<Record<Verb, number>>>
}

/** `allows`: refuses writes it does not like, as a store does with the wrong credentials. */
function counted(warehouse: string, allows: (location: string) => boolean = () => true): Counted {
  let counts: Partial<Record<Verb, number>> = {}
  const memory = new MemoryFileIO({ runtime: systemRuntime })
  const tell = (verb: Verb): void => void (counts[verb] = (counts[verb] ?? 0) + 1)
  const write = (verb: Verb, location: string): void => {
    if (!allows(location)) throw new ForbiddenError(`may not write ${location}`)
    tell(verb)
  }
  async function* pages<T>(listing: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const page of listing) {
      tell('LIST')
      yield page
    }
  }
  const { cas } = memory
  const io = overriding<FileIO>(memory, {
    read: (...args) => (tell('GET'), memory.read(...args)),
    write: async (...args) => (write('PUT', args[0]), memory.write(...args)),
    delete: async (...args) => (write('DELETE', args[0][0] ?? ''), memory.delete(...args)),
    list: (...args) => pages(memory.list(...args)),
    cas: overriding<CasStore>(cas, {
      read: (...args) => (tell('GET'), cas.read(...args)),
      put: async (...args) => (write('PUT', args[0]), cas.put(...args)),
      list: (...args) => pages(cas.list(...args)),
    }),
  })
  return {
    catalog: new ObjectCatalog(catalogEnvironment(io, { warehouse }), { unsafe: true }),
    async count(call) {
      counts = {}
      await call()
      return counts
    },
  }
}

describe('requests', () => {
  it('lists a thousand tables with one LIST, and loads one with two GETs', { timeout: 60_000 }, async () => {
    const { catalog, count } = counted(`memory://${randomUUID()}/lake`)
    for (let i = 0; i < 1_000; i++) await catalog.createTable(`ns.t${i}`, { schema })
    // The one GET is for the namespace.
    expect(await count(() => catalog.listTables('ns'))).toEqual({ GET: 1, LIST: 1 })
    expect(await count(() => catalog.listTablesPage('ns', { pageSize: 10 }))).toEqual({ GET: 1, LIST: 1 })
    // Pointer and metadata file: the namespace's generation is known.
    expect(await count(() => catalog.loadTable('ns.t500'))).toEqual({ GET: 2 })
    expect(await count(() => catalog.tableExists('ns.t500'))).toEqual({ GET: 1 })
    expect(await count(() => catalog.loadTables(['ns.t1', 'ns.t2']))).toEqual({ GET: 6 })
    await catalog.createTable('ns.last', { schema })
    expect(await count(() => catalog.listTables('ns'))).toEqual({ GET: 1, LIST: 2 })
  })

  it('takes as many requests for a change as its steps need', async () => {
    const { catalog, count } = counted(`memory://${randomUUID()}/lake`)
    await catalog.createTable('ns.a', { schema })
    await catalog.createTable('ns.b', { schema })
    await catalog.createNamespace('empty')
    expect(await count(() => catalog.createTable('ns.c', { schema }))).toEqual({ GET: 4, PUT: 2 })
    expect(await count(() => catalog.renameTable('ns.c', 'ns.d'))).toEqual({ GET: 5, PUT: 6 })
    expect(await count(() => catalog.dropTable('ns.d'))).toEqual({ GET: 2, PUT: 1 })
    expect(await count(() => catalog.undropTable('ns.d'))).toEqual({ GET: 5, PUT: 1 })
    expect(await count(() => catalog.dropNamespace('empty'))).toEqual({ GET: 1, PUT: 2, LIST: 2 })
    const work = (): Promise<unknown> =>
      catalog.transaction(async (tx) => {
        for (const name of ['ns.a', 'ns.b']) await (await tx.table(name)).append([{ id: 1 }])
      })
    // Of each table: data file, manifest, list, metadata, intent, roll-forward; and the record twice.
    expect(await count(work)).toEqual({ GET: 6, PUT: 14 })
  })
})

describe('readers', () => {
  it('see a committed transaction that nobody has rolled forward, and write nothing', async () => {
    const warehouse = `memory://${randomUUID()}/lake`
    const { catalog } = counted(warehouse)
    for (const name of ['ns.a', 'ns.b', 'ns.gone']) await catalog.createTable(name, { schema })
    const committed = { is: false }
    // This writer's permission ends with the commit of its record, before it can roll anything forward.
    const writer = counted(warehouse, (location) => {
      const isOver = committed.is
      committed.is ||= location.includes('/txn/') && begun.has(location)
      begun.add(location)
      return !isOver
    })
    const begun = new Set<string>()
    await writer.catalog.transaction(async (tx) => {
      for (const name of ['ns.a', 'ns.b']) await (await tx.table(name)).append([{ id: 1 }])
    })
    const reader = counted(warehouse, () => false)
    const requests = await reader.count(async () => {
      expect(await (await reader.catalog.loadTable('ns.a')).count()).toBe(1n)
      for (const table of await reader.catalog.loadTables(['ns.a', 'ns.b'])) expect(await table.count()).toBe(1n)
      expect((await reader.catalog.listTables('ns')).map(({ name }) => name)).toEqual(['a', 'b', 'gone'])
      expect(await reader.catalog.listDropped()).toEqual([])
    })
    expect(Object.keys(requests).toSorted()).toEqual(['GET', 'LIST'])
    await expect(reader.catalog.dropTable('ns.a')).rejects.toThrow(ForbiddenError)
    // The next writer rolls forward first.
    await (await catalog.loadTable('ns.a')).append([{ id: 2 }])
    expect(await (await reader.catalog.loadTable('ns.a')).count()).toBe(2n)
  })
})
