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

export type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** What to do for a field of the writer. */
interface MemberStep<F, K extends keyof F> {
  readonly key: K
  /** Which branch of a union of two is null; -1 where the field is no such union. */
  readonly nullBranch: number
  readonly read: AvroDecode<F[K]>
}

interface SkipStep {
  readonly key: undefined
  readonly nullBranch: -1
  readonly skip: (cursor: AvroCursor) => void
}

export type FieldStep<F> = SkipStep | { readonly [K in keyof F]-?: MemberStep<F, K> }[keyof F]

/** Reads the fields of one record into a blank one, which keeps what it has for those that are null. */
export type Fill<F> = (cursor: AvroCursor, record: Mutable<F>) => void

export interface AvroRecordOptions<F, T> {
  /** The format version to write. */
  readonly version?: number | undefined
  /**
   * A literal with all members of T, to be filled: V8 then keeps records compact, which objects that grow member by
   * member are not. Members that may be null or missing have their fallbacks.
   */
  readonly blank?: (() => T) | undefined
  /**
   * For records of which there are very many: a loop over the steps with a `switch` over their keys, so that V8 compiles
   * each member's read and store in their own place, several times as fast as stores by computed names.
   */
  readonly fill?: ((steps: readonly FieldStep<F>[]) => Fill<F>) | undefined
}

/** A record as an object with a member for each of `fields`. */
export function avroRecord<F extends object, T extends F = F>(
  name: string,
  fields: AvroFields<F>,
  options: AvroRecordOptions<F, T> = {},
): AvroCodec<T> {
  const { version = Infinity, fill = fillByName } = options
  const keys = Object.keys(fields) as (keyof F & string)[]
  const written = keys.filter((key) => (fields[key].since ?? 0) <= version)
  const fallbacks = Object.fromEntries(
    keys.filter((key) => 'fallback' in fields[key]).map((key) => [key, fields[key].fallback]),
  )
  const blank = options.blank ?? (() => ({ ...fallbacks }) as T)
  return {
    schema: { type: 'record', name, fields: written.map((key) => fieldSchema(fields[key])) },
    write(sink, value) {
      for (const key of written) fields[key].codec.write(sink, value[key])
    },
    resolve(writer, location) {
      if (writer.kind !== 'record') return undefined
      const read = fill(resolveFields(writer, fields, location))
      return (cursor) => {
        const record = blank()
        read(cursor, record)
        return record
      }
    },
  }
}

function fillByName<F>(steps: readonly FieldStep<F>[]): Fill<F> {
  return (cursor, record) => {
    for (const step of steps) if (!isNull(cursor, step)) fillMember(cursor, record, step)
  }
}

function fillMember<F, K extends keyof F>(
  cursor: AvroCursor,
  record: Mutable<F>,
  step: MemberStep<F, K> | SkipStep,
): void {
  if ('skip' in step) step.skip(cursor)
  else record[step.key] = step.read(cursor)
}

/** Whether the value of a field is null; else the cursor is where `read` begins. */
export function isNull(cursor: AvroCursor, { nullBranch }: { readonly nullBranch: number }): boolean {
  if (nullBranch === -1) return false
  const branch = cursor.number()
  if (branch === nullBranch) return true
  return branch === 1 - nullBranch ? false : cursor.fail(`a union of two has no branch ${branch}`)
}

function fieldSchema<T>({ id, name, codec, doc, attributes }: AvroField<T>): JsonObject {
  const optional = codec.schema === 'null' || Array.isArray(codec.schema)
  return { name, type: codec.schema, doc, ...(optional && { default: null }), ...attributes, 'field-id': id }
}

/** What to do for each field of the writer, in its order. */
function resolveFields<F extends object>(
  writer: AvroRecordNode,
  fields: AvroFields<F>,
  location: string,
): FieldStep<F>[] {
  const hasIds = writer.fields.some(({ id }) => id !== undefined)
  const keys = Object.keys(fields) as (keyof F & string)[]
  const missing = new Set(keys)
  const steps = writer.fields.map(({ id, name, type }): FieldStep<F> => {
    const key = keys.find((k) => (hasIds ? fields[k].id === id : fields[k].name === name))
    if (key === undefined) return { key, nullBranch: -1, skip: avroSkip(type) }
    missing.delete(key)
    return resolveMember(key, fields[key], { name, type }, location)
  })
  for (const key of missing) {
    const { id, name, ...field } = fields[key]
    if (!('fallback' in field)) refuse(`field ${name} (${id}) is missing`, location)
  }
  return steps
}

function resolveMember<F extends object, K extends keyof F & string>(
  key: K,
  field: AvroField<F[K]>,
  writer: { readonly name: string; readonly type: AvroNode },
  location: string,
): MemberStep<F, K> {
  const { codec, id } = field
  const [nullBranch, type] = 'fallback' in field ? splitNull(writer.type) : [-1, writer.type]
  const read = resolveUnion('fallback' in field ? forgiving(codec, field.fallback) : codec, type, location)
  return { key, nullBranch, read: read ?? refuse(`field ${writer.name} (${id}) has the wrong type`, location) }
}

/** Of a union of null and one type, the two are told apart before that type is read. */
function splitNull(writer: AvroNode): readonly [nullBranch: number, type: AvroNode] {
  if (writer.kind !== 'union' || writer.branches.length !== 2) return [-1, writer]
  const nullBranch = writer.branches.findIndex(({ kind }) => kind === 'null')
  const type = writer.branches[1 - nullBranch]
  return nullBranch === -1 || type === undefined || type.kind === 'null' ? [-1, writer] : [nullBranch, type]
}

/** Null in other places. */
function forgiving<T>(codec: AvroCodec<T>, fallback: T): AvroCodec<T> {
  return {
    ...codec,
    resolve: (node, location) => (node.kind === 'null' ? () => fallback : codec.resolve(node, location)),
  }
}

function refuse(message: string, location: string): never {
  throw new InvalidDataError(`${location}: ${message}`, { context: { location } })
}
