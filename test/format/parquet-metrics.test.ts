import { describe, expect, it } from 'vitest'
import { parquetMetrics } from '../../src/format/parquet-metrics.ts'
import { rowGroupStats } from '../../src/format/parquet-stats.ts'
import type { MetricsMode } from '../../src/spec/properties.ts'
import { decodeSingleValue } from '../../src/spec/single-value.ts'
import type { PrimitiveType, Schema, Type } from '../../src/spec/types.ts'
import type { Value } from '../../src/spec/value.ts'
import { type Cell, batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode } from './parquet-file.ts'

const FULL: MetricsMode = { kind: 'full' }
const SIXTEEN: MetricsMode = { kind: 'truncate', length: 16 }

function metricsOf(
  schema: Schema,
  columns: Cell[][],
  mode: MetricsMode = SIXTEEN,
  rowGroupRows = 1000,
): ReturnType<typeof parquetMetrics> {
  const file = encode([batchOf(schema, columns)], { schema, rowGroupRows })
  return parquetMetrics(file.footer, schema, () => mode, file.nanValueCounts)
}

function boundsOf(
  type: PrimitiveType,
  cells: Cell[],
  mode: MetricsMode = SIXTEEN,
  rowGroupRows = 1000,
): (Value | undefined)[] {
  const { lowerBounds, upperBounds } = metricsOf(schemaOf(fieldOf(1, 'c', type)), [cells], mode, rowGroupRows)
  return [lowerBounds?.get(1), upperBounds?.get(1)].map((bytes) => bytes && decodeSingleValue(type, bytes))
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const NINES = 10n ** 38n - 1n

describe('bounds', () => {
  it.each<[PrimitiveType, Cell[], Value, Value]>([
    [{ kind: 'boolean' }, [true, null, false], false, true],
    [{ kind: 'int' }, [3, -5, null], -5, 3],
    [{ kind: 'long' }, [2n ** 60n, -(2n ** 63n)], -(2n ** 63n), 2n ** 60n],
    [{ kind: 'float' }, [1.5, -2.5], -2.5, 1.5],
    [{ kind: 'double' }, [Infinity, -Infinity], -Infinity, Infinity],
    [{ kind: 'decimal', precision: 9, scale: 2 }, [100n, -1n, 99n], -1n, 100n],
    [{ kind: 'decimal', precision: 18, scale: 2 }, [100n, -(10n ** 17n)], -(10n ** 17n), 100n],
    [{ kind: 'decimal', precision: 38, scale: 2 }, [NINES, -NINES, 0n], -NINES, NINES],
    [{ kind: 'date' }, [-1, 20_000], -1, 20_000],
    [{ kind: 'time' }, [5n, 1n], 1n, 5n],
    [{ kind: 'timestamp' }, [5n, -1n], -1n, 5n],
    [{ kind: 'timestamptz_ns' }, [5n, -1n], -1n, 5n],
    [{ kind: 'string' }, ['b', 'a', 'ab', ''], '', 'b'],
    [{ kind: 'string' }, ['\u{10000}', '\uFFFF', 'z'], 'z', '\u{10000}'],
    [
      { kind: 'uuid' },
      ['f79c3e09-677c-4bbd-a479-3f349cb785e7', '0f9c3e09-677c-4bbd-a479-3f349cb785e7'],
      '0f9c3e09-677c-4bbd-a479-3f349cb785e7',
      'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    ],
    [{ kind: 'fixed', length: 2 }, [bytes(0x80, 0), bytes(0x7f, 0xff)], bytes(0x7f, 0xff), bytes(0x80, 0)],
    [{ kind: 'binary' }, [bytes(0x80), bytes(0x7f, 0xff), bytes()], bytes(), bytes(0x80)],
  ])('of %j', (type, cells, lower, upper) => {
    expect(boundsOf(type, cells)).toEqual([lower, upper])
    expect(boundsOf(type, cells, FULL)).toEqual([lower, upper])
    // Row group by row group: minima and maxima are merged.
    expect(boundsOf(type, cells, SIXTEEN, 1)).toEqual([lower, upper])
  })

  it('leave out NaN, and cover both zeros', () => {
    expect(boundsOf({ kind: 'double' }, [NaN, 1, NaN, 2])).toEqual([1, 2])
    expect(boundsOf({ kind: 'float' }, [NaN, NaN])).toEqual([undefined, undefined])
    expect(boundsOf({ kind: 'float' }, [NaN, NaN, 5, null], SIXTEEN, 1)).toEqual([5, 5])
    for (const zero of [0, -0]) expect(boundsOf({ kind: 'double' }, [zero])).toEqual([-0, 0])
  })

  it('are none of nulls only, of no rows, and of shapes', () => {
    expect(boundsOf({ kind: 'int' }, [null, null])).toEqual([undefined, undefined])
    expect(boundsOf({ kind: 'int' }, [])).toEqual([undefined, undefined])
    expect(boundsOf({ kind: 'int' }, [null, 4, null], SIXTEEN, 1)).toEqual([4, 4])
    expect(boundsOf({ kind: 'geometry' }, [bytes(1, 2)])).toEqual([undefined, undefined])
  })

  const max = String.fromCodePoint(0x10ffff)
  it.each<[string, string | undefined]>([
    ['abcdefghijklmnop', 'abcdefghijklmnop'],
    ['abcdefghijklmnopq', 'abcdefghijklmnoq'],
    [`abcdefghijklmno\uD7FFz`, 'abcdefghijklmno\uE000'],
    [`abcdefghijklmno${max}z`, 'abcdefghijklmnp'],
    [`abcdefghijklmn${max}${max}z`, 'abcdefghijklmo'],
    [max.repeat(16), max.repeat(16)],
    ['😀'.repeat(17), `${'😀'.repeat(15)}😁`],
    ['é'.repeat(40), `${'é'.repeat(15)}ê`],
    ['x'.repeat(500), `${'x'.repeat(15)}y`],
  ])('of text %j end at %j', (text, upper) => {
    expect(boundsOf({ kind: 'string' }, [text])).toEqual([Array.from(text).slice(0, 16).join(''), upper])
  })

  it('of text and bytes without a successor have no upper end', () => {
    expect(boundsOf({ kind: 'string' }, [max.repeat(20)])).toEqual([max.repeat(16), undefined])
    const ones = new Uint8Array(40).fill(255)
    expect(boundsOf({ kind: 'binary' }, [ones])).toEqual([ones.slice(0, 16), undefined])
    expect(boundsOf({ kind: 'binary' }, [bytes(1, ...ones)])).toEqual([bytes(1, ...ones.slice(0, 15)), bytes(2)])
    expect(boundsOf({ kind: 'binary' }, [new Uint8Array(17)])).toEqual([
      new Uint8Array(16),
      Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? 1 : 0)),
    ])
  })

  it.each([0, 1])('are unknown where row group %i has values and no statistics', (silent) => {
    const schema = schemaOf(fieldOf(1, 'i', { kind: 'int' }), fieldOf(2, 'f', { kind: 'float' }))
    const { footer } = encode(
      [
        batchOf(schema, [
          [1, 2],
          [1, 2],
        ]),
      ],
      { schema, rowGroupRows: 1 },
    )
    const rowGroups = footer.rowGroups.map((group, i) => ({
      ...group,
      columns: group.columns.map((chunk) => (i === silent ? { ...chunk, statistics: { nullCount: 0 } } : chunk)),
    }))
    const metrics = parquetMetrics({ ...footer, rowGroups }, schema, () => FULL, new Map())
    expect([metrics.lowerBounds, metrics.upperBounds]).toEqual([new Map(), new Map()])
    const uncounted = rowGroups.map((group) =>
      Object.assign({}, group, { columns: group.columns.map((chunk) => Object.assign({}, chunk, { statistics: {} })) }),
    )
    const bare = parquetMetrics({ ...footer, rowGroups: uncounted }, schema, () => FULL, new Map())
    expect([bare.nullValueCounts, bare.nanValueCounts, bare.valueCounts]).toEqual([
      new Map(),
      new Map(),
      new Map([
        [1, 2],
        [2, 2],
      ]),
    ])
  })

  it('hold where the file itself cuts its statistics', () => {
    const [lower, upper] = boundsOf({ kind: 'string' }, ['a'.repeat(300), 'z'.repeat(300)], FULL)
    expect(String(lower) <= 'a'.repeat(300) && String(lower).startsWith('aaa')).toBe(true)
    expect(String(upper) >= 'z'.repeat(300)).toBe(true)
    const long: PrimitiveType = { kind: 'fixed', length: 100 }
    expect(boundsOf(long, [new Uint8Array(100).fill(7)], FULL)).toEqual([undefined, undefined])
  })
})

