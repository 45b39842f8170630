/** Rows and filters for the tests of scans: a column of every primitive type, with values at the edges of each. */
import { Buffer } from 'node:buffer'
import * as fc from 'fast-check'
import { boundSet } from '../../src/expr/bound-expression.ts'
import type { BoundExpression, BoundReference } from '../../src/expr/bound-expression.ts'
import type { NestedField, PrimitiveType, Schema } from '../../src/spec/types.ts'
import { fromRowValue } from '../../src/spec/value.ts'
import type { RowValue, Value } from '../../src/spec/value.ts'

const MAX_38 = '9'.repeat(36)
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** By column name; every column is optional. */
const POOLS: Readonly<Record<string, { readonly type: PrimitiveType; readonly values: readonly RowValue[] }>> = {
  flag: { type: { kind: 'boolean' }, values: [true, false] },
  int: { type: { kind: 'int' }, values: [-2147483648, -1, 0, 1, 7, 2147483647] },
  long: {
    type: { kind: 'long' },
    values: [-(2n ** 63n), -(2n ** 32n), -1n, 0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n - 1n],
  },
  float: { type: { kind: 'float' }, values: [Number.NaN, -Infinity, -1.5, -0, 0, 1.5, Infinity] },
  double: { type: { kind: 'double' }, values: [Number.NaN, -Infinity, -1e300, -0, 0, 0.1, Infinity] },
  decimal: {
    type: { kind: 'decimal', precision: 38, scale: 2 },
    values: [`-${MAX_38}.99`, '-18446744073709551616.00', '-0.01', '0.00', '0.01', '42949672.96', `${MAX_38}.99`],
  },
  date: { type: { kind: 'date' }, values: ['0001-01-01', '1969-12-31', '1970-01-01', '2026-01-31'] },
  time: { type: { kind: 'time' }, values: ['00:00:00', '12:34:56.123456', '23:59:59.999999'] },
  ts: {
    type: { kind: 'timestamp' },
    values: ['1969-12-31T23:59:59.999999', '1970-01-01T00:00:00', '2026-01-31T12:00:00'],
  },
  tstz: { type: { kind: 'timestamptz' }, values: ['1969-12-31T23:59:59+00:00', '2026-01-31T12:00:00.000001+00:00'] },
  string: { type: { kind: 'string' }, values: ['', 'a', 'ab', 'abc', 'b', 'é', '\uffff', '😀'] },
  uuid: {
    type: { kind: 'uuid' },
    values: [
      '00000000-0000-0000-0000-000000000000',
      'f79c3e09-677c-4bbd-a479-3f349cb785e7',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
    ],
  },
  fixed: { type: { kind: 'fixed', length: 3 }, values: [bytes(0, 0, 0), bytes(0, 1, 255), bytes(255, 0, 0)] },
  binary: { type: { kind: 'binary' }, values: [bytes(), bytes(0), bytes(0, 1), bytes(127), bytes(255)] },
}

const names = Object.keys(POOLS)

function poolOf(name: string): { readonly type: PrimitiveType; readonly values: readonly RowValue[] } {
  const pool = POOLS[name]
  if (pool === undefined) throw new Error(`no column ${name}`)
  return pool
}

/** The columns of POOLS with ids from 1, and once more as members of the optional struct `s` (ids from 101). */
export const SCHEMA: Schema = {
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    ...fieldsFrom(1),
    { id: 100, name: 's', required: false, type: { kind: 'struct', fields: fieldsFrom(101) } },
  ],
}

function fieldsFrom(firstId: number): NestedField[] {
  return names.map((name, i) => ({ id: firstId + i, name, required: false, type: poolOf(name).type }))
}

/** Columns of every type, and under `s` a struct of the same, or null. */
export type TestRow = Readonly<Record<string, RowValue | undefined>>

const flat = fc.record(
  Object.fromEntries(names.map((name) => [name, fc.option(fc.constantFrom(...poolOf(name).values), { freq: 4 })])),
)

export const rows: fc.Arbitrary<TestRow[]> = fc.array(
  fc.tuple(flat, fc.option(flat, { freq: 3 })).map(([columns, s]) => Object.assign({}, columns, { s })),
  { maxLength: 40 },
)

/** The value of a field, with null where a parent is null. */
export function valueOf(row: TestRow, fieldId: number): Value | null {
  const from: TestRow | null = fieldId > 100 ? (row['s'] as TestRow | null) : row
  const name = names[(fieldId - 1) % 100] ?? ''
  const value = from?.[name]
  return value === null || value === undefined ? null : fromRowValue(poolOf(name).type, value)
}

const references: fc.Arbitrary<{ ref: BoundReference; literals: readonly Value[] }> = fc
  .tuple(fc.nat(names.length - 1), fc.boolean())
  .map(([i, nested]) => {
    const name = names[i] ?? ''
    const { type, values } = poolOf(name)
    const literals = values.filter((v) => !Number.isNaN(v)).map((v) => fromRowValue(type, v))
    return {
      ref: { fieldId: i + (nested ? 101 : 1), name: nested ? `s.${name}` : name, type, required: false },
      literals,
    }
  })

const comparisons = ['lt', 'lt-eq', 'gt', 'gt-eq', 'eq', 'not-eq'] as const

const predicates: fc.Arbitrary<BoundExpression> = references.chain(({ ref, literals }) => {
  const literal = fc.constantFrom(...literals)
  const isFloat = ref.type.kind === 'float' || ref.type.kind === 'double'
  const options: fc.Arbitrary<BoundExpression>[] = [
    fc.constantFrom('is-null' as const, 'not-null' as const).map((type) => ({ type, ref })),
    fc.tuple(fc.constantFrom(...comparisons), literal).map(([type, value]) => ({ type, ref, value })),
    fc
      .tuple(fc.constantFrom('in' as const, 'not-in' as const), fc.array(literal, { minLength: 2, maxLength: 5 }))
      .map(([type, values]) => boundSet(type, ref, values)),
  ]
  if (isFloat) options.push(fc.constantFrom('is-nan' as const, 'not-nan' as const).map((type) => ({ type, ref })))
  if (ref.type.kind === 'string') {
    const prefix = fc.constantFrom('starts-with' as const, 'not-starts-with' as const)
    options.push(fc.tuple(prefix, literal).map(([type, value]) => ({ type, ref, value })))
  }
  return fc.oneof(...options)
})

/** Filters on SCHEMA, bound. */
export const boundFilters: fc.Arbitrary<BoundExpression> = fc.letrec<{ filter: BoundExpression }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    predicates,
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('filter'), { minLength: 2, maxLength: 3 }))
      .map(([type, children]) => ({ type, children })),
  ),
})).filter

/** Equality of rows in tests, by text. */
export function keyOf(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === 'bigint') return `${member}n`
    if (typeof member === 'number' && !Number.isFinite(member)) return String(member)
    if (Object.is(member, -0)) return '-0'
    if (member instanceof Uint8Array) return `0x${Buffer.from(member).toString('hex')}`
    if (member instanceof Map) return [...member]
    return member
  })
}
