/** Schemas put together for reading: what a scan selects, and what only its filter or delete files need beside that. */
import type { NestedField } from '../spec/types.ts'

/**
 * `fields`, and at their end those of `more` that are not among them, by id, into structs too. A field whose name is
 * taken, such as a column dropped and added again, gets another. `fields` itself where nothing is missing.
 */
export function mergeFields(fields: readonly NestedField[], more: readonly NestedField[]): readonly NestedField[] {
  let merged: NestedField[] | undefined
  for (const field of more) {
    const known = merged ?? fields
    const index = known.findIndex(({ id }) => id === field.id)
    const found = known[index]
    if (found === undefined) {
      merged = [...known, { ...field, name: freeName(field, known) }]
    } else if (found.type.kind === 'struct' && field.type.kind === 'struct') {
      const members = mergeFields(found.type.fields, field.type.fields)
      if (members !== found.type.fields)
        merged = known.with(index, { ...found, type: { kind: 'struct', fields: members } })
    }
  }
  return merged ?? fields
}

function freeName({ id, name }: NestedField, taken: readonly NestedField[]): string {
  let free = name
  while (taken.some((other) => other.name === free)) free += `#${id}`
  return free
}
