/** Types and fields as JSON (spec, Appendix C "Schemas"): part of schema-json.ts, and of Avro and Parquet key-values. */
import type { JsonCursor, PrintableJson, PrintableObject } from '../base/json.ts'
import { parsePrimitive, printPrimitive } from './primitive-type.ts'
import { parseSingleValue, printSingleValue } from './single-value-json.ts'
import type { DefaultValue, NestedField, Type } from './types.ts'

const MAX_DEPTH = 100

/** Reads a type of at most 100 levels; InvalidDataError with the path otherwise. */
export function parseType(cursor: JsonCursor): Type {
  return parseTypeAt(cursor, 0)
}

export function printType(type: Type): PrintableJson {
  switch (type.kind) {
    case 'struct':
      return { type: 'struct', fields: type.fields.map(printField) }
    case 'list':
      return {
        type: 'list',
        'element-id': type.elementId,
        element: printType(type.element),
        'element-required': type.elementRequired,
      }
    case 'map':
      return {
        type: 'map',
        'key-id': type.keyId,
        key: printType(type.key),
        'value-id': type.valueId,
        value: printType(type.value),
        'value-required': type.valueRequired,
      }
    default:
      return printPrimitive(type)
  }
}

/** Reads the `fields` of a struct or schema. */
export function parseFields(cursor: JsonCursor): NestedField[] {
  return parseFieldsAt(cursor, 0)
}

export function printField(field: NestedField): PrintableObject {
  return {
    id: field.id,
    name: field.name,
    required: field.required,
    type: printType(field.type),
    doc: field.doc,
    'initial-default': printDefault(field.type, field.initialDefault),
    'write-default': printDefault(field.type, field.writeDefault),
  }
}

function printDefault(type: Type, value: DefaultValue | undefined): PrintableJson | undefined {
  return value === undefined ? undefined : printSingleValue(type, value)
}

function parseTypeAt(cursor: JsonCursor, depth: number): Type {
  if (typeof cursor.value === 'string') return parsePrimitive(cursor.value) ?? cursor.fail('an Iceberg type')
  if (depth > MAX_DEPTH) return cursor.fail(`at most ${MAX_DEPTH} levels of nested types`)
  const kind = cursor.get('type')
  switch (kind.string()) {
    case 'struct':
      return { kind: 'struct', fields: parseFieldsAt(cursor.get('fields'), depth + 1) }
    case 'list':
      return {
        kind: 'list',
        elementId: cursor.get('element-id').integer(),
        element: parseTypeAt(cursor.get('element'), depth + 1),
        elementRequired: cursor.get('element-required').boolean(),
      }
    case 'map':
      return {
        kind: 'map',
        keyId: cursor.get('key-id').integer(),
        key: parseTypeAt(cursor.get('key'), depth + 1),
        valueId: cursor.get('value-id').integer(),
        value: parseTypeAt(cursor.get('value'), depth + 1),
        valueRequired: cursor.get('value-required').boolean(),
      }
    default:
      return kind.fail('"struct", "list" or "map"')
  }
}

function parseFieldsAt(cursor: JsonCursor, depth: number): NestedField[] {
  return cursor.array().map((field) => parseField(field, depth))
}

function parseField(cursor: JsonCursor, depth: number): NestedField {
  const type = parseTypeAt(cursor.get('type'), depth)
  const parseDefault = (value: JsonCursor): DefaultValue => parseSingleValue(type, value)
  const doc = cursor.optional('doc', (text) => text.string())
  const initialDefault = cursor.optional('initial-default', parseDefault)
  const writeDefault = cursor.optional('write-default', parseDefault)
  return {
    id: cursor.get('id').integer(),
    name: cursor.get('name').string(),
    type,
    required: cursor.get('required').boolean(),
    ...(doc === undefined ? {} : { doc }),
    ...(initialDefault === undefined ? {} : { initialDefault }),
    ...(writeDefault === undefined ? {} : { writeDefault }),
  }
}
