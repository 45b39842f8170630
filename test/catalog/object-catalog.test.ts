import { randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { systemRuntime } from '../../src/base/runtime.ts'
import { AlreadyExistsError, NamespaceNotEmptyError, NoSuchTableError } from '../../src/base/errors.ts'
import { createPointer } from '../../src/catalog/create-pointer.ts'
import { NamespaceStore } from '../../src/catalog/namespace-store.ts'
import { ObjectCatalog } from '../../src/catalog/object-catalog.ts'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import type { CatalogOptions } from '../../src/catalog/open-catalog.ts'
import { toLocation } from '../../src/io/location.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { openFileIO } from '../../src/io/open-file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { catalogContract } from '../contract/catalog-contract.ts'
import type { CatalogFixture } from '../contract/catalog-fixture.ts'
import { catalogEnvironment } from '../support/catalog-environment.ts'
import { createBucket } from '../support/bucket.ts'
import { overriding } from '../support/overriding.ts'

catalogContract('memory', () => {
  const root = `memory://${randomUUID()}`
  return Promise.resolve(fixture(`${root}/warehouse`, `${root}/other`))
})

catalogContract('file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-catalog-'))
  return fixture(join(folder, 'warehouse'), join(folder, 'other'))
})

catalogContract('s3', async () => {
  const minio = inject('minio')
  const bucket = await createBucket(minio)
  const credentials = { accessKeyId: minio.accessKeyId, secretAccessKey: minio.secretAccessKey }
  const root = `s3://${bucket}/lake`
  return fixture(`${root}/wh`, `${root}/other`, { s3: { endpoint: minio.endpoint, credentials } })
})

function fixture(uri: string, other: string, options?: CatalogOptions): CatalogFixture {
  const place = toLocation(other, '/')
  return {
    open: () => openCatalog(uri, options),
    other: place,
    openOther: () => openCatalog(place, options),
    io: openFileIO(place, options),
  }
}

it.each(['memory', 'file', 's3'])('has one key for a table and a view of one name, on %s', async (kind) => {
  const minio = inject('minio')
  const warehouse = {
    memory: () => `memory://${randomUUID()}/lake`,
    file: async () => toLocation(await mkdtemp(join(tmpdir(), 'firn-views-')), '/'),
    s3: async () => `s3://${await createBucket(minio)}/lake`,
  }[kind]
  const place = (await warehouse?.()) ?? ''
  const { endpoint, accessKeyId, secretAccessKey } = minio
  const io = openFileIO(place, { s3: { endpoint, credentials: { accessKeyId, secretAccessKey } } })
  const env = catalogEnvironment(io, { warehouse: place, swapTimeoutMs: 5_000 })
  const catalog = new ObjectCatalog(env)
  await catalog.createTable('ns.t', { schema: { id: 'string' } })
  const makeView = (name: string): Promise<unknown> =>
    createPointer(env, new NamespaceStore(env), {
      identifier: { namespace: ['ns'], name },
      kind: 'view',
      uuid: randomUUID(),
      commitId: randomUUID(),
      startMs: Date.now(),
      writeMetadata: () => Promise.resolve(`${place}/view.json`),
    })
  await makeView('v')
  await expect(makeView('t')).rejects.toThrow(AlreadyExistsError)
  await expect(catalog.createTable('ns.v', { schema: { id: 'string' } })).rejects.toThrow(AlreadyExistsError)
  await expect(catalog.renameTable('ns.t', 'ns.v')).rejects.toThrow(AlreadyExistsError)
  await expect(catalog.dropTable('ns.v')).rejects.toThrow(NoSuchTableError)
  await expect(catalog.loadTable('ns.v')).rejects.toThrow(NoSuchTableError)
  expect(await catalog.tableExists('ns.v')).toBe(false)
  expect((await catalog.listTables('ns')).map(({ name }) => name)).toEqual(['t'])
  expect((await catalog.listViews('ns')).map(({ name }) => name)).toEqual(['v'])
  await expect(catalog.dropNamespace('ns')).rejects.toThrow(NamespaceNotEmptyError)
  await catalog.dropTable('ns.t')
  await makeView('t')
  await expect(catalog.undropTable('ns.t')).rejects.toThrow(AlreadyExistsError)
  expect((await catalog.undropTable('ns.t', { to: 'ns.back' })).name).toBe('ns.back')
  await catalog.close()
})

it('never goes on into a table that was made anew under the name before a commit was read back', async () => {
  const warehouse = `memory://${randomUUID()}/warehouse`
  const others = await openCatalog(warehouse)
  await others.createNamespace('ns')
  await others.createTable('ns.t', { schema: { id: 'string' } })
  const io = new MemoryFileIO({ runtime: systemRuntime })
  let afterwards: (() => Promise<unknown>) | undefined
  const cas = overriding(io.cas, {
    async put(...args) {
      const outcome = await io.cas.put(...args)
      const run = afterwards
      afterwards = undefined
      await run?.()
      return run === undefined ? outcome : { kind: 'settled', storeTimeMs: 0 }
    },
  })
  const table = await new ObjectCatalog(catalogEnvironment(io, { warehouse, cas })).loadTable('ns.t')
  await table.append([{ id: 'a' }])
  afterwards = async () => {
    await others.dropTable('ns.t')
    await others.createTable('ns.t', { schema: { id: 'string' } })
  }
  await table.append([{ id: 'b' }])
  await expect(table.append([{ id: 'c' }])).rejects.toThrow(/dropped and made again/)
  expect((await others.loadTable('ns.t')).metadata.snapshots).toEqual([])
})

it('never deletes the metadata file of a table that was made at a second attempt', async () => {
  const warehouse = `memory://${randomUUID()}/warehouse`
  const others = await openCatalog(warehouse)
  await others.createNamespace('ns')
  const io = new MemoryFileIO({ runtime: systemRuntime })
  const deleted: string[] = []
  let isFirst = true
  const watched = overriding<FileIO>(io, {
    delete: (locations, options) => (deleted.push(...locations), io.delete(locations, options)),
  })
  const cas = overriding(io.cas, {
    async put(...args) {
      if (isFirst && args[0].endsWith('/ns/1/t.json')) {
        // A rival's table, and its namespace, come and go: the next attempt begins anew, with the same version.
        isFirst = false
        await others.createTable('ns.t', { schema: { id: 'string' } })
        await others.dropTable('ns.t')
        await others.dropNamespace('ns')
        await others.createNamespace('ns')
      }
      return io.cas.put(...args)
    },
  })
  const table = await new ObjectCatalog(catalogEnvironment(watched, { warehouse, cas })).createTable('ns.t', {
    schema: { id: 'string' },
  })
  expect(isFirst).toBe(false)
  expect(deleted).not.toContain(table.metadataLocation)
})
