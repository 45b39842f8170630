/** Commits whose files waited past the collection fence: they are copied to new names, or the commit fails. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SessionExpiredError } from '../../src/base/errors.ts'
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import { ObjectCatalog } from '../../src/catalog/object-catalog.ts'
import { PointerStore } from '../../src/catalog/pointer-store.ts'
import { nextPointer } from '../../src/catalog/pointer.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import type { Table } from '../../src/table/table.ts'
import { catalogEnvironment } from '../support/catalog-environment.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

interface World {
  readonly table: Table
  readonly io: MemoryFileIO
  readonly runtime: ReturnType<typeof virtualRuntime>
  /** What was deleted, in order. */
  readonly deleted: string[]
  /** Data files that lie in the store. */
  readonly dataFiles: () => Promise<string[]>
}

/** A table beside whose first append the fence is raised, once all its files are uploaded; `collect` then runs. */
async function world(collect: (world: World) => Promise<void> = () => Promise.resolve()): Promise<World> {
  const runtime = virtualRuntime()
  const io = new MemoryFileIO({ runtime })
  const shared = catalogEnvironment(io, { runtime })
  const table = await new ObjectCatalog(shared).createTable('a.t', {
    schema: { id: 'int', day: 'date' },
    partitionBy: ['day'],
  })
  const deleted: string[] = []
  const dataFiles = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const page of io.list(`${table.location}/data/`)) found.push(...page.entries.map((e) => e.location))
    return found
  }
  const made: World = { table, io, runtime, deleted, dataFiles }

  const remove = io.delete.bind(io)
  io.delete = (locations, options) => {
    deleted.push(...locations)
    return remove(locations, options)
  }
  const write = io.write.bind(io)
  io.write = async (location, bytes, options) => {
    const answer = await write(location, bytes, options)
    if (!/snap-.*\.avro$/.test(location)) return answer
    io.write = write
    runtime.advance(1_000)
    await raiseFence(shared)
    runtime.advance(1_000)
    await collect(made)
    return answer
  }
  return made
}

async function raiseFence(env: CatalogEnvironment): Promise<void> {
  const pointers = new PointerStore(env)
  const location = env.keys.pointer({ namespace: ['a'], name: 't' }, 1)
  const base = await pointers.read(location)
  if (base === undefined) throw new Error('no pointer')
  const commit = { commitId: randomUUID(), u: randomUUID() }
  const next = nextPointer(base.body, { gcHorizonMs: env.runtime.wallMs() }, commit)
  expect((await pointers.swap({ location, base, next, writesMetadata: false })).kind).toBe('committed')
}

const rows = [
  { id: 1, day: '2026-01-01' },
  { id: 2, day: '2026-01-02' },
]

describe('a commit whose session has expired', () => {
  it('commits copies of its files under new names, and deletes what it wrote first', async () => {
    let uploaded: string[] = []
    const { table, deleted, dataFiles } = await world(async (made) => {
      uploaded = await made.dataFiles()
    })
    const { attempts } = await table.append(rows)
    expect(attempts).toBe(3)
    expect(await table.toArrow().then((read) => read.numRows)).toBe(2)
    const left = await dataFiles()
    expect(left).toHaveLength(2)
    expect(left.filter((file) => uploaded.includes(file))).toEqual([])
    expect(deleted).toEqual(expect.arrayContaining(uploaded))
    expect(table.snapshots).toHaveLength(1)
  })

  it('fails where orphan removal took a file already, and leaves nothing behind', async () => {
    const { table, dataFiles } = await world(async ({ io, dataFiles: list }) => {
      await io.delete((await list()).slice(0, 1))
    })
    await expect(table.append(rows)).rejects.toThrow(SessionExpiredError)
    expect(await dataFiles()).toEqual([])
    expect(table.snapshots).toEqual([])
    await table.append(rows)
    expect(await table.scan().count()).toBe(2n)
  })
})
