/**
 * Values out of Arrow columns: `Value` for filters, partitioning and statistics, row values for users. Getters are
 * compiled once for each column of a batch and then called row by row, straight on Arrow's buffers.
 */
import { type Data, type RecordBatch, Vector } from 'apache-arrow'
import { UnsupportedError } from '../base/errors.ts'
import { decodeUuid } from '../spec/single-value.ts'
import {
  type MapType,
  type PrimitiveType,
  type Schema,
  type StructType,
  type Type,
  isPrimitive,
} from '../spec/types.ts'
import { type RowValue, type Value, toRowValue } from '../spec/value.ts'
import { variantDecoder } from './variant-value.ts'

type ValueGetter = (row: number) => Value | null
type RowValueGetter = (row: number) => RowValue
export type Row = Readonly<Record<string, RowValue>>

/** The value of a row; for many rows of a column `valueGetter` is faster. `type` is the column's Iceberg type. */
export function getValue(column: Data | Vector, row: number, type: PrimitiveType): Value | null {
  if (!(column instanceof Vector)) return valueGetter(column, type)(row)
  let start = 0
  for (const chunk of column.data) {
    if (row < start + chunk.length) return valueGetter(chunk, type)(row - start)
    start += chunk.length
  }
  return null
}

/** Reads values of a column in the layout of `toArrowType(type)`. Binaries are views of the batch's memory. */
export function valueGetter(column: Data, type: PrimitiveType): ValueGetter {
  if (type.kind === 'unknown') return () => null
  const get = presentGetter(column, type)
  return column.nullCount === 0 ? get : (row) => (column.getValid(row) ? get(row) : null)
}

/** Reads what users see of a column of any type. */
export function rowValueGetter(column: Data, type: Type): RowValueGetter {
  const get = presentRowGetter(column, type)
  return column.nullCount === 0 ? get : (row) => (column.getValid(row) ? get(row) : null)
}

/** Reads whole rows of a batch of `toArrowSchema(schema)`, as objects with the schema's columns. */
export function rowGetter(batch: RecordBatch, schema: Schema): (row: number) => Row {
  return structGetter(batch.data, { kind: 'struct', fields: schema.fields })
}

/** One row of a batch of `toArrowSchema(schema)`; getters are kept per batch. */
export function toRow(batch: RecordBatch, schema: Schema, row: number): Row {
  const known = rowGetters.get(batch)
  if (known?.schema === schema) return known.get(row)
  const get = rowGetter(batch, schema)
  rowGetters.set(batch, { schema, get })
  return get(row)
}

const rowGetters = new WeakMap<RecordBatch, { readonly schema: Schema; readonly get: (row: number) => Row }>()

/** Values of rows that are not null. */
function presentGetter(column: Data, type: Exclude<PrimitiveType, { kind: 'unknown' }>): (row: number) => Value {
  switch (type.kind) {
    case 'boolean': {
      const bits = column.values as Uint8Array
      const { offset } = column
      return (row) => (((bits[(offset + row) >> 3] ?? 0) >> ((offset + row) & 7)) & 1) === 1
    }
    case 'int':
    case 'float':
    case 'double':
    case 'date': {
      const values = column.values as Int32Array | Float32Array | Float64Array
      return (row) => values[row] ?? 0
    }
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns': {
      const values = column.values as BigInt64Array
      return (row) => values[row] ?? 0n
    }
    case 'decimal':
      return decimalGetter(column.values as Uint32Array)
    case 'string': {
      const slice = bytesGetter(column)
      // A Buffer decodes short texts faster than a TextDecoder, and keeps a byte order mark.
      return (row) => slice(row).toString('utf8')
    }
    case 'uuid': {
      const slice = fixedGetter(column, 16)
      return (row) => decodeUuid(slice(row))
    }
    case 'fixed':
      return fixedGetter(column, type.length)
    case 'binary':
    case 'geometry':
    case 'geography': {
      const { valueOffsets: offsets } = column
      const values = column.values as Uint8Array
      return (row) => values.subarray(offsets[row], offsets[row + 1])
    }
  }
}

