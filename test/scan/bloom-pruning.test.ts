import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expr/bind.ts'
import { parseFilter } from '../../src/expr/parse-filter.ts'
import { type OpenParquetSource, openParquet } from '../../src/format/parquet-source.ts'
import { xxhash64 } from '../../src/format/xxhash64.ts'
import { bloomMatches } from '../../src/scan/bloom-pruning.ts'
import type { Schema } from '../../src/spec/types.ts'
import { fieldOf, schemaOf } from '../format/arrow-column.ts'
import { fixture, memorySource } from '../format/parquet-file.ts'

/** By DuckDB: in row group 0 the even numbers from 0 to 798, in row group 1 those from 1000 to 1798. */
const SCHEMA: Schema = schemaOf(
  fieldOf(1, 'i', { kind: 'int' }),
  fieldOf(2, 'l', { kind: 'long' }),
  fieldOf(3, 's', { kind: 'string' }),
)
const bytes = fixture('duckdb/bloom-filters.parquet')

async function left(where: string, source?: OpenParquetSource): Promise<number[]> {
  const filter = bind(SCHEMA, parseFilter(where), { caseSensitive: true })
  return bloomMatches(source ?? (await openParquet(memorySource(bytes))), [0, 1], filter, {})
}

describe('bloom filters', () => {
  it('never rule out what a row group holds', async () => {
    for (let n = 0; n < 800; n += 2) {
      expect(await left(`l = ${n}`)).toContain(0)
      expect(await left(`s = 'user-${n + 1000}'`)).toContain(1)
    }
  })

  it('rule out nearly all that it does not hold', async () => {
    let kept = 0
    for (let n = 1; n < 800; n += 2) {
      kept += (await left(`l = ${n}`)).length
      kept += (await left(`s = 'user-${n}'`)).length
    }
    expect(kept).toBeLessThan(0.05 * 1600)
  })

  it('follow and, or and in; other comparisons and columns without filters are let be', async () => {
    expect(await left("l = 4 or s = 'user-1004'")).toEqual([0, 1])
    expect(await left("l = 4 and s = 'user-4'")).toEqual([0])
    expect(await left("l = 4 and s = 'user-1004'")).toEqual([])
    expect(await left('l in (1, 3, 1004)')).toEqual([1])
    expect(await left('l < 0')).toEqual([0, 1])
    expect(await left('i = 17')).toEqual([0, 1])
    expect(await left('l <> 3')).toEqual([0, 1])
  })

  it('are fetched as they are needed, and taken for none where they are broken', async () => {
    const source = memorySource(bytes)
    const { footer } = await openParquet(memorySource(bytes))
    expect(await left('l = 3', { ...source, footer })).toEqual([])
    expect(source.ranges.every(({ length }) => length <= 600)).toBe(true)
    for (const offset of footer.rowGroups.flatMap(({ columns }) => columns[1]?.bloomFilterOffset ?? [])) {
      const broken = Uint8Array.from(bytes).fill(0xff, offset, offset + 8)
      expect(await left('l = 3', { ...memorySource(broken), footer })).toHaveLength(1)
    }
  })
})

it.each([
  ['', 0xef46db3751d8e999n],
  ['a', 0xd24ec4f1a98c6e5bn],
  ['abc', 0x44bc2cf5ad770999n],
  ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
])('the XXH64 of "%s" is as published', (text, hash) => expect(xxhash64(Buffer.from(text))).toBe(hash))
