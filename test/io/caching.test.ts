import { describe, expect, it } from 'vitest'
import type { FirnEvent } from '../../src/base/events.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { caching } from '../../src/io/caching.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { countRequests, measured } from '../../src/io/measured.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { overriding } from '../support/overriding.ts'

let stores = 0

function setUp(sizeBytes = 100_000): { io: FileIO; store: FileIO; gets: () => number; at: (key: string) => string } {
  const store = new MemoryFileIO({ runtime: systemRuntime })
  const { reporter, counts } = countRequests()
  const io = caching(measured(store, { runtime: systemRuntime, reporter }), { sizeBytes })
  const name = `caching${(stores += 1)}`
  return { io, store, gets: () => counts().GET, at: (key) => `memory://${name}/${key}` }
}

const bytesOf = (length: number, fill = 7): Uint8Array => new Uint8Array(length).fill(fill)

describe('caching', () => {
  it('reads an object once, and serves ranges of it', async () => {
    const { io, store, gets, at } = setUp()
    await store.write(at('x'), new Uint8Array([0, 1, 2, 3, 4]))
    const first = await io.read(at('x'))
    expect(await io.read(at('x'))).toEqual(first)
    expect((await io.readRange(at('x'), { offset: 1, length: 3 })).bytes).toEqual(new Uint8Array([1, 2, 3]))
    await expect(io.readRange(at('x'), { offset: 4, length: 2 })).rejects.toThrow(/ends before/)
    expect(gets()).toBe(1)
  })

  it('keeps ranges by themselves', async () => {
    const { io, store, gets, at } = setUp()
    await store.write(at('x'), bytesOf(1000))
    for (let i = 0; i < 3; i += 1) {
      await io.readRange(at('x'), { offset: 0, length: 8 })
      await io.readRange(at('x'), { offset: 8, length: 8 })
    }
    expect(gets()).toBe(2)
  })

  it('joins equal reads that overlap', async () => {
    const { io, store, gets, at } = setUp()
    await store.write(at('x'), bytesOf(10))
    const reads = await Promise.all(Array.from({ length: 20 }, () => io.read(at('x'))))
    expect(new Set(reads.map(({ bytes }) => bytes)).size).toBe(1)
    expect(gets()).toBe(1)
  })

  it('stays within its bytes, dropping the least recently used', async () => {
    const { io, store, gets, at } = setUp(10_000)
    for (const key of ['a', 'b', 'c', 'd', 'e']) await store.write(at(key), bytesOf(2200))
    for (const key of ['a', 'b', 'c', 'a', 'd', 'e']) await io.read(at(key))
    expect(gets()).toBe(5)
    await io.read(at('a'))
    expect(gets()).toBe(5)
    await io.read(at('b'))
    expect(gets()).toBe(6)
  })

  it('keeps nothing that would take most of it', async () => {
    const { io, store, gets, at } = setUp(10_000)
    await store.write(at('big'), bytesOf(2600))
    await io.read(at('big'))
    await io.read(at('big'))
    expect(gets()).toBe(2)
  })

  it('knows small objects that it wrote, by their bytes at that time', async () => {
    const { io, gets, at } = setUp()
    const bytes = bytesOf(10, 1)
    await io.write(at('x'), bytes)
    bytes.fill(2)
    expect((await io.read(at('x'))).bytes).toEqual(bytesOf(10, 1))
    expect(gets()).toBe(0)
  })

  it('forgets what it deletes, and never keeps an absence', async () => {
    const { io, store, at } = setUp()
    await expect(io.read(at('x'))).rejects.toThrow('does not exist')
    await store.write(at('x'), bytesOf(1))
    expect((await io.read(at('x'))).bytes.length).toBe(1)
    await io.readRange(at('x'), { offset: 0, length: 1 })
    await io.delete([at('x')])
    await expect(io.read(at('x'))).rejects.toThrow('does not exist')
    await expect(io.readRange(at('x'), { offset: 0, length: 1 })).rejects.toThrow('does not exist')
  })

  it('does not keep what was read while it was deleted', async () => {
    const { store, at } = setUp()
    await store.write(at('x'), bytesOf(1))
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const slow = overriding<FileIO>(store, {
      read: async (location) => store.read(location).then(async (answer) => (await held, answer)),
    })
    const io = caching(slow, { sizeBytes: 1000 })
    const early = io.read(at('x'))
    await io.delete([at('x')])
    const late = io.read(at('x'))
    release()
    expect((await early).bytes.length).toBe(1)
    await expect(late).rejects.toThrow('does not exist')
    await expect(io.read(at('x'))).rejects.toThrow('does not exist')
  })

  it('never keeps version-hint.text or pointers', async () => {
    const { io, store, at } = setUp()
    await io.write(at('metadata/version-hint.text'), bytesOf(1, 1))
    await store.write(at('metadata/version-hint.text'), bytesOf(1, 2))
    expect((await io.read(at('metadata/version-hint.text'))).bytes).toEqual(bytesOf(1, 2))
    expect(io.cas).toBeDefined()
    await io.cas.put(at('p'), bytesOf(1, 1), undefined)
    const record = await io.cas.read(at('p'))
    await store.cas.put(at('p'), bytesOf(1, 2), record?.token)
    expect((await io.cas.read(at('p')))?.bytes).toEqual(bytesOf(1, 2))
  })

  it('lets one of those who wait leave, and stops when the last has left', async () => {
    const store = new MemoryFileIO({ runtime: systemRuntime })
    const signals: AbortSignal[] = []
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const slow = overriding<FileIO>(store, {
      async read(_, options) {
        if (options?.signal !== undefined) signals.push(options.signal)
        await held
        return { bytes: bytesOf(1), storeTimeMs: 0 }
      },
    })
    const io = caching(slow, { sizeBytes: 1000 })
    const [one, two] = [new AbortController(), new AbortController()]
    const reason = new Error('gone')
    const left = io.read('memory://m/x', { signal: one.signal })
    const stayed = io.read('memory://m/x', { signal: two.signal })
    one.abort(reason)
    await expect(left).rejects.toBe(reason)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    two.abort(reason)
    await expect(stayed).rejects.toBe(reason)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    const again = io.read('memory://m/x')
    release()
    expect((await again).bytes.length).toBe(1)
    expect(signals.length).toBe(2)
  })
})

