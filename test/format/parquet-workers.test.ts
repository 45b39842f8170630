/** Threads that encode: the same bytes as inline, failures told, and no process held open. */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { RecordBatchStreamWriter, Table } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { encodeParquetAside, encodeParquetTogether } from '../../src/format/parquet-shares.ts'
import { encodeParquet } from '../../src/format/parquet-wasm.ts'
import { WorkerPool, workerCount } from '../../src/format/parquet-workers.ts'
import { createParquetWriter } from '../../src/format/parquet-writer.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { compileSrc } from '../support/compiled-src.ts'

const modulePath = createRequire(import.meta.url).resolve('parquet-wasm')
const schema = defineSchema({ id: 'long', name: 'string' })
const batch = rowsToBatch(
  Array.from({ length: 5000 }, (_, i) => ({ id: i, name: `name ${i % 7}` })),
  schema,
)
const stream = (): Uint8Array => RecordBatchStreamWriter.writeAll(new Table([batch])).toUint8Array(true)

describe('encoding in threads', () => {
  it('gives the bytes of inline encoding, however many are asked at once', async () => {
    const encodings = [{ codec: 'zstd', plainColumns: ['id'] }, { codec: 'snappy' }, { codec: 'gzip' }] as const
    const asked = [...encodings, ...encodings, ...encodings]
    const aside = await Promise.all(asked.map((encoding) => encodeParquetAside(batch.schema, [batch], encoding)))
    for (const [i, encoding] of asked.entries()) {
      const file = aside[i]?.[0]?.file ?? Buffer.alloc(0)
      expect(Buffer.compare(file, encodeParquet(batch.schema, [batch], encoding))).toBe(0)
    }
  })

  it('tells what failed, and goes on', async () => {
    const pool = new WorkerPool(modulePath, 1)
    const settings = [['setCompression', 0]]
    const results = await Promise.allSettled([
      pool.run({ kind: 'encode', pieces: [Uint8Array.of(1, 2, 3)], settings }, { location: 'encode' }),
      pool.run({ kind: 'encode', pieces: [stream()], settings: [['noSuchMethod']] }, { location: 'encode' }),
      pool.run({ kind: 'encode', pieces: [stream()], settings }, { location: 'encode' }),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    const [first] = results
    expect(first?.status === 'rejected' && first.reason).toBeInstanceOf(InvalidDataError)
  })

  it('leaves what was only lent where it is', async () => {
    const pool = new WorkerPool(modulePath, 1)
    const bytes = stream()
    const around = new Uint8Array(bytes.length + 8)
    around.set(bytes, 8)
    await pool.run({ kind: 'encode', pieces: [around.subarray(8)], settings: [] }, { location: 'encode' })
    expect(around).toHaveLength(bytes.length + 8)
  })

  it('makes the same file of several row groups', async () => {
    const options = { schema, rowGroupRows: 1500 }
    const inline = createParquetWriter(options)
    inline.write(batch)
    const aside = createParquetWriter({ ...options, asideBytes: 1 })
    aside.write(batch)
    expect(() => aside.finish()).toThrow('await drain(0)')
    const writer = createParquetWriter({ ...options, asideBytes: 1 })
    writer.write(batch)
    await writer.drain(0)
    expect(Buffer.compare(writer.finish().bytes, inline.finish().bytes)).toBe(0)
  })

  it('makes the same file of columns that threads share, whatever their order by size', async () => {
    const wide = defineSchema({
      small: 'boolean',
      s: 'struct<text: string, tags: list<string>>',
      id: 'long',
      attributes: 'map<string, double>',
      name: 'string',
    })
    const rows = Array.from({ length: 40_000 }, (_, i) => ({
      small: i % 3 === 0,
      s: i % 5 === 0 ? null : { text: `some text ${i}`.repeat(3), tags: i % 7 === 0 ? null : ['a', `b${i % 9}`] },
      id: i,
      attributes: new Map([['x', i / 3]]),
      name: `name ${i % 7}`,
    }))
    const whole = rowsToBatch(rows, wide)
    const shares = await encodeParquetAside(whole.schema, [whole], { codec: 'zstd' })
    expect(shares.flatMap(({ fields }) => fields).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
    expect(shares.length > 1).toBe(workerCount() > 1)
    const sortedBy = [{ fieldId: 5, descending: false, nullsFirst: true }]
    const options = { schema: wide, rowGroupRows: 25_000, sortedBy }
    const inline = createParquetWriter(options)
    inline.write(whole)
    const aside = createParquetWriter({ ...options, asideBytes: 1 })
    aside.write(whole)
    await aside.drain(0)
    expect(Buffer.compare(aside.finish().bytes, inline.finish().bytes)).toBe(0)
  })

  it.runIf(workerCount() > 1)('is shared with a thread that is ready, and makes the same file', async () => {
    const encoding = { codec: 'zstd', plainColumns: ['id'] } as const
    let together: ReturnType<typeof encodeParquetTogether>
    for (let tries = 0; together === undefined && tries < 500; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      together = encodeParquetTogether(batch.schema, [batch], encoding)
    }
    const shares = (await together) ?? []
    expect(shares.map(({ fields }) => fields)).toEqual([[1], [0]])
    const inline = createParquetWriter({ schema })
    inline.write(batch)
    const shared = createParquetWriter({ schema, asideBytes: 200_000 })
    shared.write(batch)
    expect(shared.waitingBytes).toBeGreaterThan(50_000)
    await shared.drain(0)
    expect(Buffer.compare(shared.finish().bytes, inline.finish().bytes)).toBe(0)
  })

  it('holds no process open, and none ends before it is done', async () => {
    const compiled = await compileSrc(['format/parquet-workers.ts'])
    try {
      const script = `
        const { WorkerPool } = await import(${JSON.stringify(compiled.path('format/parquet-workers.ts'))})
        const pool = new WorkerPool(${JSON.stringify(modulePath)}, 2)
        const ipc = Uint8Array.from(Buffer.from(${JSON.stringify(Buffer.from(stream()).toString('base64'))}, 'base64'))
        console.log((await pool.run({ kind: 'encode', pieces: [ipc], settings: [] }, { location: 'encode' }))[0].length > 100)`
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
      expect(stdout.trim()).toBe('true')
    } finally {
      await compiled.remove()
    }
  })

  it('is inline where threads are forbidden', async () => {
    const compiled = await compileSrc(['format/parquet-shares.ts'])
    try {
      const script = `
        const { tableFromArrays } = await import('apache-arrow')
        const { encodeParquetAside } = await import(${JSON.stringify(compiled.path('format/parquet-shares.ts'))})
        const { schema, batches } = tableFromArrays({ id: Int32Array.of(1, 2, 3) })
        console.log((await encodeParquetAside(schema, batches, { codec: 'zstd' }))[0].file.length > 100)`
      const flags = [
        '--no-warnings',
        '--experimental-permission',
        '--allow-fs-read=*',
        '--input-type=module',
        '-e',
        script,
      ]
      const { stdout } = await promisify(execFile)(process.execPath, flags)
      expect(stdout.trim()).toBe('true')
    } finally {
      await compiled.remove()
    }
  })

  it.each([
    ['0', 0],
    ['3', 3],
    ['100', 8],
    ['-1', 0],
    ['many', 0],
  ])('FIRN_WORKERS=%s: %i of them', (text, count) => {
    expect(workerCount(text)).toBe(count)
  })
})
