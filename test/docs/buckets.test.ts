/** What docs/buckets.md says of versioned buckets and lifecycle rules, tried on MinIO. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { LifecycleRule, ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3'
import { beforeAll, expect, inject, it, onTestFinished } from 'vitest'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { createBucket } from '../support/bucket.ts'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/buckets.md'), 'utf8')
const minio = inject('minio')
const { endpoint } = minio
const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: minio })
let bucket = ''

beforeAll(async () => {
  bucket = await createBucket(minio)
  return () => client.destroy()
})

async function open(): Promise<Catalog> {
  const catalog = await openCatalog(`s3://${bucket}/lake`, { s3: { endpoint, credentials: minio } })
  onTestFinished(() => catalog.close())
  return catalog
}

const versionsBelow = (prefix: string): Promise<ListObjectVersionsCommandOutput> =>
  client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix }))

it('a versioned bucket keeps a version for each pointer body, and the files of purged tables', async () => {
  const VersioningConfiguration = { Status: 'Enabled' } as const
  await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  const catalog = await open()
  const table = await catalog.createTable('a.t', { schema: { id: 'long' } })
  for (const id of [1n, 2n, 3n]) await table.append([{ id }])
  const { Versions: pointers = [] } = await versionsBelow('lake/_catalog/v1/ns/a/1/t.json')
  expect(pointers).toHaveLength(4)
  expect(pointers.filter(({ IsLatest }) => IsLatest)).toHaveLength(1)
  await catalog.dropTable('a.t', { purge: true })
  const files = await versionsBelow(`lake/${table.metadata.tableUuid}/`)
  expect(files.Versions?.filter(({ IsLatest }) => IsLatest)).toEqual([])
  expect(files.Versions?.length).toBeGreaterThan(10)
  expect(files.DeleteMarkers).toHaveLength(files.Versions?.length ?? 0)
  const again = await catalog.createTable('a.t', { schema: { id: 'long' } })
  await again.append([{ id: 4n }])
  expect(await again.count()).toBe(1n)
})

function rulesOfPage(): LifecycleRule[] {
  const text = DOCUMENT.match(/```json\n(.*?)```/s)?.[1] ?? ''
  return (JSON.parse(text.replaceAll('PREFIX', 'lake')) as { Rules: LifecycleRule[] }).Rules
}

it('no rule of the page expires current objects', () => {
  expect(rulesOfPage()).toHaveLength(2)
  for (const { Expiration } of rulesOfPage()) {
    expect(Expiration?.Days).toBeUndefined()
    expect(Expiration?.Date).toBeUndefined()
  }
})

it('the rule for old versions is taken by the store', async () => {
  const Rules = rulesOfPage().filter((rule) => rule.AbortIncompleteMultipartUpload === undefined)
  expect(Rules).toHaveLength(1)
  await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration: { Rules } }))
})