describe('measured', () => {
  it('reports every call with its size and outcome, and counts by verb', async () => {
    const events: FirnEvent[] = []
    const { reporter, counts } = countRequests((event) => events.push(event))
    const io = measured(new MemoryFileIO({ runtime: systemRuntime }), { runtime: systemRuntime, reporter })
    expect(counts()).toEqual({ GET: 0, PUT: 0, HEAD: 0, LIST: 0, DELETE: 0, POST: 0 })
    const location = 'memory://measured/x'
    await io.write(location, bytesOf(10))
    await io.read(location)
    await io.readRange(location, { offset: 0, length: 4 })
    await io.stat(location)
    for await (const _ of io.list('memory://measured/'));
    await io.delete([location])
    await expect(io.read(location)).rejects.toThrow()
    await io.cas.put(location, bytesOf(3), undefined)
    await io.cas.put(location, bytesOf(3), undefined)
    await io.cas.read(location)
    await io.cas.read(`${location}y`)
    for await (const _ of io.cas.list('memory://measured/'));
    expect(counts()).toEqual({ GET: 5, PUT: 3, HEAD: 1, LIST: 2, DELETE: 1, POST: 0 })
    const told = events.map((e) => (e.type === 'request' ? [e.verb, e.bytesSent, e.bytesReceived, e.outcome] : []))
    expect(told).toEqual([
      ['PUT', 10, 0, 'ok'],
      ['GET', 0, 10, 'ok'],
      ['GET', 0, 4, 'ok'],
      ['HEAD', 0, 0, 'ok'],
      ['LIST', 0, 0, 'ok'],
      ['DELETE', 0, 0, 'ok'],
      ['GET', 0, 0, 'not-found'],
      ['PUT', 3, 0, 'ok'],
      ['PUT', 3, 0, 'refused'],
      ['GET', 0, 3, 'ok'],
      ['GET', 0, 0, 'not-found'],
      ['LIST', 0, 0, 'ok'],
    ])
  })
})
