/**
 * Rows as byte strings by some of their columns: equal strings for equal values, where null equals null and NaN equals
 * NaN (spec, "Equality Delete Files"). Read straight from Arrow's buffers.
 */
import type { Data, RecordBatch } from 'apache-arrow'
import { UnsupportedError } from '../base/errors.ts'
import { findField } from '../spec/schema.ts'
import { type PrimitiveType, type Schema, isPrimitive } from '../spec/types.ts'
import { columnPath, columnsAlong } from './filter-batch.ts'
import type { KeyBuffer } from './key-map.ts'

/** Writes the key of a row into `key`, in place of what was there. */
export type RowKey = (row: number, key: KeyBuffer) => void

type Part = (row: number, key: KeyBuffer) => void

const NULL = 0
const PRESENT = 1

/** Keys of the rows of a batch laid out as `schema`, by the columns of `ids`. UnsupportedError for lists, maps and structs. */
export function compileRowKey(schema: Schema, ids: readonly number[]): (batch: RecordBatch) => RowKey {
  const columns = ids.map((id) => {
    const { name = String(id), type } = findField(schema, id) ?? {}
    if (type === undefined || !isPrimitive(type))
      throw new UnsupportedError(`rows can't be deleted by column "${name}" of type ${type?.kind}`)
    return { type, path: columnPath(schema, { fieldId: id, name }) }
  })
  return (batch) => {
    const parts = columns.map(({ type, path }) => columnPart(columnsAlong(batch, path), type))
    return (row, key) => {
      key.length = 0
      for (const part of parts) part(row, key)
    }
  }
}

function columnPart(along: readonly Data[], type: PrimitiveType): Part {
  const nullable = along.filter((data) => data.nullCount > 0)
  const column = along.at(-1)
  const value = column === undefined || type.kind === 'unknown' ? undefined : valuePart(column, type)
  return (row, key) => {
    const isNull = value === undefined || nullable.some((data) => !data.getValid(row))
    pushByte(key, isNull ? NULL : PRESENT)
    if (!isNull) value?.(row, key)
  }
}

function valuePart(column: Data, type: PrimitiveType): Part {
  const { offset, valueOffsets } = column
  const values = column.values as Uint8Array
  if (type.kind === 'boolean')
    return (row, key) => {
      const bit = offset + row
      pushByte(key, ((values[bit >> 3] as number) >> (bit & 7)) & 1)
    }
  if (type.kind === 'float' || type.kind === 'double') return floatPart(column)
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  if ((valueOffsets as Int32Array | undefined) !== undefined)
    return (row, key) => {
      const start = valueOffsets[row] as number
      const length = (valueOffsets[row + 1] as number) - start
      const at = key.extend(4 + length)
      // Its length first, so that ("a", "b") is not ("ab", "").
      for (let i = 0; i < 4; i++) key.bytes[at + i] = length >>> (8 * i)
      for (let i = 0; i < length; i++) key.bytes[at + 4 + i] = bytes[start + i] as number
    }
  const width = values.BYTES_PER_ELEMENT * column.stride
  return (row, key) => {
    const at = key.extend(width)
    const start = row * width
    for (let i = 0; i < width; i++) key.bytes[at + i] = bytes[start + i] as number
  }
}

function pushByte(key: KeyBuffer, byte: number): void {
  const at = key.extend(1)
  key.bytes[at] = byte
}

/** By their bits, all NaNs being one. */
function floatPart(column: Data): Part {
  const values = column.values as Float32Array | Float64Array
  const one = new Float64Array(1)
  const bytes = new Uint8Array(one.buffer)
  return (row, key) => {
    const value = values[row] as number
    one[0] = Number.isNaN(value) ? Number.NaN : value
    const at = key.extend(8)
    for (let i = 0; i < 8; i++) key.bytes[at + i] = bytes[i] as number
  }
}
