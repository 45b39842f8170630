import { describe, expect, inject, it } from 'vitest'
import type { FirnEvent } from '../../src/base/events.ts'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { createBucket } from '../support/bucket.ts'
import { startLossyProxy } from './lossy-proxy.ts'

const TABLE = 'lossy.rows'
const isPointer = (path: string | undefined): boolean => /_catalog\/v1\/ns\/lossy\/1\/rows\.json/.test(path ?? '')

async function ids(catalog: Catalog): Promise<number[]> {
  const found: number[] = []
  for await (const { id } of (await catalog.loadTable(TABLE)).scan().rows()) found.push(id as number)
  return found.toSorted((a, b) => a - b)
}

describe('a store whose answers get lost after the write was applied', { timeout: 120_000 }, () => {
  it('commits once, with no false conflict and nothing deleted, when every second pointer write loses its answer', async () => {
    const minio = inject('minio')
    const { accessKeyId, secretAccessKey } = minio
    const warehouse = `s3://${await createBucket(minio)}/lake`
    let pointerWrites = 0
    const proxy = await startLossyProxy(
      minio.endpoint,
      ({ method, url }) => method === 'PUT' && isPointer(url) && ++pointerWrites % 2 === 1,
    )
    const events: FirnEvent[] = []
    const s3 = { endpoint: proxy.endpoint, credentials: { accessKeyId, secretAccessKey } }
    const catalog = await openCatalog(warehouse, { s3, reporter: (event) => events.push(event) })
    const table = await catalog.createTable(TABLE, { schema: { id: 'int' } })
    for (let id = 0; id < 10; id++) expect(await table.append([{ id }])).toMatchObject({ attempts: 1 })
    expect(await ids(catalog)).toEqual(Array.from({ length: 10 }, (_, id) => id))
    expect(proxy.lost()).toBeGreaterThanOrEqual(10)
    expect(events.filter((event) => event.type === 'commit-retry')).toEqual([])
    const deletes = proxy.seen.filter((line) => line.startsWith('DELETE') || line.includes('?delete'))
    expect(deletes.filter((line) => !line.includes('/probe/') && !line.includes('?delete'))).toEqual([])
    expect(table.snapshots).toHaveLength(10)
    await catalog.close()
    await proxy.close()
  })

  it('loses and doubles nothing for rivals when a fifth of all writes loses its answer', async () => {
    const minio = inject('minio')
    const { accessKeyId, secretAccessKey } = minio
    const warehouse = `s3://${await createBucket(minio)}/lake`
    const proxy = await startLossyProxy(minio.endpoint, ({ method }, nth) => method === 'PUT' && nth % 5 === 0)
    const open = (): Promise<Catalog> =>
      openCatalog(warehouse, { s3: { endpoint: proxy.endpoint, credentials: { accessKeyId, secretAccessKey } } })
    const first = await open()
    await first.createTable(TABLE, { schema: { id: 'int' } })
    const writers = await Promise.all(Array.from({ length: 4 }, open))
    const writing = writers.map(async (catalog, w) => {
      const table = await catalog.loadTable(TABLE)
      for (let i = 0; i < 8; i++) await table.append([{ id: w * 100 + i }])
    })
    await Promise.all(writing)
    expect(await ids(first)).toEqual([0, 1, 2, 3].flatMap((w) => Array.from({ length: 8 }, (_, i) => w * 100 + i)))
    await Promise.all([first, ...writers].map((catalog) => catalog.close()))
    await proxy.close()
  })
})
