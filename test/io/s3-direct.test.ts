import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { FirnEvent } from '../../src/base/events.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { openFileIO } from '../../src/io/open-file-io.ts'
import { readStream, S3Direct } from '../../src/io/s3-direct.ts'
import { S3FileIO } from '../../src/io/s3-file-io.ts'
import { createConnections, createS3Client } from '../../src/io/s3-settings.ts'
import { createTestBucket } from '../support/s3-bucket.ts'

const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
const { signal } = new AbortController()
afterEach(() => vi.unstubAllEnvs())

describe('requests signed by firn', () => {
  it.each(['a b+c/ü€😀', '100%25/%2F', `!'()*~-._`, '?x=1&y#z', '@:$,;=[]{}|^`"<>\\'])(
    'reach the key %s that the SDK lists',
    async (key) => {
      const { settings, root } = await createTestBucket()
      const io = new S3FileIO({ ...settings, runtime: systemRuntime })
      const location = `${root}/${key}`
      await io.write(location, Buffer.from('x'))
      expect((await io.stat(location)).sizeBytes).toBe(1)
      expect(Buffer.from((await io.read(location)).bytes).toString()).toBe('x')
      for await (const { entries } of io.list(`${root}/`))
        expect(entries.map((entry) => entry.location)).toEqual([location])
      await io.delete([location])
      await expect(io.read(location)).rejects.toMatchObject({ name: 'NotFoundError' })
      await io.close()
    },
  )

  it('are signed by the store’s time, once an answer told it', async () => {
    const { settings, root } = await createTestBucket()
    const events: FirnEvent[] = []
    const runtime = { ...systemRuntime, wallMs: () => systemRuntime.wallMs() - 3_600_000 }
    const io = openFileIO(root, { s3: settings, runtime, reporter: (event) => events.push(event) })
    await io.write(`${root}/first`, Buffer.from('x'))
    await io.write(`${root}/second`, Buffer.from('x'))
    const outcomes = events.flatMap((event) => (event.type === 'request' ? [event.outcome] : []))
    expect(outcomes).toEqual(['refused', 'ok', 'ok'])
    await io.close()
  })

  it('delete a few objects one by one, and many in batches', async () => {
    const { settings, root } = await createTestBucket()
    const verbs: string[] = []
    const reporter = (event: FirnEvent): void => void (event.type === 'request' && verbs.push(event.verb))
    const io = openFileIO(root, { s3: settings, reporter })
    const names = ['a', 'b', 'c', 'd', 'e'].map((name) => `${root}/${name}`)
    for (const count of [4, 5]) {
      for (const name of names) await io.write(name, Buffer.from('x'))
      verbs.length = 0
      await io.delete(names.slice(0, count))
      expect(verbs).toEqual(count === 4 ? ['DELETE', 'DELETE', 'DELETE', 'DELETE'] : ['POST'])
    }
    for await (const { entries } of io.list(`${root}/`)) expect(entries).toEqual([])
    await io.close()
  })

  it('find credentials that come to be after a first failure', async () => {
    const { settings, root } = await createTestBucket()
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere')
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere')
    const io = new S3FileIO({ ...settings, credentials: undefined, runtime: systemRuntime })
    await expect(io.write(`${root}/x`, Buffer.from('x'))).rejects.toMatchObject({ name: 'UnauthorizedError' })
    vi.stubEnv('AWS_ACCESS_KEY_ID', settings.credentials?.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', settings.credentials?.secretAccessKey)
    await io.write(`${root}/x`, Buffer.from('x'))
    await io.close()
  })

  it('are not sent to buckets that want other signatures', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', undefined)
    const io = new S3FileIO({ region: 'us-east-1', credentials, runtime: systemRuntime })
    await expect(io.read('s3://lake--use1-az4--x-s3/key')).rejects.toThrow(/use a general purpose bucket/)
    await io.close()
  })
})

describe('a bucket in another region', () => {
  async function withStore(run: (direct: S3Direct, seen: readonly string[]) => Promise<void>): Promise<void> {
    const seen: string[] = []
    const server = createServer((incoming, answer) => {
      const region = regionOf(incoming)
      seen.push(`${incoming.method} ${incoming.url} ${region}`)
      incoming.resume().on('end', () => {
        if (region === 'eu-west-1') answer.end('found')
        else
          answer
            .writeHead(301, { 'x-amz-bucket-region': 'eu-west-1' })
            .end('<Error><Code>PermanentRedirect</Code></Error>')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const connections = createConnections({}, systemRuntime)
    const connect = (region = 'us-east-1'): S3Client => createS3Client({ endpoint, region, credentials }, connections)
    const direct = new S3Direct(connect(), { connections, connect, followRegions: true })
    await run(direct, seen)
    direct.close()
    server.closeAllConnections()
    server.close()
  }

  it('is asked there, at once and from then on', async () => {
    await withStore(async (direct, seen) => {
      for (const body of [Buffer.from('one'), undefined]) {
        const request = {
          method: body === undefined ? 'GET' : 'PUT',
          bucket: 'b',
          key: 'k',
          headers: {},
          body,
        } as const
        const answer = await direct.send({ ...request, timeMs: Date.now() }, signal)
        expect(answer.statusCode).toBe(200)
        expect(Buffer.from(await readStream(answer, 5, signal)).toString()).toBe('found')
      }
      expect(seen).toEqual(['PUT /b/k us-east-1', 'PUT /b/k eu-west-1', 'GET /b/k eu-west-1'])
    })
  })
})

/** Of the credential scope that the request was signed for. */
function regionOf({ headers }: IncomingMessage): string {
  return /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? ''
}
