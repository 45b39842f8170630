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

/** Undefined where the field is no list. */
export function listElementOf(field: ParquetField): ListNesting | undefined {
  if (isLeaf(field)) return field.repetition === 'repeated' ? bareRepeated(field) : undefined
  const [repeated] = field.children
  if (field.logicalType?.kind !== 'list') return field.repetition === 'repeated' ? bareRepeated(field) : undefined
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

/** A repeated field outside a list or map is a list of required elements. */
function bareRepeated(field: ParquetField): ListNesting {
  return {
    element: field,
    withElement: (element) => ({ ...element, repetition: 'repeated' }),
  }
}

/** Two-level lists: the repeated group is the element, not a wrapper around it. */
function isElementItself(repeated: ParquetGroup, list: ParquetGroup): boolean {
  return repeated.children.length !== 1 || repeated.name === 'array' || repeated.name === `${list.name}_tuple`
}

function bare(group: ParquetGroup): ParquetGroup {
  return { ...group, fieldId: undefined }
}
