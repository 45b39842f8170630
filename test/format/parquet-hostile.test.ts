/**
 * Broken and hostile files: every one is answered with rows or an error of firn that names the file, in bounded time and
 * memory. The seeds are fixed; a run that failed is repeated by its seed alone.
 */
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { IcebergError, InvalidDataError } from '../../src/base/errors.ts'
import { parquetFooterBytes, parseParquetFooter } from '../../src/format/parquet-footer.ts'
import { readParquetSchema } from '../../src/format/parquet-plain.ts'
import { readParquet } from '../../src/format/parquet-reader.ts'
import type { Schema, Type } from '../../src/spec/types.ts'
import { batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, fixture, memorySource, nameMappingText, readRows, withoutIds } from './parquet-file.ts'

const string: Type = { kind: 'string' }
const schema = schemaOf(
  fieldOf(1, 'id', { kind: 'long' }, true),
  fieldOf(2, 'name', string),
  fieldOf(3, 'tags', { kind: 'list', elementId: 4, element: string, elementRequired: false }),
)
const batch = batchOf(schema, [
  [1n, 2n, 3n, 4n],
  ['a', null, 'ccc', 'd'],
  [['x', null], [], null, ['y']],
])
const plain = withoutIds(encode([batch], { schema, rowGroupRows: 3, codec: 'uncompressed' }).bytes)
const TRIES = 80
const MAX_ROWS = 100_000

/** Deterministic noise: xorshift. */
function noise(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % limit
  }
}

/** What a reader does with the bytes; an error that is not firn's, or does not name the file, fails the test. */
async function readAll(bytes: Uint8Array, wanted: Schema): Promise<'read' | 'refused'> {
  let rows = 0
  try {
    // A count of rows that was changed is no reason to read for ever.
    for await (const each of readParquet(memorySource(bytes), { schema: wanted, nameMapping: nameMappingText(wanted) }))
      if ((rows += each.batch.numRows) > MAX_ROWS) break
    return 'read'
  } catch (error) {
    expect(error).toBeInstanceOf(IcebergError)
    const { message, context } = error as IcebergError
    expect(`${message} ${String(context['location'])}`).toContain('memory://test/file.parquet')
    return 'refused'
  }
}

const FILES: readonly (readonly [string, Uint8Array])[] = [
  ['plain', plain],
  ['zstd', withoutIds(encode([batch], { schema, rowGroupRows: 3 }).bytes)],
  ...[
    'pyarrow/codecs-v1',
    'pyarrow/codecs-v2',
    'pyarrow/nested',
    'pyarrow/fallback',
    'parquet-testing/nullable.impala',
  ].map((path) => [path, withoutIds(fixture(`${path}.parquet`))] as const),
  ...['DELTA_BYTE_ARRAY/string', 'DELTA_BINARY_PACKED/int64', 'BYTE_STREAM_SPLIT/double_with_nulls'].map(
    (path) => [path, fixture(`iceberg-java/parquet-encodings/${path}.parquet`)] as const,
  ),
]

describe.each(FILES)('%s', (_, file) => {
  const wanted = readParquetSchema(parseParquetFooter(file, file.length, 'f'), { formatVersion: 3 })
  const footerBytes = parquetFooterBytes(file, file.length, 'f')

  it.each([
    ['its footer', file.length - footerBytes, file.length, 11],
    ['its pages', 4, file.length - footerBytes, 12],
    ['the headers of its pages', 4, Math.min(64, file.length - footerBytes), 13],
  ])(
    'flipped bits in %s',
    async (where, from, to, seed) => {
      const random = noise(seed)
      const outcomes = { read: 0, refused: 0 }
      for (let run = 0; run < TRIES; run++) {
        const bytes = file.slice()
        for (let flips = 1 + random(3); flips > 0; flips--) {
          const at = from + random(to - from)
          bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8))
        }
        outcomes[await readAll(bytes, wanted)]++
      }
      expect(outcomes.read + outcomes.refused, where).toBe(TRIES)
      // Flipped bits of plain values are other values.
      if (from > 4) expect(outcomes.refused, where).toBeGreaterThan(0)
    },
    60_000,
  )

  it('bytes replaced by extremes', async () => {
    const random = noise(14)
    for (let run = 0; run < TRIES; run++) {
      const bytes = file.slice()
      bytes.fill([0, 0x7f, 0x80, 0xff][random(4)] ?? 0, random(bytes.length), random(bytes.length))
      await readAll(bytes, wanted)
    }
  }, 60_000)

  it('cut off anywhere', async () => {
    const step = Math.max(1, Math.floor(file.length / 60))
    for (let length = 0; length < file.length; length += step) {
      expect(await readAll(file.slice(0, length), wanted)).toBe('refused')
      // The same cut before an intact footer: the pages are too few.
      const pages = file.slice(0, Math.min(length, file.length - footerBytes))
      await readAll(Buffer.concat([pages, file.slice(file.length - footerBytes)]), wanted)
    }
  }, 60_000)

  it('is still read after all that', async () => {
    expect(await readAll(file, wanted)).toBe('read')
  })
})

describe('a decoder that breaks down', () => {
  const file = withoutIds(fixture('iceberg-java/parquet-encodings/DELTA_BYTE_ARRAY/string.parquet'))
  const wanted = readParquetSchema(parseParquetFooter(file, file.length, 'f'))
  const isTrap = async (bytes: Uint8Array): Promise<boolean> => {
    const reading = readRows(bytes, { schema: wanted, nameMapping: nameMappingText(wanted) })
    const error: unknown = await reading.catch((cause: unknown) => cause)
    return error instanceof InvalidDataError && error.cause instanceof Error && error.cause.name === 'RuntimeError'
  }

  it('leaves no memory behind, two hundred times in a row, and is followed by one that works', async () => {
    const trapping = file.slice()
    let at = 600
    for (; at < 900; at++) {
      trapping.set(file)
      trapping[at] = (trapping[at] ?? 0) ^ 0x40
      if (await isTrap(trapping)) break
    }
    expect(at).toBeLessThan(900)
    const megabytes: number[] = []
    for (let run = 0; run < 200; run++) {
      expect(await isTrap(trapping)).toBe(true)
      await setImmediate()
      if (run % 50 === 49) megabytes.push(process.memoryUsage().rss / 2 ** 20)
    }
    const [first = 0, , , last = 0] = megabytes
    expect(last - first).toBeLessThan(100)
    expect(await isTrap(file)).toBe(false)
    expect(await readRows(file, { schema: wanted, nameMapping: nameMappingText(wanted) })).toHaveLength(1000)
  }, 120_000)
})
