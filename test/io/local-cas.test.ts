import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemRuntime } from '../../src/base/runtime.ts'
import type { CasRecord } from '../../src/io/file-io.ts'
import { LocalCasStore } from '../../src/io/local-cas.ts'
import { type LocalFiles, nodeFiles } from '../../src/io/local-files.ts'
import { compileSrc } from '../support/compiled-src.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

let root = ''
let folder = ''
let location = ''
const cas = new LocalCasStore({ runtime: systemRuntime })

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'firn-cas-'))
  folder = join(root, 'ns', 'table.json')
  location = `file://${folder}`
})
afterEach(() => rm(root, { recursive: true, force: true }))

const body = (n: number, more: object = {}): Uint8Array =>
  Buffer.from(JSON.stringify({ u: `u${n}`, ...(n > 1 ? { prevU: `u${n - 1}` } : {}), v: n, ...more }))
const uOf = (record: CasRecord | undefined): string | undefined =>
  record === undefined ? undefined : (JSON.parse(Buffer.from(record.bytes).toString()) as { u: string }).u
const files = async (): Promise<string[]> => (await readdir(folder)).toSorted()

/** Makes the object with the bodies 1 to `last`. */
async function grow(last: number): Promise<void> {
  for (let n = 1; n <= last; n += 1) await cas.put(location, body(n), (await cas.read(location))?.token)
}

/** A store whose folder listings are given, then true. */
function torn(...listings: readonly (readonly string[])[]): LocalCasStore {
  const left = [...listings]
  const list: LocalFiles['list'] = async (path) =>
    left.shift()?.map((name) => ({ name, isFolder: false })) ?? nodeFiles.list(path)
  return new LocalCasStore({ runtime: virtualRuntime(), files: { ...nodeFiles, list } })
}

describe('numbered bodies', () => {
  it('are kept at two below the base, pruned upwards, `born` first', async () => {
    await grow(2)
    expect(await files()).toEqual(['1', '2'])
    await grow(0)
    for (let n = 3; n <= 9; n += 1) {
      await cas.put(location, body(n), (await cas.read(location))?.token)
      expect(uOf(await cas.read(location))).toBe(`u${n}`)
      const kept = (await files()).filter((name) => name !== 'born')
      expect(kept).toEqual([n - 2, n - 1, n].filter((k) => k > 0).map(String))
      expect((await files()).includes('born')).toBe(n > 3)
    }
  })

  it('leave no temporary files', async () => {
    await grow(5)
    await cas.put(location, body(99), '2')
    await cas.put(location, body(99), undefined)
    expect((await files()).filter((name) => !/^(\d+|born)$/.test(name))).toEqual([])
  })

  it('have their times from the clock of the runtime', async () => {
    const runtime = virtualRuntime({ startMs: 1_700_000_000_123 })
    const store = new LocalCasStore({ runtime })
    await store.put(location, body(1), undefined)
    expect((await store.read(location))?.lastModifiedMs).toBe(1_700_000_000_123)
  })
})

/** A store over the real files, with some of its calls replaced. */
const over = (calls: Partial<LocalFiles>): LocalCasStore =>
  new LocalCasStore({ runtime: systemRuntime, files: { ...nodeFiles, ...calls } })
const refuse = (code: string) => (): Promise<never> => Promise.reject(Object.assign(new Error(code), { code }))

describe('a call that fails', () => {
  const afterLink = { syncFolder: refuse('EMFILE'), remove: refuse('EACCES') }
  it.each(Object.entries(afterLink))('leaves a doubt once the link was made: %s', async (call, fails) => {
    await grow(1)
    const failing = over({ [call]: fails })
    expect(await failing.put(location, body(2), '1')).toMatchObject({ kind: 'ambiguous' })
    expect(uOf(await cas.read(location))).toBe('u2')
  })

  it.each(['ENOSPC', 'EACCES', 'EPERM'])('is definite where it is the link that says %s', async (code) => {
    await grow(1)
    await expect(over({ link: refuse(code) }).put(location, body(2), '1')).rejects.toThrow(code)
    expect(await files()).toEqual(['1'])
  })

  it.each(['EIO', 'ESTALE', 'ETIMEDOUT'])('is in doubt where it is the link that says %s', async (code) => {
    await grow(1)
    expect(await over({ link: refuse(code) }).put(location, body(2), '1')).toMatchObject({ kind: 'ambiguous' })
    expect(await files()).toEqual(['1'])
  })

  it('leaves no second source for a link that is sent again', async () => {
    await grow(1)
    const calls: string[] = []
    const failing = over({
      link: (from, to) => (calls.push(`link ${from}`) > 1 ? nodeFiles.link(from, to) : refuse('EIO')()),
      remove: (path) => (calls.push(`remove ${path}`) === 2 ? refuse('EIO')() : nodeFiles.remove(path)),
    })
    const bytes = body(2)
    expect((await failing.put(location, bytes, '1')).kind).toBe('ambiguous')
    expect((await failing.put(location, bytes, '1')).kind).toBe('settled')
    const temp = calls[0]?.slice('link '.length) ?? ''
    expect(calls).toEqual([`link ${temp}`, `remove ${temp}`, `remove ${temp}`, `link ${temp}`, `remove ${temp}`])
    expect(await files()).toEqual(['1', '2'])
  })
})

