import { randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import type { CatalogOptions } from '../../src/catalog/open-catalog.ts'
import { toLocation } from '../../src/io/location.ts'
import { openFileIO } from '../../src/io/open-file-io.ts'
import { catalogContract } from '../contract/catalog-contract.ts'
import type { CatalogFixture } from '../contract/catalog-contract.ts'
import { createBucket } from '../support/bucket.ts'

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
