import { describe, expect, it } from 'vitest'
import { ForbiddenError, NotFoundError, ServiceError } from '../../src/base/errors.ts'
import type { FirnEvent } from '../../src/base/events.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { Retrier, retrying } from '../../src/io/retrying.ts'
import { overriding } from '../support/overriding.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const REQUEST = { verb: 'GET', location: 's3://b/k' } as const
const down = (): ServiceError => new ServiceError('down', { retryable: true })

function failing(times: number, error: () => Error = down): { calls: number; attempt: () => Promise<string> } {
  const state = {
    calls: 0,
    async attempt(): Promise<string> {
      state.calls += 1
      if (state.calls <= times) throw error()
      return 'done'
    },
  }
  return state
}

describe('Retrier', () => {
  it('retries what may succeed later, and reports it', async () => {
    const events: FirnEvent[] = []
    const runtime = virtualRuntime()
    const { attempt } = failing(3)
    expect(await new Retrier({ runtime, reporter: (event) => events.push(event) }).run(REQUEST, attempt)).toBe('done')
    expect(runtime.slept).toEqual([25, 50, 100])
    expect(events).toMatchObject(
      [1, 2, 3].map((number) => ({ type: 'request-retry', attempt: number, reason: 'down' })),
    )
  })

  it('waits between nothing and the doubling limit, which is capped', async () => {
    for (const share of [0, 0.999999]) {
      const runtime = virtualRuntime({ random: () => share })
      const retrier = new Retrier({ runtime, maxAttempts: 12, baseWaitMs: 50, maxWaitMs: 5000 })
      await expect(retrier.run(REQUEST, failing(99).attempt)).rejects.toThrow('down')
      const limits = [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]
      expect(runtime.slept.map(Math.round)).toEqual(limits.map((limit) => Math.round(limit * share)))
    }
  })

  it.each([
    ['not retryable', () => new ServiceError('full', { retryable: false })],
    ['not found', () => new NotFoundError('gone')],
    ['forbidden', () => new ForbiddenError('no')],
    ['a bug', () => new TypeError('x')],
  ])('does not retry: %s', async (_, error) => {
    const state = failing(99, error)
    await expect(new Retrier({ runtime: virtualRuntime() }).run(REQUEST, state.attempt)).rejects.toThrow()
    expect(state.calls).toBe(1)
  })

  it('gives a store that is down at most 101 % of the normal load in the long run', async () => {
    const retrier = new Retrier({ runtime: virtualRuntime() })
    let sent = 0
    const attempt = async (): Promise<never> => {
      sent += 1
      throw down()
    }
    const requests = 20_000
    for (let i = 0; i < requests; i += 1) await retrier.run(REQUEST, attempt).catch(() => {})
    expect(sent / requests).toBeLessThanOrEqual(1.01)
    expect(sent).toBeGreaterThan(requests)
  })

  it('earns its retries back once the store works', async () => {
    const retrier = new Retrier({ runtime: virtualRuntime() })
    for (let i = 0; i < 200; i += 1) await retrier.run(REQUEST, failing(99).attempt).catch(() => {})
    const spent = failing(1)
    await expect(retrier.run(REQUEST, spent.attempt)).rejects.toThrow('down')
    for (let i = 0; i < 30; i += 1) await retrier.run(REQUEST, async () => 'ok')
    const earned = failing(1)
    expect(await retrier.run(REQUEST, earned.attempt)).toBe('done')
  })

  it('stops waiting when the caller aborts', async () => {
    const controller = new AbortController()
    const reason = new Error('no more')
    const state = failing(99)
    const run = new Retrier({ runtime: systemRuntime, baseWaitMs: 60_000, maxWaitMs: 60_000 }).run(
      REQUEST,
      state.attempt,
      controller.signal,
    )
    setTimeout(() => controller.abort(reason), 5)
    await expect(run).rejects.toBe(reason)
    expect(state.calls).toBe(1)
  })

  it('does not multiply: a request that failed for good inside another is not run again', async () => {
    const retrier = new Retrier({ runtime: virtualRuntime(), maxAttempts: 3 })
    const part = failing(99)
    await expect(retrier.run(REQUEST, () => retrier.run(REQUEST, part.attempt))).rejects.toThrow('down')
    expect(part.calls).toBe(3)
  })
})

describe('retrying', () => {
  function flaky(): { io: FileIO; fail: (method: string, times: number) => void; calls: string[] } {
    const memory = new MemoryFileIO({ runtime: systemRuntime })
    const left = new Map<string, number>()
    const calls: string[] = []
    const wrap = <T extends object>(target: T, prefix: string): T =>
      new Proxy(target, {
        get(_, key) {
          const value: unknown = Reflect.get(target, key, target)
          if (typeof value !== 'function') return key === 'cas' ? wrap(value as object, 'cas.') : value
          return (...args: unknown[]) => {
            const name = `${prefix}${String(key)}`
            calls.push(name)
            const remaining = left.get(name) ?? 0
            if (remaining === 0) return Reflect.apply(value, target, args) as unknown
            left.set(name, remaining - 1)
            return Promise.reject(down())
          }
        },
      })
    const io = wrap<FileIO>(memory, '')
    return { io: retrying(io, new Retrier({ runtime: virtualRuntime() })), fail: (m, n) => left.set(m, n), calls }
  }

  it('repeats every call but the compare-and-swap write', async () => {
    const { io, fail, calls } = flaky()
    const location = 'memory://retrying/x'
    const bytes = new Uint8Array([1, 2, 3])
    for (const method of ['write', 'read', 'readRange', 'stat', 'delete', 'storeTimeMs', 'cas.read', 'cas.put'])
      fail(method, 2)
    await io.write(location, bytes)
    expect((await io.read(location)).bytes).toEqual(bytes)
    expect((await io.readRange(location, { offset: 1, length: 1 })).bytes).toEqual(new Uint8Array([2]))
    expect((await io.stat(location)).sizeBytes).toBe(3)
    await io.storeTimeMs()
    await io.delete([location])
    expect(await io.cas.read(location)).toBeUndefined()
    await expect(io.cas.put(location, bytes, undefined)).rejects.toThrow('down')
    const count = (method: string): number => calls.filter((call) => call === method).length
    expect(['write', 'read', 'readRange', 'stat', 'storeTimeMs', 'delete', 'cas.read'].map(count)).toEqual(
      Array(7).fill(3),
    )
    expect(count('cas.put')).toBe(1)
  })

  it('takes a listing up where it broke off', async () => {
    const memory = new MemoryFileIO({ runtime: systemRuntime })
    const keys = Array.from({ length: 2500 }, (_, i) => `memory://resumed/${String(i).padStart(5, '0')}`)
    for (const key of keys) await memory.write(key, new Uint8Array())
    const starts: (string | undefined)[] = []
    const broken = overriding<FileIO>(memory, {
      async *list(prefix, options) {
        starts.push(options?.startAfter)
        let pages = 0
        for await (const page of memory.list(prefix, options)) {
          if (pages === 1 && starts.length < 3) throw down()
          pages += 1
          yield page
        }
      },
    })
    const found: string[] = []
    for await (const { entries } of retrying(broken, new Retrier({ runtime: virtualRuntime() })).list(
      'memory://resumed/',
    )) {
      found.push(...entries.map(({ location }) => location))
    }
    expect(found).toEqual(keys)
    expect(starts).toEqual([undefined, keys[999], keys[1999]])
  })
})
