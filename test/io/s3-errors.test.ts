import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { systemRuntime } from '../../src/base/runtime.ts'
import { S3FileIO } from '../../src/io/s3-file-io.ts'
import { clientConfig, endpointOf } from '../../src/io/s3-settings.ts'
import { type CompiledSrc, compileSrc } from '../support/compiled-src.ts'
import { createTestBucket, type TestBucket } from '../support/s3-bucket.ts'

let bucket: TestBucket
beforeAll(async () => {
  bucket = await createTestBucket()
})
afterEach(() => vi.unstubAllEnvs())

const open = (settings: object): S3FileIO => new S3FileIO({ ...bucket.settings, ...settings, runtime: systemRuntime })
const NOWHERE = 'http://127.0.0.1:9'

describe('errors say what to do', () => {
  it('nothing listens', async () => {
    await expect(open({ endpoint: NOWHERE }).read(`${bucket.root}/x`)).rejects.toMatchObject({
      name: 'ServiceError',
      retryable: true,
      message: `nothing answers at ${NOWHERE} (ECONNREFUSED): start the store, or set AWS_ENDPOINT_URL_S3 to where it runs`,
    })
  })

  it('nothing listens on localhost, which has two addresses', async () => {
    const call = open({ endpoint: 'http://localhost:9' }).read(`${bucket.root}/x`)
    await expect(call).rejects.toThrow('nothing answers at http://localhost:9 (ECONNREFUSED)')
  })

  it('no such host', async () => {
    const call = open({ endpoint: 'http://no-such-host.invalid' }).read(`${bucket.root}/x`)
    await expect(call).rejects.toThrow(
      /^no host no-such-host\.invalid \((ENOTFOUND|EAI_AGAIN)\): check AWS_ENDPOINT_URL_S3/,
    )
  })

  it('no such bucket', async () => {
    const location = 's3://no-such-bucket-here/x'
    const message = `no bucket "no-such-bucket-here" at ${bucket.settings.endpoint}: create it, or check the location`
    const io = open({})
    await expect(io.read(location)).rejects.toMatchObject({ name: 'NotFoundError', message, context: { location } })
    await expect(io.write(location, new Uint8Array(1))).rejects.toThrow(message)
    await expect(io.list(location)[Symbol.asyncIterator]().next()).rejects.toThrow(message)
    await expect(io.delete([location, `${location}y`])).rejects.toThrow(message)
  })

  it('an access key that is not known', async () => {
    const io = open({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } })
    await expect(io.read(`${bucket.root}/x`)).rejects.toMatchObject({
      name: 'UnauthorizedError',
      message: expect.stringMatching(/does not know the access key "nobody", check AWS_ACCESS_KEY_ID/) as string,
    })
    await expect(io.cas.put(`${bucket.root}/x`, new Uint8Array(1), undefined)).rejects.toMatchObject({
      name: 'UnauthorizedError',
    })
  })

  it('a wrong secret', async () => {
    const { accessKeyId } = inject('minio')
    const io = open({ credentials: { accessKeyId, secretAccessKey: 'wrong' } })
    await expect(io.write(`${bucket.root}/x`, new Uint8Array(1))).rejects.toThrow(/check AWS_SECRET_ACCESS_KEY/)
  })

  it('wrong credentials where the store does not say, in answer to a HEAD', async () => {
    const io = open({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } })
    await expect(io.stat(`${bucket.root}/x`)).rejects.toThrow(/the credentials lack the permission, or are wrong/)
  })

  it('no credentials at all', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere')
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere')
    const io = open({ credentials: undefined })
    const message = /no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE/
    await expect(io.read(`${bucket.root}/x`)).rejects.toMatchObject({ name: 'UnauthorizedError' })
    await expect(io.read(`${bucket.root}/x`)).rejects.toThrow(message)
    await expect(io.cas.put(`${bucket.root}/x`, new Uint8Array(1), undefined)).rejects.toThrow(message)
  })

  it('no region', async () => {
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'])
      vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere')
    await expect(open({ endpoint: undefined }).read(`${bucket.root}/x`)).rejects.toThrow(
      /no region for S3: set AWS_REGION/,
    )
    for (const profile of [undefined, 'typo']) {
      if (profile === undefined) vi.stubEnv('AWS_PROFILE', 'typo')
      await expect(open({ endpoint: undefined, profile }).read(`${bucket.root}/x`)).rejects.toThrow(
        /no region for S3: the AWS profile "typo" is not in the AWS config files, or names none: set AWS_REGION/,
      )
    }
    const io = open({ profile: 'typo', credentials: undefined })
    await expect(io.read(`${bucket.root}/x`)).rejects.toThrow(/no S3 credentials by the AWS profile "typo": check/)
  })

  it('keeps the raw answer out of the cause', async () => {
    const error: unknown = await open({})
      .read(`${bucket.root}/absent`)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'NotFoundError', cause: { name: 'NoSuchKey' } })
    expect((error as Error).cause).not.toHaveProperty('$response')
  })
})

