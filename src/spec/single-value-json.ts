/** Single values as JSON (spec, Appendix D "JSON single-value serialization"): the default values of schema-json.ts. */
import { UnsupportedError, ValidationError } from '../base/errors.ts'
import { JsonText } from '../base/json.ts'
import type { JsonCursor, JsonValue, PrintableJson } from '../base/json.ts'
import { printFloating, shortestFloat } from './float-text.ts'
import { printTypeText } from './type-text.ts'
import type { DefaultValue, NestedType, PrimitiveType, StructType, Type, Value } from './types.ts'
import { fromRowValue, toRowValue } from './value.ts'
import { membersOf } from './default-value.ts'

/** JSON has no numbers for these: their names stand for them. */
const NON_FINITE: ReadonlySet<JsonValue | undefined> = new Set(['NaN', 'Infinity', '-Infinity'])
const HEXADECIMAL = /^(?:[0-9a-f]{2})*$/i

/** UnsupportedError for types whose default can only be null (variant, geometry, geography, unknown). */
export function printSingleValue(type: Type, value: DefaultValue): PrintableJson {
  switch (type.kind) {
    case 'struct':
      return Object.fromEntries(
        membersOf(type, value).map(([field, member]) => [field.id, printNullable(field.type, member)]),
      )
    case 'list':
      return (value as readonly (DefaultValue | null)[]).map((element) => printNullable(type.element, element))
    case 'map': {
      const entries = value as ReadonlyMap<DefaultValue, DefaultValue | null>
      return {
        keys: Array.from(entries.keys(), (key) => printSingleValue(type.key, key)),
        values: Array.from(entries.values(), (item) => printNullable(type.value, item)),
      }
    }
    default:
      return printPrimitiveValue(requireDefaultable(type), value as Value)
  }
}

/** InvalidDataError naming the path where the JSON is not a value of the type; UnsupportedError as in printing. */
export function parseSingleValue(type: Type, cursor: JsonCursor): DefaultValue {
  if (type.kind === 'struct' || type.kind === 'list' || type.kind === 'map') return parseNested(type, cursor)
  const primitive = requireDefaultable(type)
  const input = rowValueOf(primitive, cursor)
  try {
    return fromRowValue(primitive, input)
  } catch (error) {
    return error instanceof ValidationError ? cursor.fail(`a value of type ${printTypeText(type)}`) : rethrow(error)
  }
}

function printNullable(type: Type, value: DefaultValue | null): PrintableJson {
  return value === null ? null : printSingleValue(type, value)
}

/** Whole numbers as Java prints them, so that they stay floating-point: `1.0`. */
function printPrimitiveValue(type: PrimitiveType, value: Value): PrintableJson {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (type.kind === 'float' || type.kind === 'double') {
    const number = value as number
    if (!Number.isFinite(number)) return String(number)
    if (Number.isInteger(number)) return new JsonText(printFloating(number, type.kind))
    return type.kind === 'float' ? shortestFloat(number) : number
  }
  return toRowValue(type, value) as JsonValue
}

function parseNested(type: NestedType, cursor: JsonCursor): DefaultValue {
  switch (type.kind) {
    case 'struct':
      return parseStruct(type, cursor)
    case 'list':
      return cursor.array().map((element) => parseNullable(type.element, element))
    case 'map': {
      const [keys, values] = [cursor.get('keys').array(), cursor.get('values').array()]
      if (keys.length !== values.length) cursor.fail('as many keys as values')
      return new Map(
        keys.map((key, i) => [parseSingleValue(type.key, key), parseNullable(type.value, values[i] ?? cursor)]),
      )
    }
  }
}

function parseStruct(type: StructType, cursor: JsonCursor): DefaultValue {
  const entries = Object.keys(cursor.object()).map((key) => {
    const field = type.fields.find(({ id }) => String(id) === key)
    const member = cursor.get(key)
    if (field === undefined) return member.fail('a field of the struct')
    return [field.id, member.value === undefined ? null : parseSingleValue(field.type, member)] as const
  })
  return new Map(entries)
}

function parseNullable(type: Type, cursor: JsonCursor): DefaultValue | null {
  return cursor.value === null || cursor.value === undefined ? null : parseSingleValue(type, cursor)
}

function rowValueOf(type: PrimitiveType, cursor: JsonCursor): unknown {
  switch (type.kind) {
    case 'boolean':
      return cursor.boolean()
    case 'int':
    case 'long':
      return cursor.long()
    case 'float':
    case 'double':
      if (typeof cursor.value === 'bigint') return Number(cursor.value)
      return NON_FINITE.has(cursor.value) ? cursor.value : cursor.number()
    case 'fixed':
    case 'binary': {
      const text = cursor.string()
      return HEXADECIMAL.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : cursor.fail('hexadecimal digits')
    }
    default:
      return cursor.string()
  }
}

function requireDefaultable(type: Exclude<Type, NestedType>): PrimitiveType {
  switch (type.kind) {
    case 'variant':
    case 'geometry':
    case 'geography':
    case 'unknown':
      throw new UnsupportedError(`a default value of type ${printTypeText(type)} can only be null`)
    default:
      return type
  }
}

function rethrow(error: unknown): never {
  throw error
}
