/**
 * How Iceberg's types are stored in Parquet (spec, Appendix A "Parquet"): the schema that firn writes into footers,
 * element for element as Java does, and what is left out of files (`unknown` columns).
 */
import { UnsupportedError } from '../base/errors.ts'
import type { NestedField, PrimitiveType, Schema, Type } from '../spec/types.ts'
import type { LogicalType, ParquetField, ParquetGroup, PhysicalType, Repetition } from './parquet-schema.ts'

/** The schema without what is never stored: `unknown` columns. UnsupportedError where nothing else is left. */
export function toStoredSchema(schema: Schema): Schema {
  if (!schema.fields.some((field) => containsUnknown(field.type))) return schema
  return { ...schema, fields: storedFields(schema.fields, 'the table') }
}

function storedFields(fields: readonly NestedField[], owner: string): readonly NestedField[] {
  const stored = fields.filter((field) => field.type.kind !== 'unknown').map(storedField)
  if (stored.length > 0) return stored
  throw new UnsupportedError(`${owner} has columns of type unknown only, which Parquet can't store: add a column`)
}

function storedField(field: NestedField): NestedField {
  return { ...field, type: storedType(field.type, `"${field.name}"`) }
}

function storedType(type: Type, owner: string): Type {
  if (!containsUnknown(type)) return type
  if (type.kind === 'struct') return { ...type, fields: storedFields(type.fields, owner) }
  throw new UnsupportedError(`${owner} holds elements of type unknown, which Parquet can't store`)
}

function containsUnknown(type: Type): boolean {
  switch (type.kind) {
    case 'unknown':
      return true
    case 'struct':
      return type.fields.some((field) => containsUnknown(field.type))
    case 'list':
      return containsUnknown(type.element)
    case 'map':
      return containsUnknown(type.key) || containsUnknown(type.value)
    default:
      return false
  }
}

/** The Parquet schema of a stored schema, with field ids on every level. */
export function toParquetSchema(schema: Schema): ParquetGroup {
  return { name: 'table', repetition: 'required', children: schema.fields.map(toParquetField) }
}

function toParquetField(field: NestedField): ParquetField {
  return parquetField(field.name, field.id, field.type, field.required)
}

function parquetField(name: string, fieldId: number, type: Type, required: boolean): ParquetField {
  const node = { name, fieldId, repetition: required ? 'required' : 'optional' } as const
  switch (type.kind) {
    case 'struct':
      return { ...node, children: type.fields.map(toParquetField) }
    case 'list': {
      const element = parquetField('element', type.elementId, type.element, type.elementRequired)
      return { ...node, logicalType: { kind: 'list' }, children: [repeated('list', [element])] }
    }
    case 'map': {
      const key = parquetField('key', type.keyId, type.key, true)
      const value = parquetField('value', type.valueId, type.value, type.valueRequired)
      return { ...node, logicalType: { kind: 'map' }, children: [repeated('key_value', [key, value])] }
    }
    case 'variant':
      return { ...node, logicalType: { kind: 'variant' }, children: VARIANT_MEMBERS }
    default:
      return { ...node, ...primitive(type) }
  }
}

/** They have no field ids. */
const VARIANT_MEMBERS: readonly ParquetField[] = [
  { name: 'metadata', repetition: 'required', physicalType: 'BYTE_ARRAY' },
  { name: 'value', repetition: 'required', physicalType: 'BYTE_ARRAY' },
]

function repeated(name: string, children: readonly ParquetField[]): ParquetGroup {
  const repetition: Repetition = 'repeated'
  return { name, repetition, children }
}

interface PrimitiveStorage {
  readonly physicalType: PhysicalType
  readonly typeLength?: number
  readonly logicalType?: LogicalType
}

function primitive(type: PrimitiveType): PrimitiveStorage {
  switch (type.kind) {
    case 'boolean':
      return { physicalType: 'BOOLEAN' }
    case 'int':
      return { physicalType: 'INT32' }
    case 'long':
      return { physicalType: 'INT64' }
    case 'float':
      return { physicalType: 'FLOAT' }
    case 'double':
      return { physicalType: 'DOUBLE' }
    case 'decimal':
      return { ...decimalStorage(type.precision), logicalType: type }
    case 'date':
      return { physicalType: 'INT32', logicalType: type }
    case 'time':
      return { physicalType: 'INT64', logicalType: { kind: 'time', utc: false, unit: 'us' } }
    case 'timestamp':
    case 'timestamptz':
      return { physicalType: 'INT64', logicalType: { kind: 'timestamp', utc: type.kind === 'timestamptz', unit: 'us' } }
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return {
        physicalType: 'INT64',
        logicalType: { kind: 'timestamp', utc: type.kind === 'timestamptz_ns', unit: 'ns' },
      }
    case 'string':
      return { physicalType: 'BYTE_ARRAY', logicalType: type }
    case 'uuid':
      return { physicalType: 'FIXED_LEN_BYTE_ARRAY', typeLength: 16, logicalType: type }
    case 'fixed':
      return { physicalType: 'FIXED_LEN_BYTE_ARRAY', typeLength: type.length }
    case 'binary':
      return { physicalType: 'BYTE_ARRAY' }
    case 'geometry':
    case 'geography':
      return { physicalType: 'BYTE_ARRAY', logicalType: type }
    case 'unknown':
      throw new UnsupportedError("columns of type unknown can't be written to Parquet")
  }
}

/** The smallest physical type that holds the precision, as Java chooses it. */
function decimalStorage(precision: number): PrimitiveStorage {
  if (precision <= 9) return { physicalType: 'INT32' }
  if (precision <= 18) return { physicalType: 'INT64' }
  const bits = Math.ceil(precision * Math.log2(10)) + 1
  return { physicalType: 'FIXED_LEN_BYTE_ARRAY', typeLength: Math.ceil(bits / 8) }
}
