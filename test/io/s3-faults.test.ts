import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { FirnEvent } from '../../src/base/events.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import type { CasRecord } from '../../src/io/file-io.ts'
import { openFileIO } from '../../src/io/open-file-io.ts'
import { S3FileIO } from '../../src/io/s3-file-io.ts'
import { PART_SIZE_BYTES } from '../../src/io/stream.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { createTestBucket, type TestBucket } from '../support/s3-bucket.ts'

let bucket: TestBucket
let proxy: FaultProxy
let io: S3FileIO
let made = 0
const fresh = (): string => `${bucket.root}/t${(made += 1)}`
const bytes = (value: string): Uint8Array => Buffer.from(value)
const textOf = (record: { readonly bytes: Uint8Array } | undefined): string =>
  Buffer.from(record?.bytes ?? []).toString()
const body = (u: string, prevU?: string): Uint8Array => bytes(JSON.stringify({ u, prevU }))

beforeAll(async () => {
  bucket = await createTestBucket()
  proxy = await startFaultProxy(bucket.settings.endpoint ?? '')
  io = new S3FileIO({ ...bucket.settings, endpoint: proxy.endpoint, runtime: systemRuntime, requestTimeoutMs: 1500 })
})
beforeEach(() => {
  proxy.decide = () => 'pass'
  proxy.seen.length = 0
})
afterAll(async () => {
  await io.close()
  await proxy.close()
})

/** Lets one matching request meet the fault, all others pass. */
function once(
  fault: Exclude<ReturnType<FaultProxy['decide']>, 'pass'>,
  matches: (verb: string, url: string) => boolean,
): void {
  let left = 1
  proxy.decide = (verb, url) => {
    if (left === 0 || !matches(verb, url)) return 'pass'
    left -= 1
    return fault
  }
}

const isPut = (verb: string): boolean => verb === 'PUT'
const isSecondPart = (verb: string, url: string): boolean => isPut(verb) && url.includes('partNumber=2')

