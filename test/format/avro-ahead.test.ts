/** Blocks that are inflated ahead give what blocks give that are inflated in their turn, errors and their place included. */
import { createHook } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { constants, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { avroLong } from '../../src/format/avro-codec.ts'
import { avroRecord } from '../../src/format/avro-record.ts'
import { AvroSink } from '../../src/format/avro-sink.ts'
import { encodeAvro, openAvro, readAvroBlocks, readAvroBlocksAhead } from '../../src/format/avro.ts'
import { writeWithAvsc } from './avsc-file.ts'

interface Row {
  readonly value: bigint
}

const CODEC = avroRecord<Row>('r', { value: { id: 1, name: 'value', codec: avroLong } })
const SCHEMA: JsonObject = { type: 'record', name: 'r', fields: [{ name: 'value', type: 'long', 'field-id': 1 }] }
const SYNC = Buffer.from('0123456789abcdef')
const DAMAGED = Uint8Array.of(7, 7, 7)

interface BlockBytes {
  readonly count: number
  readonly payload: Uint8Array
}

function fileOf(blocks: readonly BlockBytes[], codec = 'deflate'): Uint8Array {
  const sink = new AvroSink()
  sink.fixed(writeWithAvsc(SCHEMA, [], { codec }))
  for (const { count, payload } of blocks) {
    sink.number(count)
    sink.byteString(payload)
    sink.fixed(SYNC)
  }
  return sink.take()
}

function plainBlock(from: number, count: number): BlockBytes {
  const sink = new AvroSink()
  for (let i = 0; i < count; i += 1) sink.long(BigInt(from + i))
  return { count, payload: sink.take() }
}

function block(from: number, count: number): BlockBytes {
  const { payload } = plainBlock(from, count)
  return { count, payload: deflateRawSync(payload) }
}

const rows = (from: number, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ value: BigInt(from + i) }))

interface Outcome {
  readonly batches: Row[][]
  readonly error?: readonly [unknown, string, unknown]
}

function describeError(error: unknown): readonly [unknown, string, unknown] {
  if (error instanceof InvalidDataError) return [error.constructor, error.message, error.context]
  throw error
}

function inTurn(bytes: Uint8Array): Outcome {
  const batches: Row[][] = []
  try {
    for (const batch of readAvroBlocks(openAvro(bytes, 's3://b/k'), CODEC)) batches.push(batch)
    return { batches }
  } catch (error) {
    return { batches, error: describeError(error) }
  }
}

async function ahead(bytes: Uint8Array): Promise<Outcome> {
  const batches: Row[][] = []
  try {
    for await (const batch of readAvroBlocksAhead(openAvro(bytes, 's3://b/k'), CODEC)) batches.push(batch)
    return { batches }
  } catch (error) {
    return { batches, error: describeError(error) }
  }
}

