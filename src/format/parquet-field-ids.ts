/**
 * Field ids for files whose writers stored none: by the table's name mapping, or, for files that belong to no table, by
 * the schema made of them. A footer with these ids is read and pruned like any other.
 */
import type { NameMapping } from '../spec/name-mapping.ts'
import { childFields } from '../spec/schema.ts'
import { type NestedField, isNested } from '../spec/types.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { type InnerField, innerFields } from './parquet-nesting.ts'
import { type ParquetField, type ParquetGroup, isLeaf, leavesOf } from './parquet-schema.ts'

/** Ids by the field of the file. */
type FieldIds = Map<ParquetField, number>

/** The footer with the ids that the mapping has for the names in it; columns that it does not name have none. */
export function withMappedIds(footer: ParquetFooter, mapping: NameMapping): ParquetFooter {
  const ids: FieldIds = new Map()
  mapNames(innerFields(footer.schema), mapping, ids)
  return withFieldIds(footer, ids)
}

/** The footer with the ids of `fields`, which stand for its columns one by one. */
export function withIdsOf(footer: ParquetFooter, fields: readonly NestedField[]): ParquetFooter {
  const ids: FieldIds = new Map()
  pairFields(innerFields(footer.schema), fields, ids)
  return withFieldIds(footer, ids)
}

function mapNames(found: readonly InnerField[], mapping: NameMapping, ids: FieldIds): void {
  const byName = new Map(
    mapping
      .filter((mapped) => mapped.fieldId !== undefined)
      .flatMap((mapped) => mapped.names.map((name) => [name, mapped] as const)),
  )
  for (const { name, field, isElement } of found) {
    const mapped = byName.get(name)
    if (mapped?.fieldId === undefined) continue
    setOnce(ids, field, mapped.fieldId)
    mapNames(innerFields(field, isElement), mapped.fields ?? [], ids)
  }
}

function pairFields(found: readonly InnerField[], fields: readonly NestedField[], ids: FieldIds): void {
  for (const [i, { field, isElement }] of found.entries()) {
    const counterpart = fields[i]
    if (counterpart === undefined) continue
    setOnce(ids, field, counterpart.id)
    if (isNested(counterpart.type)) pairFields(innerFields(field, isElement), childFields(counterpart.type), ids)
  }
}

/** A bare repeated field is its own element: its id is the list's. */
function setOnce(ids: FieldIds, field: ParquetField, id: number): void {
  if (!ids.has(field)) ids.set(field, id)
}

function withFieldIds(footer: ParquetFooter, ids: FieldIds): ParquetFooter {
  const schema = renumberGroup(footer.schema, ids)
  const leaves = leavesOf(schema)
  const rowGroups = footer.rowGroups.map((group) => ({
    ...group,
    columns: group.columns.map((chunk, i) => ({ ...chunk, leaf: leaves[i] ?? chunk.leaf })),
  }))
  return { ...footer, schema, leaves, rowGroups, fieldIds: 'mapped' }
}

function renumberGroup(group: ParquetGroup, ids: FieldIds): ParquetGroup {
  const children = group.children.map((child) =>
    isLeaf(child) ? { ...child, fieldId: ids.get(child) } : renumberGroup(child, ids),
  )
  return { ...group, fieldId: ids.get(group), children }
}
