/**
 * Values of variants (Parquet's VariantEncoding.md, "Value encoding") as users see them, and what reassembling shredded
 * ones needs of their layout. Bytes are hostile: values must lie within what holds them, and may not be told twice.
 *
 * What becomes of each type: null → null; boolean → boolean; int8, int16, int32, float, double → number; int64 → bigint;
 * decimals, date, time, timestamps and uuid → text, as columns of these types; binary → Uint8Array; string → string;
 * array → array; object → object. The text doesn't tell which of these types it was: the Arrow data does.
 */
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'
import { decodeUuid } from '../spec/single-value.ts'
import { MAX_DECIMAL_PRECISION } from '../spec/primitive-type.ts'
import type { PrimitiveType } from '../spec/types.ts'
import { type RowValue, toRowValue } from '../spec/value.ts'
import { type VariantDictionary, decodeVariantText, parseVariantMetadata, readUnsigned } from './variant-metadata.ts'

/** Ids of the primitive types, and the bytes of their values where these have one width. */
export const VARIANT_TYPES = {
  null: { id: 0, width: 0 },
  true: { id: 1, width: 0 },
  false: { id: 2, width: 0 },
  int8: { id: 3, width: 1 },
  int16: { id: 4, width: 2 },
  int32: { id: 5, width: 4 },
  int64: { id: 6, width: 8 },
  double: { id: 7, width: 8 },
  decimal4: { id: 8, width: 5 },
  decimal8: { id: 9, width: 9 },
  decimal16: { id: 10, width: 17 },
  date: { id: 11, width: 4 },
  timestamptz: { id: 12, width: 8 },
  timestamp: { id: 13, width: 8 },
  float: { id: 14, width: 4 },
  binary: { id: 15, width: undefined },
  string: { id: 16, width: undefined },
  time: { id: 17, width: 8 },
  timestamptz_ns: { id: 18, width: 8 },
  timestamp_ns: { id: 19, width: 8 },
  uuid: { id: 20, width: 16 },
} as const
export type VariantTypeName = keyof typeof VARIANT_TYPES

const BY_ID = new Map<number, { readonly name: VariantTypeName; readonly width: number | undefined }>(
  (Object.keys(VARIANT_TYPES) as VariantTypeName[]).map((name) => {
    const { id, width } = VARIANT_TYPES[name]
    return [id, { name, width }]
  }),
)

/** Arrays and objects within each other; writers refuse more as well. */
export const MAX_VARIANT_DEPTH = 500

/** Decodes a whole variant. Throws InvalidDataError; UnsupportedError for types of a later version. */
export function decodeVariant(metadata: Uint8Array, value: Uint8Array): RowValue {
  return decodeVariantValue(parseVariantMetadata(metadata), value)
}

function decodeVariantValue(dictionary: VariantDictionary, value: Uint8Array): RowValue {
  const found = new VariantReader(dictionary, value).value(0, value.length, 0)
  if (variantEnd(value, 0) !== value.length) fail('bytes follow its value')
  return found
}

/** A function that decodes variants of which neighbours mostly have the same metadata. */
export function variantDecoder(): (metadata: Uint8Array, value: Uint8Array) => RowValue {
  let last: { readonly bytes: Uint8Array; readonly dictionary: VariantDictionary } | undefined
  return (metadata, value) => {
    if (last === undefined || Buffer.compare(last.bytes, metadata) !== 0) {
      last = { bytes: Uint8Array.from(metadata), dictionary: parseVariantMetadata(metadata) }
    }
    return decodeVariantValue(last.dictionary, value)
  }
}

/** Whether a value is an object. */
export function isVariantObject(value: Uint8Array): boolean {
  return ((value[0] ?? 0) & 3) === 2
}

/** The fields of an object by name, each as the bytes of its value. */
export function variantFields(dictionary: VariantDictionary, value: Uint8Array): Map<string, Uint8Array> {
  const { count, idAt, offsetAt, start } = layoutOf(value, 0, value.length)
  const fields = new Map<string, Uint8Array>()
  for (let i = 0; i < count; i++) {
    const from = start + offsetAt(i)
    fields.set(nameOf(dictionary, idAt(i)), value.subarray(from, variantEnd(value, from)))
  }
  return fields
}

class VariantReader {
  readonly #dictionary: VariantDictionary
  readonly #bytes: Uint8Array
  readonly #view: DataView
  /** A value takes a byte at least: more values than bytes are told more than once. */
  #left: number

  constructor(dictionary: VariantDictionary, bytes: Uint8Array) {
    this.#dictionary = dictionary
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#left = bytes.length
  }

