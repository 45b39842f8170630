/** What every FileIO and its CasStore must do; run by s3 (on a real MinIO), local and memory. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mapConcurrent } from '../../src/base/concurrency.ts'
import { InvalidDataError, NotFoundError, ValidationError } from '../../src/base/errors.ts'
import type { FileIO, ListPage } from '../../src/io/file-io.ts'
import { compareBytewise } from '../../src/io/location.ts'
import { describeCasStore, type StoreUnderTest } from './cas-store-contract.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const ODD_NAMES = [
  'plain.parquet',
  'with space',
  'percent%20literal',
  'percent%',
  'date_month=2001-01',
  'plus+sign',
  'ünïcödé-日本-🧊',
  "quote'and(paren)!*",
  'amp&hash#question?x=1',
  'a:b;c,d@e$f',
  'dot..dot',
  '~tilde',
]

export function describeFileIO(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} FileIO`, () => {
    let store: StoreUnderTest
    let io: FileIO
    let next = 0
    const fresh = (): string => `${store.root}/t${(next += 1)}`
    beforeAll(async () => {
      store = await open()
      io = store.io
    })
    afterAll(() => store.close())

    it('reads what was written', async () => {
      const location = `${fresh()}/a/b/c`
      const { storeTimeMs } = await io.write(location, text('hello'))
      const answer = await io.read(location)
      expect(new TextDecoder().decode(answer.bytes)).toBe('hello')
      expect(Math.abs(storeTimeMs - Date.now())).toBeLessThan(60_000)
      expect(Math.abs(answer.storeTimeMs - Date.now())).toBeLessThan(60_000)
    })

    it('keeps no tie to the written buffer', async () => {
      const location = fresh()
      const bytes = text('hello')
      await io.write(location, bytes)
      bytes.fill(0)
      expect(Buffer.from((await io.read(location)).bytes).toString()).toBe('hello')
    })

    it('writes and reads an empty object', async () => {
      const location = fresh()
      await io.write(location, new Uint8Array())
      expect((await io.read(location)).bytes.length).toBe(0)
      expect((await io.stat(location)).sizeBytes).toBe(0)
    })

    it('writes and reads 20 MB, whole and by range', async () => {
      const location = fresh()
      const bytes = Buffer.alloc(20_000_001, 'firn over ice ')
      bytes.writeUInt32LE(0xdeadbeef, 16 * 1024 * 1024 - 2)
      await io.write(location, bytes)
      expect((await io.stat(location)).sizeBytes).toBe(bytes.length)
      expect(Buffer.compare((await io.read(location)).bytes, bytes)).toBe(0)
      const across = await io.readRange(location, { offset: 16 * 1024 * 1024 - 8, length: 16 })
      expect(Buffer.from(across.bytes)).toEqual(bytes.subarray(16 * 1024 * 1024 - 8, 16 * 1024 * 1024 + 8))
      const tail = await io.readRange(location, { offset: bytes.length - 5, length: 5 })
      expect(Buffer.from(tail.bytes)).toEqual(bytes.subarray(-5))
    })

    it('writes bytes that come one after another', async () => {
      const location = `${fresh()}/of/folders`
      const sizes = [3, 0, 16 * 1024 * 1024 - 3, 1, 17 * 1024 * 1024, 5]
      const whole = Buffer.alloc(33 * 1024 * 1024 + 6, 'one after another ')
      async function* chunks(): AsyncGenerator<Uint8Array> {
        let offset = 0
        for (const size of sizes) {
          const chunk = Uint8Array.from(whole.subarray(offset, (offset += size)))
          yield chunk
          // Whoever makes them may use the memory again.
          chunk.fill(0)
        }
      }
      const { sizeBytes, storeTimeMs } = await io.writeStream(location, chunks())
      expect(sizeBytes).toBe(whole.length)
      expect(Math.abs(storeTimeMs - Date.now())).toBeLessThan(60_000)
      expect(Buffer.compare((await io.read(location)).bytes, whole)).toBe(0)
      expect(Math.abs((await io.stat(location)).lastModifiedMs - storeTimeMs)).toBeLessThan(60_000)
      for (const few of [[], [text('of '), text('few')]]) {
        await io.writeStream(location, each(few))
        expect(Buffer.from((await io.read(location)).bytes)).toEqual(Buffer.concat(few))
      }
    })

    it('writes nothing of bytes that end with an error', async () => {
      const folder = fresh()
      const reason = new Error('no more bytes')
      for (const size of [10, 40 * 1024 * 1024]) {
        async function* chunks(): AsyncGenerator<Uint8Array> {
          yield new Uint8Array(size)
          throw reason
        }
        await expect(io.writeStream(`${folder}/x`, chunks())).rejects.toBe(reason)
        expect(await locations(io.list(`${folder}/`))).toEqual([])
      }
    })

    it('reads exactly the range, or says that the object is shorter', async () => {
      const location = fresh()
      await io.write(location, text('0123456789'))
      const read = async (offset: number, length: number): Promise<string> =>
        Buffer.from((await io.readRange(location, { offset, length })).bytes).toString()
      expect(await read(0, 10)).toBe('0123456789')
      expect(await read(3, 4)).toBe('3456')
      expect(await read(9, 1)).toBe('9')
      expect(await read(10, 0)).toBe('')
      await expect(read(8, 3)).rejects.toThrow(InvalidDataError)
      await expect(read(10, 1)).rejects.toThrow(InvalidDataError)
      await expect(read(100, 5)).rejects.toThrow(/ends before byte 105/)
      await expect(read(11, 0)).rejects.toThrow(InvalidDataError)
      await expect(read(0, 2 ** 52)).rejects.toThrow(InvalidDataError)
      await expect(read(-1, 2)).rejects.toThrow(ValidationError)
      await expect(read(0, 1.5)).rejects.toThrow(ValidationError)
    })

    it('tells absent objects by NotFoundError with the location', async () => {
      const location = `${fresh()}/nothing`
      for (const call of [
        () => io.read(location),
        () => io.stat(location),
        () => io.readRange(location, { offset: 0, length: 1 }),
        () => io.readRange(location, { offset: 0, length: 0 }),
      ]) {
        const error = await call().then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
        expect(error).toBeInstanceOf(NotFoundError)
        expect((error as NotFoundError).context['location']).toBe(location)
      }
    })

    it('does not take a folder for an object', async () => {
      const folder = fresh()
      await io.write(`${folder}/child`, text('x'))
      await expect(io.read(folder)).rejects.toThrow(NotFoundError)
      await expect(io.stat(folder)).rejects.toThrow(NotFoundError)
    })

    it.each(ODD_NAMES)('takes the name %s literally', async (odd) => {
      const folder = fresh()
      const location = `${folder}/${odd}/${odd}`
      await io.write(location, text(odd))
      expect(Buffer.from((await io.read(location)).bytes).toString()).toBe(odd)
      expect((await io.stat(location)).sizeBytes).toBe(text(odd).length)
      expect(await locations(io.list(`${folder}/`))).toEqual([location])
      expect(await locations(io.list(`${folder}/${odd}/`))).toEqual([location])
      await io.delete([location, `${folder}/${odd}/other`])
      expect(await locations(io.list(`${folder}/`))).toEqual([])
    })

    it('tells when an object was written, by the clock that answers', async () => {
      const location = fresh()
      const beforeMs = (await io.write(fresh(), text('x'))).storeTimeMs
      await io.write(location, text('x'))
      const { lastModifiedMs } = await io.stat(location)
      const afterMs = (await io.read(location)).storeTimeMs
      expect(lastModifiedMs).toBeGreaterThanOrEqual(beforeMs)
      expect(lastModifiedMs).toBeLessThanOrEqual(afterMs + 1000)
      const [page] = await collect(io.list(location))
      // A HEAD tells whole seconds on s3, a LIST milliseconds.
      expect(Math.abs((page?.entries[0]?.lastModifiedMs ?? 0) - lastModifiedMs)).toBeLessThanOrEqual(1000)
    })

    it('lists by prefix, in the order of bytes', async () => {
      const root = fresh()
      const names = ['a', 'a-b', 'a/b', 'a/b/c', 'a0', 'ab', 'B', 'é', '\uffee', '😀', 'a b', 'z/1', 'z-1']
      // No store holds an object and a folder of one name side by side on every back end: `a` and `a/b` need two names.
      const keys = names.map((key) => `${root}/${key.replace(/^a\/b$/, 'a/a').replace(/^a$/, 'a!')}`)
      for (const key of keys) await io.write(key, text('x'))
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(await locations(io.list(`${root}/`))).toEqual(sorted)
      expect(await locations(io.list(`${root}/a`))).toEqual(sorted.filter((key) => key.startsWith(`${root}/a`)))
      expect(await locations(io.list(`${root}/a/`))).toEqual(sorted.filter((key) => key.startsWith(`${root}/a/`)))
      expect(await locations(io.list(`${root}/nothing`))).toEqual([])
      expect(keys.toSorted(compareBytewise)).toEqual(sorted)
    })

    it('lists in pages, and goes on behind any entry', async () => {
      const root = fresh()
      const keys = Array.from({ length: 1203 }, (_, i) => `${root}/p${i % 3}/${String(i).padStart(5, '0')}`)
      await drain(mapConcurrent(keys, 32, (key) => io.write(key, text('x'))))
      const sorted = keys.toSorted(compareBytewise)
      const pages = await collect(io.list(`${root}/`))
      expect(pages.length).toBeGreaterThan(1)
      expect(pages.flatMap(({ entries }) => entries.map(({ location }) => location))).toEqual(sorted)
      expect(pages.every(({ storeTimeMs }) => Math.abs(storeTimeMs - Date.now()) < 60_000)).toBe(true)
      const startAfter = sorted[500]
      expect(await locations(io.list(`${root}/`, { startAfter }))).toEqual(sorted.slice(501))
      expect(await locations(io.list(`${root}/`, { startAfter: `${root}/p1` }))).toEqual(sorted.slice(401))
      await io.delete(keys)
      expect(await locations(io.list(`${root}/`))).toEqual([])
    }, 60_000)

    it('deletes what is there and ignores what is not', async () => {
      const root = fresh()
      await io.write(`${root}/a`, text('x'))
      await io.write(`${root}/b`, text('x'))
      await io.delete([`${root}/a`, `${root}/never`])
      await io.delete([`${root}/never`])
      expect((await io.delete([])).storeTimeMs).toBeGreaterThan(0)
      expect(await locations(io.list(`${root}/`))).toEqual([`${root}/b`])
    })

    it('tells the time of the store', async () => {
      expect(Math.abs((await io.storeTimeMs()) - Date.now())).toBeLessThan(60_000)
    })

    it('rejects with the reason of an aborted signal', async () => {
      const location = fresh()
      await io.write(location, text('x'))
      const reason = new Error('no more')
      const { signal } = abortedBy(reason)
      for (const call of [
        () => io.read(location, { signal }),
        () => io.readRange(location, { offset: 0, length: 1 }, { signal }),
        () => io.write(fresh(), text('x'), { signal }),
        () => io.writeStream(fresh(), each([text('x')]), { signal }),
        () => io.stat(location, { signal }),
        () => io.delete([location], { signal }),
        () => locations(io.list(location, { signal })),
        () => io.storeTimeMs({ signal }),
        () => io.cas.read(location, { signal }),
        () => io.cas.put(location, text('x'), undefined, { signal }),
      ]) {
        await expect(call()).rejects.toBe(reason)
      }
      expect((await io.read(location)).bytes.length).toBe(1)
    })
  })

  describeCasStore(name, open)
}

async function locations(pages: AsyncIterable<ListPage>): Promise<string[]> {
  const found: string[] = []
  for await (const { entries } of pages) found.push(...entries.map(({ location }) => location))
  return found
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

function abortedBy(reason: Error): AbortController {
  const controller = new AbortController()
  controller.abort(reason)
  return controller
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}
