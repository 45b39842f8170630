import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BoundExpression, referencedFieldIds } from '../../src/expr/bound-expression.ts'
import { evaluate } from '../../src/expr/evaluate.ts'
import { statsMightMatch } from '../../src/expr/metrics-evaluator.ts'
import type { PagePruning } from '../../src/format/parquet-page-selection.ts'
import { readParquet } from '../../src/format/parquet-reader.ts'
import { compileFilter } from '../../src/scan/filter-batch.ts'
import type { NestedField, Schema } from '../../src/spec/types.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { encode, memorySource, rowsOf } from '../format/parquet-file.ts'
import { SCHEMA, boundFilters, keyOf, rows, valueOf } from './scan-values.ts'
import type { TestRow } from './scan-values.ts'

/** Besides columns of every type: a row number, and columns that have no nulls or repeat. */
const MORE: readonly NestedField[] = [
  { id: 900, name: 'n', required: true, type: { kind: 'int' } },
  { id: 901, name: 'text', required: true, type: { kind: 'string' } },
  {
    id: 902,
    name: 'list',
    required: false,
    type: { kind: 'list', elementId: 903, element: { kind: 'long' }, elementRequired: false },
  },
  { id: 904, name: 'yes', required: true, type: { kind: 'boolean' } },
  { id: 905, name: 'eight', required: true, type: { kind: 'fixed', length: 8 } },
  { id: 906, name: 'real', required: true, type: { kind: 'double' } },
]
const WIDE: Schema = { ...SCHEMA, fields: [...MORE, ...SCHEMA.fields] }

function extend(row: TestRow, n: number): object {
  const list = n % 7 === 0 ? null : Array.from({ length: n % 5 }, (_, i) => (i === 3 ? null : BigInt(n + i)))
  const eight = Buffer.from(String(n).padStart(8, '0'))
  return { ...row, n, text: `${n} `.repeat(1 + (n % 40)), list, yes: n % 3 === 0, eight, real: n / 8 }
}

const cases = fc.record({
  input: rows.filter((made) => made.length > 1).map((made) => made.slice(0, 8)),
  /** Rows of the same values that follow each other: what makes pages differ. */
  repeat: fc.integer({ min: 300, max: 1500 }),
  filter: boundFilters,
  rowGroupRows: fc.constantFrom(3000, 100_000),
  pageSizeBytes: fc.constantFrom(1024, 6000, 30_000),
  pageVersion: fc.constantFrom('v1' as const, 'v2' as const),
  codec: fc.constantFrom('zstd' as const, 'uncompressed' as const),
  dictionarySizeBytes: fc.constantFrom(100, 2 ** 20),
  columns: fc.subarray(WIDE.fields.filter(({ name }) => name !== 'n').map(({ name }) => name)),
})

function pruningBy(filter: BoundExpression): PagePruning {
  const mightMatch: PagePruning['mightMatch'] = (statsOf) => statsMightMatch(filter, statsOf)
  return { fieldIds: referencedFieldIds(filter), schema: SCHEMA, mightMatch }
}

interface Found {
  /** By number of the row. */
  readonly matches: Map<number, string>
  readonly rowsRead: number
}

/** The rows that match, whose numbers must be those of their positions. */
async function find(bytes: Uint8Array, schema: Schema, filter: BoundExpression, pruning?: PagePruning): Promise<Found> {
  const matches = new Map<number, string>()
  let rowsRead = 0
  const keep = compileFilter(filter, schema)
  for await (const { batch, position } of readParquet(memorySource(bytes), { schema, pruning, batchRows: 1000 })) {
    const all = rowsOf(batch, schema)
    expect(all.map(({ n }) => n)).toEqual(all.map((_, i) => position + i))
    for (const [i, kept] of keep(batch).entries()) if (kept === 1) matches.set(position + i, keyOf(all[i]))
    rowsRead += batch.numRows
  }
  return { matches, rowsRead }
}

describe('pruning by pages', () => {
  it('gives the rows that the filter matches, for any pages', async () => {
    let spared = 0
    await fc.assert(
      fc.asyncProperty(cases, async ({ input, repeat, filter, columns, ...options }) => {
        const repeated = input.flatMap((row) => Array.from({ length: repeat }, () => row))
        const all = repeated.map(extend)
        const { bytes } = encode([rowsToBatch(all, WIDE)], { schema: WIDE, ...options })
        const named = new Set(['n', ...columns, ...filterColumns(filter)])
        const schema = { ...WIDE, fields: WIDE.fields.filter(({ name }) => named.has(name)) }
        const whole = await find(bytes, schema, filter)
        const pruned = await find(bytes, schema, filter, pruningBy(filter))
        const expected = repeated.flatMap((row, n) => (evaluate(filter, (id) => valueOf(row, id)) ? [n] : []))
        expect([...whole.matches.keys()]).toEqual(expected)
        expect(pruned.matches).toEqual(whole.matches)
        expect(whole.rowsRead).toBe(all.length)
        spared += whole.rowsRead - pruned.rowsRead
      }),
      { numRuns: 25 },
    )
    expect(spared).toBeGreaterThan(0)
  }, 120_000)
})

function filterColumns(filter: BoundExpression): string[] {
  const ids = referencedFieldIds(filter)
  return WIDE.fields.flatMap(({ id, name }) =>
    ids.has(id) || (name === 's' && [...ids].some((each) => each > 100 && each < 900)) ? [name] : [],
  )
}
