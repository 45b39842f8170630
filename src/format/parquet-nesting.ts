/**
 * Lists and maps in Parquet: the standard three-level layout, and the older ones that its specification has readers
 * understand (LogicalTypes.md, "Backward-compatibility rules").
 */
import { type ParquetField, type ParquetGroup, isLeaf } from './parquet-schema.ts'

export interface ListNesting {
  readonly element: ParquetField
  /** The list with a narrowed element in place of its own. */
  withElement(element: ParquetField): ParquetField
}

export interface MapNesting {
  readonly key: ParquetField
  readonly value: ParquetField
  withEntries(key: ParquetField, value: ParquetField): ParquetField
}

/** What lies within a field, under the names that Iceberg has for it. */
export interface InnerField {
  readonly name: string
  readonly field: ParquetField
  /** As the argument of listElementOf. */
  readonly isElement: boolean
}

/**
 * Undefined where the field is no list. A repeated field outside a list or map is a list by itself; not so `isElement`,
 * the element that a list was asked for: that one repeats on behalf of its list.
 */
export function listElementOf(field: ParquetField, isElement = false): ListNesting | undefined {
  if (isLeaf(field) || field.logicalType?.kind !== 'list') {
    return field.repetition === 'repeated' && !isElement ? bareRepeated(field) : undefined
  }
  const [repeated] = field.children
  if (repeated?.repetition !== 'repeated' || field.children.length !== 1) return undefined
  if (isLeaf(repeated) || isElementItself(repeated, field)) {
    return {
      element: repeated,
      // Named "array", so that the decoder takes it for the element however many members are left of it.
      withElement: (element) => ({ ...bare(field), children: [{ ...element, name: 'array', repetition: 'repeated' }] }),
    }
  }
  const [element] = repeated.children
  if (element === undefined) return undefined
  return {
    element,
    withElement: (narrowed) => ({ ...bare(field), children: [{ ...bare(repeated), children: [narrowed] }] }),
  }
}

/** Undefined where the field is no map, or one without values. */
export function mapEntriesOf(field: ParquetField): MapNesting | undefined {
  if (isLeaf(field) || field.logicalType?.kind !== 'map' || field.children.length !== 1) return undefined
  const [entries] = field.children
  if (entries === undefined || isLeaf(entries) || entries.repetition !== 'repeated' || entries.children.length !== 2)
    return undefined
  const [key, value] = entries.children
  if (key === undefined || value === undefined) return undefined
  return {
    key,
    value,
    withEntries: (narrowKey, narrowValue) => {
      // The oldest files annotate the entries as well, which the decoder does not expect.
      const inner: ParquetGroup = { ...bare(entries), logicalType: undefined, children: [narrowKey, narrowValue] }
      return { ...bare(field), children: [inner] }
    },
  }
}

/** The element of a list, key and value of a map, the members of a group; none for a column. */
export function innerFields(field: ParquetField, isElement = false): InnerField[] {
  const list = listElementOf(field, isElement)
  if (list !== undefined) return [{ name: 'element', field: list.element, isElement: true }]
  if (isLeaf(field)) return []
  const map = mapEntriesOf(field)
  const members = map === undefined ? field.children.map((child) => [child.name, child] as const) : entriesOf(map)
  return members.map(([name, member]) => ({ name, field: member, isElement: false }))
}

function entriesOf({ key, value }: MapNesting): (readonly [string, ParquetField])[] {
  return [
    ['key', key],
    ['value', value],
  ]
}

function bareRepeated(field: ParquetField): ListNesting {
  return {
    element: field,
    withElement: (element) => ({ ...element, repetition: 'repeated' }),
  }
}

/** Two-level lists: the repeated group is the element, not a wrapper around it. */
function isElementItself(repeated: ParquetGroup, list: ParquetGroup): boolean {
  const [first] = repeated.children
  if (repeated.children.length !== 1 || first?.repetition === 'repeated') return true
  return repeated.name === 'array' || repeated.name === `${list.name}_tuple`
}

function bare(group: ParquetGroup): ParquetGroup {
  return { ...group, fieldId: undefined }
}
