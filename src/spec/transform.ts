/**
 * Partition transforms (spec, "Partition Transforms"): from a source value to a partition or sort value. The writer's
 * partitioner applies them to rows, expr/project.ts to literals.
 */
import { UnsupportedError, ValidationError } from '../base/errors.ts'
import { SECONDS_PER_DAY, civilFromDays, floorDivide, unitsPerSecond } from './date-time.ts'
import { murmur3, murmur3Long } from './murmur3.ts'
import { encodeSingleValue } from './single-value.ts'
import { printTypeText } from './type-text.ts'
import { isPrimitive } from './types.ts'
import type { NestedField, PrimitiveType, Type, TypeKind, Value } from './types.ts'

export type Transform =
  | { readonly kind: 'identity' | 'year' | 'month' | 'day' | 'hour' | 'void' }
  | { readonly kind: 'bucket'; readonly buckets: number }
  | { readonly kind: 'truncate'; readonly width: number }
  /** A transform of a later version: read, never written with. */
  | { readonly kind: 'unknown'; readonly text: string }

const MAX_UTF8_BYTES_PER_UNIT = 3
const encoder = new TextEncoder()
const scratch = new Uint8Array(1024)
const PARAMETRISED = /^(bucket|truncate)\[(\d+)\]$/i
const INT_MAX = 2_147_483_647
const TIMESTAMPS: readonly TypeKind[] = ['timestamp', 'timestamptz', 'timestamp_ns', 'timestamptz_ns']
const EXACT: readonly TypeKind[] = ['int', 'long', 'decimal', 'string', 'binary']
/** The source types of each transform; absent: any. */
const SOURCES: Readonly<Partial<Record<Transform['kind'], readonly TypeKind[]>>> = {
  bucket: [...EXACT, ...TIMESTAMPS, 'date', 'time', 'uuid', 'fixed'],
  truncate: EXACT,
  year: ['date', ...TIMESTAMPS],
  month: ['date', ...TIMESTAMPS],
  day: ['date', ...TIMESTAMPS],
  hour: TIMESTAMPS,
}

/** Reads `identity`, `bucket[16]` …; any other text is an unknown transform. */
export function parseTransform(text: string): Transform {
  const name = text.trim().toLowerCase()
  switch (name) {
    case 'identity':
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
    case 'void':
      return { kind: name }
    default: {
      const match = PARAMETRISED.exec(name)
      const parameter = Number(match?.[2])
      if (match === null || parameter < 1 || parameter > INT_MAX) return { kind: 'unknown', text }
      return match[1] === 'bucket' ? { kind: 'bucket', buckets: parameter } : { kind: 'truncate', width: parameter }
    }
  }
}

export function printTransform(transform: Transform): string {
  switch (transform.kind) {
    case 'bucket':
      return `bucket[${transform.buckets}]`
    case 'truncate':
      return `truncate[${transform.width}]`
    case 'unknown':
      return transform.text
    default:
      return transform.kind
  }
}

/** ValidationError where a transform does not take values of a type, UnsupportedError for an unknown transform. */
export function checkTransform(transform: Transform, { name, type }: Pick<NestedField, 'name' | 'type'>): void {
  if (transform.kind === 'unknown') throw unknownTransform(transform.text)
  if (canTransform(transform, type)) return
  const sources = SOURCES[transform.kind] ?? ['primitive types but geometry and geography']
  throw new ValidationError(
    `transform ${printTransform(transform)} can't be applied to ${printTypeText(type)}, the type of "${name}": it takes ${sources.join(', ')}`,
    { context: { transform: printTransform(transform), column: name, type: printTypeText(type) } },
  )
}

/** The type of transformed values; string where the transform is unknown, as in Java. */
export function transformResultType(transform: Transform, source: Type): PrimitiveType {
  switch (transform.kind) {
    case 'identity':
    case 'truncate':
    case 'void':
      return isPrimitive(source) ? source : { kind: 'unknown' }
    case 'bucket':
    case 'year':
    case 'month':
    case 'hour':
      return { kind: 'int' }
    case 'day':
      return { kind: 'date' }
    case 'unknown':
      return { kind: 'string' }
  }
}

