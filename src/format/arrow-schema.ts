/**
 * Iceberg schemas as Arrow schemas: the one shape in which batches travel between scan, write and Parquet. Every field
 * carries its field id in the metadata key `PARQUET:field_id`.
 */
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  Null,
  Schema as ArrowSchema,
  Struct,
  TimeMicrosecond,
  TimestampMicrosecond,
  TimestampNanosecond,
  Utf8,
} from 'apache-arrow'
import { memoizeWeak } from '../base/memo.ts'
import type { MapType, NestedField, Schema, Type } from '../spec/types.ts'

const FIELD_ID_KEY = 'PARQUET:field_id'

const DECIMAL_BITS = 128
/** Names of Arrow's canonical extension types. */
const EXTENSIONS: ReadonlyMap<Type['kind'], string> = new Map([
  ['uuid', 'arrow.uuid'],
  ['variant', 'arrow.parquet.variant'],
])

/** Memoised, so that all batches of a schema share one Arrow schema object. */
export const toArrowSchema: (schema: Schema) => ArrowSchema = memoizeWeak(
  (schema) => new ArrowSchema(schema.fields.map(toArrowField)),
)

function toArrowField(field: NestedField): Field {
  return arrowField(field.name, field.id, field.type, field.required)
}

export function toArrowType(type: Type): DataType {
  switch (type.kind) {
    case 'boolean':
      return new Bool()
    case 'int':
      return new Int32()
    case 'long':
      return new Int64()
    case 'float':
      return new Float32()
    case 'double':
      return new Float64()
    case 'decimal':
      return new Decimal(type.scale, type.precision, DECIMAL_BITS)
    case 'date':
      return new DateDay()
    case 'time':
      return new TimeMicrosecond()
    case 'timestamp':
      return new TimestampMicrosecond()
    case 'timestamptz':
      return new TimestampMicrosecond('UTC')
    case 'timestamp_ns':
      return new TimestampNanosecond()
    case 'timestamptz_ns':
      return new TimestampNanosecond('UTC')
    case 'string':
      return new Utf8()
    case 'uuid':
      return new FixedSizeBinary(16)
    case 'fixed':
      return new FixedSizeBinary(type.length)
    case 'binary':
    case 'geometry':
    case 'geography':
      return new Binary()
    case 'unknown':
      return new Null()
    case 'struct':
      return new Struct(type.fields.map(toArrowField))
    case 'list':
      return new List(arrowField('element', type.elementId, type.element, type.elementRequired))
    case 'map':
      return toArrowMap(type)
    case 'variant':
      return new Struct([new Field('metadata', new Binary(), false), new Field('value', new Binary(), false)])
  }
}

function toArrowMap(type: MapType): DataType {
  const key = arrowField('key', type.keyId, type.key, true)
  const value = arrowField('value', type.valueId, type.value, type.valueRequired)
  return new Map_(new Field('key_value', new Struct<{ key: DataType; value: DataType }>([key, value]), false))
}

function arrowField(name: string, id: number, type: Type, required: boolean): Field {
  const metadata = new Map([[FIELD_ID_KEY, String(id)]])
  // Canonical extensions tell a UUID from other 16 bytes, a variant from other structs.
  const extension = EXTENSIONS.get(type.kind)
  if (extension !== undefined) metadata.set('ARROW:extension:name', extension).set('ARROW:extension:metadata', '')
  return new Field(name, toArrowType(type), !required, metadata)
}
