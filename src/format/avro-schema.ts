/**
 * The schema that a file was written with, parsed into nodes that codecs (avro-codec.ts) are resolved against. References
 * to named types are inlined under a budget, so recursive and explosive schemas are refused here rather than met later.
 */
import type { JsonCursor } from '../base/json.ts'

type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

export interface AvroRecordNode {
  readonly kind: 'record'
  readonly fields: readonly { readonly name: string; readonly id: number | undefined; readonly type: AvroNode }[]
}

export type AvroNode =
  | { readonly kind: AvroPrimitive; readonly logicalType: string | undefined }
  | { readonly kind: 'fixed'; readonly size: number }
  | { readonly kind: 'enum' }
  | { readonly kind: 'array'; readonly items: AvroNode }
  | { readonly kind: 'map'; readonly values: AvroNode }
  | { readonly kind: 'union'; readonly branches: readonly AvroNode[] }
  | AvroRecordNode

const PRIMITIVES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
])
const MAX_NODES = 10_000
const MAX_DEPTH = 64

interface Context {
  /** Definitions of named types by short and full name. */
  readonly names: Map<string, JsonCursor>
  nodes: number
}

/** Parses `avro.schema`; InvalidDataError where it is no schema. */
export function parseAvroSchema(cursor: JsonCursor): AvroNode {
  return parseNode(cursor, { names: new Map(), nodes: 0 }, 0)
}

function parseNode(cursor: JsonCursor, context: Context, depth: number): AvroNode {
  context.nodes += 1
  if (depth > MAX_DEPTH || context.nodes > MAX_NODES) cursor.fail('a schema that is not recursive and not so large')
  const nested = (child: JsonCursor): AvroNode => parseNode(child, context, depth + 1)
  if (Array.isArray(cursor.value)) return { kind: 'union', branches: cursor.array().map(nested) }
  if (typeof cursor.value === 'string') return parseName(cursor, context, depth)
  const type = cursor.get('type')
  if (typeof type.value !== 'string') return nested(type)
  switch (type.value) {
    case 'record':
      defineName(cursor, context)
      return {
        kind: 'record',
        fields: cursor
          .get('fields')
          .array()
          .map((field) => parseField(field, nested)),
      }
    case 'fixed':
      defineName(cursor, context)
      return { kind: 'fixed', size: cursor.get('size').integer() }
    case 'enum':
      defineName(cursor, context)
      return { kind: 'enum' }
    case 'array':
      return { kind: 'array', items: nested(cursor.get('items')) }
    case 'map':
      return { kind: 'map', values: nested(cursor.get('values')) }
    default:
      return isPrimitive(type.value)
        ? { kind: type.value, logicalType: cursor.optional('logicalType', (c) => c.string()) }
        : nested(type)
  }
}

function parseField(field: JsonCursor, nested: (cursor: JsonCursor) => AvroNode): AvroRecordNode['fields'][number] {
  return {
    name: field.get('name').string(),
    id: field.optional('field-id', (id) => id.integer()),
    type: nested(field.get('type')),
  }
}

function parseName(cursor: JsonCursor, context: Context, depth: number): AvroNode {
  const name = cursor.string()
  if (isPrimitive(name)) return { kind: name, logicalType: undefined }
  const definition = context.names.get(name) ?? cursor.fail('a type')
  return parseNode(definition, context, depth + 1)
}

function defineName(cursor: JsonCursor, { names }: Context): void {
  const name = cursor.get('name').string()
  const namespace = cursor.optional('namespace', (c) => c.string())
  names.set(name, cursor)
  if (namespace !== undefined) names.set(`${namespace}.${name}`, cursor)
}

function isPrimitive(name: string): name is AvroPrimitive {
  return PRIMITIVES.has(name)
}
