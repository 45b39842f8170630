/**
 * How a manifest's writer laid its entries out. All known writers put the fields in one order, leaving some out: a schema
 * like that is recognized here, so that entry-reader.ts can read its entries in one straight line.
 */
import type { AvroCursor } from '../format/avro-cursor.ts'
import type { AvroNode, AvroRecordNode } from '../format/avro-schema.ts'
import type { DataFile, ManifestEntry } from '../spec/data-file.ts'

/** Whether a field has a value: ALWAYS, NEVER (the writer does not have it), or by the branch of its union that is null. */
export type Presence = number
export const ALWAYS: Presence = -1
export const NEVER: Presence = -2

/** Encodings that are read alike. Of maps, arrays of key-value records, `counts` has integers and `bounds` has bytes. */
export type Shape = 'integer' | 'string' | 'bytes' | 'integers' | 'counts' | 'bounds'

interface Field {
  readonly id: number
  readonly shape: Shape | 'record'
  /** Not null, and in every file. */
  readonly required?: boolean | undefined
  /** Of a map, whose values have the next one. */
  readonly keyId?: number | undefined
}

type FileKey = Exclude<keyof DataFile, 'specId'> | 'blockSizeInBytes'
type Presences<K extends string> = Readonly<Record<K, Presence>>

const ENTRY_FIELDS: Readonly<Record<keyof ManifestEntry, Field>> = {
  status: { id: 0, shape: 'integer', required: true },
  snapshotId: { id: 1, shape: 'integer' },
  sequenceNumber: { id: 3, shape: 'integer' },
  fileSequenceNumber: { id: 4, shape: 'integer' },
  dataFile: { id: 2, shape: 'record', required: true },
}

const FILE_FIELDS: Readonly<Record<FileKey, Field>> = {
  content: { id: 134, shape: 'integer' },
  filePath: { id: 100, shape: 'string', required: true },
  fileFormat: { id: 101, shape: 'string', required: true },
  partition: { id: 102, shape: 'record', required: true },
  recordCount: { id: 103, shape: 'integer', required: true },
  fileSizeInBytes: { id: 104, shape: 'integer', required: true },
  /** Of v1, without a use. */
  blockSizeInBytes: { id: 105, shape: 'integer' },
  columnSizes: { id: 108, shape: 'counts', keyId: 117 },
  valueCounts: { id: 109, shape: 'counts', keyId: 119 },
  nullValueCounts: { id: 110, shape: 'counts', keyId: 121 },
  nanValueCounts: { id: 137, shape: 'counts', keyId: 138 },
  lowerBounds: { id: 125, shape: 'bounds', keyId: 126 },
  upperBounds: { id: 128, shape: 'bounds', keyId: 129 },
  keyMetadata: { id: 131, shape: 'bytes' },
  splitOffsets: { id: 132, shape: 'integers' },
  equalityIds: { id: 135, shape: 'integers' },
  sortOrderId: { id: 140, shape: 'integer' },
  firstRowId: { id: 142, shape: 'integer' },
  referencedDataFile: { id: 143, shape: 'string' },
  contentOffset: { id: 144, shape: 'integer' },
  contentSizeInBytes: { id: 145, shape: 'integer' },
}

export type FileLayout = Presences<FileKey>

/** A field that is not looked into. */
export interface PassedField {
  readonly shape: Shape
  readonly presence: Presence
}

export interface EntryLayout {
  readonly entry: Presences<keyof ManifestEntry>
  readonly file: FileLayout
  readonly partition: AvroNode
}

/** The fields of a data file from one to another, both among them, in their order. */
export function fileFields(layout: FileLayout, first: FileKey, last: FileKey): PassedField[] {
  return fieldsBetween(layout, FILE_FIELDS, first, last)
}

/** The fields of an entry from one to another, both among them, in their order. */
export function entryFields(
  layout: EntryLayout['entry'],
  first: keyof ManifestEntry,
  last: keyof ManifestEntry,
): PassedField[] {
  return fieldsBetween(layout, ENTRY_FIELDS, first, last)
}

function fieldsBetween<K extends string>(
  layout: Presences<K>,
  usual: Readonly<Record<K, Field>>,
  first: K,
  last: K,
): PassedField[] {
  const keys = Object.keys(usual) as K[]
  return keys.slice(keys.indexOf(first), keys.indexOf(last) + 1).map((key) => {
    const { shape } = usual[key]
    if (shape === 'record') throw new TypeError(`${key} is not passed over`)
    return { shape, presence: layout[key] }
  })
}

/** Undefined for other layouts than the usual one, and for files without field ids. */
export function entryLayout(writer: AvroNode): EntryLayout | undefined {
  const fileNode = fieldType(writer, ENTRY_FIELDS.dataFile)
  const partition = fieldType(fileNode, FILE_FIELDS.partition)
  const entry = presences(writer, ENTRY_FIELDS)
  const file = presences(fileNode, FILE_FIELDS)
  return entry && file && partition && { entry, file, partition }
}

/** Whether a field has a value here; past its union's branch, where it is one. */
export function hasValue(cursor: AvroCursor, presence: Presence): boolean {
  if (presence < 0) return presence === ALWAYS
  const branch = cursor.number()
  if (branch === presence) return false
  return branch === 1 - presence || cursor.fail(`a union of two has no branch ${branch}`)
}

function fieldType(node: AvroNode | undefined, { id }: Field): AvroNode | undefined {
  return node?.kind === 'record' ? node.fields.find((field) => field.id === id)?.type : undefined
}

function presences<K extends string>(
  node: AvroNode | undefined,
  usual: Readonly<Record<K, Field>>,
): Presences<K> | undefined {
  if (node?.kind !== 'record') return undefined
  let next = 0
  const found = Object.entries<Field>(usual).map(([key, field]) => {
    const written = node.fields[next]
    if (written?.id !== field.id) return [key, field.required === true ? undefined : NEVER]
    next += 1
    return [key, presenceOf(written.type, field)]
  })
  const all = next === node.fields.length && found.every(([, presence]) => presence !== undefined)
  return all ? (Object.fromEntries(found) as Presences<K>) : undefined
}

/** Undefined where the type is not of the field's shape. */
function presenceOf(type: AvroNode, field: Field): Presence | undefined {
  if (hasShape(type, field)) return ALWAYS
  if (field.required === true || type.kind !== 'union' || type.branches.length !== 2) return undefined
  const nullBranch = type.branches.findIndex(({ kind }) => kind === 'null')
  const other = type.branches[1 - nullBranch]
  return nullBranch >= 0 && other !== undefined && hasShape(other, field) ? nullBranch : undefined
}

function hasShape(node: AvroNode, { shape, keyId }: Field): boolean {
  switch (shape) {
    case 'integer':
      return node.kind === 'int' || node.kind === 'long'
    case 'integers':
      return node.kind === 'array' && hasShape(node.items, { id: 0, shape: 'integer' })
    case 'counts':
    case 'bounds':
      return node.kind === 'array' && node.items.kind === 'record' && isPair(node.items, shape, keyId ?? 0)
    default:
      return node.kind === shape
  }
}

function isPair({ fields }: AvroRecordNode, shape: 'counts' | 'bounds', keyId: number): boolean {
  const shapes: readonly Shape[] = ['integer', shape === 'counts' ? 'integer' : 'bytes']
  return (
    fields.length === 2 &&
    fields.every(
      ({ id, type }, i) => (id ?? keyId + i) === keyId + i && hasShape(type, { id: 0, shape: shapes[i] ?? 'bytes' }),
    )
  )
}
