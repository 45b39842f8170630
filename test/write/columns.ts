/** Random schemas with rows of them, and a reader of Arrow data that shares no code with what it checks. */
import { Vector } from 'apache-arrow'
import type { Data, RecordBatch } from 'apache-arrow'
import fc from 'fast-check'
import type { NestedField, PrimitiveType, Schema, Type } from '../../src/spec/types.ts'
import { toRowValue } from '../../src/spec/value.ts'
import type { RowValue, Value } from '../../src/spec/value.ts'
import { decodeVariant } from '../../src/format/variant-value.ts'
import { GEOSPATIAL, INT32, PRIMITIVES, TEXT, valueOf } from '../spec/arbitraries.ts'

/** Nulls are only made where a field may hold them. */
type Shape = { readonly type: Type; readonly values: fc.Arbitrary<RowValue> }

const TEMPORAL: ReadonlySet<string> = new Set([
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'timestamp_ns',
  'timestamptz_ns',
])

let nextId = 1

const primitive: fc.Arbitrary<Shape> = fc
  .oneof({ weight: 9, arbitrary: PRIMITIVES }, GEOSPATIAL)
  .map((type) => ({ type, values: valueOf(type).map((value) => toRowValue(type, value)) }))

const unknown: fc.Arbitrary<Shape> = fc.constant({ type: { kind: 'unknown' }, values: fc.constant(null) })

/** Values that come back as they are given. */
const { variant } = fc.letrec<{ variant: RowValue }>((tie) => ({
  variant: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(
      fc.boolean(),
      INT32,
      fc.double().filter((value) => !Number.isSafeInteger(value) || Object.is(value, -0)),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      TEXT,
      fc.uint8Array(),
    ),
    fc.array(fc.option(tie('variant')), { maxLength: 4 }),
    fc.dictionary(fc.oneof(TEXT, fc.constantFrom('__proto__', 'toString')), fc.option(tie('variant')), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
}))
const variants: Shape = { type: { kind: 'variant' }, values: variant }

const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof({ weight: 9, arbitrary: primitive }, fc.constant(variants)),
    fc.tuple(tie('shape'), fc.boolean()).map(([element, required]): Shape => ({
      type: { kind: 'list', elementId: nextId++, element: element.type, elementRequired: required },
      values: fc.array(required ? element.values : nullable(element.values), { maxLength: 3 }),
    })),
    fc.tuple(primitive, tie('shape'), fc.boolean()).map(([key, value, required]): Shape => ({
      type: {
        kind: 'map',
        keyId: nextId++,
        key: key.type,
        valueId: nextId++,
        value: value.type,
        valueRequired: required,
      },
      values: fc
        .uniqueArray(fc.tuple(key.values, required ? value.values : nullable(value.values)), {
          maxLength: 3,
          selector: ([k]) => k,
        })
        .map((entries) => new Map(entries)),
    })),
    members(tie('shape'), 3).map(({ fields, values }): Shape => ({ type: { kind: 'struct', fields }, values })),
  ),
}))

export const SHAPES: fc.Arbitrary<{ readonly schema: Schema; readonly rows: readonly Record<string, RowValue>[] }> =
  members(fc.oneof({ weight: 12, arbitrary: shape }, unknown), 6).chain(({ fields, values }) =>
    fc
      .array(values, { maxLength: 30 })
      .map((rows) => ({ schema: { schemaId: 0, fields, identifierFieldIds: [] }, rows })),
  )

function members(shapes: fc.Arbitrary<Shape>, maxLength: number) {
  const names = fc.oneof(fc.constantFrom('id', 'constructor', 'toString', 'ä', 'a.b'), fc.string({ minLength: 1 }))
  return fc
    .uniqueArray(fc.tuple(names, shapes, fc.boolean()), { minLength: 1, maxLength, selector: ([name]) => name })
    .map((entries) => {
      const fields = entries.map(([name, { type }, required]): NestedField => ({
        id: nextId++,
        name,
        type,
        required: required && type.kind !== 'unknown',
      }))
      const record = Object.fromEntries(
        entries.map(([name, { type, values }, required]) => [
          name,
          required || type.kind === 'unknown' ? values : nullable(values),
        ]),
      )
      return { fields, values: fc.record(record) }
    })
}

function nullable(values: fc.Arbitrary<RowValue>): fc.Arbitrary<RowValue> {
  return fc.option(values, { freq: 4 })
}

/** Rows of a batch as users see them. */
export function readRows(batch: RecordBatch, { fields }: Pick<Schema, 'fields'>): Record<string, RowValue>[] {
  const columns = fields.map((field, i) => readColumn(batch.data.children[i] as Data, field.type))
  return Array.from({ length: batch.numRows }, (_, row) =>
    Object.fromEntries(fields.map((field, i) => [field.name, columns[i]?.[row] ?? null])),
  )
}

