/**
 * Variant columns of Parquet files → the two binaries of `toArrowType(variant)`. What a writer shredded into columns of
 * their own is put together again (VariantShredding.md, "Reconstructing a Shredded Variant"), row by row; a variant that
 * was not shredded is passed on without a copy. Called by parquet-projection.ts.
 */
import { BufferType, Data } from 'apache-arrow'
import { comparatorOf } from '../spec/value.ts'
import { toArrowType } from './arrow-schema.ts'
import { listElementOf } from './parquet-nesting.ts'
import { type ParquetField, type ParquetGroup, type ParquetLeaf, isLeaf, leavesOf } from './parquet-schema.ts'
import { VARIANT_NULL, variantArray, variantObject } from './variant-bytes.ts'
import { type VariantDictionary, parseVariantMetadata } from './variant-metadata.ts'
import { bytesAt, shreddedLeaf } from './variant-shredded-leaf.ts'
import { isVariantObject, variantFields } from './variant-value.ts'

/** Throws InvalidDataError that names file and column. */
type Fail = (problem: string) => never

interface VariantReading {
  /** What the decoder is to take the column for. */
  readonly field: ParquetField
  readonly leaves: readonly ParquetLeaf[]
  readonly convert: (data: Data) => Data
}

/** The bytes of a value in some row; undefined where it is missing, as fields of objects may be. */
type ValueReader = (row: number, dictionary: VariantDictionary) => Uint8Array | undefined

/** A group of `value` and `typed_value`: the whole variant, an element of an array, or a field of an object. */
interface Part {
  readonly field: ParquetGroup
  bind(data: Data): ValueReader
}

/** By name; undefined where the object lacks a field that has columns of its own. */
type Fields = Map<string, Uint8Array | undefined>

/** What `typed_value` holds: reads rows that are not null. */
interface Typed {
  readonly field: ParquetField
  bind(data: Data): (row: number, dictionary: VariantDictionary) => Uint8Array | Fields
}

const MEMBERS: ReadonlySet<string> = new Set(['metadata', 'value', 'typed_value'])
const compareNames = comparatorOf({ kind: 'string' })

/** How the group `stored` is read; `fail` where it is no variant, or one of types that none has. */
export function readVariant(stored: ParquetGroup, fail: Fail): VariantReading {
  const kept = { ...stored, children: stored.children.filter(({ name }) => MEMBERS.has(name)) }
  const metadataAt = indexOf(kept, 'metadata')
  const metadata = kept.children[metadataAt]
  if (metadata === undefined || !isBytes(metadata)) return fail('its variant has no metadata in bytes')
  const part = planPart(kept, fail)
  const valueAt = indexOf(kept, 'value')
  const isPlain = kept.children.length === 2 && kept.children[valueAt]?.repetition === 'required'
  const arrowType = toArrowType({ kind: 'variant' })
  return {
    field: part.field,
    leaves: leavesOf(kept),
    convert: (data) => {
      const metadataData = data.children[metadataAt]
      if (metadataData === undefined) return fail('the decoder left out a column')
      const value = isPlain ? data.children[valueAt] : assemble(data, metadataData, part.bind(data))
      if (value === undefined) return fail('the decoder left out a column')
      const { offset, length, nullCount } = data
      return new Data(arrowType, offset, length, nullCount, data, [withoutNulls(metadataData), withoutNulls(value)])
    },
  }
}

/** Both members are required: what they hold below a null is not seen. */
function withoutNulls(data: Data): Data {
  const { valueOffsets, values } = data
  return new Data(data.type, 0, data.length, 0, { [BufferType.OFFSET]: valueOffsets, [BufferType.DATA]: values })
}

/** The values of all rows as one binary column. */
function assemble(data: Data, metadata: Data, read: ValueReader): Data {
  const offsets = new Int32Array(data.length + 1)
  const values: Uint8Array[] = []
  const metadataAt = bytesAt(metadata)
  let dictionary: VariantDictionary | undefined
  let last: Uint8Array | undefined
  let end = 0
  for (let row = 0; row < data.length; row++) {
    if (data.nullCount === 0 || data.getValid(row)) {
      const bytes = metadataAt(row)
      if (dictionary === undefined || last === undefined || Buffer.compare(last, bytes) !== 0) {
        dictionary = parseVariantMetadata(bytes)
        last = bytes
      }
      const value = read(row, dictionary) ?? VARIANT_NULL
      values.push(value)
      end += value.length
    }
    offsets[row + 1] = end
  }
  const buffers = { [BufferType.OFFSET]: offsets, [BufferType.DATA]: Buffer.concat(values, end) }
  return new Data(metadata.type, 0, data.length, 0, buffers)
}

