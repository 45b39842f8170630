/** What a format version allows in a schema (spec, "Schemas", "Identifier Field IDs"); asked before metadata is written. */
import { UnsupportedError, ValidationError } from '../base/errors.ts'
import { ancestorIds, columnName, fieldsOf, findField } from './schema.ts'
import type { FormatVersion } from './table-metadata.ts'
import { printTypeText } from './type-text.ts'
import { isPrimitive } from './types.ts'
import type { NestedField, Schema, TypeKind } from './types.ts'

/** Ids above are those of metadata columns such as `_file` and `_pos`. */
const MAX_FIELD_ID = 2_147_483_447
const V3_TYPES: ReadonlySet<TypeKind> = new Set<TypeKind>([
  'unknown',
  'timestamp_ns',
  'timestamptz_ns',
  'variant',
  'geometry',
  'geography',
])
const NULL_DEFAULT_TYPES: ReadonlySet<TypeKind> = new Set<TypeKind>(['unknown', 'variant', 'geometry', 'geography'])

/**
 * UnsupportedError for types and defaults that the version does not have; ValidationError for field ids used twice or
 * reserved, and for identifier fields that may be null or compare badly.
 */
export function checkSchemaForVersion(schema: Schema, formatVersion: FormatVersion): void {
  const seen = new Set<number>()
  for (const field of fieldsOf(schema)) {
    checkId(schema, field, seen)
    if (formatVersion < 3) checkBeforeV3(schema, field, formatVersion)
    checkNullable(schema, field)
  }
  for (const id of schema.identifierFieldIds) checkIdentifierField(schema, id)
}

function checkId(schema: Schema, { id }: NestedField, seen: Set<number>): void {
  const column = columnName(schema, id)
  if (id < 1 || id > MAX_FIELD_ID) fail(`its field id ${id} must be from 1 to ${MAX_FIELD_ID}`, column)
  if (seen.has(id)) fail(`its field id ${id} is used twice`, column)
  seen.add(id)
}

function checkBeforeV3(schema: Schema, field: NestedField, formatVersion: FormatVersion): void {
  const column = columnName(schema, field.id)
  const context = { column, formatVersion }
  const advice = `needs format version 3, the table has ${formatVersion}: upgrade it or choose another type`
  if (V3_TYPES.has(field.type.kind)) {
    throw new UnsupportedError(`column "${column}": type ${printTypeText(field.type)} ${advice}`, { context })
  }
  if (field.initialDefault !== undefined || field.writeDefault !== undefined) {
    throw new UnsupportedError(
      `column "${column}": a default value needs format version 3, the table has ${formatVersion}`,
      {
        context,
      },
    )
  }
}

function checkNullable(schema: Schema, { id, type, required, initialDefault, writeDefault }: NestedField): void {
  const column = columnName(schema, id)
  if (type.kind === 'unknown' && required) fail('a column of type unknown must be optional', column)
  if (NULL_DEFAULT_TYPES.has(type.kind) && (initialDefault ?? writeDefault) !== undefined) {
    fail(`a default of type ${type.kind} can only be null`, column)
  }
  for (const value of type.kind === 'struct' ? [initialDefault, writeDefault] : []) {
    if (!(value === undefined || (value instanceof Map && value.size === 0)))
      fail('the default of a struct can only be null or {}: give its fields defaults of their own', column)
  }
}

function checkIdentifierField(schema: Schema, id: number): void {
  const field = findField(schema, id)
  if (field === undefined) return fail(`identifier field ${id} is not a field of the schema`, undefined)
  const column = columnName(schema, id)
  if (!isPrimitive(field.type)) fail('an identifier field must have a primitive type', column)
  if (!field.required) fail('an identifier field must be required', column)
  if (field.type.kind === 'float' || field.type.kind === 'double')
    fail('an identifier field must not be float or double', column)
  for (const ancestorId of ancestorIds(schema, id)) {
    const ancestor = findField(schema, ancestorId)
    if (ancestor?.type.kind !== 'struct') fail('an identifier field must not lie in a list or map', column)
    if (!ancestor.required)
      fail(`an identifier field must not lie in an optional struct ("${columnName(schema, ancestorId)}")`, column)
  }
}

function fail(problem: string, column: string | undefined): never {
  throw new ValidationError(column === undefined ? problem : `column "${column}": ${problem}`, { context: { column } })
}