describe('settings', () => {
  const env = { AWS_ENDPOINT_URL: 'http://a:1', AWS_ENDPOINT_URL_S3: 'http://b:2/' }

  it('prefer what is given, then the S3 variable, then the general one', () => {
    expect(endpointOf({ endpoint: 'https://c' }, env)).toBe('https://c')
    expect(endpointOf({}, env)).toBe('http://b:2')
    expect(endpointOf({}, { AWS_ENDPOINT_URL: 'http://a:1', AWS_ENDPOINT_URL_S3: '' })).toBe('http://a:1')
    expect(endpointOf({}, {})).toBeUndefined()
  })

  it.each(['localhost:9000', 'minio', 's3://b'])('refuse the endpoint %s', (endpoint) =>
    expect(() => endpointOf({ endpoint }, {})).toThrow(/is no http\(s\) URL/),
  )

  it('have a region and path style wherever an endpoint is given', () => {
    expect(clientConfig({}, env)).toMatchObject({
      region: 'us-east-1',
      forcePathStyle: true,
      followRegionRedirects: false,
    })
    expect(clientConfig({ pathStyle: false }, { ...env, AWS_REGION: 'eu-north-1' })).toMatchObject({
      region: 'eu-north-1',
      forcePathStyle: false,
    })
    expect(clientConfig({}, {})).not.toHaveProperty('region')
    expect(clientConfig({}, {})).toMatchObject({ forcePathStyle: false, followRegionRedirects: true })
  })

  it('never let the SDK retry or add checksums', () => {
    expect(clientConfig({}, {})).toMatchObject({
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    })
  })

  it('work from the environment alone', async () => {
    const { endpoint, accessKeyId, secretAccessKey } = inject('minio')
    vi.stubEnv('AWS_ENDPOINT_URL_S3', endpoint)
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey)
    const io = new S3FileIO({ runtime: systemRuntime })
    expect(io.storeId).toBe(endpoint)
    await io.write(`${bucket.root}/env`, new Uint8Array([1]))
    expect((await io.read(`${bucket.root}/env`)).bytes.length).toBe(1)
  })

  it('ask for encryption where it is set', async () => {
    // This MinIO has no KMS: that it refuses shows that it was asked.
    await expect(open({ sse: { kind: 'AES256' } }).write(`${bucket.root}/sse`, new Uint8Array(1))).rejects.toThrow(
      /NotImplemented|KMS|encryption/i,
    )
    const cas = open({ sse: { kind: 'aws:kms', keyId: 'k' } }).cas.put(
      `${bucket.root}/sse`,
      new Uint8Array(1),
      undefined,
    )
    await expect(cas).rejects.toThrow(/NotImplemented|KMS|encryption/i)
  })
})

describe('the store time', () => {
  it('is asked for before the first answer, and runs on by the monotonic clock', async () => {
    let skewMs = 0
    const runtime = { ...systemRuntime, monotonicMs: () => systemRuntime.monotonicMs() + skewMs, wallMs: () => 0 }
    const io = new S3FileIO({ ...bucket.settings, runtime })
    const first = await io.storeTimeMs()
    expect(Math.abs(first - Date.now())).toBeLessThan(5000)
    skewMs = 3_600_000
    expect((await io.storeTimeMs()) - first).toBeGreaterThanOrEqual(3_600_000)
    const { storeTimeMs } = await io.write(`${bucket.root}/time`, new Uint8Array(1))
    expect(Math.abs(storeTimeMs - Date.now())).toBeLessThan(5000)
  })

  it('is told by a refusal too, but not by silence', async () => {
    const refused = open({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } })
    expect(Math.abs((await refused.storeTimeMs()) - Date.now())).toBeLessThan(5000)
    await expect(open({ endpoint: NOWHERE }).storeTimeMs()).rejects.toThrow(/nothing answers at/)
  })
})

describe('in a process of its own', () => {
  let compiled: CompiledSrc
  beforeAll(async () => {
    compiled = await compileSrc(['io/s3-file-io.ts', 'base/runtime.ts'])
  })
  afterAll(() => compiled.remove())

  it('silences the SDK on Node 20, no other warning, and leaves the environment as it was', async () => {
    const script = `
      const { S3FileIO } = await import(${JSON.stringify(compiled.path('io/s3-file-io.ts'))})
      const { systemRuntime } = await import(${JSON.stringify(compiled.path('base/runtime.ts'))})
      const before = JSON.stringify(process.env)
      const io = new S3FileIO({ endpoint: '${NOWHERE}', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, runtime: systemRuntime })
      await io.read('s3://b/k').catch((error) => console.log(error.name))
      process.emitWarning('another')
      console.log(before === JSON.stringify(process.env))`
    const { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: _, ...env } = process.env
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env,
    })
    expect(stdout).toBe('ServiceError\ntrue\n')
    expect(stderr).not.toMatch(/NodeVersionSupportWarning|node >=/)
    expect(stderr).toMatch(/Warning: another/)
  }, 60_000)
})