describe('blocks inflated ahead', () => {
  const counts = fc.array(fc.oneof(fc.constantFrom(0, 1, 255, 256, 257, 600), fc.nat(40)), { maxLength: 12 })

  it('give the same records, in the same parts', async () => {
    await fc.assert(
      fc.asyncProperty(counts, fc.constantFrom('deflate', 'null'), async (sizes, codec) => {
        const make = codec === 'deflate' ? block : plainBlock
        const bytes = fileOf(
          sizes.map((count, i) => make(i * 1000, count)),
          codec,
        )
        const read = await ahead(bytes)
        expect(read).toEqual(inTurn(bytes))
        expect(read.batches.flat()).toEqual(sizes.flatMap((count, i) => rows(i * 1000, count)))
      }),
    )
  })

  it('give the same records of a file of many megabytes', async () => {
    const { batches, error } = await ahead(encodeAvro(CODEC, rows(2 ** 40, 600_000)))
    expect(error).toBeUndefined()
    const read = batches.flat()
    expect(read).toHaveLength(600_000)
    expect(read.findIndex(({ value }, i) => value !== BigInt(2 ** 40 + i))).toBe(-1)
  })

  it('end in the same error, behind the same records, wherever they are damaged', async () => {
    const bytes = fileOf(Array.from({ length: 6 }, (_, i) => block(i * 1000, 300)))
    const start = fileOf([]).length
    const damage = fc.tuple(fc.integer({ min: start, max: bytes.length - 1 }), fc.nat(7))
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 2 }), fc.boolean(), async (flips, isCut) => {
        const [[end] = [0]] = flips
        const damaged = isCut ? bytes.slice(0, end) : bytes.slice()
        for (const [at, bit] of flips) if (!isCut) damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
        expect(await ahead(damaged)).toEqual(inTurn(damaged))
      }),
      { numRuns: 200 },
    )
  })

  it('give all before a damaged one, whose error names the file and the codec', async () => {
    const bytes = fileOf([block(0, 300), block(300, 300), { count: 1, payload: DAMAGED }, block(600, 300)])
    const { batches, error } = await ahead(bytes)
    expect(batches.flat()).toEqual(rows(0, 600))
    expect(error).toEqual([
      InvalidDataError,
      "s3://b/k: can't be decompressed with deflate: invalid block type",
      { location: 's3://b/k', codec: 'deflate' },
    ])
  })

  it('give all before a sync marker that is wrong', async () => {
    const bytes = fileOf([block(0, 300), block(300, 300), block(600, 300)])
    bytes[bytes.length - 1] = 0
    const { batches, error } = await ahead(bytes)
    expect(batches.flat()).toEqual(rows(0, 600))
    expect(error?.[1]).toBe('s3://b/k: a block does not end in the sync marker')
  })

  it('unfold to no more than their limit', async () => {
    // Flushed parts can be repeated: 300 MiB in 300 KB.
    const part = deflateRawSync(Buffer.alloc(1024 * 1024), { finishFlush: constants.Z_FULL_FLUSH })
    const payload = Buffer.concat([...Array.from({ length: 300 }, () => part), deflateRawSync(Buffer.alloc(0))])
    const { batches, error } = await ahead(fileOf([block(0, 10), { count: 1, payload }]))
    expect(batches).toEqual([rows(0, 10)])
    expect(error?.[1]).toMatch(/^s3:\/\/b\/k: can't be decompressed with deflate: .*larger than 268435456 bytes/)
  })

  it('are three at most', async () => {
    const blocks = readAvroBlocksAhead(openAvro(fileOf(Array.from({ length: 9 }, () => block(0, 1))), 'memory'), CODEC)
    let started = 0
    const hook = createHook({ init: (_id, type) => void (type === 'ZLIB' && (started += 1)) }).enable()
    const startedBy: number[] = []
    for await (const _ of blocks) startedBy.push(started)
    hook.disable()
    expect(startedBy).toEqual([4, 5, 6, 7, 8, 9, 9, 9, 9])
  })

  it('are none where a file has one block: nothing is waited for', async () => {
    let isLater = false
    setImmediate(() => (isLater = true))
    const { batches } = await ahead(fileOf([block(0, 600)]))
    expect(batches.flat()).toEqual(rows(0, 600))
    expect(isLater).toBe(false)
  })

  it('whose errors nobody waits for are not reported', async () => {
    const damaged = { count: 1, payload: DAMAGED }
    const seen: unknown[] = []
    const note = (error: unknown): unknown => seen.push(error)
    process.on('unhandledRejection', note)
    try {
      const left = readAvroBlocksAhead(openAvro(fileOf([block(0, 1), damaged, damaged, damaged]), 'memory'), CODEC)
      for await (const batch of left) {
        expect(batch).toEqual(rows(0, 1))
        break
      }
      // Of three blocks that are damaged, the error of the first is the file's.
      expect((await ahead(fileOf([damaged, damaged, damaged]))).error?.[1]).toMatch(/invalid block type/)
      for (let turn = 0; turn < 50; turn += 1) await nextTurn()
    } finally {
      process.off('unhandledRejection', note)
    }
    expect(seen).toEqual([])
  })
})