describe('compare-and-swap over a bad network', () => {
  it('create: a lost answer is ambiguous; sent again it is settled, and the body is ours', async () => {
    const location = fresh()
    once('lose-answer', isPut)
    expect((await io.cas.put(location, body('a'), undefined)).kind).toBe('ambiguous')
    expect(proxy.seen.filter((line) => line.startsWith('PUT')).length).toBe(1)
    expect((await io.cas.put(location, body('a'), undefined)).kind).toBe('settled')
    expect(textOf(await io.cas.read(location))).toBe(textOf({ bytes: body('a') }))
  })

  it.each(['lose-answer', 'hang'] as const)('replace: %s is ambiguous, then settled with ours there', async (fault) => {
    const location = fresh()
    const first = await io.cas.put(location, body('a'), undefined)
    const token = first.kind === 'written' ? first.token : ''
    once(fault, isPut)
    expect((await io.cas.put(location, body('b', 'a'), token)).kind).toBe('ambiguous')
    expect((await io.cas.put(location, body('b', 'a'), token)).kind).toBe('settled')
    expect(textOf(await io.cas.read(location))).toContain('"u":"b"')
  })

  it.each(['lose-request', 500, 502, 503, 409, 429, 507] as const)(
    '%s is ambiguous, and sent again it is written',
    async (fault) => {
      const location = fresh()
      once(fault, isPut)
      expect((await io.cas.put(location, body('a'), undefined)).kind).toBe('ambiguous')
      expect((await io.cas.put(location, body('a'), undefined)).kind).toBe('written')
    },
  )

  it.each([
    [400, 'ServiceError'],
    [401, 'UnauthorizedError'],
    [403, 'ForbiddenError'],
    [501, 'UnsupportedError'],
  ] as const)('%s is definite', async (status, name) => {
    once(status, isPut)
    await expect(io.cas.put(fresh(), body('a'), undefined)).rejects.toMatchObject({ name })
  })

  it('a refused connection is ambiguous too: the caller may know more', async () => {
    const dead = new S3FileIO({ ...bucket.settings, endpoint: await deadEndpoint(), runtime: systemRuntime })
    const outcome = await dead.cas.put(fresh(), body('a'), undefined)
    expect(outcome).toMatchObject({ kind: 'ambiguous', cause: { name: 'ServiceError', retryable: true } })
  })

  it('is not called back once it is sent', async () => {
    const location = fresh()
    const controller = new AbortController()
    proxy.decide = (verb) => {
      if (verb === 'PUT') controller.abort(new Error('too late'))
      return 'pass'
    }
    expect((await io.cas.put(location, body('a'), undefined, { signal: controller.signal })).kind).toBe('written')
  })

  it('tells NoSuchBucket from a lost race', async () => {
    await expect(io.cas.put('s3://no-such-bucket-here/x', body('a'), '"0"')).rejects.toMatchObject({
      name: 'NotFoundError',
    })
    await expect(io.cas.read('s3://no-such-bucket-here/x')).rejects.toThrow(/no bucket "no-such-bucket-here"/)
  })

  it('loses nothing when every third request goes wrong', async () => {
    const location = fresh()
    await io.cas.put(location, bytes(JSON.stringify({ u: 'start', count: 0, ring: [] })), undefined)
    let requests = 0
    const faults = ['lose-answer', 'lose-request', 500] as const
    proxy.decide = (verb) => {
      if (verb !== 'PUT') return 'pass'
      requests += 1
      return requests % 3 === 0 ? (faults[(requests / 3) % 3] ?? 'pass') : 'pass'
    }
    const writer = async (name: string): Promise<void> => {
      for (let done = 0; done < 6; done += 1)
        for (let attempt = 0; !(await addOne(`${name}-${done}-${attempt}`)); attempt += 1);
    }
    const addOne = async (u: string): Promise<boolean> => {
      const record = await io.cas.read(location)
      const base = parse(record)
      const next = { u, prevU: base.u, count: base.count + 1, ring: [u, ...base.ring] }
      for (;;) {
        const { kind } = await io.cas.put(location, bytes(JSON.stringify(next)), record?.token)
        if (kind === 'written') return true
        if (kind === 'settled') return parse(await io.cas.read(location)).ring.includes(u)
      }
    }
    await Promise.all(['a', 'b', 'c'].map(writer))
    expect(parse(await io.cas.read(location)).count).toBe(18)
  }, 60_000)
})