/** Null stays null; UnsupportedError for an unknown transform. */
export function applyTransform(transform: Transform, source: PrimitiveType, value: Value | null): Value | null {
  if (transform.kind === 'unknown') throw unknownTransform(transform.text)
  if (value === null) return null
  switch (transform.kind) {
    case 'identity':
      return value
    case 'void':
      return null
    case 'bucket':
      return (bucketHash(source, value) & INT_MAX) % transform.buckets
    case 'truncate':
      return truncate(source, value, transform.width)
    case 'year':
      return civilFromDays(daysOf(source, value)).year - 1970
    case 'month': {
      const { year, month } = civilFromDays(daysOf(source, value))
      return (year - 1970) * 12 + month - 1
    }
    case 'day':
      return daysOf(source, value)
    case 'hour':
      return floorDivide(value as bigint, 3600 * unitsOf(source))
  }
}

/** The hash of Appendix B as a signed 32-bit integer; equal for values that are equal in types promoted to. */
export function bucketHash(source: PrimitiveType, value: Value): number {
  switch (source.kind) {
    case 'int':
    case 'date':
      return murmur3Long(value as number, (value as number) < 0 ? -1 : 0)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return hashLong(value as bigint)
    case 'timestamp_ns':
    case 'timestamptz_ns': {
      const nanos = value as bigint
      return hashLong(nanos / 1000n - (nanos % 1000n < 0n ? 1n : 0n))
    }
    case 'string':
      return hashText(value as string)
    case 'decimal':
    case 'uuid':
    case 'fixed':
    case 'binary':
      return murmur3(encodeSingleValue(source, value))
    case 'boolean':
      return murmur3Long(value === true ? 1 : 0, 0)
    case 'float':
    case 'double':
      return hashDouble(value as number)
    case 'unknown':
    case 'geometry':
    case 'geography':
      throw new UnsupportedError(`values of type ${printTypeText(source)} have no bucket hash`)
  }
}

function canTransform(transform: Transform, source: Type): boolean {
  if (transform.kind === 'void') return true
  if (transform.kind === 'identity')
    return isPrimitive(source) && source.kind !== 'geometry' && source.kind !== 'geography'
  return SOURCES[transform.kind]?.includes(source.kind) ?? false
}

function unknownTransform(text: string): UnsupportedError {
  return new UnsupportedError(
    `transform "${text}" is of a later version of the format: firn can read past it, not write with it`,
    {
      context: { transform: text },
    },
  )
}

function hashLong(value: bigint): number {
  return murmur3Long(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
}

/** Encoding short text in place takes a tenth of the time of a new array. */
function hashText(text: string): number {
  if (text.length * MAX_UTF8_BYTES_PER_UNIT > scratch.length) return murmur3(encoder.encode(text))
  return murmur3(scratch.subarray(0, encoder.encodeInto(text, scratch).written))
}

/** Floats hash as doubles, -0 as 0 and every NaN as one. */
function hashDouble(value: number): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, Number.isNaN(value) ? Number.NaN : value + 0)
  return murmur3Long(view.getInt32(4), view.getInt32(0))
}

/** Results beyond the type's range wrap around, as they do in Java. */
function truncate(source: PrimitiveType, value: Value, width: number): Value {
  switch (source.kind) {
    case 'int': {
      const number = value as number
      return (number - (((number % width) + width) % width)) | 0
    }
    case 'long':
      return BigInt.asIntN(64, truncateBigint(value as bigint, width))
    case 'decimal':
      return truncateBigint(value as bigint, width)
    case 'string':
      return truncateText(value as string, width)
    case 'binary':
      return (value as Uint8Array).slice(0, width)
    default:
      throw new ValidationError(`values of type ${printTypeText(source)} can't be truncated`)
  }
}

function truncateBigint(value: bigint, width: number): bigint {
  const w = BigInt(width)
  return value - (((value % w) + w) % w)
}

/** The first `width` code points, never half of a surrogate pair. */
export function truncateText(text: string, width: number): string {
  if (text.length <= width) return text
  let end = 0
  for (let count = 0; count < width && end < text.length; count++) end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1
  return text.slice(0, end)
}

function daysOf(source: PrimitiveType, value: Value): number {
  return source.kind === 'date' ? (value as number) : floorDivide(value as bigint, SECONDS_PER_DAY * unitsOf(source))
}

function unitsOf(source: PrimitiveType): number {
  return unitsPerSecond(source.kind === 'timestamp_ns' || source.kind === 'timestamptz_ns' ? 9 : 6)
}
