/**
 * Codecs: one description of an Avro type that gives its schema, writes its values, and reads them from whatever schema
 * another engine wrote. A codec is resolved once a file into plain functions, which then run for every record.
 */
import { ValidationError } from '../base/errors.ts'
import type { JsonValue } from '../base/json.ts'
import type { AvroCursor } from './avro-cursor.ts'
import type { AvroNode } from './avro-schema.ts'
import type { AvroSink } from './avro-sink.ts'
import { checkBlock } from './avro-skip.ts'

export type AvroDecode<T> = (cursor: AvroCursor) => T

export interface AvroReader<T> {
  /** The decoder of values written with `writer`; undefined where these can't be read as T. Unions are not its concern. */
  readonly resolve: (writer: AvroNode, location: string) => AvroDecode<T> | undefined
}

export interface AvroCodec<T> extends AvroReader<T> {
  /** The schema that values are written with. */
  readonly schema: JsonValue
  readonly write: (sink: AvroSink, value: T) => void
}

export const avroBoolean: AvroCodec<boolean> = primitive(
  'boolean',
  ['boolean'],
  (sink, value) => sink.boolean(value),
  (cursor) => cursor.boolean(),
)

export const avroInt: AvroCodec<number> = primitive(
  'int',
  ['int', 'long'],
  (sink, value) => sink.int(value),
  (cursor) => cursor.int(),
)

/** A long within ±(2^53 − 1): counts, sizes and offsets. */
export const avroNumber: AvroCodec<number> = primitive(
  'long',
  ['int', 'long'],
  (sink, value) => sink.number(value),
  (cursor) => cursor.number(),
)

export const avroLong: AvroCodec<bigint> = primitive(
  'long',
  ['int', 'long'],
  (sink, value) => sink.long(value),
  (cursor) => cursor.long(),
)

export const avroString: AvroCodec<string> = primitive(
  'string',
  ['string'],
  (sink, value) => sink.string(value),
  (cursor) => cursor.string(),
)

export const avroBytes: AvroCodec<Uint8Array> = {
  schema: 'bytes',
  write: (sink, value) => sink.byteString(value),
  resolve: resolveBytes,
}

/** Bytes by either of Avro's types for them. */
export function resolveBytes(writer: AvroNode): AvroDecode<Uint8Array> | undefined {
  if (writer.kind === 'fixed') return (cursor) => cursor.fixed(writer.size)
  return writer.kind === 'bytes' ? (cursor) => cursor.byteString() : undefined
}

/** A codec of a type with no parts, which also reads the other types of `accepts`. */
function primitive<T>(
  schema: JsonValue,
  accepts: readonly AvroNode['kind'][],
  write: (sink: AvroSink, value: T) => void,
  read: AvroDecode<T>,
): AvroCodec<T> {
  return { schema, write, resolve: ({ kind }) => (accepts.includes(kind) ? read : undefined) }
}

/** `["null", T]`, with undefined for null. */
export function avroOptional<T>(codec: AvroCodec<T>): AvroCodec<T | undefined> {
  return {
    schema: ['null', codec.schema],
    write(sink, value) {
      sink.number(value === undefined ? 0 : 1)
      if (value !== undefined) codec.write(sink, value)
    },
    resolve: (writer, location) => (writer.kind === 'null' ? () => undefined : codec.resolve(writer, location)),
  }
}

/** Required when written; undefined where an older file left it out. */
export function avroPresent<T>(codec: AvroCodec<T>): AvroCodec<T | undefined> {
  return {
    schema: codec.schema,
    write(sink, value) {
      if (value === undefined) throw new ValidationError('a required value is missing')
      codec.write(sink, value)
    },
    resolve: codec.resolve,
  }
}

/** Another view of a codec's values. `decode` gets the cursor to fail at. */
export function avroMapped<A, B>(
  codec: AvroCodec<A>,
  decode: (value: A, cursor: AvroCursor) => B,
  encode: (value: B) => A,
): AvroCodec<B> {
  return {
    schema: codec.schema,
    write: (sink, value) => codec.write(sink, encode(value)),
    resolve(writer, location) {
      const read = codec.resolve(writer, location)
      return read === undefined ? undefined : (cursor) => decode(read(cursor), cursor)
    },
  }
}

export function avroArray<T>(items: AvroCodec<T>, elementId: number): AvroCodec<readonly T[]> {
  return {
    schema: { type: 'array', items: items.schema, 'element-id': elementId },
    write: (sink, values) => writeBlock(sink, values.length, values, items.write),
    resolve(writer, location) {
      const read = writer.kind === 'array' ? resolveUnion(items, writer.items, location) : undefined
      if (read === undefined) return undefined
      return (cursor) => {
        let values: T[] = []
        for (let count = cursor.blockCount(); count > 0; count = cursor.blockCount()) {
          const end = cursor.offset + count
          for (let i = 0; i < count; i += 1) {
            const value = read(cursor)
            if (values.length === 0) values = [value]
            else values.push(value)
          }
          checkBlock(cursor, end)
        }
        // Just the size: V8 grows arrays in steps of 17 items and more.
        return values.length > 1 ? values.slice() : values
      }
    },
  }
}

/** Items as one block, and the end of blocks. */
export function writeBlock<T>(
  sink: AvroSink,
  count: number,
  items: Iterable<T>,
  write: (sink: AvroSink, item: T) => void,
): void {
  if (count > 0) {
    sink.number(count)
    for (const item of items) write(sink, item)
  }
  sink.number(0)
}

/** The decoder of values of a type that the codec is known to read. */
export function decodeOf<T>(codec: AvroReader<T>, writer: AvroNode): AvroDecode<T> {
  const read = codec.resolve(writer, '')
  if (read === undefined) throw new TypeError(`a codec does not read ${writer.kind}`)
  return read
}

/** Resolves a codec where the writer may have put a union: at least one branch beside null must be readable. */
export function resolveUnion<T>(codec: AvroReader<T>, writer: AvroNode, location: string): AvroDecode<T> | undefined {
  if (writer.kind !== 'union') return codec.resolve(writer, location)
  const branches = writer.branches.map((branch) => codec.resolve(branch, location))
  if (branches.every((read, i) => read === undefined || writer.branches[i]?.kind === 'null')) return undefined
  return (cursor) => {
    const read = branches[cursor.number()] ?? cursor.fail('a union holds a value that is not expected here')
    return read(cursor)
  }
}
