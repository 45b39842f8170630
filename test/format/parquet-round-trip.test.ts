import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/format/arrow-values.ts'
import { parseParquetCodec } from '../../src/format/parquet-wasm.ts'
import type { NestedField, Type } from '../../src/spec/types.ts'
import { type Cell, batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, readRows, rowsOf } from './parquet-file.ts'

const NINES = 10n ** 38n - 1n
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** A value without names. */
const variant = (...value: number[]): readonly Cell[] => [bytes(1, 0, 0), bytes(...value)]

/** Cells of every type, with its extremes. */
const CASES: readonly (readonly [Type, readonly Cell[]])[] = [
  [{ kind: 'boolean' }, [true, false]],
  [{ kind: 'int' }, [0, -1, 2 ** 31 - 1, -(2 ** 31)]],
  [{ kind: 'long' }, [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]],
  [{ kind: 'float' }, [0, -0, 1.5, NaN, Infinity, -Infinity]],
  [{ kind: 'double' }, [0, -0, Math.PI, NaN, 5e-324, -Number.MAX_VALUE]],
  [{ kind: 'decimal', precision: 9, scale: 2 }, [0n, 1n, -1n, 999_999_999n, -999_999_999n]],
  [{ kind: 'decimal', precision: 18, scale: 0 }, [10n ** 18n - 1n, -(10n ** 18n) + 1n]],
  [{ kind: 'decimal', precision: 38, scale: 10 }, [NINES, -NINES, 1n, -1n, 2n ** 64n, -(2n ** 64n), 2n ** 63n]],
  [{ kind: 'date' }, [0, -1, 20_000, -719_162]],
  [{ kind: 'time' }, [0n, 86_399_999_999n]],
  [{ kind: 'timestamp' }, [0n, -1n, 1_700_000_000_123_456n, -62_135_596_800_000_000n]],
  [{ kind: 'timestamptz' }, [0n, -1n, 253_402_300_799_999_999n]],
  [{ kind: 'timestamp_ns' }, [0n, -1n, 2n ** 63n - 1n]],
  [{ kind: 'timestamptz_ns' }, [1n, -(2n ** 62n)]],
  [{ kind: 'string' }, ['', 'a', '𝔘nicode\u0000 ☃', '\uFEFFbom', 'x'.repeat(1000)]],
  [{ kind: 'uuid' }, ['f79c3e09-677c-4bbd-a479-3f349cb785e7', '00000000-0000-0000-0000-000000000000']],
  [{ kind: 'fixed', length: 3 }, [bytes(0, 0, 0), bytes(255, 1, 2)]],
  [{ kind: 'binary' }, [bytes(), bytes(0), bytes(255, 254)]],
  [{ kind: 'geometry', crs: 'srid:4326' }, [bytes(1, 1, 0, 0, 0)]],
  [{ kind: 'geography', algorithm: 'karney' }, [bytes(1)]],
  [
    { kind: 'variant' },
    [variant(0), [bytes(1, 1, 0, 1, 97), bytes(2, 1, 0, 0, 2, 12, 7)], variant(24, 1, 2, 3, 4, 5, 6, 7, 8)],
  ],
  [
    { kind: 'list', elementId: 100, element: { kind: 'variant' }, elementRequired: false },
    [[variant(4), null, variant(8)], []],
  ],
  [{ kind: 'list', elementId: 100, element: { kind: 'int' }, elementRequired: false }, [[1, null, 3], [], [null]]],
  [{ kind: 'list', elementId: 100, element: { kind: 'string' }, elementRequired: true }, [['a', 'b'], [], ['']]],
  [
    { kind: 'map', keyId: 100, key: { kind: 'string' }, valueId: 101, value: { kind: 'long' }, valueRequired: false },
    [
      [
        ['a', 1n],
        ['b', null],
      ],
      [],
      [['', 0n]],
    ],
  ],
  [
    { kind: 'struct', fields: [fieldOf(100, 'x', { kind: 'int' }, true), fieldOf(101, 'y', { kind: 'string' })] },
    [
      [1, 'one'],
      [2, null],
    ],
  ],
  [
    {
      kind: 'list',
      elementId: 100,
      elementRequired: false,
      element: {
        kind: 'struct',
        fields: [
          fieldOf(101, 'm', {
            kind: 'map',
            keyId: 102,
            key: { kind: 'int' },
            valueId: 103,
            value: {
              kind: 'list',
              elementId: 104,
              element: { kind: 'decimal', precision: 20, scale: 1 },
              elementRequired: false,
            },
            valueRequired: false,
          }),
        ],
      },
    },
    [
      [
        [
          [
            [1, [10n, null]],
            [2, null],
            [3, []],
          ],
        ],
        null,
        [null],
      ],
      [],
      [[[]]],
    ],
  ],
]

