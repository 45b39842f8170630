/** Random types and values of them, for the property tests of this folder. */
import * as fc from 'fast-check'
import type { NestedField, PrimitiveType, Type, Value } from '../../src/spec/types.ts'

const INT64: fc.Arbitrary<bigint> = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
export const INT32: fc.Arbitrary<number> = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
/** Whole strings of Unicode, without lone surrogates, rich in characters on both sides of the surrogates. */
export const TEXT: fc.Arbitrary<string> = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom('\ue000', '\uffff', '😀', 'a'),
  ),
})

export const PRIMITIVES: fc.Arbitrary<PrimitiveType> = fc.oneof(
  fc.constantFrom<PrimitiveType>(
    { kind: 'boolean' },
    { kind: 'int' },
    { kind: 'long' },
    { kind: 'float' },
    { kind: 'double' },
    { kind: 'date' },
    { kind: 'time' },
    { kind: 'timestamp' },
    { kind: 'timestamptz' },
    { kind: 'timestamp_ns' },
    { kind: 'timestamptz_ns' },
    { kind: 'string' },
    { kind: 'uuid' },
    { kind: 'binary' },
  ),
  fc.integer({ min: 1, max: 40 }).map((length): PrimitiveType => ({ kind: 'fixed', length })),
  fc
    .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38))
    .map(([precision, scale]): PrimitiveType => ({ kind: 'decimal', precision, scale: Math.min(scale, precision) })),
)

export const GEOSPATIAL: fc.Arbitrary<PrimitiveType> = fc.constantFrom<PrimitiveType>(
  { kind: 'geometry' },
  { kind: 'geometry', crs: 'srid:4326' },
  { kind: 'geography' },
  { kind: 'geography', crs: 'srid:4326' },
  { kind: 'geography', algorithm: 'karney' },
  { kind: 'geography', crs: 'projjson:my-crs', algorithm: 'andoyer' },
)

const COORDINATE = fc.oneof(fc.double(), fc.double({ min: -90, max: 90 }), fc.constant(Number.NaN))

/** Points and lines of two to four dimensions, one alone or several. */
const SHAPES_IN_WKB: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.record({
      dimensions: fc.constantFrom(0, 1, 2, 3),
      points: fc.array(fc.tuple(COORDINATE, COORDINATE), { maxLength: 3 }),
    }),
    { maxLength: 3 },
  )
  .map((shapes) => {
    const members = shapes.map(({ dimensions, points }) => {
      const rest = Array.from({ length: [0, 1, 1, 2][dimensions] ?? 0 }, (_, i) => i + 0.5)
      const [type, count] = points.length === 1 ? [1, []] : [2, [u32(points.length)]]
      return Buffer.concat([
        Buffer.of(1),
        u32(type + 1000 * dimensions),
        ...count,
        ...points.map((point) => f64(...point, ...rest)),
      ])
    })
    const [only, ...others] = members
    const whole =
      only !== undefined && others.length === 0
        ? only
        : Buffer.concat([Buffer.of(1), u32(7), u32(members.length), ...members])
    return new Uint8Array(whole)
  })

function u32(value: number): Buffer {
  return Buffer.from(Uint32Array.of(value).buffer)
}

function f64(...values: number[]): Buffer {
  return Buffer.from(Float64Array.from(values).buffer)
}

export function valueOf(type: PrimitiveType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean()
    case 'int':
    case 'date':
      return INT32
    case 'float':
      return fc.float()
    case 'double':
      return fc.double()
    case 'decimal':
      return fc.bigInt({ min: -(10n ** BigInt(type.precision)) + 1n, max: 10n ** BigInt(type.precision) - 1n })
    case 'time':
      return fc.bigInt({ min: 0n, max: 86_399_999_999n })
    case 'string':
      return TEXT
    case 'uuid':
      return fc.uuid()
    case 'fixed':
      return fc.uint8Array({ minLength: type.length, maxLength: type.length })
    case 'binary':
      return fc.uint8Array()
    case 'geometry':
    case 'geography':
      return SHAPES_IN_WKB
    default:
      return INT64
  }
}

export const TYPED_VALUES: fc.Arbitrary<readonly [PrimitiveType, Value]> = PRIMITIVES.chain((type) =>
  valueOf(type).map((value) => [type, value] as const),
)

/** Types of up to four levels; `id` numbers their fields, so that 0 makes types as text has them. */
export function typesWithIds(id: fc.Arbitrary<number>): fc.Arbitrary<Type> {
  const { type } = fc.letrec<{ type: Type; field: NestedField }>((tie) => ({
    type: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(PRIMITIVES, GEOSPATIAL, fc.constantFrom<Type>({ kind: 'unknown' }, { kind: 'variant' })),
      fc.array(tie('field'), { maxLength: 4 }).map((fields): Type => ({ kind: 'struct', fields })),
      fc.record({
        kind: fc.constant('list' as const),
        elementId: id,
        element: tie('type'),
        elementRequired: fc.boolean(),
      }),
      fc.record({
        kind: fc.constant('map' as const),
        keyId: id,
        key: tie('type'),
        valueId: id,
        value: tie('type'),
        valueRequired: fc.boolean(),
      }),
    ),
    field: fc.record({ id, name: fc.string({ minLength: 1 }), type: tie('type'), required: fc.boolean() }),
  }))
  return type
}
