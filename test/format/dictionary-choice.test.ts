import { describe, expect, it } from 'vitest'
import { dictionariesInVain } from '../../src/format/dictionary-choice.ts'
import { createParquetWriter } from '../../src/format/parquet-writer.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import type { InputRow } from '../../src/write/rows-to-arrow.ts'
import { readRows, rowsOf } from './parquet-file.ts'

const schema = defineSchema({
  id: 'long',
  kind: 'string',
  name: 'string',
  amount: 'decimal(20, 2)',
  price: 'double',
  at: 'timestamp',
  flag: 'boolean',
  place: 'struct<town: string>',
})
const rowOf = (i: number): InputRow => ({
  id: i,
  kind: `kind ${i % 8}`,
  name: i % 10 === 0 ? `a name that is longer than what is hashed of it: ${i}` : null,
  amount: `${i}.25`,
  price: (i % 50) / 4,
  at: new Date(1_700_000_000_000 + i),
  flag: i % 2 === 0,
  place: { town: `town ${i}` },
})
const rows = (count: number, row = rowOf): InputRow[] => Array.from({ length: count }, (_, i) => row(i))
const inVain = (count: number, row = rowOf): string[] => dictionariesInVain([rowsToBatch(rows(count, row), schema)])

describe('columns without a dictionary', () => {
  it.each([100, 511, 1000, 5000, 50_000])('are those that hardly repeat, of %i rows', (count) => {
    const few = count < 150 ? ['price'] : []
    expect(inVain(count)).toEqual(['id', 'name', 'amount', ...few, 'at'].toSorted((a, b) => order(a) - order(b)))
  })

  it('are told by all batches of a row group, slices included', () => {
    const whole = rowsToBatch(rows(2000), schema)
    const parts = [whole.slice(0, 7), whole.slice(7, 1300), whole.slice(1300)]
    expect(dictionariesInVain(parts)).toEqual(dictionariesInVain([whole]))
    // One value a batch, another in each.
    const same = Array.from({ length: 40 }, (_, i) =>
      rowsToBatch(
        rows(100, () => rowOf(i)),
        schema,
      ),
    )
    expect(dictionariesInVain(same)).toEqual([])
  })

  it.each([
    [1000, 10_000, true],
    [60_000, 3000, false],
    [60_000, 50_000, true],
  ])('of %i rows with %i values: %s', (count, values, expected) => {
    const spread = (i: number): InputRow => ({ id: scrambled(i) % values })
    expect(inVain(count, spread).includes('id')).toBe(expected)
  })

  it('are none where there are no rows, or nulls only', () => {
    expect(dictionariesInVain([])).toEqual([])
    expect(inVain(0)).toEqual([])
    expect(inVain(100, () => ({ kind: null }))).toEqual([])
  })

  it('are smaller, and hold the same rows', async () => {
    const batch = rowsToBatch(rows(20_000), schema)
    const writer = createParquetWriter({ schema, codec: 'uncompressed' })
    writer.write(batch)
    const { bytes, footer } = writer.finish()
    expect(await readRows(bytes, { schema })).toEqual(rowsOf(batch, schema))
    const [group] = footer.rowGroups
    const [id, kind] = group?.columns.map((chunk) => chunk.uncompressedSizeBytes) ?? []
    expect(id).toBeLessThan(20_000 * 8 * 1.02)
    expect(kind).toBeLessThan(20_000)
  })
})

function scrambled(i: number): number {
  const mixed = Math.imul(i ^ (i >>> 9), 0x9e37_79b1)
  return Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca6b) >>> 3
}

function order(name: string): number {
  return schema.fields.findIndex((field) => field.name === name)
}
