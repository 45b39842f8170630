/** The line of writers in a pointer: it changes when commits are tried, and nothing that they are. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { systemRuntime } from '../../src/base/runtime.ts'
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import { NamespaceStore } from '../../src/catalog/namespace-store.ts'
import { ObjectCatalog } from '../../src/catalog/object-catalog.ts'
import { loadBase } from '../../src/catalog/object-base.ts'
import { ObjectOperations } from '../../src/catalog/object-operations.ts'
import { PointerStore } from '../../src/catalog/pointer-store.ts'
import { nextPointer } from '../../src/catalog/pointer.ts'
import { lastSegment } from '../../src/io/location.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { catalogEnvironment } from '../support/catalog-environment.ts'

const IDENTIFIER = { namespace: ['a'], name: 't' }

async function warehouse(properties: Record<string, string> = {}, runtime = systemRuntime) {
  const io = new MemoryFileIO({ runtime })
  const env = catalogEnvironment(io, { runtime })
  const catalog = new ObjectCatalog(env)
  const table = await catalog.createTable('a.t', { schema: { id: 'int' }, properties })
  const body = async () => (await new PointerStore(env).read(env.keys.pointer(IDENTIFIER, 1)))?.body
  return { env, catalog, table, body }
}

async function operationsOn(env: CatalogEnvironment): Promise<ObjectOperations> {
  const namespaces = new NamespaceStore(env)
  const base = await loadBase(env, namespaces, { identifier: IDENTIFIER })
  return new ObjectOperations(env, {
    identifier: IDENTIFIER,
    base,
    namespaces,
    ensureWritable: () => Promise.resolve(),
  })
}

describe('joining the line', () => {
  it('leaves the table as it is, and costs who commits no attempt', async () => {
    const { env, table, body } = await warehouse()
    await table.append([{ id: 1 }])
    const before = await body()
    const other = await operationsOn(env)
    expect((await other.join('me')).turn?.line).toEqual(['me'])
    const after = await body()
    expect(after).toEqual({
      ...before,
      turn: { line: ['me'], leftMs: 0, commitMs: 0, quietMs: 0 },
      v: (before?.v ?? 0) + 1,
      u: after?.u,
      prevU: before?.u,
      commitId: after?.commitId,
      ring: after?.ring,
    })
    expect(await table.append([{ id: 2 }])).toMatchObject({ attempts: 1 })
    expect((await body())?.turn?.line).toEqual(['me'])
    expect((await other.join('me')).version).toBe((await body())?.v)
  })

  it('makes nothing be uploaded again, however many join', async () => {
    const { env, table } = await warehouse()
    const other = await operationsOn(env)
    const puts: string[] = []
    const put = env.cas.put.bind(env.cas)
    env.cas.put = async (location, ...rest) => {
      puts.push(location)
      if (puts.length % 2 === 1 && puts.length < 6) await other.join(`w${puts.length}`)
      return put(location, ...rest)
    }
    expect(await table.append([{ id: 1 }])).toMatchObject({ attempts: 1 })
    const files: string[] = []
    for await (const { entries } of env.io.list(`${table.metadata.location}/metadata/`))
      files.push(...entries.map(({ location }) => lastSegment(location)))
    expect(files.filter((file) => file.endsWith('.metadata.json'))).toHaveLength(2)
    expect(files.filter((file) => file.startsWith('snap-'))).toHaveLength(1)
  })

  it('hides no fence that was raised beside it', async () => {
    const { env, table, body } = await warehouse()
    const location = env.keys.pointer(IDENTIFIER, 1)
    const pointers = new PointerStore(env)
    const base = await pointers.read(location)
    if (base === undefined) throw new Error('no pointer')
    const fenced = nextPointer(base.body, { gcHorizonMs: 1 }, { commitId: randomUUID(), u: randomUUID() })
    await pointers.swap({ location, base, next: fenced, writesMetadata: false })
    await (await operationsOn(env)).join('me')
    expect(await table.append([{ id: 1 }])).toMatchObject({ attempts: 2 })
    expect((await body())?.gcHorizonMs).toBe(1)
  })

  it('does not count as a loss', async () => {
    const { env, table } = await warehouse({ 'commit.retry.num-retries': '0' })
    await (await operationsOn(env)).join('me')
    expect(await table.append([{ id: 2 }])).toMatchObject({ attempts: 1 })
  })

  it('takes no place in the pointer of a table that is dropped', async () => {
    const { env, catalog, body } = await warehouse()
    const other = await operationsOn(env)
    await catalog.dropTable('a.t')
    const before = await body()
    expect((await other.join('me')).turn).toBeUndefined()
    expect(await body()).toEqual(before)
  })
})

describe('closing a catalog', () => {
  /** A table whose only handle has made two commits right after one another, with another that waits. */
  async function inTurn() {
    // However slow the machine is, its commits take no time.
    const { env, catalog, table, body } = await warehouse({}, { ...systemRuntime, monotonicMs: () => 0 })
    await table.append([{ id: 1 }])
    await table.append([{ id: 2 }])
    const other = await operationsOn(env)
    await other.join('me')
    await table.append([{ id: 3 }])
    return { env, catalog, table, body, other }
  }

  it('ends the turn of its handles, so that who waits may come', async () => {
    const { catalog, table, body } = await inTurn()
    const before = await body()
    expect(before?.turn).toMatchObject({ line: ['me'], leftMs: 300 })
    await catalog.close()
    expect(await body()).toMatchObject({
      turn: { line: ['me'], leftMs: 0, quietMs: 0 },
      v: (before?.v ?? 0) + 1,
      metadataLocation: table.metadataLocation,
    })
  })

  it('looks past those who came to wait since', async () => {
    const { catalog, other, body } = await inTurn()
    await other.join('you')
    await catalog.close()
    expect((await body())?.turn).toMatchObject({ line: ['me', 'you'], leftMs: 0, quietMs: 0 })
  })

  it('writes nothing where another has committed, or nobody waits', async () => {
    const { env, catalog, body } = await inTurn()
    const rival = new ObjectCatalog({ ...env })
    await (await rival.loadTable('a.t')).append([{ id: 4 }])
    const before = await body()
    await catalog.close()
    expect(await body()).toEqual(before)
    await rival.close()
    expect(await body()).toEqual(before)
  })

  it('does not wait long for a store that does not answer', async () => {
    const { env, catalog } = await inTurn()
    env.cas.put = () => new Promise(() => {})
    const startMs = performance.now()
    await catalog.close()
    expect(performance.now() - startMs).toBeLessThan(5_000)
  })
})

it('lets many writers append side by side, each row once, and is empty in the end', async () => {
  const { env, catalog, body } = await warehouse()
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    const table = await new ObjectCatalog(env).loadTable('a.t')
    for (let i = 0; i < 12; i++) await table.append([{ id: writer * 12 + i }])
  })
  await Promise.all(writers)
  const ids: unknown[] = []
  const table = await catalog.loadTable('a.t')
  for await (const batch of table.scan()) ids.push(...(batch.getChildAt(0) ?? []))
  expect(ids.toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 96 }, (_, i) => i))
  expect(table.snapshots).toHaveLength(96)
  expect((await body())?.turn?.line.length ?? 0).toBeLessThan(8)
})
