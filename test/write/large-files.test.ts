import { randomBytes } from 'node:crypto'
import type { RecordBatch } from 'apache-arrow'
import { afterEach, describe, expect, it } from 'vitest'
import { ServiceError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { readParquet } from '../../src/format/parquet-reader.ts'
import { MemoryFileIO, dropMemoryStore } from '../../src/io/memory-file-io.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { TableWriter } from '../../src/write/table-writer.ts'
import { UploadQueue } from '../../src/write/upload-queue.ts'
import { readRows } from './columns.ts'
import { tableMetadata } from './tables.ts'

const MIB = 2 ** 20
const schema = defineSchema({ id: 'long', bytes: 'binary' })
const metadata = tableMetadata({ schema })
const noise = randomBytes(MIB)

afterEach(() => dropMemoryStore('write'))

/** Files can't be smaller than their rows: these are noise. */
const megabyte = (id: number): RecordBatch => rowsToBatch([{ id, bytes: noise }], schema)

/** A store that tells how files came, and holds at most what was not passed on. */
class Store extends MemoryFileIO {
  readonly calls: string[] = []

  constructor() {
    super({ runtime: systemRuntime })
  }

  override async write(...args: Parameters<MemoryFileIO['write']>): ReturnType<MemoryFileIO['write']> {
    this.calls.push('write')
    return await super.write(...args)
  }

  override async writeStream(
    location: string,
    chunks: AsyncIterable<Uint8Array>,
  ): ReturnType<MemoryFileIO['writeStream']> {
    this.calls.push('stream')
    const parts: Uint8Array[] = []
    for await (const chunk of chunks) parts.push(await this.receive(chunk))
    const bytes = Buffer.concat(parts)
    return { ...(await super.write(location, bytes)), sizeBytes: bytes.length }
  }

  async receive(chunk: Uint8Array): Promise<Uint8Array> {
    return chunk
  }
}

const writerInto = (io: Store): TableWriter =>
  new TableWriter({
    io,
    runtime: systemRuntime,
    metadata,
    writeId: '7c1f4f8e-0000-4000-8000-000000000001',
    memoryBytes: 32 * MIB,
  })

async function storedFiles(): Promise<number> {
  let files = 0
  for await (const page of new Store().list('memory://write/')) files += page.entries.length
  return files
}

describe('a large file', () => {
  it('is sent while it is made, and holds every row', async () => {
    const io = new Store()
    const writer = writerInto(io)
    for (let id = 0; id < 70; id++) await writer.write(megabyte(id))
    expect(io.calls).toEqual(['stream'])
    const { dataFiles, uploads } = await writer.close()
    await Promise.all(uploads)
    const [file] = dataFiles
    if (file === undefined) throw new Error('no file was written')
    const { bytes } = await io.read(file.filePath)
    expect(file.fileSizeInBytes).toBe(bytes.length)
    const source = {
      location: file.filePath,
      sizeBytes: bytes.length,
      read: async (range: { offset: number; length: number }) => (await io.readRange(file.filePath, range)).bytes,
    }
    const ids: unknown[] = []
    for await (const { batch } of readParquet(source, { schema })) {
      for (const row of readRows(batch, schema) as { id: bigint; bytes: Uint8Array }[]) {
        ids.push(row.id)
        expect(Buffer.compare(row.bytes, noise)).toBe(0)
      }
    }
    expect(ids).toEqual(Array.from({ length: 70 }, (_, id) => BigInt(id)))
  })

  it('is one plain request where it fits into a part', async () => {
    const io = new Store()
    const writer = writerInto(io)
    for (let id = 0; id < 12; id++) await writer.write(megabyte(id))
    const { uploads } = await writer.close()
    await Promise.all(uploads)
    expect(io.calls).toEqual(['write'])
  })

  it('fails with the error of its upload, and leaves nothing', async () => {
    const io = new Store()
    io.receive = async () => await Promise.reject(new ServiceError('disk full', { retryable: false }))
    const writer = writerInto(io)
    const write = async (): Promise<void> => {
      for (let id = 0; id < 40; id++) await writer.write(megabyte(id))
      await Promise.all((await writer.close()).uploads)
    }
    await expect(write()).rejects.toThrow(ServiceError)
    await writer.abort()
    expect(await storedFiles()).toBe(0)
  })

  it('is given up with the write', async () => {
    const io = new Store()
    const writer = writerInto(io)
    for (let id = 0; id < 30; id++) await writer.write(megabyte(id))
    expect(io.calls).toEqual(['stream'])
    await writer.abort()
    expect(await storedFiles()).toBe(0)
  })

  it('makes the writer wait for the store', async () => {
    const io = new Store()
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    io.receive = async (chunk) => await gate.then(() => chunk)
    const writer = writerInto(io)
    let written = 0
    const write = async (): Promise<void> => {
      for (; written < 90; written++) await writer.write(megabyte(written))
    }
    const writing = write()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(written).toBeLessThan(50)
    release()
    await writing
    await Promise.all((await writer.close()).uploads)
    expect(await storedFiles()).toBe(1)
  })
})

describe('files of several partitions', () => {
  it('grow by row groups where memory is short, rather than end', async () => {
    const partitioned = tableMetadata({ schema, partitionBy: ['truncate(1000, id)'] })
    const io = new Store()
    const writer = new TableWriter({
      io,
      runtime: systemRuntime,
      metadata: partitioned,
      writeId: '7c1f4f8e-0000-4000-8000-000000000001',
      memoryBytes: 160 * MIB,
    })
    // Text of few letters: half of it is left when it is encoded.
    const text = Buffer.from(randomBytes(MIB / 2).toString('hex'))
    for (let i = 0; i < 120; i++) await writer.write(rowsToBatch([{ id: (i % 8) * 1000, bytes: text }], schema))
    const { dataFiles, uploads } = await writer.close()
    await Promise.all(uploads)
    expect(dataFiles.reduce((sum, file) => sum + file.recordCount, 0)).toBe(120)
    expect(dataFiles).toHaveLength(8)
    expect(Math.max(...dataFiles.map(({ splitOffsets = [] }) => splitOffsets.length))).toBeGreaterThan(1)
  })
})

describe('UploadQueue', () => {
  it('bounds the bytes in flight', async () => {
    const io = new Store()
    let inFlight = 0
    let most = 0
    io.write = async (_, bytes) => {
      inFlight += bytes.length
      most = Math.max(most, inFlight)
      await new Promise((resolve) => setTimeout(resolve, 5))
      inFlight -= bytes.length
      return { storeTimeMs: 0 }
    }
    const queue = new UploadQueue(io, { runtime: systemRuntime, maxBytes: 250 })
    for (let i = 0; i < 8; i++) await queue.open(`memory://write/${i}`).finish(new Uint8Array(100))
    await queue.abort()
    expect(most).toBe(200)
    expect(queue.all).toHaveLength(8)
  })
})
