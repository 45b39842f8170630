/** Filters that see some columns first: whatever they want of a random table is what reading all of it gives for these rows. */
import { type Data, Vector } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import type { Row } from '../../src/format/arrow-values.ts'
import { flatColumn } from '../../src/format/parquet-flat.ts'
import { parsePages } from '../../src/format/parquet-pages.ts'
import { readParquet } from '../../src/format/parquet-reader.ts'
import type { Schema, Type } from '../../src/spec/types.ts'
import { type Cell, batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, memorySource, readRows, rowsOf } from './parquet-file.ts'

const int: Type = { kind: 'int' }
const text: Type = { kind: 'string' }
const struct: Type = { kind: 'struct', fields: [fieldOf(21, 'x', int), fieldOf(22, 'y', text)] }
const list: Type = { kind: 'list', elementId: 31, element: text, elementRequired: false }
const STORED = schemaOf(
  fieldOf(1, 'id', { kind: 'long' }, true),
  fieldOf(2, 'n', int),
  fieldOf(3, 't', text),
  fieldOf(20, 's', struct),
  fieldOf(4, 'b', { kind: 'boolean' }),
  fieldOf(5, 'f', { kind: 'fixed', length: 5 }),
  fieldOf(30, 'l', list),
  fieldOf(6, 'u', { kind: 'boolean' }, true),
  fieldOf(7, 'x', { kind: 'binary' }),
)
const ADDED = [{ ...fieldOf(8, 'zero', int), initialDefault: 0 }, fieldOf(9, 'none', text)]
const READ: Schema = schemaOf(...STORED.fields.toReversed(), ...ADDED)

const table = fc.record({
  rows: fc.integer({ min: 1, max: 300 }),
  seed: fc.integer({ min: 1, max: 1e6 }),
  nulls: fc.constantFrom(0, 0.1, 0.5, 1),
  early: fc.subarray(READ.fields.map(({ id }) => id)),
  density: fc.constantFrom(0, 0.02, 0.1, 0.5, 0.99, 1),
  /** Rows that share a lot. */
  stretch: fc.constantFrom(1, 3, 40),
  codec: fc.constantFrom('uncompressed', 'zstd', 'snappy'),
  pageVersion: fc.constantFrom('v1', 'v2'),
  pageSizeBytes: fc.constantFrom(1, 100, 2 ** 20),
  dictionarySizeBytes: fc.constantFrom(20, 2 ** 20),
  rowGroupRows: fc.constantFrom(45, 1000),
  batchRows: fc.constantFrom(1, 7, 64, 1000),
  asideBytes: fc.constantFrom(0, Infinity),
  from: fc.option(fc.nat(300), { nil: undefined }),
} as const)

/** A number in [0, 1) for each pair. */
const lot = (seed: number, n: number): number =>
  (Math.imul(seed ^ Math.imul(n + 1, 0x9e3779b1), 0x85ebca6b) >>> 0) / 2 ** 32

function cellsOf(seed: number, row: number, nulls: number): Cell[] {
  const n = Math.floor(lot(seed, row) * 30)
  const cells: Cell[] = [
    BigInt(row),
    n,
    `text ${n} ${'ä'.repeat(n)}`,
    [n, `y${n}`],
    n % 2 === 0,
    new Uint8Array(5).fill(n),
  ]
  const all: Cell[] = [...cells, n % 3 === 0 ? [] : [`a${n}`, null], n % 2 === 1, new Uint8Array(n).fill(0xff)]
  return all.map((cell, i) => (i !== 0 && i !== 7 && lot(seed + i, row) < nulls ? null : cell))
}

describe('a filter of some columns', () => {
  it('gives the rows that it wants, as reading all gives them, and sees all that may be wanted', async () => {
    await fc.assert(
      fc.asyncProperty(
        table,
        async ({ rows, seed, nulls, early, density, stretch, from, batchRows, asideBytes, ...write }) => {
          const cells = Array.from({ length: rows }, (_, row) => cellsOf(seed, row, nulls))
          const columns = STORED.fields.map((_, i) => cells.map((row) => row[i] ?? null))
          const { bytes } = encode([batchOf(STORED, columns)], { schema: STORED, ...write })
          const all = await readRows(bytes, { schema: READ })
          const seenSchema = schemaOf(...READ.fields.filter(({ id }) => early.includes(id)))
          const isWanted = (row: number): boolean => lot(seed, 7000 + Math.floor(row / stretch)) < density
          const seen = new Map<number, Row>()
          const filter = {
            schema: seenSchema,
            maskOf: (batch: Parameters<typeof rowsOf>[0], position: number): Uint8Array => {
              for (const [i, row] of rowsOf(batch, seenSchema).entries()) seen.set(position + i, row)
              return Uint8Array.from({ length: batch.numRows }, (_, i) => Number(isWanted(position + i)))
            },
          }
          // Pages of the ids before `from` are left out.
          const pruning = {
            fieldIds: new Set([1]),
            schema: READ,
            mightMatch: (statsOf: (id: number) => { readonly upper?: unknown } | undefined) =>
              Number(statsOf(1)?.upper ?? rows) >= (from ?? 0),
          }
          const found: Row[] = []
          for await (const { batch, mask } of readParquet(memorySource(bytes), {
            schema: READ,
            batchRows,
            asideBytes,
            filter,
            ...(from !== undefined && { pruning }),
          }))
            found.push(...rowsOf(batch, READ).filter((_, i) => mask === undefined || mask[i] === 1))
          const wanted = [...all.keys()].filter((row) => seen.has(row) && isWanted(row))
          expect(found).toEqual(wanted.map((row) => all[row]))
          for (let row = from ?? 0; row < rows; row++) expect(seen.has(row)).toBe(true)
          for (const [row, values] of seen)
            expect(values).toEqual(Object.fromEntries(seenSchema.fields.map(({ name }) => [name, all[row]?.[name]])))
        },
      ),
      { numRuns: 300 },
    )
  }, 120_000)
})

it('leaves pages folded of which no row is wanted', async () => {
  const schema = schemaOf(fieldOf(1, 't', text))
  const cells = Array.from({ length: 100 }, (_, i) => `text ${i}`)
  const { bytes, footer } = encode([batchOf(schema, [cells])], {
    schema,
    codec: 'zstd',
    pageSizeBytes: 1,
    dictionarySizeBytes: 20,
  })
  const [chunk] = footer.rowGroups[0]?.columns ?? []
  if (chunk === undefined) throw new Error('no chunk')
  const body = bytes.subarray(chunk.offset, chunk.offset + chunk.compressedSizeBytes)
  const pages = parsePages(chunk, body, footer.schema, 'f')
  expect(pages.length).toBeGreaterThan(10)
  const field = { ...chunk.leaf, fieldId: undefined }
  const column = flatColumn({ field, codec: chunk.codec, pages, firstRow: 0, location: 'f' })
  const all = { start: 0, end: 100 }
  await column?.prepare(all, { isAside: false, isWanted: ({ start, end }) => start <= 50 && end > 50 })
  const valuesOf = (data: Data | undefined): unknown[] => (data === undefined ? [] : [...new Vector([data])])
  expect(valuesOf(column?.read({ start: 0, end: 60 }, Int32Array.of(50)))).toEqual(['text 50'])
  expect(() => column?.read({ start: 60, end: 100 }, Int32Array.of(39))).toThrow(InvalidDataError)
})
