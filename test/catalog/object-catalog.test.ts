import { randomUUID } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import { catalogContract } from '../contract/catalog-contract.ts'
import { createBucket } from '../support/bucket.ts'

catalogContract('memory', () => {
  const uri = `memory://${randomUUID()}/warehouse`
  return Promise.resolve({ open: () => openCatalog(uri) })
})

catalogContract('file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-catalog-'))
  return { open: () => openCatalog(folder) }
})

catalogContract('s3', async () => {
  const minio = inject('minio')
  const bucket = await createBucket(minio)
  const credentials = { accessKeyId: minio.accessKeyId, secretAccessKey: minio.secretAccessKey }
  return { open: () => openCatalog(`s3://${bucket}/lake/wh`, { s3: { endpoint: minio.endpoint, credentials } }) }
})
