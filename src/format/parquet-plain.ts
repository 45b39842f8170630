/**
 * Parquet files that belong to no table, for imports: the Iceberg schema that holds their values, each column as the
 * smallest type that loses nothing, and their rows as batches of that schema.
 */
import type { RecordBatch } from 'apache-arrow'
import { UnsupportedError } from '../base/errors.ts'
import { assignFreshIds } from '../spec/define-schema.ts'
import { parsePrimitive, printPrimitive } from '../spec/primitive-type.ts'
import type { NestedField, PrimitiveType, Schema, Type } from '../spec/types.ts'
import { withIdsOf } from './parquet-field-ids.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { type ListNesting, type MapNesting, listElementOf, mapEntriesOf } from './parquet-nesting.ts'
import { planProjection } from './parquet-projection.ts'
import { type ParquetBatchOptions, readProjected } from './parquet-reader.ts'
import { type LogicalType, type ParquetField, type ParquetLeaf, isLeaf } from './parquet-schema.ts'
import { type ParquetSource, openParquet } from './parquet-source.ts'

interface PlainSchemaOptions {
  /** Types of version 3 are used from 3 on: nanoseconds keep their unit, columns of nothing but nulls are `unknown`. */
  readonly formatVersion?: 1 | 2 | 3 | undefined
}

export interface PlainReadOptions extends ParquetBatchOptions, PlainSchemaOptions {}

const MAX_PRECISION = 38

/**
 * The schema of a plain file, with fresh field ids. All columns are optional: writers declare them required where a file
 * just happens to have no nulls, and a table should take the next file too. UnsupportedError names a column whose type
 * has no counterpart.
 */
export function readParquetSchema(footer: ParquetFooter, options: PlainSchemaOptions = {}): Schema {
  const { formatVersion = 2 } = options
  const fields = footer.schema.children.map((field) => toField(field, field.name, formatVersion))
  return assignFreshIds({ schemaId: 0, fields, identifierFieldIds: [] })
}

/**
 * The rows of a plain file as batches of `toArrowSchema(readParquetSchema(footer, options))`. Field ids that the file may
 * have are ignored. ValidationError where nanoseconds don't fit a v2 table's microseconds.
 */
export async function* readPlainParquet(
  source: ParquetSource,
  options: PlainReadOptions = {},
): AsyncGenerator<RecordBatch, void, undefined> {
  const file = await openParquet(source, { signal: options.signal })
  const schema = readParquetSchema(file.footer, options)
  const footer = withIdsOf(file.footer, schema.fields)
  const projection = planProjection(footer, schema, { location: file.location, exact: true })
  for await (const { batch } of readProjected(file, projection, options)) yield batch
}

/** Ids are placeholders until assignFreshIds. */
function toField(field: ParquetField, path: string, version: number): NestedField {
  return { id: 0, name: field.name, required: false, type: toType(field, path, version) }
}

function toType(field: ParquetField, path: string, version: number, isElement = false): Type {
  const list = listElementOf(field, isElement)
  return list === undefined ? toSingleType(field, path, version) : toList(list, path, version)
}

function toList({ element }: ListNesting, path: string, version: number): Type {
  return {
    kind: 'list',
    elementId: 0,
    element: toType(element, `${path}.element`, version, true),
    elementRequired: false,
  }
}

function toMap({ key, value }: MapNesting, path: string, version: number): Type {
  return {
    kind: 'map',
    keyId: 0,
    key: toType(key, `${path}.key`, version),
    valueId: 0,
    value: toType(value, `${path}.value`, version),
    valueRequired: false,
  }
}

function toSingleType(field: ParquetField, path: string, version: number): Type {
  if (isLeaf(field)) return toPrimitive(field, path, version)
  const map = mapEntriesOf(field)
  if (map !== undefined) return toMap(map, path, version)
  if (field.logicalType?.kind === 'variant' && version >= 3) return { kind: 'variant' }
  if (field.logicalType !== undefined || field.children.length === 0)
    return refuse(path, field.logicalType?.kind ?? 'empty group')
  return { kind: 'struct', fields: field.children.map((child) => toField(child, `${path}.${child.name}`, version)) }
}

function toPrimitive(leaf: ParquetLeaf, path: string, version: number): PrimitiveType {
  const { physicalType, logicalType, typeLength } = leaf
  if (logicalType !== undefined) return toLogical(logicalType, leaf, path, version)
  switch (physicalType) {
    case 'BOOLEAN':
      return { kind: 'boolean' }
    case 'INT32':
      return { kind: 'int' }
    case 'INT64':
      return { kind: 'long' }
    case 'INT96':
      return { kind: 'timestamptz' }
    case 'FLOAT':
      return { kind: 'float' }
    case 'DOUBLE':
      return { kind: 'double' }
    case 'BYTE_ARRAY':
      return { kind: 'binary' }
    case 'FIXED_LEN_BYTE_ARRAY':
      return typeLength === undefined || typeLength === 0
        ? refuse(path, 'fixed of no bytes')
        : { kind: 'fixed', length: typeLength }
  }
}

function toLogical(logical: LogicalType, { physicalType }: ParquetLeaf, path: string, version: number): PrimitiveType {
  switch (logical.kind) {
    case 'string':
    case 'json':
    case 'enum':
      return { kind: 'string' }
    case 'bson':
      return { kind: 'binary' }
    case 'date':
      return { kind: 'date' }
    case 'time':
      return { kind: 'time' }
    case 'timestamp':
      if (logical.unit === 'ns' && version >= 3) return { kind: logical.utc ? 'timestamptz_ns' : 'timestamp_ns' }
      return { kind: logical.utc ? 'timestamptz' : 'timestamp' }
    case 'decimal': {
      const { precision, scale } = logical
      if (precision < 1 || precision > MAX_PRECISION || scale > precision)
        return refuse(path, `decimal(${precision},${scale})`)
      return { kind: 'decimal', precision, scale }
    }
    case 'integer': {
      const bits = logical.bits + (logical.signed ? 0 : 1)
      if (bits > 64) return { kind: 'decimal', precision: 20, scale: 0 }
      return physicalType === 'INT32' && bits <= 32 ? { kind: 'int' } : { kind: 'long' }
    }
    case 'uuid':
      return { kind: 'uuid' }
    case 'float16':
      return { kind: 'float' }
    case 'unknown':
      return { kind: version >= 3 ? 'unknown' : 'string' }
    case 'geometry':
    case 'geography':
      return version >= 3 ? toShape(logical, path) : { kind: 'binary' }
    default:
      return refuse(path, logical.kind)
  }
}

/** A CRS is an id, or the name of a property that holds it: one written out has no place in a type. */
function toShape(logical: Extract<LogicalType, { kind: 'geometry' | 'geography' }>, path: string): PrimitiveType {
  const type = parsePrimitive(printPrimitive(logical))
  if (type?.kind === logical.kind) return type
  return refuse(path, `${logical.kind} whose CRS is ${String(logical.crs).slice(0, 40)}…`)
}

function refuse(column: string, type: string): never {
  throw new UnsupportedError(`column "${column}" has a type that Iceberg has no counterpart for: ${type}`, {
    context: { column },
  })
}
