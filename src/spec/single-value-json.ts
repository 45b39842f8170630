/** Single values as JSON (spec, Appendix D "JSON single-value serialization"): the default values of schema-json.ts. */
import { UnsupportedError, ValidationError } from '../base/errors.ts'
import type { JsonCursor, JsonValue } from '../base/json.ts'
import { shortestFloat } from './float-text.ts'
import { printTypeText } from './type-text.ts'
import { isPrimitive } from './types.ts'
import type { PrimitiveType, Type, Value } from './types.ts'
import { fromRowValue, toRowValue } from './value.ts'

/** JSON has no numbers for these: their names stand for them. */
const NON_FINITE: ReadonlySet<JsonValue | undefined> = new Set(['NaN', 'Infinity', '-Infinity'])
const HEXADECIMAL = /^(?:[0-9a-f]{2})*$/i

/** UnsupportedError for types whose default can only be null (nested, variant, geometry, geography, unknown). */
export function printSingleValue(type: Type, value: Value): JsonValue {
  const primitive = requireDefaultable(type)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (primitive.kind === 'float') return shortestFloat(value as number)
  return toRowValue(primitive, value) as JsonValue
}

/** InvalidDataError naming the path where the JSON is not a value of the type; UnsupportedError as in printing. */
export function parseSingleValue(type: Type, cursor: JsonCursor): Value {
  const primitive = requireDefaultable(type)
  const input = rowValueOf(primitive, cursor)
  try {
    return fromRowValue(primitive, input)
  } catch (error) {
    return error instanceof ValidationError ? cursor.fail(`a value of type ${printTypeText(type)}`) : rethrow(error)
  }
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

function requireDefaultable(type: Type): PrimitiveType {
  if (isPrimitive(type) && type.kind !== 'geometry' && type.kind !== 'geography' && type.kind !== 'unknown') return type
  throw new UnsupportedError(`a default value of type ${printTypeText(type)} can only be null`)
}

function rethrow(error: unknown): never {
  throw error
}
