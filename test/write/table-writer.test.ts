import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { ServiceError, UnsupportedError } from '../../src/base/errors.ts'
import type { FirnEvent } from '../../src/base/events.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { readParquet } from '../../src/format/parquet-reader.ts'
import { MemoryFileIO, dropMemoryStore } from '../../src/io/memory-file-io.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { decodeSingleValue } from '../../src/spec/single-value.ts'
import { currentSchema } from '../../src/spec/table-metadata-access.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import type { InputRow } from '../../src/write/rows-to-arrow.ts'
import { TableWriter } from '../../src/write/table-writer.ts'
import type { TableWriterOptions } from '../../src/write/table-writer.ts'
import { poolRows, poolSchema, readRows } from './columns.ts'
import { tableMetadata } from './tables.ts'

const io = new MemoryFileIO({ runtime: systemRuntime })
const WRITE_ID = '7c1f4f8e-0000-4000-8000-000000000001'

afterEach(() => dropMemoryStore('write'))

const writerOf = (metadata: TableMetadata, options: Partial<TableWriterOptions> = {}): TableWriter =>
  new TableWriter({ io, runtime: systemRuntime, metadata, writeId: WRITE_ID, ...options })

async function stored(): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for await (const page of io.list('memory://write/'))
    for (const { location, sizeBytes } of page.entries) found.set(location, sizeBytes)
  return found
}

/** A store that does otherwise. */
function storeWith(own: Partial<Pick<MemoryFileIO, 'write' | 'delete' | 'storeTimeMs'>>): MemoryFileIO {
  return Object.assign(new MemoryFileIO({ runtime: systemRuntime }), own)
}

async function readFile(metadata: TableMetadata, { filePath, fileSizeInBytes }: DataFile): Promise<unknown[]> {
  const schema = currentSchema(metadata)
  const source = {
    location: filePath,
    sizeBytes: fileSizeInBytes,
    read: async (range: { offset: number; length: number }) => (await io.readRange(filePath, range)).bytes,
  }
  const rows: unknown[] = []
  for await (const { batch } of readParquet(source, { schema })) rows.push(...readRows(batch, schema))
  return rows
}

function random(seed: number): () => number {
  let state = seed
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
}

const events = defineSchema({ id: 'long', kind: 'string', value: 'double' })
const eventRows = (count: number): InputRow[] => {
  const next = random(7)
  return Array.from({ length: count }, (_, id) => ({ id, kind: `k${Math.floor(next() * 5)}`, value: next() }))
}

