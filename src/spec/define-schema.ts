/**
 * New schemas from what users write: a record of type texts, Iceberg's JSON, or a schema. Ids are assigned anew, as a
 * table's first schema gets them; catalog.createTable begins here.
 */
import { InvalidDataError, ValidationError } from '../base/errors.ts'
import { JsonCursor } from '../base/json.ts'
import type { JsonObject } from '../base/json.ts'
import { parseSchema } from './schema-json.ts'
import { childFields, columnName, requireField } from './schema.ts'
import { parseTypeText } from './type-text.ts'
import { isNested } from './types.ts'
import type { NestedField, Schema, Type } from './types.ts'

/** `{ id: 'long not null', tags: 'list<string>' }`, Iceberg's JSON schema (an object with `fields`), or a schema. */
export type SchemaInput = Schema | JsonObject | Readonly<Record<string, string>>

/**
 * A schema with id 0 and fresh field ids from 1, in Java's order: all fields of a level, then what lies in each.
 * ValidationError for empty names and for two fields of one full name; names may differ in case alone.
 */
export function defineSchema(input: SchemaInput): Schema {
  return assignFreshIds(readInput(input))
}

/** The same schema with fresh ids, the next of which `nextId` gives. */
export function assignFreshIds(schema: Schema, nextId: () => number = counter()): Schema {
  checkNames(schema.fields, '', new Set())
  const fresh: Schema = { schemaId: 0, fields: freshFields(schema.fields, nextId), identifierFieldIds: [] }
  const identifierFieldIds = schema.identifierFieldIds.map((id) => {
    const name = columnName(schema, id)
    if (name === undefined) throw new ValidationError(`identifier field ${id} is not a field of the schema`)
    return requireField(fresh, name).id
  })
  return { ...fresh, identifierFieldIds }
}

function readInput(input: SchemaInput): Schema {
  if (isSchema(input)) return input
  if (Array.isArray(input['fields'])) return readJson(input)
  const fields = Object.entries(input).map(([name, text]) => {
    if (typeof text !== 'string') {
      throw new ValidationError(`column "${name}": expected a type such as 'long not null'`, {
        context: { column: name },
      })
    }
    return parseColumn(name, text)
  })
  return { schemaId: 0, fields, identifierFieldIds: [] }
}

function isSchema(input: SchemaInput): input is Schema {
  const { fields, schemaId }: { readonly fields?: unknown; readonly schemaId?: unknown } = input
  return Array.isArray(fields) && typeof schemaId === 'number'
}

function readJson(json: JsonObject): Schema {
  try {
    return parseSchema(new JsonCursor(json, 'schema'))
  } catch (error) {
    if (!(error instanceof InvalidDataError)) throw error
    throw new ValidationError(`the schema is not understood: ${error.message}`, {
      context: error.context,
      cause: error,
    })
  }
}

function parseColumn(name: string, text: string): NestedField {
  try {
    return { id: 0, name, ...parseTypeText(text) }
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error
    throw new ValidationError(`column "${name}": ${error.message}`, {
      context: { ...error.context, column: name },
      cause: error,
    })
  }
}

/** Dots are allowed in names, so that full names are compared: a column `a.b` clashes with field `b` of struct `a`. */
function checkNames(fields: readonly NestedField[], prefix: string, seen: Set<string>): void {
  for (const { name, type } of fields) {
    const fullName = prefix + name
    if (name === '') {
      throw new ValidationError(
        prefix === '' ? 'a column has an empty name' : `a field of "${prefix.slice(0, -1)}" has an empty name`,
      )
    }
    if (seen.has(fullName)) {
      throw new ValidationError(`two columns are named "${fullName}": rename one`, { context: { column: fullName } })
    }
    seen.add(fullName)
    if (isNested(type)) checkNames(childFields(type), `${fullName}.`, seen)
  }
}

function freshFields(fields: readonly NestedField[], nextId: () => number): NestedField[] {
  const ids = fields.map(() => nextId())
  return fields.map((field, i) => freshField(field, ids[i] ?? 0, nextId))
}

function freshField(field: NestedField, id: number, nextId: () => number): NestedField {
  return { ...field, id, type: freshType(field.type, nextId) }
}

function freshType(type: Type, nextId: () => number): Type {
  switch (type.kind) {
    case 'struct':
      return { kind: 'struct', fields: freshFields(type.fields, nextId) }
    case 'list':
      return { ...type, elementId: nextId(), element: freshType(type.element, nextId) }
    case 'map': {
      const [keyId, valueId] = [nextId(), nextId()]
      return { ...type, keyId, valueId, key: freshType(type.key, nextId), value: freshType(type.value, nextId) }
    }
    default:
      return type
  }
}

function counter(): () => number {
  let last = 0
  return () => ++last
}