describe('objects over a bad network', () => {
  it('retries through openFileIO, and reports each request and retry', async () => {
    const events: FirnEvent[] = []
    const retried = openFileIO(bucket.root, {
      s3: { ...bucket.settings, endpoint: proxy.endpoint },
      reporter: (event) => events.push(event),
      retry: { baseWaitMs: 1 },
      cacheSizeBytes: 0,
    })
    const location = fresh()
    for (const fault of ['lose-answer', 'lose-request', 503] as const) {
      once(fault, () => true)
      await retried.write(location, bytes('hello'))
      once(fault, () => true)
      expect(textOf(await retried.read(location))).toBe('hello')
    }
    const kinds = events.map((event) => (event.type === 'request' ? `${event.verb} ${event.outcome}` : event.type))
    const round = ['PUT', 'GET'].flatMap((verb) => [`${verb} failed`, 'request-retry', `${verb} ok`])
    expect(kinds).toEqual([round, round, round].flat())
    await retried.close()
  })

  it('sends a lost part again, and only that', async () => {
    const parts = openFileIO(bucket.root, {
      s3: { ...bucket.settings, endpoint: proxy.endpoint },
      retry: { baseWaitMs: 1 },
    })
    const location = fresh()
    const large = Buffer.alloc(33 * 1024 * 1024, 'part')
    once('lose-answer', isSecondPart)
    await parts.write(location, large)
    const puts = proxy.seen.filter((line) => line.startsWith('PUT'))
    expect(
      puts.map((line) => /partNumber=(\d)/.exec(line)?.[1]).toSorted((a = '', b = '') => a.localeCompare(b)),
    ).toEqual(['1', '2', '2', '3'])
    expect((await io.stat(location)).sizeBytes).toBe(large.length)
    await parts.close()
  }, 60_000)

  it('streams with a few parts in memory, and sends a lost one again', async () => {
    let sent = 0
    const parts = openFileIO(bucket.root, {
      s3: { ...bucket.settings, endpoint: proxy.endpoint },
      retry: { baseWaitMs: 1 },
      reporter: (event) => {
        if (event.type === 'request' && event.verb === 'PUT' && event.outcome === 'ok') sent += event.bytesSent
      },
    })
    const location = fresh()
    once('lose-answer', isSecondPart)
    let [given, most] = [0, 0]
    const chunkBytes = 1024 * 1024
    async function* chunks(): AsyncGenerator<Uint8Array> {
      while (given < 130 * chunkBytes) {
        given += chunkBytes
        most = Math.max(most, given - sent)
        yield Buffer.alloc(chunkBytes, `${given} `)
      }
    }
    expect(await parts.writeStream(location, chunks())).toMatchObject({ sizeBytes: given })
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(6 * PART_SIZE_BYTES)
    const numbers = proxy.seen.flatMap((line) => /^PUT.*partNumber=(\d)/.exec(line)?.[1] ?? [])
    expect(numbers.toSorted((a, b) => a.localeCompare(b))).toEqual(['1', '2', '2', '3', '4', '5', '6', '7', '8', '9'])
    const end = await io.readRange(location, { offset: given - 7, length: 7 })
    expect(Buffer.from(end.bytes)).toEqual(Buffer.alloc(chunkBytes, `${given} `).subarray(-7))
    await parts.close()
  }, 60_000)

  it('knows an upload that it completed, though the answer was lost', async () => {
    const parts = openFileIO(bucket.root, {
      s3: { ...bucket.settings, endpoint: proxy.endpoint },
      retry: { baseWaitMs: 1 },
    })
    const location = fresh()
    once('lose-answer', (verb, url) => verb === 'POST' && url.includes('uploadId='))
    await parts.write(location, Buffer.alloc(17 * 1024 * 1024, 'x'))
    expect(proxy.seen.filter((line) => line.startsWith('HEAD')).length).toBe(1)
    expect((await io.stat(location)).sizeBytes).toBe(17 * 1024 * 1024)
    await parts.close()
  }, 60_000)

  it('aborts an upload that fails, and one that the caller stops', async () => {
    const location = fresh()
    proxy.decide = (verb, url) => (isSecondPart(verb, url) ? 403 : 'pass')
    const large = Buffer.alloc(33 * 1024 * 1024)
    await expect(io.write(location, large)).rejects.toMatchObject({ name: 'ForbiddenError' })
    const aborts = (): number =>
      proxy.seen.filter((line) => line.startsWith('DELETE') && line.includes('uploadId=')).length
    expect(aborts()).toBe(1)
    const controller = new AbortController()
    const reason = new Error('stop')
    proxy.decide = (verb, url) => {
      if (isSecondPart(verb, url)) controller.abort(reason)
      return 'pass'
    }
    await expect(io.write(location, large, { signal: controller.signal })).rejects.toBe(reason)
    expect(aborts()).toBe(2)
    await expect(io.stat(location)).rejects.toMatchObject({ name: 'NotFoundError' })
  }, 60_000)

  it('gives up on a store that hangs, by a retryable error', async () => {
    once('hang', () => true)
    await expect(io.read(fresh())).rejects.toMatchObject({
      name: 'ServiceError',
      retryable: true,
      message: expect.stringMatching(/did not answer in time: no answer within 1500 ms/) as string,
    })
  })

  it('stops a request under way when the caller aborts', async () => {
    const controller = new AbortController()
    const reason = new Error('stop')
    proxy.decide = () => {
      setTimeout(() => controller.abort(reason), 10)
      return 'hang'
    }
    await expect(io.read(fresh(), { signal: controller.signal })).rejects.toBe(reason)
  })
})

function parse(record: CasRecord | undefined): { u: string; count: number; ring: string[] } {
  return JSON.parse(textOf(record)) as { u: string; count: number; ring: string[] }
}

/** The URL of a port on which nothing listens. */
async function deadEndpoint(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}