  value(at: number, end: number, depth: number): RowValue {
    if (depth > MAX_VARIANT_DEPTH) fail(`it nests deeper than ${MAX_VARIANT_DEPTH} levels`)
    if (variantEnd(this.#bytes, at) > end) fail('a value runs over the end')
    if (--this.#left < 0) fail('its values overlap')
    const header = this.#bytes[at] ?? 0
    switch (header & 3) {
      case 0:
        return this.#primitive(header >> 2, at + 1)
      case 1:
        return decodeVariantText(this.#bytes.subarray(at + 1, at + 1 + (header >> 2)))
      case 2:
        return this.#object(at, end, depth)
      default: {
        const { count, offsetAt, start, end: itemsEnd } = layoutOf(this.#bytes, at, end)
        return Array.from({ length: count }, (_, i) => this.value(start + offsetAt(i), itemsEnd, depth + 1))
      }
    }
  }

  #object(at: number, end: number, depth: number): RowValue {
    const { count, idAt, offsetAt, start, end: fieldsEnd } = layoutOf(this.#bytes, at, end)
    const object: Record<string, RowValue> = {}
    for (let i = 0; i < count; i++) {
      const name = nameOf(this.#dictionary, idAt(i))
      if (Object.hasOwn(object, name)) fail(`an object has two fields ${JSON.stringify(name)}`)
      const value = this.value(start + offsetAt(i), fieldsEnd, depth + 1)
      // Assigning to this name would set the prototype.
      if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true })
      else object[name] = value
    }
    return object
  }

  #primitive(id: number, at: number): RowValue {
    const name = BY_ID.get(id)?.name
    const view = this.#view
    switch (name) {
      case 'null':
        return null
      case 'true':
      case 'false':
        return name === 'true'
      case 'int8':
        return view.getInt8(at)
      case 'int16':
        return view.getInt16(at, true)
      case 'int32':
        return view.getInt32(at, true)
      case 'int64':
        return view.getBigInt64(at, true)
      case 'float':
        return view.getFloat32(at, true)
      case 'double':
        return view.getFloat64(at, true)
      case 'decimal4':
        return decimalText(this.#bytes, at, BigInt(view.getInt32(at + 1, true)))
      case 'decimal8':
        return decimalText(this.#bytes, at, view.getBigInt64(at + 1, true))
      case 'decimal16':
        return decimalText(this.#bytes, at, (view.getBigInt64(at + 9, true) << 64n) | view.getBigUint64(at + 1, true))
      case 'date':
        return toRowValue({ kind: name }, view.getInt32(at, true))
      case 'binary':
        // A Buffer's own `slice` would copy nothing.
        return Uint8Array.from(this.#bytes.subarray(at + 4, at + 4 + readUnsigned(this.#bytes, at, 4)))
      case 'string':
        return decodeVariantText(this.#bytes.subarray(at + 4, at + 4 + readUnsigned(this.#bytes, at, 4)))
      case 'uuid':
        return decodeUuid(this.#bytes.subarray(at, at + 16))
      case undefined:
        throw new UnsupportedError(`a variant of primitive type ${id} is of a later version: leave the column out`)
      default:
        return toRowValue({ kind: name } satisfies PrimitiveType, view.getBigInt64(at, true))
    }
  }
}

function decimalText(bytes: Uint8Array, at: number, unscaled: bigint): RowValue {
  const scale = bytes[at] ?? 0
  if (scale > MAX_DECIMAL_PRECISION) fail(`a decimal has scale ${scale}`)
  return toRowValue({ kind: 'decimal', precision: MAX_DECIMAL_PRECISION, scale }, unscaled)
}

interface Layout {
  readonly count: number
  readonly idAt: (index: number) => number
  /** Counted from `start`. */
  readonly offsetAt: (index: number) => number
  /** Where the members begin and end. */
  readonly start: number
  readonly end: number
}

/** Where the parts of an array or object lie that begins at `at` and must end by `limit`. */
function layoutOf(bytes: Uint8Array, at: number, limit: number): Layout {
  const header = (bytes[at] ?? 0) >> 2
  const isObject = ((bytes[at] ?? 0) & 3) === 2
  const countWidth = ((header >> (isObject ? 4 : 2)) & 1) === 1 ? 4 : 1
  const count = readUnsigned(bytes, at + 1, countWidth)
  const idWidth = isObject ? ((header >> 2) & 3) + 1 : 0
  const offsetWidth = (header & 3) + 1
  const ids = at + 1 + countWidth
  const offsets = ids + count * idWidth
  const start = offsets + (count + 1) * offsetWidth
  if (start > limit) fail('an array or object runs over the end')
  const end = start + readUnsigned(bytes, start - offsetWidth, offsetWidth)
  if (end > limit) fail('an array or object runs over the end')
  return {
    count,
    start,
    end,
    idAt: (index) => readUnsigned(bytes, ids + index * idWidth, idWidth),
    offsetAt: (index) => readUnsigned(bytes, offsets + index * offsetWidth, offsetWidth),
  }
}

/** The end of the value that begins at `at`, which may lie beyond the bytes for values of one width. */
export function variantEnd(bytes: Uint8Array, at: number): number {
  const header = bytes[at] ?? fail('it has no value')
  switch (header & 3) {
    case 0: {
      const type = BY_ID.get(header >> 2)
      if (type === undefined) return at + 1
      return type.width === undefined ? at + 5 + readUnsigned(bytes, at + 1, 4) : at + 1 + type.width
    }
    case 1:
      return at + 1 + (header >> 2)
    default:
      return layoutOf(bytes, at, bytes.length).end
  }
}

function nameOf({ names }: VariantDictionary, id: number): string {
  return names[id] ?? fail(`a field has number ${id} of ${names.length} names`)
}

function fail(problem: string): never {
  throw new InvalidDataError(`not a variant: ${problem}`)
}
