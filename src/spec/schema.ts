/**
 * Looking up the columns of a schema, by field id or by dotted name at any depth. The index of a schema is built once;
 * expr binds names with it, format and manifest find types by id. Defining, selecting and checking schemas, and their
 * JSON, live in define-schema.ts, select-fields.ts, check-schema.ts and schema-json.ts.
 */
import { ValidationError } from '../base/errors.ts'
import { closestNames } from './closest-names.ts'
import { isNested } from './types.ts'
import type { NestedField, NestedType, Schema } from './types.ts'

export interface NameOptions {
  readonly caseSensitive?: boolean | undefined
}

interface SchemaIndex {
  readonly fields: ReadonlyMap<number, NestedField>
  /** Full names: `location.lat`, `tags.element`, `properties.value.x`. */
  readonly names: ReadonlyMap<number, string>
  /** Field ids of what a field lies in; absent for columns. */
  readonly parents: ReadonlyMap<number, number>
  /** By full name, then by short name (`tags.x` for `tags.element.x`). */
  readonly byName: ReadonlyMap<string, NestedField>
  readonly byLowerName: ReadonlyMap<string, readonly NestedField[]>
}

const indexes = new WeakMap<Schema, SchemaIndex>()

/** The field of an id at any depth; elements, keys and values of lists and maps are fields too. */
export function findField(schema: Schema, fieldId: number): NestedField | undefined {
  return indexOf(schema).fields.get(fieldId)
}

/** The field of a dotted name; ValidationError where letter case is ignored and several names fit. */
export function findFieldByName(schema: Schema, name: string, options: NameOptions = {}): NestedField | undefined {
  const { caseSensitive = true } = options
  const index = indexOf(schema)
  if (caseSensitive) return index.byName.get(name)
  const found = index.byLowerName.get(name.toLowerCase()) ?? []
  if (found.length > 1) {
    const names = found.map((field) => `"${index.names.get(field.id)}"`).join(', ')
    throw new ValidationError(
      `column "${name}" is ambiguous when case is ignored: ${names}; spell it as in the schema`,
      {
        context: { column: name },
      },
    )
  }
  return found[0]
}

/** As `findFieldByName`; ValidationError naming the closest columns where there is none. */
export function requireField(schema: Schema, name: string, options: NameOptions = {}): NestedField {
  const field = findFieldByName(schema, name, options)
  if (field !== undefined) return field
  const names = closestNames(name, columnNames(schema))
  const hint =
    names.length > 0 ? `did you mean ${names.map((n) => `"${n}"`).join(' or ')}?` : 'the table has no columns'
  throw new ValidationError(`no column "${name}": ${hint}`, { context: { column: name } })
}

/** The dotted full name of a field: `location.lat`, `tags.element`, `properties.key`. */
export function columnName(schema: Schema, fieldId: number): string | undefined {
  return indexOf(schema).names.get(fieldId)
}

/** The full names of all fields, each after those of the fields it lies in. */
export function columnNames(schema: Schema): string[] {
  return [...indexOf(schema).names.values()]
}

/** Ids of the fields that a field lies in, outermost first, without its own. */
export function ancestorIds(schema: Schema, fieldId: number): number[] {
  const { parents } = indexOf(schema)
  const ids: number[] = []
  for (let id = parents.get(fieldId); id !== undefined; id = parents.get(id)) ids.unshift(id)
  return ids
}

/** The highest id at any depth, 0 for a schema without fields. */
export function highestFieldId(schema: Schema): number {
  let highest = 0
  for (const id of indexOf(schema).fields.keys()) highest = Math.max(highest, id)
  return highest
}

/** The fields that a nested type consists of: those of a struct, a list's `element`, a map's `key` and `value`. */
export function childFields(type: NestedType): readonly NestedField[] {
  switch (type.kind) {
    case 'struct':
      return type.fields
    case 'list':
      return [{ id: type.elementId, name: 'element', type: type.element, required: type.elementRequired }]
    case 'map':
      return [
        { id: type.keyId, name: 'key', type: type.key, required: true },
        { id: type.valueId, name: 'value', type: type.value, required: type.valueRequired },
      ]
  }
}

/** All fields at any depth, each before those that lie in it; twice where an id is used twice. */
export function fieldsOf(schema: Schema): readonly NestedField[] {
  const descend = (field: NestedField): NestedField[] => [
    field,
    ...(isNested(field.type) ? childFields(field.type).flatMap(descend) : []),
  ]
  return schema.fields.flatMap(descend)
}

function indexOf(schema: Schema): SchemaIndex {
  let index = indexes.get(schema)
  if (index === undefined) {
    index = buildIndex(schema)
    indexes.set(schema, index)
  }
  return index
}

function buildIndex(schema: Schema): SchemaIndex {
  const fields = new Map<number, NestedField>()
  const names = new Map<number, string>()
  const parents = new Map<number, number>()
  const shortNames = new Map<number, string>()

  const visit = (field: NestedField, parent: NestedField | undefined): void => {
    fields.set(field.id, field)
    const prefix = parent === undefined ? '' : `${names.get(parent.id)}.`
    names.set(field.id, prefix + field.name)
    const shortPrefix = parent === undefined ? '' : `${shortNames.get(parent.id)}.`
    // As in Java, the struct in a list or of a map's values gives its name away: `tags.x` for `tags.element.x`.
    const transparent = field.type.kind === 'struct' && isElementOrValue(field, parent)
    shortNames.set(field.id, transparent ? shortPrefix.slice(0, -1) : shortPrefix + field.name)
    if (parent !== undefined) parents.set(field.id, parent.id)
    if (isNested(field.type)) for (const child of childFields(field.type)) visit(child, field)
  }
  for (const field of schema.fields) visit(field, undefined)

  const byName = new Map<string, NestedField>()
  for (const labels of [names, shortNames]) {
    for (const [id, field] of fields) {
      const label = labels.get(id) ?? ''
      if (!byName.has(label)) byName.set(label, field)
    }
  }
  return { fields, names, parents, byName, byLowerName: groupByLowerName(byName) }
}

function isElementOrValue(field: NestedField, parent: NestedField | undefined): boolean {
  if (parent?.type.kind === 'list') return true
  return parent?.type.kind === 'map' && field.id === parent.type.valueId
}

function groupByLowerName(byName: ReadonlyMap<string, NestedField>): Map<string, NestedField[]> {
  const groups = new Map<string, NestedField[]>()
  for (const [name, field] of byName) {
    const group = groups.get(name.toLowerCase())
    if (group === undefined) groups.set(name.toLowerCase(), [field])
    else if (!group.includes(field)) group.push(field)
  }
  return groups
}