describe('counts', () => {
  const struct: Type = {
    kind: 'struct',
    fields: [fieldOf(3, 'f', { kind: 'float' }), fieldOf(4, 's', { kind: 'string' })],
  }
  const schema = schemaOf(
    fieldOf(1, 'd', { kind: 'double' }, true),
    fieldOf(2, 'st', struct),
    fieldOf(5, 'l', { kind: 'list', elementId: 6, element: { kind: 'double' }, elementRequired: false }),
    fieldOf(7, 'm', {
      kind: 'map',
      keyId: 8,
      key: { kind: 'string' },
      valueId: 9,
      value: { kind: 'int' },
      valueRequired: false,
    }),
    fieldOf(10, 'u', { kind: 'unknown' }),
  )
  const columns: Cell[][] = [
    [NaN, 1, NaN, 2],
    [[NaN, 'a'], null, [null, 'b'], [2, null]],
    [[1, NaN], [], null, [null]],
    [
      [['k', 1]],
      [],
      null,
      [
        ['j', null],
        ['i', 2],
      ],
    ],
    [null, null, null, null],
  ]

  it('are there for every column, bounds outside lists and maps only', () => {
    for (const rowGroupRows of [1000, 3]) {
      const metrics = metricsOf(schema, columns, SIXTEEN, rowGroupRows)
      expect(metrics.recordCount).toBe(4)
      expect(metrics.valueCounts).toEqual(
        new Map([
          [1, 4],
          [3, 4],
          [4, 4],
          [6, 5],
          [8, 5],
          [9, 5],
        ]),
      )
      expect(metrics.nullValueCounts).toEqual(
        new Map([
          [1, 0],
          [3, 2],
          [4, 2],
          [6, 3],
          [8, 2],
          [9, 3],
        ]),
      )
      expect(metrics.nanValueCounts).toEqual(
        new Map([
          [1, 2],
          [3, 1],
        ]),
      )
      expect([...(metrics.lowerBounds?.keys() ?? [])]).toEqual([1, 3, 4])
      expect([...(metrics.upperBounds?.keys() ?? [])]).toEqual([1, 3, 4])
      expect([...(metrics.columnSizes?.keys() ?? [])]).toEqual([1, 3, 4, 6, 8, 9])
      expect(Math.min(...(metrics.columnSizes?.values() ?? []))).toBeGreaterThan(10)
      expect(metrics.splitOffsets).toHaveLength(rowGroupRows === 3 ? 2 : 1)
      expect(metrics.splitOffsets?.[0]).toBe(4)
    }
  })

  it('follow the mode of each column', () => {
    const file = encode([batchOf(schema, columns)], { schema })
    const modes: Record<number, MetricsMode> = {
      1: { kind: 'none' },
      3: { kind: 'counts' },
      4: { kind: 'truncate', length: 1 },
    }
    const metrics = parquetMetrics(file.footer, schema, (id) => modes[id] ?? { kind: 'none' }, file.nanValueCounts)
    expect([...(metrics.columnSizes?.keys() ?? [])]).toEqual([3, 4])
    expect([...(metrics.valueCounts?.keys() ?? [])]).toEqual([3, 4])
    expect([...(metrics.nanValueCounts?.keys() ?? [])]).toEqual([3])
    expect([...(metrics.lowerBounds?.keys() ?? [])]).toEqual([4])
  })

  it('count no NaN under a null, nor one outside a slice', () => {
    const table = schemaOf(fieldOf(1, 'd', { kind: 'double' }), fieldOf(2, 'st', struct))
    const batch = batchOf(table, [
      [NaN, null, 1, NaN, NaN],
      [[NaN, ''], null, [1, ''], [NaN, ''], null],
    ])
    expect(encode([batch.slice(1, 4)], { schema: table }).nanValueCounts).toEqual(
      new Map([
        [1, 1],
        [3, 1],
      ]),
    )
  })
})

