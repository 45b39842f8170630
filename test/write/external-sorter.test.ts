import { readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BufferType, Data, RecordBatch } from 'apache-arrow'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { ServiceError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { readParquet } from '../../src/format/parquet-reader.ts'
import { openCatalog } from '../../src/index.ts'
import { MemoryFileIO, dropMemoryStore } from '../../src/io/memory-file-io.ts'
import { TempFile } from '../../src/io/temp-file.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { buildSortOrder } from '../../src/spec/sort-order.ts'
import type { SortOrder } from '../../src/spec/sort-order.ts'
import { ExternalSorter } from '../../src/write/external-sorter.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { sortBatches } from '../../src/write/sorter.ts'
import { TableWriter } from '../../src/write/table-writer.ts'
import type { TableWriterOptions } from '../../src/write/table-writer.ts'
import { poolRows, poolSchema, readRows } from './columns.ts'
import { sortField } from './sort-fields.ts'
import { tableMetadata } from './tables.ts'

const io = new MemoryFileIO({ runtime: systemRuntime })

afterEach(() => dropMemoryStore('write'))

/** Temporary files by name, and those open without one where the system tells. */
function tempFiles(): string[] {
  const named = readdirSync(tmpdir()).filter((name) => /^firn-[0-9a-f-]{36}\.tmp$/.test(name))
  if (process.platform !== 'linux') return named
  const open = readdirSync('/proc/self/fd').flatMap((fd) => linkOf(`/proc/self/fd/${fd}`))
  return [...named, ...open.filter((path) => /firn-[0-9a-f-]{36}\.tmp/.test(path))]
}

function linkOf(path: string): string[] {
  try {
    return [readlinkSync(path)]
  } catch {
    return []
  }
}

describe('ExternalSorter', () => {
  it('gives the rows that sorting in memory gives, in the same order', async () => {
    const schema = poolSchema()
    const temp = await TempFile.create(systemRuntime)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(poolRows, fc.boolean()), { minLength: 1, maxLength: 8 }),
        fc.array(sortField, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(1, 2000, 20_000),
        async (input, fields, blockBytes) => {
          const order: SortOrder = { orderId: 1, fields }
          const sorter = new ExternalSorter({ schema, order, blockBytes, openTemp: async () => temp })
          const batches: RecordBatch[] = []
          for (const [rows, spills] of input) {
            batches.push(rowsToBatch(rows, schema))
            sorter.add(rowsToBatch(rows, schema))
            if (spills) await sorter.spill()
          }
          const found: unknown[] = []
          for await (const batch of sorter.drain()) found.push(...readRows(batch, schema))
          const [first, ...others] = batches
          const expected = first === undefined ? [] : [...sortBatches([first, ...others], { schema, order })]
          expect(found).toEqual(expected.flatMap((batch) => readRows(batch, schema)))
        },
      ),
      { numRuns: 150 },
    )
    await temp.close()
    expect(tempFiles()).toEqual([])
  })

  it('takes what lies below a null struct for null', async () => {
    const schema = defineSchema({ s: 'struct<k: int>' })
    const order = buildSortOrder(schema, ['s.k nulls last'])
    const temp = await TempFile.create(systemRuntime)
    const sorter = new ExternalSorter({ schema, order, blockBytes: 1, openTemp: async () => temp })
    for (const keys of [
      [1, 1, 4, 7],
      [2, 2, 5, 8],
    ]) {
      const whole = rowsToBatch(
        keys.map((k) => ({ s: { k } })),
        schema,
      )
      // The first two are null, and their members keep their values.
      const nullBitmap = Uint8Array.of(0b1100)
      const { type, children } = whole.data.children[0] as Data
      const s = new Data(type, 0, keys.length, 2, { [BufferType.VALIDITY]: nullBitmap }, children)
      sorter.add(new RecordBatch(whole.schema, new Data(whole.data.type, 0, keys.length, 0, undefined, [s])))
      await sorter.spill()
    }
    const found: unknown[] = []
    for await (const batch of sorter.drain()) found.push(...readRows(batch, schema))
    await temp.close()
    expect(found).toEqual([...[4, 5, 7, 8].map((k) => ({ s: { k } })), ...[1, 1, 2, 2].map(() => ({ s: null }))])
  })

  it.each([
    ['that follow one another', (run: number, row: number) => run * 100 + row],
    ['that run backwards', (run: number, row: number) => -run * 100 + row],
    ['of the same values', (_: number, row: number) => row >> 3],
    ['that are mixed', (run: number, row: number) => (run * 7919 + row * 104_729) % 1009],
  ])('merges thousands of runs %s, in steps', async (_, keyOf) => {
    const schema = defineSchema({ key: 'int', place: 'int' })
    const order = tableMetadata({ schema, sortBy: ['key'] }).sortOrders.find(({ orderId }) => orderId === 1)
    if (order === undefined) throw new Error('the table has no sort order')
    const temp = await TempFile.create(systemRuntime)
    const sorter = new ExternalSorter({ schema, order, blockBytes: 1000, openTemp: async () => temp })
    const expected: { key: number; place: number }[] = []
    for (let run = 0; run < 1100; run++) {
      const rows = Array.from({ length: 20 }, (__, row) => ({ key: keyOf(run, row), place: run * 20 + row }))
      expected.push(...rows)
      sorter.add(rowsToBatch(rows, schema))
      await sorter.spill()
    }
    const found: unknown[] = []
    for await (const batch of sorter.drain()) found.push(...readRows(batch, schema))
    await temp.close()
    expect(found).toEqual(expected.toSorted((a, b) => a.key - b.key || a.place - b.place))
  })
})

