import type { RecordBatch } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildPartitionSpec } from '../../src/spec/partition-spec.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { applyTransform } from '../../src/spec/transform.ts'
import type { PrimitiveType, Schema } from '../../src/spec/types.ts'
import { fromRowValue, valuesEqual } from '../../src/spec/value.ts'
import { batchSizeBytes, concatBatches } from '../../src/format/arrow-concat.ts'
import { Partitioner, rowsOf } from '../../src/write/partitioner.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { transformResultType } from '../../src/spec/transform.ts'
import { SHAPES, poolRows, poolSchema, readRows } from './columns.ts'
import { transformsOf } from './transforms.ts'

/** All transforms that the top-level columns of a schema take. */
function fieldsOf(schema: Schema): PartitionSpec['fields'] {
  let fieldId = 1000
  return schema.fields.flatMap(({ id, type, name }) => {
    if (type.kind === 'struct' || type.kind === 'list' || type.kind === 'map' || type.kind === 'variant') return []
    return transformsOf(type).map((transform) => ({
      fieldId: fieldId++,
      sourceIds: [id],
      transform,
      name: `${name}_${fieldId}`,
    }))
  })
}

const pools = poolSchema()
const inputs = fc.record({
  rows: poolRows,
  fields: fc.subarray([...fieldsOf(pools)], { maxLength: 3 }),
  cut: fc.nat(40),
})

describe('partitioner', () => {
  it('gives every row to the partition of its values, in order, over all batches', () => {
    fc.assert(
      fc.property(inputs, ({ rows, fields, cut }) => {
        const spec: PartitionSpec = { specId: 0, fields }
        const partitioner = new Partitioner(pools, spec)
        const batch = rowsToBatch(rows, pools)
        const parts = [batch.slice(0, Math.min(cut, rows.length)), batch.slice(Math.min(cut, rows.length))].map(
          (half) => partitioner.split(half).map((part) => ({ part, batch: rowsOf(half, part) })),
        )
        const seen = new Map<number, unknown>()
        const types = new Map(pools.fields.map((field) => [field.id, field]))
        let total = 0
        for (const { part, batch: piece } of parts.flat()) {
          const before = seen.get(part.index)
          if (before !== undefined) expect(part.partition).toBe(before)
          seen.set(part.index, part.partition)
          for (const row of readRows(piece, pools)) {
            total++
            for (const [i, { sourceIds, transform }] of spec.fields.entries()) {
              const source = types.get(sourceIds[0] ?? 0)
              const type = source?.type as PrimitiveType
              const input = row[source?.name ?? '']
              const value = input === null ? null : fromRowValue(type, input)
              const expected = applyTransform(transform, type, value)
              expect(valuesEqual(transformResultType(transform, type), part.partition[i] ?? null, expected)).toBe(true)
            }
          }
        }
        expect(total).toBe(rows.length)
        expect(new Set(seen.values()).size).toBe(seen.size)
      }),
      { numRuns: 300 },
    )
  })

  it('splits by nested columns, with null where the struct is null', () => {
    const schema = defineSchema({ s: 'struct<t: struct<k: string>>', n: 'int' })
    const spec = buildPartitionSpec(schema, ['s.t.k'])
    const rows = [{ s: { t: { k: 'a' } } }, { s: null }, { s: { t: null } }, { s: { t: { k: 'a' } } }, { s: { t: {} } }]
    const parts = new Partitioner(schema, spec).split(rowsToBatch(rows, schema))
    expect(parts.map(({ partition, rowIndices }) => [partition, [...(rowIndices ?? [])]])).toEqual([
      [['a'], [0, 3]],
      [[null], [1, 2, 4]],
    ])
  })

  it('tells the zeros apart and holds NaNs for one', () => {
    const schema = defineSchema({ x: 'double' })
    const spec = buildPartitionSpec(schema, ['x'])
    const rows = [0, -0, Number.NaN, 0, -0, Number.NaN].map((x) => ({ x }))
    const parts = new Partitioner(schema, spec).split(rowsToBatch(rows, schema))
    expect(parts.map(({ partition, rowIndices }) => [partition, [...(rowIndices ?? [])]])).toEqual([
      [[0], [0, 3]],
      [[-0], [1, 4]],
      [[Number.NaN], [2, 5]],
    ])
  })

  it('holds a whole batch of one partition without a copy', () => {
    const schema = defineSchema({ d: 'date', n: 'int' })
    const batch = rowsToBatch([{ d: '2026-01-01' }, { d: '2026-01-31' }], schema)
    const [part] = new Partitioner(schema, buildPartitionSpec(schema, ['month(d)'])).split(batch)
    expect(part?.partition).toEqual([56 * 12])
    expect(part && rowsOf(batch, part)).toBe(batch)
  })

  it('keeps memory bounded over many distinct values of few results', () => {
    const schema = defineSchema({ id: 'long' })
    const partitioner = new Partitioner(schema, buildPartitionSpec(schema, ['bucket(4, id)']))
    const ids = new Set<number>()
    for (let n = 0; n < 3; n++) {
      const rows = Array.from({ length: 50_000 }, (_, i) => ({ id: n * 50_000 + i }))
      for (const { index } of partitioner.split(rowsToBatch(rows, schema))) ids.add(index)
    }
    expect(ids).toEqual(new Set([0, 1, 2, 3]))
  })

  it('refuses transforms of a later version', () => {
    const schema = defineSchema({ id: 'long' })
    const fields = [
      { fieldId: 1000, sourceIds: [1], transform: { kind: 'unknown', text: 'zorder' }, name: 'z' },
    ] as const
    const partitioner = new Partitioner(schema, { specId: 0, fields })
    expect(() => partitioner.split(rowsToBatch([{ id: 1 }], schema))).toThrow(/zorder/)
    expect(() => new Partitioner(schema, { specId: 0, fields: [{ ...fields[0], sourceIds: [1, 1] }] })).toThrow(
      /several/,
    )
  })
})

describe('concatBatches', () => {
  it('joins any slices', () => {
    fc.assert(
      fc.property(SHAPES, fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 1, maxLength: 4 }), (input, cuts) => {
        const { schema, rows } = input
        const batch = rowsToBatch(rows, schema)
        const slices = cuts.map(
          ([a, b]) => [Math.min(a, b, rows.length), Math.min(Math.max(a, b), rows.length)] as const,
        )
        const parts = slices.map(([from, to]) => batch.slice(from, to)) as [RecordBatch, ...RecordBatch[]]
        const joined = concatBatches(parts)
        expect(readRows(joined, schema)).toEqual(slices.flatMap(([from, to]) => rows.slice(from, to)))
        // What is joined may be cut and joined again.
        const [head, tail] = [joined.slice(0, joined.numRows >> 1), joined.slice(joined.numRows >> 1)]
        expect(readRows(concatBatches([tail, head]), schema)).toEqual([
          ...readRows(tail, schema),
          ...readRows(head, schema),
        ])
      }),
      { numRuns: 300 },
    )
  })

  it('weighs slices by their own rows', () => {
    const schema = defineSchema({ s: 'string', l: 'list<long>' })
    const rows = Array.from({ length: 1000 }, () => ({ s: 'x'.repeat(100), l: [1, 2, 3, 4] }))
    const batch = rowsToBatch(rows, schema)
    expect(batchSizeBytes(batch)).toBeGreaterThan(136_000)
    expect(batchSizeBytes(batch)).toBeLessThan(145_000)
    expect(batchSizeBytes(batch.slice(500, 510))).toBeLessThan(3000)
  })
})
