/**
 * Files written before the table's schema changed, read as it is now. With its neighbours this covers the specification's
 * column projection and schema evolution:
 *
 * | rule | tests |
 * | --- | --- |
 * | columns by field id at every level, renamed, reordered, narrowed | parquet-projection "projection by field id" |
 * | 1 identity partition values | parquet-projection "take a constant …", parquet-field-ids "comes after partition values", scan/foreign-tables "columns that only the partition knows" |
 * | 2 name mapping: levels, several names, dots, element/key/value, no id | parquet-field-ids, spec/name-mapping, scan/foreign-tables "name_mapping" |
 * | 3 initial defaults, 4 null: columns | parquet-projection "missing columns", scan/foreign-tables "initial defaults" |
 * | 3 and 4 within structs, lists, maps; dropped and added again; required | below, "columns added later" |
 * | promotions int, float, decimal, date, unknown | parquet-projection "promotions"; below, "promoted columns" |
 * | bounds of the old width, in footers and manifests | below, "statistics of promoted columns" |
 * | stored types, annotations, layouts of lists and maps | parquet-stored-types, parquet-foreign, parquet-plain |
 * | encodings, codecs, pages, row groups | parquet-foreign |
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expr/bind.ts'
import type { BoundExpression } from '../../src/expr/bound-expression.ts'
import { evaluate } from '../../src/expr/evaluate.ts'
import * as ex from '../../src/expr/expression.ts'
import { fileMightMatch, statsMightMatch } from '../../src/expr/metrics-evaluator.ts'
import type { Row } from '../../src/format/arrow-values.ts'
import { parquetMetrics } from '../../src/format/parquet-metrics.ts'
import { rowGroupStats } from '../../src/format/parquet-stats.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { decodeSingleValue } from '../../src/spec/single-value.ts'
import type { NestedField, PrimitiveType, Type } from '../../src/spec/types.ts'
import { type Value, fromRowValue } from '../../src/spec/value.ts'
import { type Cell, batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, memorySource, readBatches, readRows, rowsOf } from './parquet-file.ts'

const int: Type = { kind: 'int' }
const string: Type = { kind: 'string' }
const list = (element: Type): Type => ({ kind: 'list', elementId: 21, element, elementRequired: false })
const map = (value: Type): Type => ({ kind: 'map', keyId: 31, key: string, valueId: 32, value, valueRequired: false })
const struct = (...fields: NestedField[]): Type => ({ kind: 'struct', fields })
const withDefault = (field: NestedField, initialDefault: Value): NestedField => ({ ...field, initialDefault })

describe('columns added later', () => {
  const old = struct(fieldOf(40, 'x', int))
  const grown = struct(
    withDefault(fieldOf(41, 'y', string, true), 'new'),
    fieldOf(40, 'x', int),
    fieldOf(42, 'z', int),
    fieldOf(43, 's', struct(withDefault(fieldOf(44, 'in', int), 7))),
  )
  const member = (x: number | null): object => ({ y: 'new', x, z: null, s: null })
  const read = async (stored: Type, cells: readonly Cell[], wanted: Type): Promise<unknown[]> => {
    const written = schemaOf(fieldOf(1, 'c', stored))
    const { bytes } = encode([batchOf(written, [cells])], { schema: written })
    return (await readRows(bytes, { schema: schemaOf(fieldOf(1, 'c', wanted)) })).map((row) => row['c'])
  }

  it('to a struct have their initial default where it is not null', async () => {
    expect(await read(old, [[1], null, [null]], grown)).toEqual([member(1), null, member(null)])
  })

  it('to the structs in a list', async () => {
    const cells: readonly Cell[] = [[[1], null], null, [], [[3]]]
    expect(await read(list(old), cells, list(grown))).toEqual([[member(1), null], null, [], [member(3)]])
    expect(await read(list(list(old)), [[[[1]], []]], list(list(grown)))).toEqual([[[member(1)], []]])
  })

  it('to the values of a map', async () => {
    const cells: readonly Cell[] = [
      [
        ['a', [1]],
        ['b', null],
      ],
      null,
      [],
    ]
    expect(await read(map(old), cells, map(grown))).toEqual([
      new Map<string, unknown>([
        ['a', member(1)],
        ['b', null],
      ]),
      null,
      new Map(),
    ])
  })

  it('may not be required without a default, within a struct too', async () => {
    const wanted = struct(fieldOf(40, 'x', int), fieldOf(45, 'must', int, true))
    await expect(read(old, [[1]], wanted)).rejects.toThrow('column "c.must": it is required, but not in the file')
    await expect(read(list(old), [[[1]]], list(wanted))).rejects.toThrow('column "c.element.must"')
  })

  it('take the name of one that was dropped, not its values', async () => {
    const written = schemaOf(fieldOf(1, 'a', int), fieldOf(2, 's', struct(fieldOf(3, 'b', int))))
    const { bytes } = encode([batchOf(written, [[1], [[2]]])], { schema: written })
    const now = schemaOf(
      fieldOf(2, 's', struct(withDefault(fieldOf(5, 'b', string), 'again'))),
      withDefault(fieldOf(4, 'a', string), 'fresh'),
      fieldOf(1, 'was_a', { kind: 'long' }),
    )
    expect(await readRows(bytes, { schema: now })).toEqual([{ s: { b: 'again' }, a: 'fresh', was_a: 1n }])
  })

  it('were of type unknown once, which no file stores', async () => {
    const written = schemaOf(fieldOf(1, 'a', int), fieldOf(2, 'u', { kind: 'unknown' }))
    const { bytes } = encode([batchOf(written, [[1], [null]])], { schema: written })
    const types: readonly Type[] = [
      int,
      string,
      { kind: 'timestamptz_ns' },
      { kind: 'decimal', precision: 30, scale: 1 },
    ]
    for (const type of types)
      expect(await readRows(bytes, { schema: schemaOf(fieldOf(2, 'u', type), fieldOf(1, 'a', int)) })).toEqual([
        { u: null, a: 1 },
      ])
  })
})

/** Old type, new type, values of the old one, and some of the new one between and beyond them. */
interface Promotion {
  readonly from: PrimitiveType
  readonly to: PrimitiveType
  readonly values: fc.Arbitrary<Value>
  readonly others: readonly (number | bigint | string)[]
}
const date: PrimitiveType = { kind: 'date' }
const days = fc.integer({ min: -1_000_000, max: 100_000 })
const decimal = (precision: number): PrimitiveType => ({ kind: 'decimal', precision, scale: 2 })
const unscaled = (precision: number): fc.Arbitrary<bigint> =>
  fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n })
