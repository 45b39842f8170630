/** Columns decoded without arrow-rs: the same values as with it, of random tables and of all files that others wrote. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Data, Vector } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IcebergError, InvalidDataError } from '../../src/base/errors.ts'
import { assembleColumns, wholeColumn } from '../../src/format/parquet-assembly.ts'
import { flatColumn } from '../../src/format/parquet-flat.ts'
import { type ParquetFooter, parseParquetFooter } from '../../src/format/parquet-footer.ts'
import { HybridReader } from '../../src/format/parquet-hybrid.ts'
import { checkCodec, parsePages } from '../../src/format/parquet-pages.ts'
import { decodeParquet } from '../../src/format/parquet-wasm.ts'
import type { Type } from '../../src/spec/types.ts'
import { type Cell, batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode } from './parquet-file.ts'

const BATCH_ROWS = 7

/** A value a row. */
type Values = readonly unknown[]

/** Both ways, for each column chunk that has the short one. */
async function decodeBothWays(
  bytes: Uint8Array,
  { schema, leaves, rowGroups }: ParquetFooter,
  options: { readonly batchRows: number; readonly isAside: boolean; readonly from?: number },
): Promise<{ readonly flat: Values; readonly byArrow: Values }[]> {
  const { batchRows, isAside, from = 0 } = options
  const both: { flat: Values; byArrow: Values }[] = []
  for (const { rows, columns } of rowGroups) {
    for (const [i, chunk] of columns.entries()) {
      const leaf = leaves[i]
      if (leaf === undefined || !schema.children.includes(leaf)) continue
      checkCodec(chunk, 'f')
      const logicalType = leaf.logicalType?.kind === 'string' ? leaf.logicalType : undefined
      const field = { ...leaf, fieldId: undefined, logicalType }
      const chunkBytes = bytes.subarray(chunk.offset, chunk.offset + chunk.compressedSizeBytes)
      const pages = parsePages(chunk, chunkBytes, schema, 'f')
      const column = flatColumn({ field, codec: chunk.codec, pages, firstRow: 0, location: 'f' })
      if (column === undefined) continue
      const file = assembleColumns(
        { ...schema, children: [field] },
        { rows, columns: [wholeColumn(chunk, chunkBytes)] },
      )
      const byArrow = attempt(() =>
        decodeParquet(file, { offset: from, limit: rows - from, batchRows }, 'f').flatMap(({ data }) =>
          data.children.flatMap(valuesOf),
        ),
      )
      const flat: unknown[] = []
      const reading = (async () => {
        for (let start = from; start < rows; start += batchRows) {
          const part = { start, end: Math.min(start + batchRows, rows) }
          await column.prepare(part, { isAside })
          flat.push(...valuesOf(column.read(part)))
        }
        return flat
      })()
      both.push({ flat: await reading.catch(refusal), byArrow })
    }
  }
  return both
}

function valuesOf(data: Data): unknown[] {
  return [...new Vector([data])]
}

function attempt(decode: () => Values): Values {
  try {
    return decode()
  } catch (error) {
    return refusal(error)
  }
}

function refusal(error: unknown): Values {
  expect(error).toBeInstanceOf(InvalidDataError)
  return ['refused']
}

