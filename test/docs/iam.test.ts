/**
 * The policies of docs/iam.md, tried on MinIO: with each, all that it is for works; and without any one of its actions,
 * something doesn't.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { ForbiddenError, NoSuchTableError } from '../../src/base/errors.ts'
import type { Reporter } from '../../src/base/events.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import { openFileIO } from '../../src/io/open-file-io.ts'
import { PART_SIZE_BYTES } from '../../src/io/stream.ts'
import type { S3Settings } from '../../src/io/s3-settings.ts'
import { openTable } from '../../src/table/static-table.ts'
import { createBucket } from '../support/bucket.ts'
import { assumeRole } from '../support/session-credentials.ts'

/** A warehouse with a table `a.t` and a dropped one `a.dropped`, and how the policy's owner reaches it. */
interface Visit {
  readonly uri: string
  readonly bucket: string
  readonly s3: S3Settings
  readonly catalog: Catalog
}

interface Policy {
  readonly Version: string
  readonly Statement: readonly { readonly Action: readonly string[] }[]
}

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/iam.md'), 'utf8')
const minio = inject('minio')
const { endpoint } = minio
const root: S3Settings = { endpoint, credentials: minio }
const SCHEMA = { id: 'long not null' }
let bucket = ''
let seeded = 0

beforeAll(async () => {
  bucket = await createBucket(minio)
})

/** The policy of a section, for a warehouse of its own. */
function policyOf(section: string, prefix: string): Policy {
  const text = DOCUMENT.split(`\n## ${section}\n`)[1]?.match(/```json\n(.*?)```/s)?.[1] ?? ''
  return JSON.parse(text.replaceAll('BUCKET', bucket).replaceAll('PREFIX', prefix)) as Policy
}

function actionsOf(section: string): string[] {
  return policyOf(section, 'any').Statement.flatMap(({ Action }) => Action)
}

function without(policy: Policy, action: string): Policy {
  const left = policy.Statement.map((each) => ({ ...each, Action: each.Action.filter((name) => name !== action) }))
  return { ...policy, Statement: left.filter(({ Action }) => Action.length > 0) }
}

/** Lets the owner of a section's policy, but for one action, do `work` in a warehouse of its own. */
async function visit(
  work: (visit: Visit) => Promise<void>,
  { section, taken }: { readonly section: string; readonly taken?: string },
): Promise<void> {
  const prefix = `lake/${(seeded += 1)}`
  const uri = `s3://${bucket}/${prefix}`
  await seed(uri)
  const policy = policyOf(section, prefix)
  const credentials = await assumeRole(minio, JSON.stringify(taken === undefined ? policy : without(policy, taken)))
  const s3 = { endpoint, credentials }
  await using catalog = await openCatalog(uri, { s3 })
  await work({ uri, bucket, s3, catalog })
}

async function seed(uri: string): Promise<void> {
  await using catalog = await openCatalog(uri, { s3: root })
  for (const name of ['a.t', 'a.dropped']) {
    const table = await catalog.createTable(name, { schema: SCHEMA })
    await table.append([{ id: 1n }, { id: 2n }])
  }
  await catalog.dropTable('a.dropped')
}

async function read({ catalog, s3, uri }: Visit): Promise<void> {
  expect(await catalog.listNamespaces()).toEqual([['a']])
  expect(await catalog.listTables('a')).toHaveLength(1)
  expect(await catalog.listDropped()).toHaveLength(1)
  const table = await catalog.loadTable('a.t')
  expect(await table.count('id > 1')).toBe(1n)
  expect((await table.toArrow()).numRows).toBe(2)
  await expect(catalog.loadTable('a.none')).rejects.toThrow(NoSuchTableError)
  await using opened = await openTable(table.location, { s3 })
  expect(opened.location.startsWith(uri)).toBe(true)
}

async function write({ catalog }: Visit): Promise<void> {
  await catalog.createNamespace('b', { owner: 'x' })
  await catalog.updateNamespaceProperties('b', { set: { owner: 'y' } })
  const made = await catalog.createTable('b.made', { schema: SCHEMA })
  await made.append([{ id: 1n }])
  await catalog.renameTable('b.made', 'b.named')
  await catalog.dropTable('b.named')
  await catalog.undropTable('b.named')
  await catalog.undropTable('a.dropped', { to: 'b.back' })
  await catalog.transaction(async (tx) => {
    for (const name of ['b.named', 'b.back']) await (await tx.table(name)).append([{ id: 9n }])
  })
  expect(await (await catalog.loadTable('b.back')).count()).toBe(3n)
  await catalog.dropTable('b.back')
  await catalog.dropTable('b.named')
  await catalog.dropNamespace('b')
}

/** An upload in parts is given up when its writer is interrupted; what is left of it costs storage. */
async function interruptUpload({ uri, s3 }: Visit): Promise<void> {
  const location = `${uri}/interrupted`
  const stop = new AbortController()
  const reporter: Reporter = (event) => {
    if (event.type === 'request' && event.verb === 'POST') stop.abort()
  }
  const io = openFileIO(location, { s3, reporter })
  const writing = io.write(location, new Uint8Array(2 * PART_SIZE_BYTES), { signal: stop.signal })
  await writing.catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  expect(stop.signal.aborted).toBe(true)
  await io.close()
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: minio })
  const Prefix = location.slice(`s3://${bucket}/`.length)
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix }))
  client.destroy()
  if (Uploads.length > 0) throw new ForbiddenError('the upload was left behind')
}

async function maintain({ catalog, s3, uri }: Visit): Promise<void> {
  await catalog.purgeTable('a.dropped')
  await catalog.dropTable('a.t', { purge: true })
  await catalog.sweepRecords()
  await using other = await openCatalog(`${uri}/other`, { s3 })
  await other.createNamespace('first')
}

const WORKS: Readonly<Record<string, readonly ((visit: Visit) => Promise<void>)[]>> = {
  Reader: [read],
  Writer: [read, write, interruptUpload],
  Maintainer: [read, write, interruptUpload, maintain],
}

/** Actions of the policies before it, whose need is shown there. */
function lesser(section: string): string[] {
  const sections = Object.keys(WORKS)
  return sections.slice(0, sections.indexOf(section)).flatMap(actionsOf)
}

describe.each(Object.entries(WORKS))('the policy of a %s', (section, works) => {
  it.each(works.map((work) => [work.name, work] as const))('lets it %s', async (_, work) => {
    await visit(work, { section })
  })

  it.each(actionsOf(section).filter((action) => !lesser(section).includes(action)))('needs %s', async (taken) => {
    const outcomes = await Promise.allSettled(works.map((work) => visit(work, { section, taken })))
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(failures.length).toBeGreaterThan(0)
    for (const { reason } of failures) expect(reason).toBeInstanceOf(ForbiddenError)
  })
})

it.each([
  ['Reader', write],
  ['Writer', maintain],
] as const)('the policy of a %s is not enough to %o', async (section, work) => {
  await expect(visit(work, { section })).rejects.toThrow(ForbiddenError)
})
