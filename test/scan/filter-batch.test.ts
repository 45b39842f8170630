import { RecordBatch, Struct, makeData } from 'apache-arrow'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import type { BoundExpression } from '../../src/expr/bound-expression.ts'
import { evaluate } from '../../src/expr/evaluate.ts'
import { toArrowSchema } from '../../src/format/arrow-schema.ts'
import { compileFilter, countRows, filterRows } from '../../src/scan/filter-batch.ts'
import { RowPacker } from '../../src/write/rows-to-arrow.ts'
import { SCHEMA, boundFilters, rows, valueOf } from './scan-values.ts'
import type { TestRow } from './scan-values.ts'

function batchOf(input: readonly TestRow[]): RecordBatch {
  const packer = new RowPacker(SCHEMA)
  packer.append(input)
  return packer.finish()
}

describe('compileFilter', () => {
  it('equals evaluate on every row, of slices too', () => {
    fc.assert(
      fc.property(rows, boundFilters, fc.nat(9), (input, filter, start) => {
        const mask = compileFilter(filter, SCHEMA)(batchOf(input).slice(start))
        const expected = input.slice(start).map((row) => Number(evaluate(filter, (id) => valueOf(row, id))))
        expect([...mask]).toEqual(expected)
      }),
      { numRuns: 400 },
    )
  })

  it('sees members of a null struct as null, whatever lies in their buffers', () => {
    const point = { kind: 'struct', fields: [{ id: 2, name: 'x', required: false, type: { kind: 'int' } }] } as const
    const schema = {
      schemaId: 0,
      identifierFieldIds: [],
      fields: [{ id: 1, name: 'p', required: false, type: point }],
    }
    const arrow = toArrowSchema(schema)
    const [field] = arrow.fields
    const type = field?.type as Struct
    const x = makeData({ type: type.children[0]?.type, length: 3, data: Int32Array.of(1, 2, 3) })
    const p = makeData({ type, length: 3, nullBitmap: Uint8Array.of(0b101), nullCount: 1, children: [x] })
    const batch = new RecordBatch(arrow, makeData({ type: new Struct(arrow.fields), length: 3, children: [p] }))
    const ref = { fieldId: 2, name: 'p.x', type: { kind: 'int' }, required: false } as const
    expect([...compileFilter({ type: 'gt', ref, value: 0 }, schema)(batch)]).toEqual([1, 0, 1])
    expect([...compileFilter({ type: 'is-null', ref }, schema)(batch)]).toEqual([0, 1, 0])
  })

  it('refuses a filter on a column that is not read', () => {
    const ref = { fieldId: 999, name: 'gone', type: { kind: 'int' }, required: false } as const
    expect(() => compileFilter({ type: 'not-null', ref }, SCHEMA)).toThrow(InvalidDataError)
  })

  it('takes constants', () => {
    const batch = batchOf([{ s: null }, { s: null }])
    const constants: BoundExpression[] = [{ type: 'true' }, { type: 'false' }]
    expect(constants.map((filter) => countRows(compileFilter(filter, SCHEMA)(batch)))).toEqual([2, 0])
  })
})

describe('filterRows', () => {
  const batch = batchOf([1, 2, 3, 4, 5].map((int) => ({ int: int === 2 ? null : int, s: null })))
  const ints = (mask: readonly number[]): unknown[] => [
    ...(filterRows(batch, Uint8Array.from(mask)).getChild('int') ?? []),
  ]

  it('gives the batch itself where all rows stay', () => {
    expect(filterRows(batch, new Uint8Array(5).fill(1))).toBe(batch)
  })

  it.each([
    [[0, 0, 0, 0, 0], []],
    [
      [0, 1, 1, 0, 0],
      [null, 3],
    ],
    [
      [1, 0, 0, 0, 1],
      [1, 5],
    ],
    [
      [1, 1, 0, 1, 0],
      [1, null, 4],
    ],
  ])('keeps the rows of %j', (mask, expected) => {
    expect(ints(mask)).toEqual(expected)
  })
})
