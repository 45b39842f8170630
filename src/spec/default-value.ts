/**
 * Defaults of fields (spec, "Default values"): what a default of a nested type comes to. A struct's own says only that
 * it is there; what its fields are is told by their own defaults.
 */
import type { DefaultValue, NestedField, StructType, Type, Value } from './types.ts'
import { type RowValue, toRowValue } from './value.ts'

/** What a default tells of the fields of a struct, by the schema's order. */
export function membersOf(
  type: StructType,
  value: DefaultValue,
): readonly (readonly [field: NestedField, value: DefaultValue | null])[] {
  const told = value as ReadonlyMap<DefaultValue, DefaultValue | null>
  return type.fields.flatMap((field) => {
    const member = told.get(field.id)
    return member === undefined ? [] : [[field, member] as const]
  })
}

/** A default as users give values; fields of structs that it leaves out are left out. */
export function defaultRowValue(type: Type, value: DefaultValue | null): RowValue {
  if (value === null) return null
  switch (type.kind) {
    case 'struct':
      return Object.fromEntries(
        membersOf(type, value).map(([field, member]) => [field.name, defaultRowValue(field.type, member)]),
      )
    case 'list':
      return (value as readonly (DefaultValue | null)[]).map((element) => defaultRowValue(type.element, element))
    case 'map': {
      const entries = value as ReadonlyMap<DefaultValue, DefaultValue | null>
      return new Map(
        Array.from(entries, ([key, item]) => [defaultRowValue(type.key, key), defaultRowValue(type.value, item)]),
      )
    }
    case 'variant':
      return null
    default:
      return toRowValue(type, value as Value)
  }
}
