/** Windows decoded in threads: the same rows as inline, the same errors, and nothing left behind by who leaves early. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { InvalidDataError, ServiceError } from '../../src/base/errors.ts'
import type { Row } from '../../src/format/arrow-values.ts'
import { PageSlabs } from '../../src/format/page-slabs.ts'
import { readParquetSchema, readPlainParquet } from '../../src/format/parquet-plain.ts'
import { readParquet } from '../../src/format/parquet-reader.ts'
import { openParquet } from '../../src/format/parquet-source.ts'
import { WorkerPool } from '../../src/format/parquet-workers.ts'
import type { Schema, Type } from '../../src/spec/types.ts'
import { compileSrc } from '../support/compiled-src.ts'
import { batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, fixture, memorySource, readRows, rowsOf } from './parquet-file.ts'

const INLINE = { asideBytes: Infinity }
const ASIDE = { asideBytes: 0 }
const int: Type = { kind: 'int' }
const text: Type = { kind: 'string' }
const schema = schemaOf(fieldOf(1, 'n', int), fieldOf(2, 't', text), fieldOf(3, 'd', { kind: 'double' }))

const numbers = Array.from({ length: 20_000 }, (_, i) => i)
const batch = batchOf(schema, [numbers, numbers.map((i) => `text ${i % 97}`), numbers.map((i) => i / 3)])
const file = encode([batch], { schema, rowGroupRows: 6000 })

describe('rows decoded in threads', () => {
  it('are those of random tables, in whatever batches', async () => {
    const rows = fc.array(fc.tuple(fc.integer(), fc.option(fc.string()), fc.option(fc.double())), { maxLength: 300 })
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 40 }),
        async (table, size, n) => {
          const columns = [0, 1, 2].map((i) => table.map((row) => row[i] ?? null))
          const { bytes } = encode([batchOf(schema, columns)], { schema, rowGroupRows: size })
          const inline = await readRows(bytes, { schema, batchRows: n, ...INLINE })
          expect(inline).toHaveLength(table.length)
          expect(await readRows(bytes, { schema, batchRows: n, ...ASIDE })).toEqual(inline)
        },
      ),
      { numRuns: 40 },
    )
  })

  it.each(['pyarrow', 'parquet-testing'])('are those of the files of %s, or the same error', async (folder) => {
    const names = readdirSync(join(import.meta.dirname, '../fixtures', folder)).filter((name) =>
      name.endsWith('.parquet'),
    )
    expect(names.length).toBeGreaterThan(5)
    let compared = 0
    for (const name of names) {
      const bytes = fixture(`${folder}/${name}`)
      const read = async (options: object): Promise<unknown> => {
        const { footer } = await openParquet(memorySource(bytes))
        const columns = readParquetSchema(footer)
        const rows: Row[] = []
        for await (const each of readPlainParquet(memorySource(bytes), { batchRows: 50, ...options }))
          rows.push(...rowsOf(each, columns))
        return rows
      }
      const outcome = (options: object): Promise<unknown> =>
        read(options).catch((error: unknown) => (error instanceof Error ? `${error.name} ${error.message}` : error))
      const inline = await outcome(INLINE)
      expect(await outcome(ASIDE), name).toEqual(inline)
      if (Array.isArray(inline)) compared += 1
    }
    expect(compared).toBeGreaterThan(5)
  })

  it('tell where the bytes lie that nobody can decode', async () => {
    const { bytes, footer } = file
    const page = footer.rowGroups[2]?.columns[1]?.offset ?? 0
    const broken = bytes.slice()
    broken.fill(0xff, page + 60, page + 90)
    const read = (options: object): Promise<unknown> => readRows(broken, { schema, ...options })
    const inline = await read(INLINE).catch((error: unknown) => error)
    const aside = await read(ASIDE).catch((error: unknown) => error)
    expect(aside).toBeInstanceOf(InvalidDataError)
    expect(aside).toMatchObject({
      message: (inline as Error).message,
      context: { location: 'memory://test/file.parquet' },
    })
    expect(await readRows(bytes, { schema, ...ASIDE })).toHaveLength(numbers.length)
  })

  it('end where the signal says so, or the consumer', async () => {
    const stop = new AbortController()
    const options = { schema, batchRows: 100, ...ASIDE }
    const left = async (): Promise<void> => {
      for await (const { batch: read } of readParquet(memorySource(file.bytes), { ...options, signal: stop.signal }))
        if (read.numRows > 0) stop.abort()
    }
    await expect(left()).rejects.toThrow('aborted')
    for await (const { position } of readParquet(memorySource(file.bytes), options)) {
      expect(position).toBe(0)
      break
    }
    expect(await readRows(file.bytes, options)).toHaveLength(numbers.length)
  })
})

describe('memory of pages that threads unfolded', () => {
  const options = { schema, batchRows: 100, ...ASIDE }
  const readSome = async (batches: number, stop?: AbortController): Promise<void> => {
    let left = batches
    for await (const { batch: read } of readParquet(memorySource(file.bytes), { ...options, signal: stop?.signal })) {
      expect(read.numRows).toBeGreaterThan(0)
      left -= 1
      if (left > 0) continue
      if (stop === undefined) return
      stop.abort()
    }
  }

  it.each([
    ['is read to its end', () => readSome(Infinity)],
    ['is left early', () => readSome(3)],
    ['is aborted', () => expect(readSome(3, new AbortController())).rejects.toThrow('aborted')],
    [
      'wants few of the rows',
      async () => {
        const maskOf = (read: { readonly numRows: number }): Uint8Array => new Uint8Array(read.numRows).fill(1, 0, 1)
        const filter = { schema: schemaOf(fieldOf(1, 'n', int)), maskOf }
        for await (const { batch: read } of readParquet(memorySource(file.bytes), { ...options, filter }))
          expect(read.numRows).toBe(1)
      },
    ],
  ])('is given back when a scan %s', async (_, scan) => {
    const taken = vi.spyOn(PageSlabs.prototype, 'take')
    const given = vi.spyOn(PageSlabs.prototype, 'give')
    try {
      await scan()
      const lent = taken.mock.results.flatMap(({ value }) => (value instanceof SharedArrayBuffer ? [value] : []))
      if (!('zstdDecompress' in zlib)) expect(lent.length).toBeGreaterThan(5)
      expect(given.mock.calls).toHaveLength(lent.length)
    } finally {
      taken.mockRestore()
      given.mockRestore()
    }
  })

  it('is no more than so much', () => {
    const slabs = new PageSlabs()
    const all = Array.from({ length: 30 }, () => slabs.take()).filter((slab) => slab !== undefined)
    expect(new Set(all).size).toBe(24)
    const [first] = all
    if (first !== undefined) slabs.give(first)
    expect(slabs.take()).toBe(first)
    expect(slabs.take()).toBeUndefined()
  })
})

describe('a pool of threads', () => {
  const modulePath = createRequire(import.meta.url).resolve('parquet-wasm')
  const job = (): Parameters<WorkerPool['run']>[0] => ({
    kind: 'decode',
    pieces: [file.bytes],
    options: { batchSize: 1000, offset: 0, limit: 2000 },
  })

  it('tells of a thread that is gone, and goes on asking others', async () => {
    const pool = new WorkerPool('data:not a module', 1)
    const died = pool.run(job(), { location: 's3://b/f.parquet' })
    await expect(died).rejects.toThrow(ServiceError)
    await expect(died).rejects.toThrow('s3://b/f.parquet: the thread')
    await expect(pool.run(job(), { location: 'f' })).rejects.toThrow(ServiceError)
  })

  it('gives up what waits, once it is aborted', async () => {
    const pool = new WorkerPool(modulePath, 1)
    const stop = new AbortController()
    const { signal } = stop
    const asked = Array.from({ length: 4 }, () => pool.run(job(), { location: 'f', signal }))
    stop.abort()
    const outcomes = await Promise.allSettled(asked)
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
    expect(await pool.run(job(), { location: 'f' })).toHaveLength(2)
  })

  it('holds no process open that left a scan in the middle, and FIRN_WORKERS=0 starts none', async () => {
    const compiled = await compileSrc(['format/parquet-reader.ts'])
    try {
      const script = `
        const { readParquet } = await import(${JSON.stringify(compiled.path('format/parquet-reader.ts'))})
        const bytes = Uint8Array.from(Buffer.from(${JSON.stringify(Buffer.from(file.bytes).toString('base64'))}, 'base64'))
        const read = ({ offset, length }) => Promise.resolve(bytes.slice(offset, offset + length))
        const source = { location: 'f', sizeBytes: bytes.length, read }
        const options = { schema: ${JSON.stringify(schema satisfies Schema)}, asideBytes: 0 }
        for await (const { batch } of readParquet(source, options)) { console.log(batch.numRows); break }
        console.log(process.getActiveResourcesInfo().filter((each) => each === 'MessagePort').length)`
      const run = async (workers: string): Promise<string[]> => {
        const env = { ...process.env, FIRN_WORKERS: workers }
        const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
        return stdout.trim().split('\n')
      }
      expect((await run('2'))[0]).toBe('6000')
      expect(await run('0')).toEqual(['6000', '0'])
    } finally {
      await compiled.remove()
    }
  })
})
