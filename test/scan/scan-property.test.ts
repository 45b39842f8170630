import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BoundExpression } from '../../src/expr/bound-expression.ts'
import { evaluate } from '../../src/expr/evaluate.ts'
import { and, or } from '../../src/expr/expression.ts'
import type { Expression } from '../../src/expr/expression.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import type { PartitionData } from '../../src/spec/data-file.ts'
import { buildPartitionSpec, partitionKey } from '../../src/spec/partition-spec.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { findField } from '../../src/spec/schema.ts'
import { applyTransform } from '../../src/spec/transform.ts'
import { isPrimitive } from '../../src/spec/types.ts'
import { toRowValue } from '../../src/spec/value.ts'
import { SCHEMA, boundFilters, keyOf, rows, valueOf } from './scan-values.ts'
import type { TestRow } from './scan-values.ts'
import { TableFixture, collect, collectSplits } from './table-fixture.ts'
import type { FileInput } from './table-fixture.ts'

const SPECS = [
  [],
  ['int'],
  ['string'],
  ['double'],
  ['float', 'flag'],
  ['binary'],
  ['s.int'],
  ['bucket(4, long)'],
  ['bucket(3, uuid)', 'time'],
  ['truncate(2, string)'],
  ['truncate(1, binary)', 'truncate(10, int)'],
  ['truncate(100, decimal)'],
  ['truncate(2, s.string)', 'bucket(2, s.decimal)'],
  ['year(ts)'],
  ['month(date)', 'day(tstz)'],
  ['hour(s.ts)'],
  ['void(int)', 'long'],
].map((terms) => buildPartitionSpec(SCHEMA, terms))

function partitionOf(row: TestRow, spec: PartitionSpec): PartitionData {
  return spec.fields.map(({ sourceIds: [id = 0], transform }) => {
    const type = findField(SCHEMA, id)?.type
    if (type === undefined || !isPrimitive(type)) throw new Error(`no source ${id}`)
    return applyTransform(transform, type, valueOf(row, id))
  })
}

/** Files of at most `size` rows of one partition each. */
function filesOf(input: readonly TestRow[], spec: PartitionSpec, size: number, metrics: 'full' | 'none'): FileInput[] {
  const groups = new Map<string, { readonly partition: PartitionData; readonly rows: TestRow[] }>()
  for (const row of input) {
    const partition = partitionOf(row, spec)
    const key = partitionKey(spec, partition)
    const group = groups.get(key) ?? { partition, rows: [] }
    groups.set(key, group)
    group.rows.push(row)
  }
  return [...groups.values()].flatMap((group) =>
    chunks(group.rows, size).map((part) => ({ rows: part, partition: group.partition, rowGroupRows: 2, metrics })),
  )
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
}

/** The filter as a user would build it. */
function unbind(bound: BoundExpression): Expression {
  if ('children' in bound) return (bound.type === 'and' ? and : or)(...bound.children.map(unbind))
  if (!('ref' in bound)) return bound
  const { type, name: term } = bound.ref
  if ('values' in bound) return { type: bound.type, term, values: bound.values.map((value) => toRowValue(type, value)) }
  if ('value' in bound) return { type: bound.type, term, value: toRowValue(type, bound.value) }
  return { type: bound.type, term }
}

const cases = fc.record({
  input: rows,
  filter: boundFilters,
  spec: fc.constantFrom(...SPECS),
  fileRows: fc.integer({ min: 1, max: 6 }),
  manifestFiles: fc.integer({ min: 1, max: 3 }),
  metrics: fc.constantFrom('full' as const, 'full' as const, 'none' as const),
  splitSizeBytes: fc.constantFrom(1, 5000, 2 ** 27),
})

describe('a scan with a filter', () => {
  it('gives the rows that the filter matches, for any rows, partitioning and filter', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ input, filter, spec, fileRows, manifestFiles, metrics, splitSizeBytes }) => {
        const table = new TableFixture(SCHEMA, { spec })
        await table.append(chunks(filesOf(input, spec, fileRows, metrics), manifestFiles))
        const expected = input.filter((row) => evaluate(filter, (id) => valueOf(row, id)))
        const scan = new TableScan(table.source(), { where: unbind(filter) })
        const found = await collect(scan.rows())
        expect(found.map(keyOf).toSorted()).toEqual(expected.map(keyOf).toSorted())
        expect(await scan.count()).toBe(BigInt(expected.length))
        const splits = await collectSplits(table.source(), { where: unbind(filter) }, splitSizeBytes)
        expect(splits.map(keyOf).toSorted()).toEqual(expected.map(keyOf).toSorted())
        const narrow = new TableScan(table.source(), { where: unbind(filter), select: ['s.int', 'string'], limit: 3 })
        expect(await collect(narrow.rows())).toEqual(
          found.slice(0, 3).map(({ s, string }) => ({ s: s === null ? null : { int: (s as TestRow)['int'] }, string })),
        )
      }),
      { numRuns: 150 },
    )
  }, 60_000)
})