describe('a stale writer', () => {
  it('whose number was pruned writes nothing and is settled', async () => {
    await grow(1)
    const stale = (await cas.read(location))?.token
    await grow(0)
    for (let n = 2; n <= 8; n += 1) await cas.put(location, body(n), (await cas.read(location))?.token)
    const before = await files()
    expect((await cas.put(location, body(2, { late: true }), stale)).kind).toBe('settled')
    expect((await cas.put(location, body(1, { late: true }), undefined)).kind).toBe('settled')
    expect(await files()).toEqual(before)
    expect(uOf(await cas.read(location))).toBe('u8')
  })

  it('that linked late all the same is never read, not by a torn listing either, and is pruned', async () => {
    await grow(9)
    // A writer that stalled between its last look and its link: number 4 on base 3, both long gone.
    await writeFile(join(folder, '4'), JSON.stringify({ u: 'late', prevU: 'u3' }))
    expect(uOf(await cas.read(location))).toBe('u9')
    expect(uOf(await torn(['4']).read(location))).toBe('u9')
    expect(uOf(await torn(['born', '4'], ['4']).read(location))).toBe('u9')
    await cas.put(location, body(10), (await cas.read(location))?.token)
    expect(await files()).toEqual(expect.not.arrayContaining(['4']))
    expect(uOf(await cas.read(location))).toBe('u10')
  })

  it('is not believed beside another one either', async () => {
    await grow(9)
    await writeFile(join(folder, '4'), JSON.stringify({ u: 'late', prevU: 'u3' }))
    await writeFile(join(folder, '5'), JSON.stringify({ u: 'later', prevU: 'u4' }))
    expect(uOf(await torn(['4', '5'], ['5']).read(location))).toBe('u9')
  })

  it('of the create is refused by `born`, and its number 1 is never read', async () => {
    await grow(6)
    await writeFile(join(folder, '1'), body(1, { late: true }))
    expect(uOf(await torn(['1']).read(location))).toBe('u6')
    expect(uOf(await torn(['born', '1'], ['1']).read(location))).toBe('u6')
  })
})

describe('a torn listing', () => {
  it('that shows only old numbers is not believed', async () => {
    await grow(7)
    expect(await files()).toEqual(['5', '6', '7', 'born'])
    expect(uOf(await torn(['5']).read(location))).toBe('u7')
    expect(uOf(await torn(['6', '5']).read(location))).toBe('u7')
    expect(uOf(await torn(['2', '3']).read(location))).toBe('u7')
  })

  it('that shows nothing does not make an object absent', async () => {
    await grow(1)
    expect(uOf(await torn([]).read(location))).toBe('u1')
    await grow(0)
    for (let n = 2; n <= 5; n += 1) await cas.put(location, body(n), (await cas.read(location))?.token)
    expect(uOf(await torn([], ['born']).read(location))).toBe('u5')
  })

  it('that misses a number does not let pruning go over it', async () => {
    await mkdir(folder, { recursive: true })
    for (let n = 1; n <= 8; n += 1) await writeFile(join(folder, String(n)), body(n))
    // Were 3 removed and 2 left, a late link to 3 on base 2 would pass for current in a torn listing.
    await torn(['3', '7', '8']).put(location, body(9), '8')
    expect(await files()).toEqual(['4', '5', '6', '7', '8', '9', 'born'])
    expect(uOf(await cas.read(location))).toBe('u9')
  })
})

describe('reading', () => {
  it('takes an empty folder for an object that was never made, unless it was born', async () => {
    await mkdir(folder, { recursive: true })
    expect(await cas.read(location)).toBeUndefined()
    await writeFile(join(folder, 'born'), '')
    const store = new LocalCasStore({ runtime: virtualRuntime() })
    await expect(store.read(location)).rejects.toThrow(/no current body could be told/)
    expect((await cas.put(location, body(1), undefined)).kind).toBe('settled')
    expect(await files()).toEqual(['born'])
  })

  it('names the place of a body that is no JSON object with `u`', async () => {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, '1'), 'not json')
    await expect(cas.read(location)).rejects.toThrow(/not valid JSON/)
    await writeFile(join(folder, '1'), '{}')
    await expect(cas.read(location)).rejects.toMatchObject({ name: 'InvalidDataError', context: { location } })
  })

  it('stops when the caller aborts', async () => {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'born'), '')
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('no more')), 20)
    await expect(cas.read(location, { signal: controller.signal })).rejects.toThrow('no more')
  })

  it('refuses a token of another store', async () => {
    await expect(cas.put(location, body(1), '"etag"')).rejects.toThrow(/no token of a file: object/)
  })
})

it('loses no update of several processes', async () => {
  const compiled = await compileSrc(['io/local-cas.ts', 'base/runtime.ts'])
  try {
    await cas.put(location, Buffer.from(JSON.stringify({ u: 'start', v: 1, count: 0, ring: [] })), undefined)
    const times = 40
    const racers = ['a', 'b', 'c', 'd'].map((name) =>
      promisify(execFile)(process.execPath, [
        join(import.meta.dirname, 'cas-racer.mjs'),
        compiled.path('io/local-cas.ts'),
        compiled.path('base/runtime.ts'),
        location,
        name,
        String(times),
      ]),
    )
    await Promise.all(racers)
    const last = JSON.parse(Buffer.from((await cas.read(location))?.bytes ?? []).toString()) as {
      count: number
      v: number
    }
    expect(last).toMatchObject({ count: times * racers.length, v: times * racers.length + 1 })
    const highest = Math.max(...(await files()).filter((name) => name !== 'born').map(Number))
    expect(highest).toBe(last.v)
    expect(await readFile(join(folder, String(highest)), 'utf8')).toContain(`"v":${last.v}`)
  } finally {
    await compiled.remove()
  }
}, 120_000)