describe('rowGroupStats', () => {
  const schema = schemaOf(
    fieldOf(1, 'n', { kind: 'int' }),
    fieldOf(2, 'd', { kind: 'date' }),
    fieldOf(3, 't', { kind: 'string' }),
  )
  const { footer } = encode(
    [
      batchOf(schema, [
        [1, 2, null, 9],
        [1, 2, 3, 4],
        ['a', 'b', null, null],
      ]),
    ],
    { schema, rowGroupRows: 2 },
  )

  it('gives counts and bounds of each row group', () => {
    expect(rowGroupStats(footer, 0, schema)(1)).toEqual({ valueCount: 2, nullCount: 0, lower: 1, upper: 2 })
    expect(rowGroupStats(footer, 1, schema)(1)).toEqual({ valueCount: 2, nullCount: 1, lower: 9, upper: 9 })
    expect(rowGroupStats(footer, 1, schema)(3)).toEqual({
      valueCount: 2,
      nullCount: 2,
      lower: undefined,
      upper: undefined,
    })
    expect(rowGroupStats(footer, 0, schema)(99)).toBeUndefined()
    expect(rowGroupStats(footer, 7, schema)(1)).toBeUndefined()
  })

  it('gives bounds in the types that columns have now', () => {
    const promoted = schemaOf(
      fieldOf(1, 'n', { kind: 'long' }),
      fieldOf(2, 'd', { kind: 'timestamp' }),
      fieldOf(3, 't', { kind: 'int' }),
    )
    const stats = rowGroupStats(footer, 0, promoted)
    expect([stats(1)?.lower, stats(1)?.upper]).toEqual([1n, 2n])
    expect([stats(2)?.lower, stats(2)?.upper]).toEqual([86_400_000_000n, 172_800_000_000n])
    expect([stats(3)?.lower, stats(3)?.upper]).toEqual([undefined, undefined])
  })
})
