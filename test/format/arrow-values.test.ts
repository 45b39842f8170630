import { Vector } from 'apache-arrow'
import { expect, it } from 'vitest'
import { getValue, rowValueGetter, toRow, valueGetter } from '../../src/format/arrow-values.ts'
import type { PrimitiveType } from '../../src/spec/types.ts'
import { type Cell, batchOf, columnOf, fieldOf, schemaOf } from './arrow-column.ts'

const CASES: readonly (readonly [PrimitiveType, readonly Cell[]])[] = [
  [{ kind: 'boolean' }, [true, null, false, true, true, false, true, true, true, null]],
  [{ kind: 'int' }, [1, null, -3]],
  [{ kind: 'long' }, [1n, null, -(2n ** 63n)]],
  [{ kind: 'float' }, [1.5, null, -0]],
  [{ kind: 'double' }, [NaN, null, 1e300]],
  [
    { kind: 'decimal', precision: 38, scale: 3 },
    [2n ** 53n, null, -1n, 10n ** 37n, -(10n ** 37n), 2n ** 64n - 1n, -(2n ** 64n), 2n ** 32n],
  ],
  [{ kind: 'date' }, [0, null, -1]],
  [{ kind: 'timestamptz' }, [0n, null, -1n]],
  [{ kind: 'string' }, ['', null, '\uFEFFé😀']],
  [{ kind: 'uuid' }, ['f79c3e09-677c-4bbd-a479-3f349cb785e7', null]],
  [{ kind: 'fixed', length: 2 }, [Uint8Array.of(1, 2), null]],
  [{ kind: 'binary' }, [Uint8Array.of(1, 2), null, Uint8Array.of()]],
]

it.each(CASES)('%j gives its values, also in slices and chunked vectors', (type, cells) => {
  const column = columnOf(type, cells)
  const get = valueGetter(column, type)
  expect(cells.map((_, row) => get(row))).toEqual(cells)
  const slice = column.slice(1, cells.length - 1)
  expect(cells.slice(1).map((_, row) => valueGetter(slice, type)(row))).toEqual(cells.slice(1))
  const chunked = new Vector([column, slice])
  expect([...cells, ...cells.slice(1)].map((_, row) => getValue(chunked, row, type))).toEqual([
    ...cells,
    ...cells.slice(1),
  ])
  expect(getValue(chunked, 100, type)).toBeNull()
})

it('gives users bytes of their own', () => {
  const column = columnOf({ kind: 'binary' }, [Uint8Array.of(1)])
  const seen = rowValueGetter(column, { kind: 'binary' })(0) as Uint8Array
  seen[0] = 9
  expect(getValue(column, 0, { kind: 'binary' })).toEqual(Uint8Array.of(1))
})

it('gives rows of any schema that the batch fits, whatever columns are called', () => {
  const schema = schemaOf(fieldOf(1, '__proto__', { kind: 'int' }), fieldOf(2, 'constructor', { kind: 'int' }))
  const batch = batchOf(schema, [
    [1, 2],
    [3, null],
  ])
  const row = toRow(batch, schema, 0)
  expect(Object.entries(row)).toEqual([
    ['__proto__', 1],
    ['constructor', 3],
  ])
  expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
  expect(toRow(batch, schemaOf(fieldOf(1, 'other', { kind: 'int' })), 1)).toEqual({ other: 2 })
})
