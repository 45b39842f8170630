/**
 * Name mappings (spec, "Column Projection" and Appendix C "Name Mapping Serialization"): field ids for data files whose
 * writers stored none, by the names of their columns. The table property holds one as JSON; parquet-field-ids.ts applies it.
 */
import { JsonCursor, type JsonObject, parseJson, printJson } from '../base/json.ts'
import { childFields } from './schema.ts'
import { type Schema, isNested } from './types.ts'

export const NAME_MAPPING = 'schema.name-mapping.default'

interface MappedField {
  /** Undefined where columns of these names belong to no field of the table. */
  readonly fieldId?: number | undefined
  /** Literal names: a dot is no path. The element of a list is `element`, those of a map are `key` and `value`. */
  readonly names: readonly string[]
  /** What lies within the field. */
  readonly fields?: NameMapping | undefined
}

export type NameMapping = readonly MappedField[]

/** InvalidDataError names the place in the JSON, also where a name or id stands twice on one level. */
export function parseNameMapping(text: string): NameMapping {
  const location = `table property ${NAME_MAPPING}`
  return parseFields(new JsonCursor(parseJson(text, location), location, NAME_MAPPING))
}

/** The mapping of a schema's own names, on every level. */
export function nameMappingOf({ fields }: Pick<Schema, 'fields'>): NameMapping {
  return fields.map(({ id, name, type }) => {
    const inner = isNested(type) ? { fields: nameMappingOf({ fields: childFields(type) }) } : {}
    return { fieldId: id, names: [name], ...inner }
  })
}

export function printNameMapping(mapping: NameMapping): string {
  return printJson(mapping.map(printField))
}

function parseFields(cursor: JsonCursor): MappedField[] {
  const names = new Set<string>()
  const ids = new Set<number>()
  return cursor.array().map((entry) => {
    const field = parseField(entry)
    if (field.fieldId === undefined) return field
    if (ids.has(field.fieldId)) entry.get('field-id').fail(`ids that differ, not ${field.fieldId} again`)
    ids.add(field.fieldId)
    for (const name of field.names) {
      if (names.has(name)) entry.get('names').fail(`names that differ, not "${name}" again`)
      names.add(name)
    }
    return field
  })
}

function parseField(cursor: JsonCursor): MappedField {
  const fieldId = cursor.optional('field-id', (id) => id.integer())
  const fields = cursor.optional('fields', parseFields)
  const names = cursor.optional('names', (list) => list.array().map((name) => name.string())) ?? []
  return {
    ...(fieldId === undefined ? {} : { fieldId }),
    names: [...new Set(names)],
    ...(fields === undefined ? {} : { fields }),
  }
}

function printField({ fieldId, names, fields }: MappedField): JsonObject {
  return { 'field-id': fieldId, names, fields: fields?.map(printField) }
}
