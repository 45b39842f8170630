/**
 * Records: matched by field id, as Iceberg asks, and by name only in files that carry no ids. What the writer has and the
 * reader does not want is skipped; what it lacks has its fallback.
 */
import { InvalidDataError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { avroOptional, resolveUnion } from './avro-codec.ts'
import type { AvroCodec, AvroDecode } from './avro-codec.ts'
import type { AvroCursor } from './avro-cursor.ts'
import type { AvroNode, AvroRecordNode } from './avro-schema.ts'
import { avroSkip } from './avro-skip.ts'

export interface AvroField<T> {
  readonly id: number
  readonly name: string
  readonly codec: AvroCodec<T>
  readonly doc?: string | undefined
  /** Further attributes of the field in the schema. */
  readonly attributes?: JsonObject | undefined
  /** Stands for null, and for the field in files without it; where it is absent, such files are refused. */
  readonly fallback?: T
  /** The format version that brought the field: it is always read, and written from that version on. */
  readonly since?: number | undefined
}

/** A field that may be null, or missing in a file: undefined then. */
export function optionalField<T>(
  id: number,
  name: string,
  codec: AvroCodec<T>,
  doc?: string,
): AvroField<T | undefined> {
  return { id, name, codec: avroOptional(codec), doc, fallback: undefined }
}

export type AvroFields<T> = { readonly [K in keyof T]-?: AvroField<T[K]> }

/** A function for each member that sets it: stores by a computed name take V8 several times as long. */
export type AvroSetters<F> = {
  readonly [K in keyof F]-?: (record: { -readonly [M in keyof F]: F[M] }, value: F[K]) => void
}

export interface AvroRecordOptions<F, T> {
  /** The format version to write. */
  readonly version?: number | undefined
  /**
   * A literal with all members of T, to be filled: V8 then keeps records compact, which objects that grow member by
   * member are not. Members that are no fields keep the value that the literal gives them.
   */
  readonly blank?: (() => T) | undefined
  /** For records of which there are very many. */
  readonly setters?: AvroSetters<F> | undefined
}

/** A record as an object with a member for each of `fields`. */
export function avroRecord<F extends object, T extends F = F>(
  name: string,
  fields: AvroFields<F>,
  { version = Infinity, blank = () => ({}) as T, setters }: AvroRecordOptions<F, T> = {},
): AvroCodec<T> {
  const keys = Object.keys(fields) as (keyof F & string)[]
  const written = keys.filter((key) => (fields[key].since ?? 0) <= version)
  return {
    schema: { type: 'record', name, fields: written.map((key) => fieldSchema(fields[key])) },
    write(sink, value) {
      for (const key of written) fields[key].codec.write(sink, value[key])
    },
    resolve(writer, location) {
      if (writer.kind !== 'record') return undefined
      const { found, absent } = resolveFields(writer, fields, keys, location)
      const empty: F = blank()
      // What the blank record has already need not be set for each.
      const missing = absent.filter(({ key, value }) => !(key in empty) || empty[key] !== value)
      const steps = [...found, ...missing.map(({ key, value }): Step<F> => ({ key, read: () => value }))]
      const fills = steps.map((step) => fillStep(step, setters))
      return (cursor) => {
        const record = blank()
        for (const fill of fills) fill(cursor, record)
        return record
      }
    },
  }
}

function fieldSchema<T>({ id, name, codec, doc, attributes }: AvroField<T>): JsonObject {
  const optional = codec.schema === 'null' || Array.isArray(codec.schema)
  return { name, type: codec.schema, doc, ...(optional && { default: null }), ...attributes, 'field-id': id }
}

interface Step<F> {
  /** The member to fill; undefined where the value is only skipped. */
  readonly key: (keyof F & string) | undefined
  readonly read: AvroDecode<F[keyof F & string]>
}

interface Absent<F> {
  readonly key: keyof F & string
  readonly value: F[keyof F & string]
}

type Fill<F> = (cursor: AvroCursor, record: F) => void

function fillStep<F extends object>({ key, read }: Step<F>, setters: AvroSetters<F> | undefined): Fill<F> {
  if (key === undefined) return read
  const set = setters?.[key]
  if (set !== undefined) return (cursor, record) => set(record, read(cursor))
  return (cursor, record) => {
    record[key] = read(cursor)
  }
}

/** What to do for each field of the writer, in its order, and what members have that it does not write. */
function resolveFields<F extends object>(
  writer: AvroRecordNode,
  fields: AvroFields<F>,
  keys: readonly (keyof F & string)[],
  location: string,
): { readonly found: readonly Step<F>[]; readonly absent: readonly Absent<F>[] } {
  const hasIds = writer.fields.some(({ id }) => id !== undefined)
  const missing = new Set(keys)
  const found = writer.fields.map(({ id, name, type }): Step<F> => {
    const key = keys.find((k) => (hasIds ? fields[k].id === id : fields[k].name === name))
    if (key === undefined) return { key, read: avroSkip(type) as AvroDecode<never> }
    missing.delete(key)
    const read = resolveField(fields[key], type, location)
    return { key, read: read ?? refuse(`field ${name} (${fields[key].id}) has the wrong type`, location) }
  })
  const absent = [...missing].map((key): Absent<F> => {
    const { id, name, ...field } = fields[key]
    if (!('fallback' in field)) refuse(`field ${name} (${id}) is missing`, location)
    return { key, value: field.fallback as F[typeof key] }
  })
  return { found, absent }
}

function resolveField<T>(field: AvroField<T>, writer: AvroNode, location: string): AvroDecode<T> | undefined {
  const { codec, fallback } = field
  if (!('fallback' in field)) return resolveUnion(codec, writer, location)
  const forgiving: AvroCodec<T> = {
    ...codec,
    resolve: (node, at) => (node.kind === 'null' ? () => fallback as T : codec.resolve(node, at)),
  }
  return resolveUnion(forgiving, writer, location)
}

function refuse(message: string, location: string): never {
  throw new InvalidDataError(`${location}: ${message}`, { context: { location } })
}
