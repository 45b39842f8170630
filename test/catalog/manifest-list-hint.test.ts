/** A pointer tells of the manifest list of its snapshot: a writer that lost reads it beside the metadata, which decides. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { systemRuntime } from '../../src/base/runtime.ts'
import { ObjectCatalog } from '../../src/catalog/object-catalog.ts'
import { PointerStore } from '../../src/catalog/pointer-store.ts'
import { nextPointer } from '../../src/catalog/pointer.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { lastSegment } from '../../src/io/location.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { catalogEnvironment } from '../support/catalog-environment.ts'
import { overriding } from '../support/overriding.ts'

const NAME = 'ns.t'
const memory = new MemoryFileIO({ runtime: systemRuntime })

/** A table with one row, a catalog that notes what it reads, and a rival. */
async function setUp() {
  const warehouse = `memory://${randomUUID()}/lake`
  const reads: string[] = []
  const noting = overriding<FileIO>(memory, {
    async read(location, options) {
      reads.push(`begin ${kindOf(location)}`)
      // Longer than it takes to begin whatever else begins with it.
      await systemRuntime.sleep(5)
      const answer = await memory.read(location, options)
      reads.push(`end ${kindOf(location)}`)
      return answer
    },
  })
  const open = (io: FileIO) => {
    const env = catalogEnvironment(io, { warehouse })
    return { env, catalog: new ObjectCatalog(env, { unsafe: true }) }
  }
  const { env, catalog } = open(memory)
  const rival = await catalog.createTable(NAME, { schema: { id: 'int' } })
  await rival.append([{ id: 1 }])
  const table = await open(noting).catalog.loadTable(NAME)
  await table.append([{ id: 2 }])
  const location = env.keys.pointer({ namespace: ['ns'], name: 't' }, 1)
  const pointers = new PointerStore(env)
  const hintNow = async () => (await pointers.read(location))?.body.manifestList
  /** Another commit, of which the pointer tells a list that isn't its own. */
  const misdirect = async (manifestList: string | undefined): Promise<void> => {
    await rival.refresh()
    await rival.append([{ id: 3 }])
    const base = await pointers.read(location)
    if (base === undefined) throw new Error('no pointer')
    const next = nextPointer(base.body, { manifestList }, { commitId: randomUUID(), u: randomUUID() })
    const { kind } = await pointers.swap({ location, base, next, writesMetadata: false })
    expect(kind).toBe('committed')
  }
  return { catalog, rival, table, reads, hintNow, misdirect }
}

function kindOf(location: string): string {
  const name = lastSegment(location)
  if (name.startsWith('snap-')) return 'list'
  return name.endsWith('.metadata.json') ? 'metadata' : 'other'
}

describe('the manifest list in the pointer', () => {
  it('is that of the snapshot, whoever commits', async () => {
    const { catalog, table, hintNow } = await setUp()
    expect(await hintNow()).toBe(table.metadata.snapshots.at(-1)?.manifestList)
    await catalog.transaction(async (tx) => void (await (await tx.table(NAME)).append([{ id: 4 }])))
    await table.refresh()
    expect(await hintNow()).toBe(table.metadata.snapshots.at(-1)?.manifestList)
  })

  it('lets a writer that lost read list and metadata at once', async () => {
    const { rival, table, reads } = await setUp()
    await rival.refresh()
    await rival.append([{ id: 3 }])
    reads.length = 0
    expect((await table.append([{ id: 4 }])).attempts).toBe(2)
    const ofBase = reads.filter((read) => !read.endsWith('other'))
    expect(ofBase.slice(0, 2).toSorted()).toEqual(['begin list', 'begin metadata'])
    expect(ofBase.slice(2).toSorted()).toEqual(['end list', 'end metadata'])
  })

  it.each([
    [
      'an older one',
      (table: { snapshots: readonly { manifestList?: string | undefined }[] }) => table.snapshots[0]?.manifestList,
    ],
    ['one that is not there', () => 'memory://nowhere/snap-1.avro'],
    ['none', () => undefined],
  ])('may be wrong: %s', async (_, hint) => {
    const { catalog, table, misdirect } = await setUp()
    await misdirect(hint(table))
    expect((await table.append([{ id: 4 }])).attempts).toBe(2)
    const ids = new Set<unknown>()
    for await (const { id } of (await catalog.loadTable(NAME)).scan().rows()) ids.add(id)
    expect(ids).toEqual(new Set([1, 2, 3, 4]))
  })
})