/** Patterns of nulls over the cells, by row. */
const PATTERNS: Readonly<Record<string, (cells: readonly Cell[]) => readonly Cell[]>> = {
  'no nulls': (cells) => cells,
  'a null first, last and between': (cells) => [null, ...cells.flatMap((cell) => [cell, null])],
  'nulls only': (cells) => cells.map(() => null),
  'one row': (cells) => cells.slice(0, 1),
  'no rows': () => [],
}

describe.each(CASES)('%j', (type, values) => {
  it.each(Object.keys(PATTERNS))('comes back as written: %s', async (pattern) => {
    const schema = schemaOf(fieldOf(1, 'c', type))
    const batch = batchOf(schema, [PATTERNS[pattern]?.(values) ?? []])
    const file = encode([batch], { schema })
    expect(await readRows(file.bytes, { schema })).toEqual(rowsOf(batch, schema))
  })

  it('comes back from slices', async () => {
    const schema = schemaOf(fieldOf(1, 'c', type))
    const cells = Array.from({ length: 40 }, (_, i) => (i % 7 === 3 ? null : (values[i % values.length] ?? null)))
    const batch = batchOf(schema, [cells])
    const slices = [batch.slice(3, 17), batch.slice(17, 17), batch.slice(9, 40).slice(4, 30), batch.slice(39, 40)]
    const expected = slices.flatMap((slice) => rowsOf(slice, schema))
    const all = rowsOf(batch, schema)
    expect(expected).toEqual([...all.slice(3, 17), ...all.slice(13, 39), ...all.slice(39)])
    for (const rowGroupRows of [1000, 5]) {
      const file = encode(slices, { schema, rowGroupRows })
      expect(file.footer.rowGroups).toHaveLength(Math.ceil(expected.length / rowGroupRows))
      expect(await readRows(file.bytes, { schema })).toEqual(expected)
    }
  })

  it('comes back as a required column', async () => {
    const schema = schemaOf(fieldOf(1, 'c', type, true))
    const batch = batchOf(schema, [values])
    expect(await readRows(encode([batch], { schema }).bytes, { schema })).toEqual(rowsOf(batch, schema))
  })
})

it('shows users the row values of the contract', async () => {
  const types: readonly (readonly [string, Type, Cell])[] = [
    ['b', { kind: 'boolean' }, true],
    ['l', { kind: 'long' }, 9_007_199_254_740_993n],
    ['d', { kind: 'decimal', precision: 9, scale: 2 }, -5n],
    ['date', { kind: 'date' }, 20_484],
    ['time', { kind: 'time' }, 45_296_123_456n],
    ['ts', { kind: 'timestamp' }, 1_769_862_896_000_000n],
    ['tz', { kind: 'timestamptz' }, 1_769_862_896_123_456n],
    ['ns', { kind: 'timestamp_ns' }, 1_769_862_896_000_000_001n],
    ['bin', { kind: 'binary' }, bytes(1, 2)],
    ['u', { kind: 'unknown' }, null],
    [
      'm',
      { kind: 'map', keyId: 100, key: { kind: 'string' }, valueId: 101, value: { kind: 'long' }, valueRequired: true },
      [['k', 1n]],
    ],
  ]
  const schema = schemaOf(...types.map(([name, type], i): NestedField => fieldOf(i + 1, name, type)))
  const batch = batchOf(
    schema,
    types.map(([, , cell]) => [cell]),
  )
  const expected: Row = {
    b: true,
    l: 9_007_199_254_740_993n,
    d: '-0.05',
    date: '2026-01-31',
    time: '12:34:56.123456',
    ts: '2026-01-31T12:34:56',
    tz: '2026-01-31T12:34:56.123456+00:00',
    ns: '2026-01-31T12:34:56.000000001',
    bin: bytes(1, 2),
    u: null,
    m: new Map([['k', 1n]]),
  }
  expect(rowsOf(batch, schema)).toEqual([expected])
  expect(await readRows(encode([batch], { schema }).bytes, { schema })).toEqual([expected])
})

it.each(['zstd', 'snappy', 'gzip', 'brotli', 'lz4_raw', 'uncompressed', 'ZSTD', 'none'])(
  'writes with codec %s',
  async (name) => {
    const schema = schemaOf(fieldOf(1, 'c', { kind: 'string' }))
    const batch = batchOf(schema, [Array.from({ length: 1000 }, (_, i) => `value ${i % 10}`)])
    const file = encode([batch], { schema, codec: parseParquetCodec(name) })
    expect(await readRows(file.bytes, { schema })).toEqual(rowsOf(batch, schema))
  },
)

it('refuses a codec by name', () => {
  expect(() => parseParquetCodec('lzo')).toThrow(/codec "lzo".*zstd/)
})
