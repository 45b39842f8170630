/** Metadata files are deleted as they fall out of the log, where the table asks for it, and not before nobody can be on the way to them. */
import { describe, expect, it } from 'vitest'
import { ForbiddenError, ValidationError } from '../../src/base/errors.ts'
import type { FirnEvent } from '../../src/base/events.ts'
import { ObjectCatalog } from '../../src/catalog/object-catalog.ts'
import { READER_GRACE_MS } from '../../src/catalog/old-metadata.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { lastSegment } from '../../src/io/location.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import type { Table } from '../../src/table/table.ts'
import { catalogEnvironment } from '../support/catalog-environment.ts'
import { overriding } from '../support/overriding.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const DELETE = 'write.metadata.delete-after-commit.enabled'
const KEEP = 'write.metadata.previous-versions-max'

function world(overrides: Partial<FileIO> = {}) {
  const runtime = virtualRuntime()
  const memory = new MemoryFileIO({ runtime })
  const deleted: string[][] = []
  const io = overriding<FileIO>(memory, {
    delete: async (...args) => (deleted.push([...args[0]]), memory.delete(...args)),
    ...overrides,
  })
  const events: FirnEvent[] = []
  const reporter = (event: FirnEvent): void => void events.push(event)
  const catalog = new ObjectCatalog(catalogEnvironment(io, { runtime, reporter }), { unsafe: true })
  const create = async (properties: Record<string, string>): Promise<Table> => {
    await catalog.createNamespace('ns')
    return catalog.createTable('ns.t', { schema: { id: 'int' }, properties })
  }
  return { runtime, io, catalog, create, deleted, events }
}

/** Versions of the metadata files that lie there. */
async function versions(table: Table, io: FileIO): Promise<number[]> {
  const names: string[] = []
  for await (const { entries } of io.list(`${table.metadata.location}/metadata/`)) {
    names.push(...entries.map(({ location }) => lastSegment(location)))
  }
  return names.filter((name) => name.endsWith('.metadata.json')).map((name) => Number.parseInt(name, 10))
}

async function commits(table: Table, count: number, between: () => void): Promise<void> {
  for (let i = 0; i < count; i++) {
    between()
    await table.append([{ id: i }])
  }
}

describe('old metadata files', () => {
  it('are deleted when the log has let go of them and the grace has passed', async () => {
    const { runtime, io, create } = world()
    const table = await create({ [DELETE]: 'true', [KEEP]: '2' })
    await commits(table, 6, () => runtime.advance(READER_GRACE_MS))
    const log = table.metadata.metadataLog.map((entry) => entry.metadataFile)
    expect(log).toHaveLength(2)
    expect(await versions(table, io)).toEqual([5, 6, 7])
  })

  it('wait for the grace, which runs from when the next one took their place', async () => {
    const { runtime, io, create, deleted } = world()
    const table = await create({ [DELETE]: 'true', [KEEP]: '1' })
    await commits(table, 4, () => runtime.advance(2_000))
    expect(deleted).toEqual([])
    expect(await versions(table, io)).toEqual([1, 2, 3, 4, 5])
    // The third was staged 4 s after the first: by then the second had surely taken its place.
    runtime.advance(READER_GRACE_MS - 4_000 - 1)
    await commits(table, 1, () => {})
    expect(await versions(table, io)).toEqual([1, 2, 3, 4, 5, 6])
    await commits(table, 1, () => runtime.advance(1))
    expect(await versions(table, io)).toEqual([2, 3, 4, 5, 6, 7])
  })

  it('go by one request a second at most, whatever the handle', async () => {
    const { runtime, catalog, create, deleted } = world()
    await create({ [DELETE]: 'true', [KEEP]: '1' })
    const commit = async (): Promise<void> => {
      await commits(await catalog.loadTable('ns.t'), 1, () => runtime.advance(100))
    }
    for (let i = 0; i < 50; i++) await commit()
    // From here on one falls due with each commit.
    runtime.advance(READER_GRACE_MS - 5_000)
    for (let i = 0; i < 45; i++) await commit()
    const [, ...later] = deleted.map((files) => files.length)
    expect(later).toEqual([10, 10, 10, 10])
  })

  it.each([{}, { [DELETE]: 'false' }])('stay by default: %j', async (properties) => {
    const { runtime, io, create } = world()
    const table = await create({ ...properties, [KEEP]: '1' })
    await commits(table, 4, () => runtime.advance(READER_GRACE_MS))
    expect(await versions(table, io)).toEqual([1, 2, 3, 4, 5])
  })

  it('leave those alone that lie elsewhere, and what is no metadata file', async () => {
    const { runtime, create, deleted, catalog, io } = world()
    const source = await create({})
    const foreign = `${source.metadata.location}-old/metadata/v1.metadata.json`
    const odd = `${source.metadata.location}/metadata/notes.txt`
    const { metadataLocation } = source
    const text = new TextDecoder().decode((await io.read(metadataLocation)).bytes)
    const timestamp = source.metadata.lastUpdatedMs
    const log = [foreign, odd].map((file) => ({ 'metadata-file': file, 'timestamp-ms': timestamp }))
    const changed = Object.assign(JSON.parse(text), {
      'metadata-log': log,
      properties: { [DELETE]: 'true', [KEEP]: '1' },
    })
    await catalog.deregisterTable('ns.t')
    const location = `${source.metadata.location}/metadata/00009-other.metadata.json`
    await io.write(location, new TextEncoder().encode(JSON.stringify(changed)))
    const table = await catalog.registerTable('ns.u', location)
    await commits(table, 3, () => runtime.advance(READER_GRACE_MS))
    expect(deleted.flat()).toContain(location)
    expect(deleted.flat()).not.toContain(foreign)
    expect(deleted.flat()).not.toContain(odd)
  })

  it('are deleted after a transaction, too', async () => {
    const { runtime, io, catalog, create } = world()
    const table = await create({ [DELETE]: 'true', [KEEP]: '1' })
    for (let i = 0; i < 4; i++) {
      runtime.advance(READER_GRACE_MS)
      await catalog.transaction(async (tx) => {
        const staged = await tx.table('ns.t')
        await staged.append([{ id: i }])
      })
    }
    expect(await versions(table, io)).toEqual([3, 4, 5])
  })

  it('do not fail the commit when they can not be deleted', async () => {
    const { runtime, create, events } = world({ delete: () => Promise.reject(new ForbiddenError('no deletes here')) })
    const table = await create({ [DELETE]: 'true', [KEEP]: '1' })
    await commits(table, 3, () => runtime.advance(READER_GRACE_MS))
    expect(table.metadata.snapshots).toHaveLength(3)
    expect(events.filter((event) => event.type === 'cleanup-failed').length).toBeGreaterThan(0)
  })

  it('are not guessed about: a property that is neither true nor false is refused before anything is committed', async () => {
    const { catalog, create } = world()
    const table = await create({ [DELETE]: 'sometimes' })
    await expect(table.append([{ id: 1 }])).rejects.toThrow(ValidationError)
    expect((await catalog.loadTable('ns.t')).metadata.snapshots).toEqual([])
  })
})
