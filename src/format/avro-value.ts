/** Iceberg's primitive types in Avro (spec, "Appendix A: Avro"): the codecs of partition values in manifests. */
import { UnsupportedError, ValidationError } from '../base/errors.ts'
import { decodeUnscaled, decodeUuid, encodeUnscaled, encodeUuid } from '../spec/single-value.ts'
import type { PrimitiveType, Value } from '../spec/types.ts'
import { avroBoolean, avroBytes, avroInt, avroLong, avroMapped, avroString, resolveBytes } from './avro-codec.ts'
import type { AvroCodec } from './avro-codec.ts'
import type { AvroNode } from './avro-schema.ts'
import { avroSkip } from './avro-skip.ts'

const MICROS_PER_DAY = 86_400_000_000n
const NANOS_PER_DAY = 86_400_000_000_000n

/**
 * The codec of a type's values. Reads also the narrower types that a column may have been promoted from, and the other
 * encodings that engines use for the same type.
 */
export function avroValue(type: PrimitiveType): AvroCodec<Value> {
  switch (type.kind) {
    case 'boolean':
      return ofKind('boolean', avroBoolean)
    case 'int':
      return ofKind('number', avroInt)
    case 'date':
      return ofKind('number', { ...avroInt, schema: { type: 'int', logicalType: 'date' } })
    case 'long':
      return ofKind('bigint', avroLong)
    case 'time':
      return ofKind('bigint', { ...avroLong, schema: { type: 'long', logicalType: 'time-micros' } })
    case 'timestamp':
    case 'timestamptz':
      return timestamp('timestamp-micros', type.kind === 'timestamptz', MICROS_PER_DAY)
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return timestamp('timestamp-nanos', type.kind === 'timestamptz_ns', NANOS_PER_DAY)
    case 'float':
      return ofKind('number', float)
    case 'double':
      return ofKind('number', double)
    case 'string':
      return ofKind('string', avroString)
    case 'uuid':
      return ofKind('string', uuid)
    case 'decimal':
      return ofKind('bigint', decimal(type.precision, type.scale))
    case 'fixed':
      return ofBytes(fixed(type.length, { type: 'fixed', name: `fixed_${type.length}`, size: type.length }))
    case 'binary':
    case 'geometry':
    case 'geography':
      return ofBytes(avroBytes)
    case 'unknown':
      throw new UnsupportedError('values of type unknown are always null and have no avro type of their own')
  }
}

/** Always null, in whatever type a writer kept it: partition fields of type unknown and of dropped columns. */
export const avroNothing: AvroCodec<Value | undefined> = {
  schema: 'null',
  write: () => {},
  resolve(writer) {
    const skip = avroSkip(writer)
    return (cursor) => {
      skip(cursor)
      return undefined
    }
  },
}

/** Whatever a writer kept: results of transforms that are not known. Never written. */
export const avroAnyValue: AvroCodec<Value> = {
  schema: 'null',
  write() {
    throw new UnsupportedError('values of an unknown transform can be read, not written')
  },
  resolve: (writer, location) => ANY_VALUE[writer.kind]?.resolve(writer, location),
}

const float: AvroCodec<number> = {
  schema: 'float',
  write: (sink, value) => sink.float(value),
  resolve: ({ kind }) => (kind === 'float' ? (cursor) => cursor.float() : undefined),
}

const double: AvroCodec<number> = {
  schema: 'double',
  write: (sink, value) => sink.double(value),
  resolve({ kind }) {
    if (kind === 'float') return (cursor) => cursor.float()
    return kind === 'double' ? (cursor) => cursor.double() : undefined
  },
}

type Readable = Pick<AvroCodec<Value>, 'resolve'>
const ANY_VALUE: { readonly [K in AvroNode['kind']]?: Readable } = {
  boolean: avroBoolean,
  int: avroInt,
  long: avroLong,
  float: double,
  double,
  string: avroString,
  bytes: avroBytes,
  fixed: avroBytes,
}

const sixteenBytes = fixed(16, { type: 'fixed', name: 'uuid_fixed', size: 16, logicalType: 'uuid' })

const uuid: AvroCodec<string> = {
  schema: sixteenBytes.schema,
  write: (sink, value) => sixteenBytes.write(sink, encodeUuid(value)),
  resolve(writer) {
    if (writer.kind === 'string') return (cursor) => cursor.string().toLowerCase()
    return writer.kind === 'fixed' && writer.size === 16 ? (cursor) => decodeUuid(cursor.fixed(16)) : undefined
  },
}

function timestamp(logicalType: string, adjustToUtc: boolean, unitsPerDay: bigint): AvroCodec<Value> {
  return ofKind('bigint', {
    schema: { type: 'long', logicalType, 'adjust-to-utc': adjustToUtc },
    write: avroLong.write,
    resolve: (writer, location) =>
      isDate(writer) ? (cursor) => cursor.long() * unitsPerDay : avroLong.resolve(writer, location),
  })
}

function isDate(writer: AvroNode): boolean {
  return 'logicalType' in writer && writer.logicalType === 'date'
}

/** Unscaled values, big-endian two's complement in the fewest bytes that hold the precision. */
function decimal(precision: number, scale: number): AvroCodec<bigint> {
  const size = decimalBytes(precision)
  const name = `decimal_${precision}_${scale}`
  const schema = { type: 'fixed', name, size, logicalType: 'decimal', precision, scale }
  return avroMapped(fixed(size, schema), decodeUnscaled, (value) => encodeFixedUnscaled(value, size))
}

function decimalBytes(precision: number): number {
  const limit = 10n ** BigInt(precision)
  let size = 1
  while (1n << BigInt(8 * size - 1) < limit) size += 1
  return size
}

function fixed(size: number, schema: AvroCodec<Uint8Array>['schema']): AvroCodec<Uint8Array> {
  return {
    schema,
    write(sink, value) {
      if (value.length !== size) throw new ValidationError(`expected ${size} bytes, found ${value.length}`)
      sink.fixed(value)
    },
    resolve: resolveBytes,
  }
}

/** The shortest two's complement, padded at its front to the width of the type. */
function encodeFixedUnscaled(value: bigint, size: number): Uint8Array {
  const bytes = encodeUnscaled(value)
  if (bytes.length > size) throw new ValidationError(`decimal ${value} has too many digits`)
  return new Uint8Array(size).fill(value < 0n ? 0xff : 0).map((pad, i) => bytes[i - size + bytes.length] ?? pad)
}

interface Kinds {
  readonly boolean: boolean
  readonly number: number
  readonly bigint: bigint
  readonly string: string
}

/** Narrows a codec's values to those that a type's values are; anything else is a fault of the caller. */
function ofKind<K extends keyof Kinds>(kind: K, codec: AvroCodec<Kinds[K]>): AvroCodec<Value> {
  return narrowed(codec, (value): value is Kinds[K] => typeof value === kind, kind)
}

function ofBytes(codec: AvroCodec<Uint8Array>): AvroCodec<Value> {
  return narrowed(codec, (value): value is Uint8Array => value instanceof Uint8Array, 'bytes')
}

function narrowed<T extends Value>(
  codec: AvroCodec<T>,
  accepts: (value: Value) => value is T,
  expected: string,
): AvroCodec<Value> {
  return {
    schema: codec.schema,
    resolve: codec.resolve,
    write(sink, value) {
      if (!accepts(value)) throw new ValidationError(`expected a partition value of ${expected}, found ${typeof value}`)
      codec.write(sink, value)
    },
  }
}