function planPart(group: ParquetGroup, fail: Fail): Part {
  const valueAt = indexOf(group, 'value')
  const typedAt = indexOf(group, 'typed_value')
  const [value, typedField] = [group.children[valueAt], group.children[typedAt]]
  if (value !== undefined && !isBytes(value)) return fail('the value of its variant is not in bytes')
  const typed = typedField === undefined ? undefined : planTyped(typedField, fail)
  if (value === undefined && typed === undefined) return fail('its variant has neither value nor typed_value')
  const children = group.children.map((child, i) => (i === typedAt && typed !== undefined ? typed.field : bare(child)))
  return {
    field: { ...group, fieldId: undefined, logicalType: undefined, children },
    bind(data) {
      const values = optional(data.children[valueAt], bytesAt)
      const typedValues = optional(data.children[typedAt], (column) => typed?.bind(column))
      return (row, dictionary) => {
        const residual = values?.(row, dictionary)
        const shredded = typedValues?.(row, dictionary)
        if (shredded === undefined) return residual?.slice()
        if (shredded instanceof Uint8Array) {
          return residual === undefined ? shredded : fail('both value and typed_value hold a value of its variant')
        }
        return joinFields(shredded, residual, dictionary, fail)
      }
    },
  }
}

/** Shredded fields beside those that were not. A name that was shredded is told by its columns alone. */
function joinFields(
  shredded: Fields,
  residual: Uint8Array | undefined,
  dictionary: VariantDictionary,
  fail: Fail,
): Uint8Array {
  if (residual !== undefined && !isVariantObject(residual))
    return fail('its variant has shredded fields beside a value that is no object')
  const all: Fields = residual === undefined ? shredded : new Map([...variantFields(dictionary, residual), ...shredded])
  const names = [...all.keys()].toSorted(compareNames)
  return variantObject(
    names.flatMap((name) => {
      const value = all.get(name)
      if (value === undefined) return []
      const id = dictionary.idOf(name) ?? fail(`the metadata of its variant lacks the name ${JSON.stringify(name)}`)
      return [[id, value] as const]
    }),
  )
}

function planTyped(field: ParquetField, fail: Fail): Typed {
  if (isLeaf(field)) {
    const read = shreddedLeaf(field) ?? fail(`no variant holds values of its typed_value (${describe(field)})`)
    return { field: bare(field), bind: read }
  }
  if (field.logicalType?.kind === 'list') return planArray(field, fail)
  if (field.logicalType !== undefined) return fail(`no variant holds values of its typed_value (${describe(field)})`)
  return planObject(field, fail)
}

function planArray(field: ParquetGroup, fail: Fail): Typed {
  const list = listElementOf(field)
  if (list === undefined || isLeaf(list.element)) return fail('the elements of its shredded array are no variants')
  const part = planPart(list.element, fail)
  return {
    field: list.withElement(part.field),
    bind(data) {
      const [child] = data.children
      const { valueOffsets: offsets } = data
      const read = child === undefined ? fail('the decoder left out a column') : part.bind(child)
      return (row, dictionary) => {
        const items: Uint8Array[] = []
        for (let i = offsets[row] ?? 0; i < (offsets[row + 1] ?? 0); i++) {
          items.push(read(i, dictionary) ?? VARIANT_NULL)
        }
        return variantArray(items)
      }
    },
  }
}

function planObject(field: ParquetGroup, fail: Fail): Typed {
  const parts = field.children.map((child) =>
    isLeaf(child)
      ? fail(`the shredded field "${child.name}" of its variant is no group`)
      : { name: child.name, part: planPart(child, fail) },
  )
  return {
    field: { ...field, fieldId: undefined, children: parts.map(({ part }) => part.field) },
    bind(data) {
      const readers = parts.map(({ name, part }, i) => ({
        name,
        read: optional(data.children[i], (child) => part.bind(child)),
      }))
      return (row, dictionary) => {
        const fields: Fields = new Map()
        for (const { name, read } of readers) fields.set(name, read?.(row, dictionary))
        return fields
      }
    },
  }
}

type Reader<T> = (row: number, dictionary: VariantDictionary) => T

/** A reader that gives undefined for rows that are null; undefined where there is no column. */
function optional<T>(
  data: Data | undefined,
  bind: (data: Data) => Reader<T> | undefined,
): Reader<T | undefined> | undefined {
  const read = data === undefined ? undefined : bind(data)
  if (data === undefined || read === undefined) return undefined
  return data.nullCount === 0 ? read : (row, dictionary) => (data.getValid(row) ? read(row, dictionary) : undefined)
}

function indexOf(group: ParquetGroup, name: string): number {
  return group.children.findIndex((child) => child.name === name)
}

function isBytes(field: ParquetField): field is ParquetLeaf {
  return isLeaf(field) && field.physicalType === 'BYTE_ARRAY'
}

/** The decoder is shown the physical type alone. */
function bare(field: ParquetField): ParquetField {
  return { ...field, fieldId: undefined, logicalType: undefined }
}

function describe(field: ParquetField): string {
  const { logicalType } = field
  if (logicalType !== undefined) {
    const signed = logicalType.kind === 'integer' && !logicalType.signed ? 'unsigned ' : ''
    return `${signed}${logicalType.kind}`
  }
  return isLeaf(field)
    ? `${field.physicalType}${field.typeLength === undefined ? '' : `(${field.typeLength})`}`
    : 'group'
}