const TYPES: readonly (readonly [Type, fc.Arbitrary<Cell>])[] = [
  [{ kind: 'boolean' }, fc.boolean()],
  [{ kind: 'int' }, fc.integer()],
  [{ kind: 'long' }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [{ kind: 'float' }, fc.float()],
  [{ kind: 'double' }, fc.double()],
  [{ kind: 'string' }, fc.string({ unit: 'binary', maxLength: 40 })],
  [{ kind: 'string' }, fc.constantFrom('', 'a', 'ää', '𝄞 and more than eight bytes')],
  [{ kind: 'binary' }, fc.uint8Array({ maxLength: 30 })],
  // Signalling NaNs, were they read as doubles.
  [{ kind: 'binary' }, fc.constantFrom(Uint8Array.of(1, 0, 0, 0, 0, 0, 0xf0, 0x7f), new Uint8Array(24).fill(0xff))],
  [{ kind: 'long' }, fc.constantFrom(0x7ff0_0000_0000_0001n, -1n, 0n)],
  [{ kind: 'fixed', length: 5 }, fc.uint8Array({ minLength: 5, maxLength: 5 })],
  [{ kind: 'uuid' }, fc.constant('f79c3e09-677c-4bbd-a479-3f349cb785e7')],
]

const table = fc.record({
  columns: fc.array(
    fc.constantFrom(...TYPES).chain(([type, value]) =>
      fc.record({
        type: fc.constant(type),
        nulls: fc.constantFrom(0, 0, 0.02, 0.5, 1),
        isRequired: fc.boolean(),
        pool: fc.array(value, { minLength: 1, maxLength: 20 }),
        picks: fc.array(fc.nat(), { minLength: 1, maxLength: 50 }),
      }),
    ),
    { minLength: 1, maxLength: 6 },
  ),
  rows: fc.integer({ min: 1, max: 400 }),
  codec: fc.constantFrom('uncompressed', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4_raw'),
  pageVersion: fc.constantFrom('v1', 'v2'),
  pageSizeBytes: fc.constantFrom(1, 200, 2 ** 20),
  dictionarySizeBytes: fc.constantFrom(20, 2 ** 20),
  rowGroupRows: fc.constantFrom(150, 1000),
  batchRows: fc.constantFrom(1, 7, 64, 1000),
  from: fc.constantFrom(0, 0, 1, 50),
  isAside: fc.boolean(),
} as const)

it('of random tables are those that arrow-rs has', async () => {
  let compared = 0
  await fc.assert(
    fc.asyncProperty(table, async ({ columns, rows, batchRows, isAside, from, ...options }) => {
      const schema = schemaOf(...columns.map(({ type, isRequired }, i) => fieldOf(i + 1, `c${i}`, type, isRequired)))
      const cells = columns.map(({ pool, picks, nulls, isRequired }) =>
        Array.from({ length: rows }, (_, row) => {
          const pick = (picks[row % picks.length] ?? 0) + row * row
          return !isRequired && (pick % 97) / 97 < nulls ? null : (pool[pick % pool.length] ?? null)
        }),
      )
      const { bytes, footer } = encode([batchOf(schema, cells)], { schema, ...options })
      const first = Math.min(from, ...footer.rowGroups.map((group) => group.rows - 1))
      for (const { flat, byArrow } of await decodeBothWays(bytes, footer, { batchRows, isAside, from: first })) {
        expect(flat).toEqual(byArrow)
        expect(flat).not.toEqual(['refused'])
        compared++
      }
    }),
    { numRuns: 150 },
  )
  expect(compared).toBeGreaterThan(300)
}, 120_000)

/** What is beside the sources is not in every clone. */
const FOLDERS = ['../fixtures', '../../../shared/fixtures']
  .map((folder) => join(import.meta.dirname, folder))
  .filter((folder) => existsSync(folder))

it('of files by other writers are those that arrow-rs has', async () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => join(folder, name)),
  )
  let compared = 0
  for (const path of files) {
    const bytes = new Uint8Array(readFileSync(path))
    const both = await (async () => {
      const footer = parseParquetFooter(bytes, bytes.length, 'f')
      return decodeBothWays(bytes, footer, { batchRows: BATCH_ROWS * 100, isAside: compared % 2 === 0 })
    })().catch((error: unknown) => {
      expect(error, path).toBeInstanceOf(IcebergError)
      return []
    })
    for (const { flat, byArrow } of both) {
      expect(flat, path).toEqual(byArrow)
      compared++
    }
  }
  expect(compared).toBeGreaterThan(300)
}, 120_000)

describe('what does not fit its bytes is refused', () => {
  const schema = schemaOf(fieldOf(1, 't', { kind: 'string' }, true), fieldOf(2, 'n', { kind: 'int' }, true))
  const texts = Array.from({ length: 40 }, (_, i) => `text ${i}`)
  const cells = [texts, texts.map((_, i) => i)]
  const options = { schema, codec: 'uncompressed', dictionarySizeBytes: 1 } as const
  const { bytes, footer } = encode([batchOf(schema, cells)], options)

  const refused = async (change: (bytes: Uint8Array) => void): Promise<boolean> => {
    const broken = bytes.slice()
    change(broken)
    const both = await decodeBothWays(broken, footer, { batchRows: 16, isAside: false })
    return both.some(({ flat }) => flat[0] === 'refused')
  }
  const at = Buffer.from(bytes).indexOf('text 7')

  it('a length beyond the page', async () => {
    expect(await refused((broken) => broken.fill(0xff, at - 4, at))).toBe(true)
    expect(await refused((broken) => broken.fill(0x7f, at - 2, at - 1))).toBe(true)
    expect(await refused(() => {})).toBe(false)
  })

  it('text that is not UTF-8, though what it makes with the next is', async () => {
    expect(await refused((broken) => broken.fill(0xff, at, at + 1))).toBe(true)
    const next = Buffer.from(bytes).indexOf('text 8')
    // "ä", half in the one, half in the other.
    const split = (broken: Uint8Array): void => {
      broken[next - 5] = 0xc3
      broken[next] = 0xa4
    }
    expect(await refused(split)).toBe(true)
  })
})

describe('runs and groups of bits', () => {
  const read = (bytes: readonly number[], width: number, count: number): number[] => {
    const out = new Int32Array(count)
    new HybridReader(Uint8Array.from(bytes), width).read(out, 0, count)
    return [...out]
  }

  it('are read', () => {
    // The specification's example: 0 … 7 in three bits each.
    expect(read([3, 0b10001000, 0b11000110, 0b11111010], 3, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(read([10, 1], 1, 5)).toEqual([1, 1, 1, 1, 1])
    expect(read([4, 0xff, 0xff, 0xff, 0x7f], 31, 2)).toEqual([2 ** 31 - 1, 2 ** 31 - 1])
    expect(read([3, ...Array.from({ length: 28 }, () => 0xff)], 28, 8)).toEqual(Array(8).fill(2 ** 28 - 1))
    expect(read([20], 0, 10)).toEqual(Array(10).fill(0))
  })

  it.each([
    ['no bytes', [], 1],
    ['a run without its value', [10], 1],
    ['a group cut off', [3, 1], 3],
    ['a run of nothing', [0, 1, 10, 1], 1],
    ['a length without end', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1],
    ['a value of more bits', [10, 2], 1],
    ['too wide values', [10, 2], 33],
  ])('or refused: %s', (_, bytes, width) => {
    expect(() => read(bytes, width, 8)).toThrow(RangeError)
  })
})
