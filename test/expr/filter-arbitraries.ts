/** Random schemas, rows, filters and partition specs for the property tests of expr, dense in edge cases. */
import * as fc from 'fast-check'
import type { Expression } from '../../src/expr/expression.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { checkTransform, truncateText } from '../../src/spec/transform.ts'
import type { Transform } from '../../src/spec/transform.ts'
import type { NestedField, PrimitiveType, Schema } from '../../src/spec/types.ts'
import { toRowValue } from '../../src/spec/value.ts'
import type { Value } from '../../src/spec/value.ts'

/** Values by field id. */
export type TestRow = ReadonlyMap<number, Value | null>

export interface TestTable {
  readonly schema: Schema
  readonly columns: readonly TestColumn[]
  readonly rows: readonly TestRow[]
}

export interface TestColumn {
  readonly id: number
  readonly name: string
  readonly type: PrimitiveType
  readonly required: boolean
}

const TYPES: readonly PrimitiveType[] = [
  { kind: 'boolean' },
  { kind: 'int' },
  { kind: 'long' },
  { kind: 'float' },
  { kind: 'double' },
  { kind: 'decimal', precision: 4, scale: 2 },
  { kind: 'decimal', precision: 38, scale: 10 },
  { kind: 'date' },
  { kind: 'time' },
  { kind: 'timestamp' },
  { kind: 'timestamptz' },
  { kind: 'timestamp_ns' },
  { kind: 'timestamptz_ns' },
  { kind: 'string' },
  { kind: 'uuid' },
  { kind: 'fixed', length: 3 },
  { kind: 'binary' },
  { kind: 'unknown' },
]

const INT = 2 ** 31
const LONG = 2n ** 63n
const HOUR = 3_600_000_000n

function bigints(min: bigint, max: bigint, unit = 1n): fc.Arbitrary<bigint> {
  const near = fc.bigInt({ min: -30n, max: 30n })
  return fc
    .oneof(
      { weight: 6, arbitrary: near },
      { weight: 3, arbitrary: near.map((n) => n * unit) },
      { weight: 3, arbitrary: fc.tuple(near, near).map(([a, b]) => a * unit + b) },
      { weight: 1, arbitrary: fc.constantFrom(min, min + 1n, min + 7n, max - 7n, max - 1n, max) },
      { weight: 1, arbitrary: fc.bigInt({ min, max }) },
    )
    .map((n) => (n < min ? min : n > max ? max : n))
}

const text = fc
  .array(fc.constantFrom('a', 'b', 'é', '\u{ffff}', '\u{e000}', '😀', '\u{10ffff}', '%', '_'), { maxLength: 4 })
  .chain((parts) => fc.nat({ max: 20 }).map((repeat) => (repeat > 15 ? 'ab'.repeat(9) : '') + parts.join('')))

const bytes = (min: number, max: number): fc.Arbitrary<Uint8Array> =>
  fc
    .array(fc.constantFrom(0, 1, 127, 128, 255), { minLength: min, maxLength: max })
    .map((values) => Uint8Array.from(values))

const doubles = fc.oneof(
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 1.5, -1.5, 0.1, Number.MAX_VALUE, Number.MIN_VALUE),
  fc.double(),
)

export function valueOf(type: PrimitiveType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean()
    case 'int':
      return bigints(BigInt(-INT), BigInt(INT - 1)).map(Number)
    case 'date':
      return bigints(BigInt(-INT), BigInt(INT - 1), 28n).map(Number)
    case 'long':
      return bigints(-LONG, LONG - 1n)
    case 'float':
      return doubles.map((value) => Math.fround(value))
    case 'double':
      return doubles
    case 'decimal': {
      const max = 10n ** BigInt(type.precision) - 1n
      return bigints(-max, max, 10n ** BigInt(type.scale))
    }
    case 'time':
      return bigints(0n, 86_399_999_999n, HOUR / 2n)
    case 'timestamp':
    case 'timestamptz':
      // Hours beyond 32 bits can't be stored as a partition, the type that the specification gives them.
      return fc
        .constantFrom(HOUR, HOUR * 24n, HOUR * 24n * 31n)
        .chain((unit) => bigints(BigInt(-INT) * HOUR, BigInt(INT) * HOUR - 1n, unit))
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return fc.constantFrom(HOUR, HOUR * 24n).chain((unit) => bigints(-LONG, LONG - 1n, unit * 1000n))
    case 'string':
      return text
    case 'uuid':
      return bytes(16, 16).map((value) => {
        const hex = Buffer.from(value).toString('hex')
        return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
      })
    case 'fixed':
      return bytes(type.length, type.length)
    case 'binary':
      return fc.oneof(bytes(0, 4), bytes(14, 19))
    case 'unknown':
    case 'geometry':
    case 'geography':
      throw new Error(`no values of type ${type.kind}`)
  }
}

const column = fc.record({ type: fc.constantFrom(...TYPES), required: fc.boolean(), nested: fc.boolean() })