describe('a sorted table with little memory', () => {
  const schema = defineSchema({ id: 'long', kind: 'string' })
  const rows = Array.from({ length: 60_000 }, (_, i) => ({ id: (i * 7919) % 60_013, kind: `k${i % 3}` }))
  const writerOf = (partitionBy: string[], options: Partial<TableWriterOptions> = {}): TableWriter => {
    const properties = { 'write.target-file-size-bytes': '60000' }
    const metadata = tableMetadata({ schema, partitionBy, sortBy: ['id'], properties })
    const writeId = '7c1f4f8e-0000-4000-8000-000000000001'
    return new TableWriter({ io, runtime: systemRuntime, metadata, writeId, memoryBytes: 400_000, ...options })
  }
  const writeAll = async (writer: TableWriter): Promise<void> => {
    for (let from = 0; from < rows.length; from += 3000) {
      await writer.write(rowsToBatch(rows.slice(from, from + 3000), schema))
    }
  }

  it.each([[[]], [['kind']]])('sorts over all files of a partition (by %s)', async (partitionBy) => {
    const writer = writerOf(partitionBy)
    await writeAll(writer)
    const { dataFiles, uploads } = await writer.close()
    await Promise.all(uploads)
    expect(tempFiles()).toEqual([])
    const found = new Map<string, bigint[]>()
    for (const { filePath, fileSizeInBytes, partition } of dataFiles) {
      const read = async (range: { offset: number; length: number }): Promise<Uint8Array> =>
        (await io.readRange(filePath, range)).bytes
      const ids = found.get(String(partition)) ?? []
      found.set(String(partition), ids)
      for await (const { batch } of readParquet({ location: filePath, sizeBytes: fileSizeInBytes, read }, { schema })) {
        ids.push(...(readRows(batch, schema) as { id: bigint }[]).map(({ id }) => id))
      }
    }
    expect(dataFiles.length).toBeGreaterThan(found.size)
    expect([...found.values()].flat()).toHaveLength(rows.length)
    for (const ids of found.values()) expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? -1 : 1)))
  })

  it('keeps rows on disk in the folder that is given', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firn-spill-'))
    const writer = writerOf([], { tempFolder: folder })
    await writeAll(writer)
    if (process.platform === 'linux') {
      const open = readdirSync('/proc/self/fd').flatMap((fd) => linkOf(`/proc/self/fd/${fd}`))
      expect(open.filter((path) => path.startsWith(`${folder}/`))).toHaveLength(1)
    }
    await writer.abort()
    await rm(folder, { recursive: true })
    await expect(writeAll(writerOf([], { tempFolder: folder }))).rejects.toThrow(folder)
    expect(() => writerOf([], { memoryBytes: 0 })).toThrow('memory of 0 bytes')
  })

  it('has both from who appends', async () => {
    const catalog = await openCatalog('memory://write')
    const table = await catalog.createTable('n.sorted', { schema: { id: 'long', kind: 'string' }, sortBy: ['id'] })
    const tempFolder = join(tmpdir(), 'firn-no-such-folder')
    await expect(table.append(rows, { memoryBytes: 400_000, tempFolder })).rejects.toThrow('firn-no-such-folder')
    await catalog.close()
  })

  it('leaves no temporary file behind when it is given up, or fails', async () => {
    const givenUp = writerOf([])
    await writeAll(givenUp)
    if (process.platform === 'linux') expect(tempFiles()).toHaveLength(1)
    await givenUp.abort()
    expect(tempFiles()).toEqual([])

    const broken = Object.assign(new MemoryFileIO({ runtime: systemRuntime }), {
      write: async () => await Promise.reject(new ServiceError('disk full', { retryable: false })),
    })
    const failing = writerOf([], { io: broken })
    await writeAll(failing)
    await expect(failing.close().then(({ uploads }) => Promise.all(uploads))).rejects.toThrow(ServiceError)
    await failing.abort()
    expect(tempFiles()).toEqual([])

    const controller = new AbortController()
    const aborted = writerOf([], { signal: controller.signal })
    await writeAll(aborted)
    controller.abort(new Error('enough'))
    await expect(aborted.close()).rejects.toThrow('enough')
    await aborted.abort()
    expect(tempFiles()).toEqual([])
  })
})