function bytesGetter(column: Data): (row: number) => Buffer {
  const { valueOffsets: offsets } = column
  const values = column.values as Uint8Array
  const buffer = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
  return (row) => buffer.subarray(offsets[row], offsets[row + 1])
}

function fixedGetter(column: Data, width: number): (row: number) => Uint8Array {
  const values = column.values as Uint8Array
  return (row) => values.subarray(row * width, (row + 1) * width)
}

/** 128 bits, little-endian, as four words. */
function decimalGetter(words: Uint32Array): (row: number) => bigint {
  return (row) => {
    const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words.subarray(row * 4, row * 4 + 4)
    // Most decimals fit 53 bits.
    if (w3 === 0 && w2 === 0 && w1 < 2 ** 21) return BigInt(w1 * 2 ** 32 + w0)
    const high = (BigInt(w3 | 0) << 32n) | BigInt(w2)
    return (high << 64n) | (BigInt(w1) << 32n) | BigInt(w0)
  }
}

function presentRowGetter(column: Data, type: Type): RowValueGetter {
  if (type.kind === 'struct') return structGetter(column, type)
  const { valueOffsets: offsets } = column
  const [child] = column.children
  if (type.kind === 'list' && child !== undefined) {
    const get = rowValueGetter(child, type.element)
    return (row) => {
      const list: RowValue[] = []
      for (let i = offsets[row] ?? 0; i < (offsets[row + 1] ?? 0); i++) list.push(get(i))
      return list
    }
  }
  if (type.kind === 'map' && child !== undefined) return mapGetter(column, child, type)
  if (type.kind === 'variant') return variantGetter(column)
  if (!isPrimitive(type)) throw new UnsupportedError(`a column of type ${type.kind} without children`)
  return primitiveRowGetter(column, type)
}

function mapGetter({ valueOffsets: offsets }: Data, entries: Data, type: MapType): RowValueGetter {
  const [keys, values] = entries.children
  if (keys === undefined || values === undefined) throw new UnsupportedError('a map column without keys or values')
  const getKey = rowValueGetter(keys, type.key)
  const getValueOf = rowValueGetter(values, type.value)
  return (row) => {
    const map = new Map<RowValue, RowValue>()
    for (let i = offsets[row] ?? 0; i < (offsets[row + 1] ?? 0); i++) map.set(getKey(i), getValueOf(i))
    return map
  }
}

/** Decodes each variant (variant-value.ts tells what becomes of its types). */
function variantGetter(column: Data): RowValueGetter {
  const [metadata, value] = column.children
  if (metadata === undefined || value === undefined) throw new UnsupportedError('a variant column without its members')
  const decode = variantDecoder()
  const [metadataAt, valueAt] = [bytesGetter(metadata), bytesGetter(value)]
  return (row) => decode(metadataAt(row), valueAt(row))
}

function structGetter(column: Data, type: StructType): (row: number) => Row {
  const members = type.fields.map((field, i) => {
    const child = column.children[i]
    return { name: field.name, get: child === undefined ? () => null : rowValueGetter(child, field.type) }
  })
  return (row) => {
    const value: Record<string, RowValue> = {}
    for (const { name, get } of members) {
      // Assigning to this name would set the prototype.
      if (name === '__proto__') Object.defineProperty(value, name, { value: get(row), enumerable: true })
      else value[name] = get(row)
    }
    return value
  }
}

/** What users keep must not hang on to a whole batch: bytes are copied. */
function primitiveRowGetter(column: Data, type: PrimitiveType): RowValueGetter {
  switch (type.kind) {
    case 'unknown':
      return () => null
    case 'fixed':
    case 'binary':
    case 'geometry':
    case 'geography': {
      const get = presentGetter(column, type)
      return (row) => Uint8Array.from(get(row) as Uint8Array)
    }
    case 'decimal':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns': {
      const get = presentGetter(column, type)
      return (row) => toRowValue(type, get(row))
    }
    default:
      return presentGetter(column, type)
  }
}