/** A table of up to three columns, some of them in an optional struct. */
export const table: fc.Arbitrary<TestTable> = fc.array(column, { minLength: 1, maxLength: 3 }).chain((columns) => {
  const all = columns.map(({ type, required, nested }, i): TestColumn & { field: NestedField } => {
    const id = i + 1
    const name = `c${id}`
    const leaf: NestedField = { id, name, type, required: required && type.kind !== 'unknown' }
    if (!nested) return { id, name, type, required: leaf.required, field: leaf }
    const field: NestedField = {
      id: id + 10,
      name: `s${id}`,
      type: { kind: 'struct', fields: [leaf] },
      required: false,
    }
    return { id, name: `s${id}.${name}`, type, required: false, field }
  })
  const schema: Schema = { schemaId: 0, fields: all.map(({ field }) => field), identifierFieldIds: [] }
  const row = fc.tuple(...all.map(cell)).map((cells): TestRow => new Map(cells))
  return fc.array(row, { minLength: 1, maxLength: 6 }).map((rows) => ({ schema, columns: all, rows }))
})

function cell({ id, type, required }: TestColumn): fc.Arbitrary<[number, Value | null]> {
  if (type.kind === 'unknown') return fc.constant([id, null])
  const value = valueOf(type)
  return (required ? value : fc.option(value, { freq: 4 })).map((v) => [id, v])
}

/** Filters whose literals are often values of the rows; literals are given as users give them. */
export function filterOn({ columns, rows }: TestTable): fc.Arbitrary<Expression> {
  const leaf = fc.constantFrom(...columns).chain((c) => predicateOn(c, rows))
  const constant = fc.constantFrom<Expression>({ type: 'true' }, { type: 'false' })
  return fc.letrec<{ filter: Expression }>((tie) => ({
    filter: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 12, arbitrary: leaf },
      { weight: 1, arbitrary: constant },
      {
        weight: 6,
        arbitrary: fc.record({ type: fc.constantFrom('and', 'or'), left: tie('filter'), right: tie('filter') }),
      },
      { weight: 3, arbitrary: fc.record({ type: fc.constant('not'), child: tie('filter') }) },
    ),
  })).filter
}

function predicateOn({ id, name, type }: TestColumn, rows: readonly TestRow[]): fc.Arbitrary<Expression> {
  const nulls = fc.constantFrom('is-null', 'not-null').map((t): Expression => ({ type: t, term: name }))
  if (type.kind === 'unknown') return nulls
  const present = rows.flatMap((row) => row.get(id) ?? [])
  const any = valueOf(type)
  const value = (present.length > 0 ? fc.oneof(any, fc.constantFrom(...present)) : any)
    .filter((v) => !Number.isNaN(v))
    .map((v) => toRowValue(type, v))
  const compare = fc
    .tuple(fc.constantFrom('lt', 'lt-eq', 'gt', 'gt-eq', 'eq', 'not-eq'), value)
    .map(([t, v]): Expression => ({ type: t, term: name, value: v }))
  const set = fc
    .tuple(fc.constantFrom('in', 'not-in'), fc.array(value, { maxLength: 4 }))
    .map(([t, values]): Expression => ({ type: t, term: name, values }))
  const arbitraries: fc.Arbitrary<Expression>[] = [nulls, compare, compare, compare, set, set]
  if (type.kind === 'float' || type.kind === 'double') {
    arbitraries.push(fc.constantFrom('is-nan', 'not-nan').map((t): Expression => ({ type: t, term: name })))
  }
  if (type.kind === 'string') {
    const prefix = fc
      .tuple(value, fc.nat({ max: 20 }))
      .map(([v, length]) => truncateText(typeof v === 'string' ? v : '', length))
    const starts = fc
      .tuple(fc.constantFrom('starts-with', 'not-starts-with'), prefix)
      .map(([t, v]): Expression => ({ type: t, term: name, value: v }))
    arbitraries.push(starts, starts)
  }
  return fc.oneof(...arbitraries)
}

const transforms: readonly Transform[] = [
  { kind: 'identity' },
  { kind: 'void' },
  { kind: 'unknown', text: 'zorder' },
  ...[1, 2, 7].map((buckets): Transform => ({ kind: 'bucket', buckets })),
  ...[1, 3, 10, 16, 1_000_000].map((width): Transform => ({ kind: 'truncate', width })),
  { kind: 'year' },
  { kind: 'month' },
  { kind: 'day' },
  { kind: 'hour' },
]

function takes(transform: Transform, type: PrimitiveType): boolean {
  if (transform.kind === 'unknown') return true
  try {
    checkTransform(transform, { name: 'c', type })
    return type.kind !== 'unknown' || transform.kind === 'void'
  } catch {
    return false
  }
}

/** Any transforms that the columns take, several on one column too. */
export function specOn({ columns }: TestTable): fc.Arbitrary<PartitionSpec> {
  const field = fc.constantFrom(...columns).chain(({ id, type }) => {
    const fitting = transforms.filter((transform) => takes(transform, type))
    return fc.constantFrom(...fitting).map((transform) => ({ sourceIds: [id], transform }))
  })
  return fc.array(field, { maxLength: 3 }).map((fields) => ({
    specId: 0,
    fields: fields.map((f, i) => ({ ...f, fieldId: 1000 + i, name: `p${i}` })),
  }))
}