function readColumn(data: Data, type: Type): RowValue[] {
  const rows = Array.from({ length: data.length }, (_, row) => row)
  const some = (read: (row: number) => RowValue) => rows.map((row) => (data.getValid(row) ? read(row) : null))
  switch (type.kind) {
    case 'struct': {
      const columns = type.fields.map((field, i) => readColumn(data.children[i] as Data, field.type))
      return some((row) => Object.fromEntries(type.fields.map((field, i) => [field.name, columns[i]?.[row] ?? null])))
    }
    case 'list': {
      const elements = readColumn(data.children[0] as Data, type.element)
      return some((row) => elements.slice(data.valueOffsets[row], data.valueOffsets[row + 1]))
    }
    case 'map': {
      const entries = data.children[0] as Data
      const keys = readColumn(entries.children[0] as Data, type.key)
      const values = readColumn(entries.children[1] as Data, type.value)
      return some((row) => {
        const slots = rows.length === 0 ? [] : range(data.valueOffsets[row], data.valueOffsets[row + 1])
        return new Map(slots.map((slot) => [keys[slot] ?? null, values[slot] ?? null]))
      })
    }
    case 'unknown':
      return rows.map(() => null)
    case 'variant': {
      // Held against the binaries of Java in variant-shredding.test.ts.
      const [metadata, value] = data.children.map((child) => readColumn(child, { kind: 'binary' }) as Uint8Array[])
      return some((row) => decodeVariant(metadata?.[row] ?? bytes(), value?.[row] ?? bytes()))
    }
    default: {
      // Arrow reads dates and times as milliseconds: the raw values are exact.
      if (TEMPORAL.has(type.kind)) return some((row) => toRowValue(type, data.values[row] as Value))
      const vector = new Vector([data])
      return some((row) => toRowValue(type, internal(type, vector.get(row))))
    }
  }
}

/** Arrow's own reading as a spec value. */
function internal(type: PrimitiveType, value: unknown): Value {
  if (type.kind === 'uuid') {
    const hex = Buffer.from(value as Uint8Array).toString('hex')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  if (type.kind === 'decimal') {
    const words = [...(value as Uint32Array)].map(BigInt)
    return BigInt.asIntN(
      128,
      words.reduceRight((sum, word) => (sum << 32n) | word, 0n),
    )
  }
  return value as Value
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** Few values of each type, at its edges, so that rows have much in common. */
const POOLS: Readonly<Record<string, { readonly type: PrimitiveType; readonly values: readonly RowValue[] }>> = {
  flag: { type: { kind: 'boolean' }, values: [true, false] },
  int: { type: { kind: 'int' }, values: [-2147483648, -1, 0, 1, 7, 2147483647] },
  long: { type: { kind: 'long' }, values: [-(2n ** 63n), -(2n ** 32n), -1n, 0n, 1n, 2n ** 32n - 1n, 2n ** 63n - 1n] },
  small: { type: { kind: 'long' }, values: [-(2n ** 53n), -(2n ** 32n), -1n, 0n, 1n, 2n ** 32n - 1n, 2n ** 52n] },
  float: { type: { kind: 'float' }, values: [Number.NaN, -Infinity, -1.5, -0, 0, 1.5, Infinity] },
  double: { type: { kind: 'double' }, values: [Number.NaN, -Infinity, -1e300, -5e-324, -0, 0, 0.1, Infinity] },
  finite: { type: { kind: 'double' }, values: [-1e300, -5e-324, 0, 0.1] },
  decimal: {
    type: { kind: 'decimal', precision: 38, scale: 2 },
    values: ['-184467440737095516.16', '-0.01', '0.00', '5.20'],
  },
  date: { type: { kind: 'date' }, values: ['0001-01-01', '1969-12-31', '1970-01-01', '2026-01-31'] },
  time: { type: { kind: 'time' }, values: ['00:00:00', '12:34:56.123456', '23:59:59.999999'] },
  ts: {
    type: { kind: 'timestamp' },
    values: ['1969-12-31T23:59:59.999999', '1970-01-01T00:00:00', '2026-01-31T12:00:00'],
  },
  ns: { type: { kind: 'timestamp_ns' }, values: ['1969-12-31T23:59:59.999999999', '2026-01-31T12:00:00.000000001'] },
  string: { type: { kind: 'string' }, values: ['', 'a', 'ab', 'abc', 'b', 'é', '\uffff', '😀'] },
  uuid: {
    type: { kind: 'uuid' },
    values: ['f79c3e09-677c-4bbd-a479-3f349cb785e7', 'ffffffff-0000-0000-0000-000000000000'],
  },
  fixed: { type: { kind: 'fixed', length: 3 }, values: [bytes(0, 0, 0), bytes(0, 1, 255), bytes(255, 0, 0)] },
  binary: { type: { kind: 'binary' }, values: [bytes(), bytes(0), bytes(0, 1), bytes(127), bytes(255)] },
}

const poolNames = Object.keys(POOLS)

/** The columns of POOLS, with ids from 1. */
export function poolSchema(): Schema {
  const fields = poolNames.map((name, i): NestedField => {
    const { type } = POOLS[name] ?? { type: { kind: 'unknown' } }
    return { id: i + 1, name, required: false, type }
  })
  return { schemaId: 0, identifierFieldIds: [], fields }
}

export const poolRows: fc.Arbitrary<Record<string, RowValue>[]> = fc.array(
  fc.record(
    Object.fromEntries(poolNames.map((name) => [name, fc.option(fc.constantFrom(...(POOLS[name]?.values ?? [])))])),
  ),
  { maxLength: 40 },
)