const PROMOTIONS: readonly Promotion[] = [
  { from: { kind: 'int' }, to: { kind: 'long' }, values: fc.integer(), others: [0n, 2n ** 31n, -(2n ** 40n)] },
  { from: { kind: 'float' }, to: { kind: 'double' }, values: fc.float(), others: [0.1, -0, 1e300, -1e300] },
  { from: decimal(9), to: decimal(20), values: unscaled(9), others: ['0.01', '9999999999.99'] },
  { from: decimal(18), to: decimal(38), values: unscaled(18), others: ['-0.01', '-99999999999999999999.99'] },
  { from: decimal(20), to: decimal(21), values: unscaled(20), others: ['0.00'] },
  {
    from: date,
    to: { kind: 'timestamp' },
    values: days,
    others: ['1970-01-01T00:00:00', '1969-12-31T23:59:59.999999'],
  },
  {
    from: date,
    to: { kind: 'timestamp_ns' },
    values: fc.integer({ min: -100_000, max: 100_000 }),
    others: ['1970-01-01T00:00:00.000000001'],
  },
]

describe('statistics of promoted columns', () => {
  it.each(PROMOTIONS)('exclude no row: $from to $to', async ({ from, to, values, others }) => {
    const written = schemaOf(fieldOf(1, 'c', from), fieldOf(2, 's', struct(fieldOf(3, 'm', from))))
    const now = schemaOf(fieldOf(2, 's', struct(fieldOf(3, 'm', to))), fieldOf(1, 'c', to))
    const cells = fc.array(fc.option(values, { freq: 4 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(cells, fc.nat(), async (column, pick) => {
        const batch = batchOf(written, [column, column.map((cell) => [cell])])
        const file = encode([batch], { schema: written, rowGroupRows: 4 })
        const rows: Row[][] = []
        for (let i = 0; i < file.footer.rowGroups.length; i++) {
          const batches = await readBatches(memorySource(file.bytes), { schema: now, rowGroups: [i] })
          rows.push(batches.flatMap((each) => rowsOf(each, now)))
        }
        const metrics = parquetMetrics(file.footer, written, () => ({ kind: 'full' }), file.nanValueCounts)
        // What a file's entry has of these: all that pruning looks at.
        const dataFile = metrics as DataFile
        const literals = [...others, ...rows.flat().flatMap((row) => (row['c'] === null ? [] : [row['c']]))]
        for (const expression of filtersOn(literals[pick % literals.length])) {
          const bound = bind(now, expression)
          const matching = rows.map((group) => group.some((row) => matches(bound, row, to)))
          matching.forEach((some, i) => {
            if (some)
              expect(statsMightMatch(bound, rowGroupStats(file.footer, i, now)), ex.printExpression(expression)).toBe(
                true,
              )
          })
          if (matching.includes(true))
            expect(fileMightMatch(bound, dataFile, now), ex.printExpression(expression)).toBe(true)
        }
      }),
      { numRuns: 40 },
    )
  })

  it.each(PROMOTIONS)('are bounds of the new type, and do exclude: $from to $to', ({ from, to }) => {
    const written = schemaOf(fieldOf(1, 'c', from))
    const now = schemaOf(fieldOf(1, 'c', to))
    const isBig = from.kind === 'decimal'
    const file = encode([batchOf(written, [isBig ? [100n, 300n] : [1, 3]])], { schema: written })
    const { lowerBounds } = parquetMetrics(file.footer, written, () => ({ kind: 'full' }), file.nanValueCounts)
    const { lower, upper } = rowGroupStats(file.footer, 0, now)(1) ?? {}
    const expected = (days3: bigint): Value =>
      ({ long: days3, double: Number(days3), decimal: days3 * 100n, timestamp: days3 * 86_400_000_000n })[
        to.kind as 'long'
      ] ?? days3 * 86_400_000_000_000n
    expect([lower, upper]).toEqual([expected(1n), expected(3n)])
    const bound = lowerBounds?.get(1)
    expect(bound && decodeSingleValue(to, bound)).toEqual(expected(1n))
    const filter = bind(now, ex.lessThan('c', fromLiteral(to)))
    expect(statsMightMatch(filter, rowGroupStats(file.footer, 0, now))).toBe(false)
  })
})

/** A literal of the type that is less than one, or than its second day. */
function fromLiteral(type: PrimitiveType): unknown {
  const literals: Partial<Record<PrimitiveType['kind'], unknown>> = { long: 1n, double: 1, decimal: '1.00' }
  return literals[type.kind] ?? '1970-01-02T00:00:00'
}

function filtersOn(literal: unknown): ex.Expression[] {
  return ['c', 's.m'].flatMap((column) => [
    ex.lessThan(column, literal),
    ex.lessThanOrEqual(column, literal),
    ex.greaterThan(column, literal),
    ex.greaterThanOrEqual(column, literal),
    ex.equal(column, literal),
    ex.notEqual(column, literal),
    ex.isIn(column, [literal]),
    ex.notIn(column, [literal]),
    ex.isNull(column),
    ex.notNull(column),
  ])
}

/** Columns c and s.m hold the same. */
function matches(bound: BoundExpression, row: Row, type: PrimitiveType): boolean {
  const cell = row['c'] ?? null
  return evaluate(bound, () => (cell === null ? null : fromRowValue(type, cell)))
}
