/** What partition specs and sort orders ask of the schema they are used with; checked before they enter metadata. */
import { ValidationError } from '../base/errors.ts'
import type { PartitionSpec } from './partition-spec.ts'
import { ancestorIds, findField, findFieldByName } from './schema.ts'
import type { SortOrder } from './sort-order.ts'
import { checkTransform, printTransform, type Transform } from './transform.ts'
import type { Schema } from './types.ts'

/** Each source exists, is primitive, lies in structs only, and suits its transform; ValidationError naming the field. */
export function checkPartitionSpec({ fields }: PartitionSpec, schema: Schema): void {
  for (const { name, sourceIds, transform } of fields) {
    for (const sourceId of sourceIds) checkSource(`partition field "${name}"`, { transform, sourceId, schema })
  }
}

/** Names are unique, and none is that of a column which is not its source. */
export function checkPartitionNames({ fields }: PartitionSpec, schema: Schema): void {
  const names = new Set<string>()
  for (const { name, sourceIds } of fields) {
    const column = findFieldByName(schema, name)
    const taken = column !== undefined && !sourceIds.includes(column.id)
    const reason =
      name === '' ? 'empty' : names.has(name) ? 'used twice' : taken ? 'the name of another column' : undefined
    if (reason !== undefined) {
      throw new ValidationError(`partition field name "${name}" is ${reason}: choose another`, {
        context: { field: name },
      })
    }
    names.add(name)
  }
}

/** As for partition specs. */
export function checkSortOrder({ fields }: SortOrder, schema: Schema): void {
  for (const { sourceIds, transform } of fields) {
    for (const sourceId of sourceIds)
      checkSource(`sort field ${printTransform(transform)}`, { transform, sourceId, schema })
  }
}

interface Source {
  readonly transform: Transform
  readonly sourceId: number
  readonly schema: Schema
}

function checkSource(what: string, { transform, sourceId, schema }: Source): void {
  // A partition field of a dropped column lives on as void; a transform of a later version is kept without being used.
  if (transform.kind === 'void' || transform.kind === 'unknown') return
  const context = { sourceId, transform: printTransform(transform) }
  const source = findField(schema, sourceId)
  if (source === undefined) {
    throw new ValidationError(`the source of ${what} is column ${sourceId}, which the schema does not have`, {
      context,
    })
  }
  if (ancestorIds(schema, sourceId).some((id) => findField(schema, id)?.type.kind !== 'struct')) {
    throw new ValidationError(`the source of ${what} lies in a list or map: only fields of structs can be used`, {
      context,
    })
  }
  checkTransform(transform, source)
}
