/** What every CasStore must do; part of the suite of file-io-contract.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mapConcurrent } from '../../src/base/concurrency.ts'
import type { CasOutcome, CasPage, CasRecord, CasStore, FileIO } from '../../src/io/file-io.ts'
import { compareBytewise } from '../../src/io/location.ts'

export interface StoreUnderTest {
  readonly io: FileIO
  /** An empty place, without a slash at its end. */
  readonly root: string
  close(): Promise<void>
}

export function describeCasStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} CasStore`, () => {
    let store: StoreUnderTest
    let cas: CasStore
    let next = 0
    const fresh = (): string => `${store.root}/cas/t${(next += 1)}/object.json`
    beforeAll(async () => {
      store = await open()
      cas = store.io.cas
    })
    afterAll(() => store.close())

    it('has no body before the first, and then it', async () => {
      const location = fresh()
      expect(await cas.read(location)).toBeUndefined()
      expect(landed(await cas.put(location, body('a'), undefined))).toBe(true)
      const record = await current(cas, location)
      expect(uOf(record)).toBe('a')
      expect(Math.abs(record.lastModifiedMs - Date.now())).toBeLessThan(60_000)
      expect(Math.abs(record.storeTimeMs - Date.now())).toBeLessThan(60_000)
    })

    it('creates only where there is nothing', async () => {
      const location = fresh()
      await cas.put(location, body('a'), undefined)
      expect((await cas.put(location, body('b'), undefined)).kind).toBe('settled')
      expect(uOf(await current(cas, location))).toBe('a')
    })

    it('replaces by the current token, any number of times', async () => {
      const location = fresh()
      await cas.put(location, body('u0'), undefined)
      for (let i = 1; i <= 12; i += 1) {
        const { token } = await current(cas, location)
        const outcome = await cas.put(location, body(`u${i}`, `u${i - 1}`), token)
        const after = await current(cas, location)
        expect(uOf(after)).toBe(`u${i}`)
        if (outcome.kind === 'written') expect(outcome.token).toBe(after.token)
      }
    })

    it('settles a stale token without a trace', async () => {
      const location = fresh()
      await cas.put(location, body('u0'), undefined)
      const stale = (await current(cas, location)).token
      for (let i = 1; i <= 8; i += 1) {
        await cas.put(location, body(`u${i}`, `u${i - 1}`), (await current(cas, location)).token)
        expect((await cas.put(location, body(`late${i}`, 'u0'), stale)).kind).toBe('settled')
        expect(uOf(await current(cas, location))).toBe(`u${i}`)
      }
      expect((await cas.put(location, body('again'), undefined)).kind).toBe('settled')
      expect(uOf(await current(cas, location))).toBe('u8')
    })

    it('settles a token where there is no object', async () => {
      const other = fresh()
      await cas.put(other, body('a'), undefined)
      const location = fresh()
      expect((await cas.put(location, body('b', 'a'), (await current(cas, other)).token)).kind).toBe('settled')
      expect(await cas.read(location)).toBeUndefined()
    })

    it('settles the same bytes sent twice', async () => {
      const location = fresh()
      await cas.put(location, body('a'), undefined)
      const { token } = await current(cas, location)
      await cas.put(location, body('b', 'a'), token)
      expect((await cas.put(location, body('b', 'a'), token)).kind).toBe('settled')
      expect(uOf(await current(cas, location))).toBe('b')
    })

    it('lets exactly one of many create', async () => {
      for (let round = 0; round < 5; round += 1) {
        const location = fresh()
        await race(cas, location, undefined, undefined)
      }
    }, 60_000)

    it('lets exactly one of many replace', async () => {
      const location = fresh()
      await cas.put(location, body('start'), undefined)
      for (let round = 0; round < 8; round += 1) {
        const { token } = await current(cas, location)
        await race(cas, location, token, uOf(await current(cas, location)))
      }
    }, 60_000)

    it('loses no update of concurrent writers', async () => {
      const location = fresh()
      await cas.put(location, body('start', undefined, { count: 0, ring: [] }), undefined)
      const writers = Array.from({ length: 6 }, (_, i) => increment(cas, location, `w${i}`, 5))
      await Promise.all(writers)
      expect(parse(await current(cas, location)).count).toBe(30)
    }, 60_000)

    it('lists objects, and folders where delimited', async () => {
      const root = `${store.root}/list`
      const names = [
        'ns/a%1Fb/ns.json',
        'ns/a/0/t.json',
        'ns/a/0/u%20v.json',
        'ns/a/1/t.json',
        'ns/a/ns.json',
        'ns/a-b/ns.json',
      ]
      for (const key of names) await cas.put(`${root}/${key}`, body(`u-${key}`), undefined)
      // A second and a fourth body: an object stays one entry however many bodies it had.
      for (let i = 0; i < 4; i += 1) {
        const record = await current(cas, `${root}/ns/a/0/t.json`)
        await cas.put(`${root}/ns/a/0/t.json`, body(`more${i}`, uOf(record)), record.token)
      }
      const at = (keys: readonly string[]): string[] => keys.map((key) => `${root}/${key}`)
      expect(await casList(cas, `${root}/`)).toEqual({ entries: at(names.toSorted(compareBytewise)), folders: [] })
      expect(await casList(cas, `${root}/ns/`, true)).toEqual({
        entries: [],
        folders: at(['ns/a%1Fb/', 'ns/a-b/', 'ns/a/']),
      })
      expect(await casList(cas, `${root}/ns/a/`, true)).toEqual({
        entries: at(['ns/a/ns.json']),
        folders: at(['ns/a/0/', 'ns/a/1/']),
      })
      expect(await casList(cas, `${root}/ns/a/0/`, true)).toEqual({
        entries: at(['ns/a/0/t.json', 'ns/a/0/u%20v.json']),
        folders: [],
      })
      expect(await casList(cas, `${root}/ns/a/0`, true)).toEqual({ entries: [], folders: at(['ns/a/0/']) })
      expect(await casList(cas, `${root}/ns/a/0/t`)).toEqual({ entries: at(['ns/a/0/t.json']), folders: [] })
      expect(await casList(cas, `${root}/nothing/`, true)).toEqual({ entries: [], folders: [] })
      expect(await casList(cas, `${root}/ns/a/`, true, `${root}/ns/a/0/`)).toEqual({
        entries: at(['ns/a/ns.json']),
        folders: at(['ns/a/1/']),
      })
      expect((await casList(cas, `${root}/`, false, `${root}/ns/a/0/t.json`)).entries).toEqual(
        at(['ns/a/0/u%20v.json', 'ns/a/1/t.json', 'ns/a/ns.json']),
      )
    })

    it('lists sizes where it tells them', async () => {
      const location = fresh()
      const bytes = body('a')
      await cas.put(location, bytes, undefined)
      const [page] = await collect(cas.list(location))
      expect([undefined, bytes.length]).toContain(page?.entries[0]?.sizeBytes)
    })

    it('lists many objects in pages', async () => {
      const root = `${store.root}/many`
      const keys = Array.from({ length: 1100 }, (_, i) => `${root}/${String(i).padStart(4, '0')}.json`)
      await drain(mapConcurrent(keys, 32, (key) => cas.put(key, body(key), undefined)))
      expect((await collect(cas.list(`${root}/`, { delimited: true }))).length).toBeGreaterThan(1)
      expect((await casList(cas, `${root}/`, true)).entries).toEqual(keys)
    }, 60_000)
  })
}

interface Parsed {
  readonly u: string
  readonly count: number
  readonly ring: readonly string[]
}

function body(u: string, prevU?: string, more: object = {}): Uint8Array {
  return Buffer.from(JSON.stringify({ ...more, prevU, u }))
}

function parse(record: CasRecord): Parsed {
  return JSON.parse(Buffer.from(record.bytes).toString()) as Parsed
}

function uOf(record: CasRecord): string {
  return parse(record).u
}

async function current(cas: CasStore, location: string): Promise<CasRecord> {
  const record = await cas.read(location)
  if (record === undefined) throw new Error(`${location} has no body`)
  return record
}

/** Whether the put may have been the one: definite on s3 and memory, open on file:. */
function landed(outcome: CasOutcome): boolean {
  return outcome.kind !== 'ambiguous'
}

async function race(
  cas: CasStore,
  location: string,
  token: string | undefined,
  prevU: string | undefined,
): Promise<void> {
  const us = Array.from({ length: 12 }, (_, i) => `${location}-${token ?? 'new'}-${i}`)
  const outcomes = await Promise.all(us.map((u) => putUntilKnown(cas, location, body(u, prevU), token)))
  const winner = uOf(await current(cas, location))
  expect(us).toContain(winner)
  const written = us.filter((_, i) => outcomes[i] === 'written')
  expect(written.length).toBeLessThanOrEqual(1)
  if (written.length === 1) expect(written).toEqual([winner])
}

async function putUntilKnown(
  cas: CasStore,
  location: string,
  bytes: Uint8Array,
  token: string | undefined,
): Promise<CasOutcome['kind']> {
  for (;;) {
    const { kind } = await cas.put(location, bytes, token)
    if (kind !== 'ambiguous') return kind
  }
}

/** The commit loop in small: put, and where that is settled look for oneself in the ring. */
async function increment(cas: CasStore, location: string, writer: string, times: number): Promise<void> {
  for (let done = 0; done < times; done += 1) {
    for (let attempt = 0; ; attempt += 1) {
      const base = await current(cas, location)
      const { u: prevU, count, ring } = parse(base)
      const u = `${writer}-${done}-${attempt}`
      const bytes = body(u, prevU, { count: count + 1, ring: [u, ...ring] })
      if ((await putUntilKnown(cas, location, bytes, base.token)) === 'written') break
      if (parse(await current(cas, location)).ring.includes(u)) break
    }
  }
}

async function casList(
  cas: CasStore,
  prefix: string,
  delimited = false,
  startAfter?: string,
): Promise<{ entries: string[]; folders: string[] }> {
  const pages: CasPage[] = await collect(cas.list(prefix, { delimited, startAfter }))
  return {
    entries: pages.flatMap(({ entries }) => entries.map(({ location }) => location)),
    folders: pages.flatMap(({ folders }) => folders),
  }
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}
