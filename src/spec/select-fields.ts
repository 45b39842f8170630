/** Parts of a schema, with the ids and requirements of the whole: what a scan reads, what a delete file holds. */
import { ancestorIds, childFields, findField, requireField } from './schema.ts'
import type { NameOptions } from './schema.ts'
import { isNested } from './types.ts'
import type { NestedField, Schema, Type } from './types.ts'

/** What to keep of a field: all, or some of its children in the order of the map. */
type Selection = 'all' | Map<number, Selection>

/**
 * The named columns, or parts of them by dotted names (`location.lat`, `tags.element.x`), in the order named. Keys of a
 * map stay with its values. ValidationError for a name that is not a column.
 */
export function selectFields(schema: Schema, names: readonly string[], options: NameOptions = {}): Schema {
  const root = new Map<number, Selection>()
  for (const name of names) {
    const { id } = requireField(schema, name, options)
    select(root, [...ancestorIds(schema, id), id])
  }
  return withFields(schema, pickFields(schema.fields, root))
}

/** The fields of the ids with what they lie in and all that lies in them, in the schema's order. */
export function projectFieldIds(schema: Schema, ids: ReadonlySet<number>): Schema {
  return withFields(
    schema,
    schema.fields.flatMap((field) => projectField(field, ids)),
  )
}

function select(root: Map<number, Selection>, path: readonly number[]): void {
  let level = root
  for (const id of path.slice(0, -1)) {
    const next = level.get(id) ?? new Map<number, Selection>()
    if (next === 'all') return
    level.set(id, next)
    level = next
  }
  const leaf = path.at(-1)
  if (leaf !== undefined) level.set(leaf, 'all')
}

function pickFields(fields: readonly NestedField[], selection: ReadonlyMap<number, Selection>): NestedField[] {
  const byId = new Map(fields.map((field) => [field.id, field]))
  return [...selection].flatMap(([id, inner]) => {
    const field = byId.get(id)
    if (field === undefined) return []
    return inner === 'all' ? [field] : [{ ...field, type: pickType(field.type, inner) }]
  })
}

function pickType(type: Type, selection: ReadonlyMap<number, Selection>): Type {
  if (!isNested(type)) return type
  if (type.kind === 'struct') return { kind: 'struct', fields: pickFields(type.fields, selection) }
  return replaceChildren(type, pickFields(childFields(type), selection))
}

function projectField(field: NestedField, ids: ReadonlySet<number>): NestedField[] {
  if (ids.has(field.id)) return [field]
  if (!isNested(field.type)) return []
  const children = childFields(field.type).flatMap((child) => projectField(child, ids))
  if (children.length === 0) return []
  const { type } = field
  return [
    { ...field, type: type.kind === 'struct' ? { kind: 'struct', fields: children } : replaceChildren(type, children) },
  ]
}

/** A list or map with those of its parts that `parts` names; a map's key is always whole, its value where not named. */
function replaceChildren(type: Exclude<Type, { kind: 'struct' }>, parts: readonly NestedField[]): Type {
  const partOf = (id: number): Type | undefined => parts.find((part) => part.id === id)?.type
  if (type.kind === 'list') return { ...type, element: partOf(type.elementId) ?? type.element }
  return type.kind === 'map' ? { ...type, value: partOf(type.valueId) ?? type.value } : type
}

function withFields(schema: Schema, fields: readonly NestedField[]): Schema {
  const selected = { ...schema, fields }
  const identifierFieldIds = schema.identifierFieldIds.filter((id) => findField(selected, id) !== undefined)
  return { ...selected, identifierFieldIds }
}
