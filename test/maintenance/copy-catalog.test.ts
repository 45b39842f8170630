import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { AlreadyExistsError, NotFoundError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { copyCatalog } from '../../src/maintenance/copy-catalog.ts'
import type { CopiedName, CopyCatalogOptions } from '../../src/maintenance/copy-catalog.ts'
import { printIdentifier } from '../../src/spec/identifier.ts'
import { overriding } from '../support/overriding.ts'

const memory = new MemoryFileIO({ runtime: systemRuntime })
const schema = { id: 'int' }
let from: Catalog
let to: Catalog

beforeEach(async () => {
  const root = `memory://${randomUUID()}`
  from = await openCatalog(`${root}/from`)
  to = await openCatalog(`${root}/to`)
})

async function copy(options: CopyCatalogOptions & { io?: FileIO } = {}): Promise<string[]> {
  const done: CopiedName[] = []
  const { io = memory, ...rest } = options
  for await (const name of copyCatalog(from, { catalog: to, io }, rest)) done.push(name)
  return done.map(({ identifier, outcome }) => `${printIdentifier(identifier)} ${outcome}`)
}

describe('copyCatalog', () => {
  it('copies namespaces and tables, which stand on their own, and does nothing again', async () => {
    await from.createNamespace(['a', 'b'], { owner: 'me' })
    const deep = await from.createTable({ namespace: ['a', 'b'], name: 'deep' }, { schema })
    for (const id of [1, 2]) await deep.append([{ id }])
    await from.createTable('c.empty', { schema })
    expect((await copy()).toSorted()).toEqual(['a.b.deep copied', 'c.empty copied'])
    expect(await to.namespaceProperties(['a', 'b'])).toEqual({ owner: 'me' })
    const copied = await to.loadTable('a.b.deep')
    expect(copied.metadata.tableUuid).toBe(deep.metadata.tableUuid)
    expect(copied.location).not.toBe(deep.location)
    expect(await copied.count()).toBe(2n)
    expect((await copy()).toSorted()).toEqual(['a.b.deep present', 'c.empty present'])
    await copied.append([{ id: 3 }])
    expect((await copy()).toSorted()).toEqual(['a.b.deep differs', 'c.empty present'])
    expect([await deep.count(), await (await to.loadTable('a.b.deep')).count()]).toEqual([2n, 3n])
    // A copy is a table like any other: renamed, dropped, purged.
    await to.renameTable('a.b.deep', 'a.b.other')
    await expect(copy()).rejects.toThrow(AlreadyExistsError)
    await to.dropTable('a.b.other', { purge: true })
    await to.dropTable('c.empty')
    await to.undropTable('c.empty')
    expect(await (await from.loadTable('a.b.deep')).count()).toBe(2n)
    expect(await copy({ tables: ['a.b.deep'] })).toEqual(['a.b.deep copied'])
    expect(await (await to.loadTable('a.b.deep')).count()).toBe(2n)
  })

  it('shows a table only when all of it is there, whenever it is stopped, and goes on', async () => {
    const table = await from.createTable('a.t', { schema })
    for (const id of [1, 2, 3]) await table.append([{ id }])
    for (let left = 0; ; left++) {
      let writes = 0
      const failing = overriding<FileIO>(memory, {
        write: async (...args) => {
          if (writes === left) throw new Error('gone')
          writes += 1
          return memory.write(...args)
        },
      })
      const ended: unknown = await copy({ io: failing }).catch((error: unknown) => error)
      if (!(ended instanceof Error)) break
      await expect(to.loadTable('a.t')).rejects.toThrow(NotFoundError)
    }
    expect(await (await to.loadTable('a.t')).count()).toBe(3n)
  })

  it('refuses a name that another table has, and tables that are not there', async () => {
    await from.createTable('a.t', { schema })
    await to.createTable('a.t', { schema })
    await expect(copy()).rejects.toThrow(/another table is a\.t already/)
    await expect(copy({ tables: ['a.x'] })).rejects.toThrow(NotFoundError)
  })

  it('refuses to copy a warehouse onto itself, and back under another name', async () => {
    const table = await from.createTable('a.t', { schema })
    await table.append([{ id: 1 }])
    const back: CopiedName[] = []
    for await (const name of copyCatalog(from, { catalog: from, io: memory })) back.push(name)
    expect(back.map(({ outcome }) => outcome)).toEqual(['present'])
    await copy()
    await from.renameTable('a.t', 'a.u')
    const again = async (): Promise<void> => {
      for await (const _ of copyCatalog(to, { catalog: from, io: memory }));
    }
    await expect(again()).rejects.toThrow(/uuid .* is that of a table of this warehouse/)
    expect(await (await from.loadTable('a.u')).count()).toBe(1n)
  })
})