describe('TableWriter', () => {
  it('writes every row once, in the files of its partitions, sorted, whatever memory there is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(poolRows, { maxLength: 4 }),
        fc.constantFrom([], ['string'], ['bucket(2, long)', 'month(date)']),
        fc.constantFrom([], ['int', 'string desc']),
        fc.constantFrom(undefined, 100_000, 2000, 1),
        async (batches, partitionBy, sortBy, memoryBytes) => {
          const metadata = tableMetadata({ schema: poolSchema(), partitionBy, sortBy })
          const schema = currentSchema(metadata)
          const writer = writerOf(metadata, { memoryBytes })
          for (const rows of batches) await writer.write(rowsToBatch(rows, schema))
          const result = await writer.close()
          await Promise.all(result.uploads)
          const expected = batches.flatMap((rows) => readRows(rowsToBatch(rows, schema), schema))
          const found = (await Promise.all(result.dataFiles.map((file) => readFile(metadata, file)))).flat()
          const text = (row: unknown): string =>
            JSON.stringify(row, (_, v: unknown) => (typeof v === 'bigint' ? `${v}n` : Object.is(v, -0) ? '-0' : v))
          expect(found.map(text).toSorted()).toEqual(expected.map(text).toSorted())
          expect(result.rows).toBe(expected.length)
          expect(result.dataFiles.reduce((sum, file) => sum + file.recordCount, 0)).toBe(expected.length)
          for (const file of result.dataFiles) expect(file.sortOrderId).toBe(sortBy.length === 0 ? 0 : 1)
          dropMemoryStore('write')
        },
      ),
      { numRuns: 40 },
    )
  })

  it('describes its files', async () => {
    const metadata = tableMetadata({ schema: events, partitionBy: ['kind'], sortBy: ['value desc'] })
    const reported: FirnEvent[] = []
    const writer = writerOf(metadata, { reporter: (event) => reported.push(event) })
    await writer.write(
      rowsToBatch(
        [
          { id: 1, kind: 'a', value: 1 },
          { id: 2, kind: 'b', value: Number.NaN },
        ],
        events,
      ),
    )
    await writer.write(
      rowsToBatch(
        [
          { id: 3, kind: 'a', value: 5 },
          { id: 4, kind: 'a' },
        ],
        events,
      ),
    )
    const { dataFiles, uploads, sessionStartMs, rows } = await writer.close()
    await Promise.all(uploads)
    expect(rows).toBe(4)
    expect(sessionStartMs).toBeGreaterThan(Date.now() - 60_000)
    const [a, b] = dataFiles
    expect(a).toMatchObject({
      content: 'data',
      filePath: `memory://write/t/data/kind=a/00000-0-${WRITE_ID}-00001.parquet`,
      fileFormat: 'parquet',
      specId: 0,
      partition: ['a'],
      recordCount: 3,
      sortOrderId: 1,
      splitOffsets: [4],
      nullValueCounts: new Map([
        [1, 0],
        [2, 0],
        [3, 1],
      ]),
      nanValueCounts: new Map([[3, 0]]),
    })
    expect(decodeSingleValue({ kind: 'long' }, a?.lowerBounds?.get(1) ?? new Uint8Array())).toBe(1n)
    expect(decodeSingleValue({ kind: 'double' }, a?.upperBounds?.get(3) ?? new Uint8Array())).toBe(5)
    expect(b?.nanValueCounts?.get(3)).toBe(1)
    expect(a && (await readFile(metadata, a))).toEqual([
      { id: 3n, kind: 'a', value: 5 },
      { id: 1n, kind: 'a', value: 1 },
      { id: 4n, kind: 'a', value: null },
    ])
    expect(await stored()).toEqual(new Map(dataFiles.map((file) => [file.filePath, file.fileSizeInBytes])))
    expect(reported).toEqual(
      dataFiles.map((file) => ({
        type: 'file-written',
        location: file.filePath,
        rows: file.recordCount,
        sizeBytes: file.fileSizeInBytes,
      })),
    )
  })

  it.each([[[]], [['id']]])('rolls at the target size (sorted by %s)', async (sortBy) => {
    const properties = { 'write.target-file-size-bytes': '200000', 'write.parquet.row-group-size-bytes': '400000' }
    const metadata = tableMetadata({ schema: events, sortBy, properties })
    const writer = writerOf(metadata)
    const rows = eventRows(200_000)
    for (let from = 0; from < rows.length; from += 20_000)
      await writer.write(rowsToBatch(rows.slice(from, from + 20_000), events))
    const { dataFiles, uploads } = await writer.close()
    await Promise.all(uploads)
    const sizes = dataFiles.map((file) => file.fileSizeInBytes)
    const total = sizes.reduce((sum, size) => sum + size, 0)
    expect(total).toBeGreaterThan(700_000)
    expect(Math.max(...sizes)).toBeLessThan(600_000)
    expect(total / sizes.length).toBeGreaterThan(100_000)
    expect(dataFiles.reduce((sum, file) => sum + file.recordCount, 0)).toBe(200_000)
    expect(new Set(dataFiles.map((file) => file.filePath)).size).toBe(dataFiles.length)
  })

  it.each([[[]], [['id']]])('rolls within a batch that is larger than a file (sorted by %s)', async (sortBy) => {
    const properties = { 'write.target-file-size-bytes': '50000', 'write.parquet.row-group-size-bytes': '25000' }
    const writer = writerOf(tableMetadata({ schema: events, sortBy, properties }))
    await writer.write(rowsToBatch(eventRows(60_000), events))
    const { dataFiles, uploads } = await writer.close()
    await Promise.all(uploads)
    const total = dataFiles.reduce((sum, file) => sum + file.fileSizeInBytes, 0)
    expect(total).toBeGreaterThan(200_000)
    expect(Math.max(...dataFiles.map((file) => file.fileSizeInBytes))).toBeLessThan(150_000)
    expect(dataFiles.reduce((sum, file) => sum + file.recordCount, 0)).toBe(60_000)
  })

  it('closes the largest files early when memory is short', async () => {
    const metadata = tableMetadata({ schema: events, partitionBy: ['kind'] })
    const writer = writerOf(metadata, { memoryBytes: 500_000 })
    const rows = eventRows(100_000)
    for (let from = 0; from < rows.length; from += 5000)
      await writer.write(rowsToBatch(rows.slice(from, from + 5000), events))
    const { dataFiles, uploads } = await writer.close()
    await Promise.all(uploads)
    expect(dataFiles.length).toBeGreaterThan(8)
    expect(dataFiles.reduce((sum, file) => sum + file.recordCount, 0)).toBe(100_000)
  })

  it('hears the store time before the first upload begins, and only then', async () => {
    const calls: string[] = []
    const spy = storeWith({
      async storeTimeMs() {
        calls.push('time')
        return 42
      },
      async write(location, bytes) {
        calls.push('write')
        return await io.write(location, bytes)
      },
    })
    const writer = writerOf(tableMetadata({ schema: events, partitionBy: ['kind'] }), { io: spy })
    await writer.write(rowsToBatch(eventRows(100), events))
    expect(calls).toEqual([])
    expect((await writer.close()).sessionStartMs).toBe(42)
    expect(calls).toEqual(['time', 'write', 'write', 'write', 'write', 'write'])
    const empty = await writerOf(tableMetadata({ schema: events }), { io: spy }).close()
    expect(empty).toMatchObject({ dataFiles: [], uploads: [], sessionStartMs: 42, rows: 0 })
  })

  it('deletes what it uploaded when it is aborted or disposed of', async () => {
    const metadata = tableMetadata({
      schema: events,
      partitionBy: ['kind'],
      properties: { 'write.target-file-size-bytes': '1' },
    })
    const writer = writerOf(metadata)
    await writer.write(rowsToBatch(eventRows(50_000), events))
    await writer.close()
    expect((await stored()).size).toBeGreaterThan(4)
    await writer.abort()
    expect((await stored()).size).toBe(0)
    const other = writerOf(metadata, { memoryBytes: 1 })
    await other.write(rowsToBatch(eventRows(50_000), events))
    await other[Symbol.asyncDispose]()
    expect((await stored()).size).toBe(0)
    await expect(other.write(rowsToBatch(eventRows(1), events))).rejects.toThrow('failed')
  })

  it('reports files that an abort could not delete, and does not hide the failure', async () => {
    const reported: FirnEvent[] = []
    const store = storeWith({
      delete: async () => await Promise.reject(new ServiceError('no answer', { retryable: true })),
    })
    const metadata = tableMetadata({ schema: events })
    const writer = writerOf(metadata, { io: store, reporter: (event) => reported.push(event) })
    await writer.write(rowsToBatch(eventRows(1), events))
    await writer.close()
    await writer.abort()
    expect(reported.at(-1)).toMatchObject({ type: 'cleanup-failed', files: 1 })
  })

  it('fails with the error of an upload, which is never unhandled', async () => {
    const failing = storeWith({
      write: async () => await Promise.reject(new ServiceError('disk full', { retryable: false })),
    })
    const unhandled: unknown[] = []
    const listener = (error: unknown): number => unhandled.push(error)
    process.on('unhandledRejection', listener)
    const metadata = tableMetadata({ schema: events, partitionBy: ['kind'] })
    const writer = writerOf(metadata, { io: failing, memoryBytes: 1 })
    await writer.write(rowsToBatch(eventRows(2), events))
    await new Promise((resolve) => setImmediate(resolve))
    await expect(
      (async () => {
        await writer.write(rowsToBatch(eventRows(100), events))
        await Promise.all((await writer.close()).uploads)
      })(),
    ).rejects.toThrow('disk full')
    await writer.abort()
    await new Promise((resolve) => setTimeout(resolve, 10))
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })

  it('refuses settings and columns that it cannot honour', () => {
    expect(() => writerOf(tableMetadata({ schema: events, properties: { 'write.format.default': 'orc' } }))).toThrow(
      UnsupportedError,
    )
    expect(() =>
      writerOf(tableMetadata({ schema: events, properties: { 'write.parquet.compression-level': '3' } })),
    ).toThrow(/write\.parquet\.compression-level/)
  })

  it('stops at an abort signal', async () => {
    const controller = new AbortController()
    const writer = writerOf(tableMetadata({ schema: events }), { signal: controller.signal })
    await writer.write(rowsToBatch(eventRows(1), events))
    controller.abort(new Error('enough'))
    await expect(writer.close()).rejects.toThrow('enough')
  })
})
