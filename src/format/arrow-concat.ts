/**
 * Several batches of one schema as one, and what a batch weighs. Writers gather the small pieces of a partition with
 * it before they sort or encode them. Slices are understood; types are those of arrow-schema.ts.
 */
import { BufferType, Data, RecordBatch, Struct, Type } from 'apache-arrow'
import { InvalidDataError } from '../base/errors.ts'
import { arrowBytes } from './arrow-inspect.ts'

/** Fixed cost of a batch and of each of its columns beside the values: what keeps thousands of tiny pieces honest. */
const BATCH_OVERHEAD_BYTES = 256
const COLUMN_OVERHEAD_BYTES = 192

/** Rows in order. The columns must stay below 2 GiB each. */
export function concatBatches(batches: readonly [RecordBatch, ...RecordBatch[]]): RecordBatch {
  const [first] = batches
  if (batches.length === 1) return first
  const children = first.data.children.map((_, i) => concatData(batches.map((batch) => childOf(batch.data, i))))
  const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0)
  const data = new Data(new Struct(first.schema.fields), 0, rows, 0, undefined, children)
  return new RecordBatch(first.schema, data)
}

/** Bytes of the rows of a batch, not of the larger buffers that a slice may point into. */
export function batchSizeBytes(batch: RecordBatch): number {
  return BATCH_OVERHEAD_BYTES + COLUMN_OVERHEAD_BYTES * countColumns(batch.data) + arrowBytes(batch.data)
}

function countColumns({ children }: Data): number {
  return children.reduce((sum, child) => sum + 1 + countColumns(child), 0)
}

/** Columns of one type as one. */
export function concatData(parts: readonly Data[]): Data {
  const [first] = parts
  if (first === undefined) throw new InvalidDataError('no column to concatenate')
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const nullCount = parts.reduce((sum, part) => sum + part.nullCount, 0)
  const buffers = {
    ...valueBuffers(first.type.typeId, parts, length),
    ...(nullCount > 0 && { [BufferType.VALIDITY]: concatBits(parts, length, validityBits) }),
  }
  return new Data(first.type, 0, length, nullCount, buffers, concatChildren(first, parts))
}

function concatChildren(first: Data, parts: readonly Data[]): Data[] {
  if (first.children.length === 0) return []
  if (first.valueOffsets !== undefined) return [concatData(parts.map(usedChild))]
  return first.children.map((_, i) => concatData(parts.map((part) => childOf(part, i))))
}

function valueBuffers(typeId: Type, parts: readonly Data[], length: number): Record<number, ArrayBufferView> {
  switch (typeId) {
    case Type.Null:
    case Type.Struct:
      return {}
    case Type.Bool:
      return { [BufferType.DATA]: concatBits(parts, length, (part) => part.values as Uint8Array) }
    case Type.Utf8:
    case Type.Binary:
      return {
        [BufferType.OFFSET]: concatOffsets(parts, length),
        [BufferType.DATA]: concatTyped(parts.map((part) => part.values.subarray(startOf(part), endOf(part)))),
      }
    case Type.List:
    case Type.Map:
      return { [BufferType.OFFSET]: concatOffsets(parts, length) }
    default:
      return { [BufferType.DATA]: concatTyped(parts.map((part) => part.values.subarray(0, part.length * part.stride))) }
  }
}

/** Typed arrays of one kind. */
interface Joinable extends ArrayBufferView {
  readonly length: number
  set(from: Joinable, at: number): void
}

function concatTyped(arrays: readonly Joinable[]): ArrayBufferView {
  const length = arrays.reduce((sum, array) => sum + array.length, 0)
  const TypedArray = (arrays[0] ?? new Uint8Array(0)).constructor as new (length: number) => Joinable
  const joined = new TypedArray(length)
  let at = 0
  for (const array of arrays) {
    joined.set(array, at)
    at += array.length
  }
  return joined
}

function concatOffsets(parts: readonly Data[], length: number): Int32Array {
  const joined = new Int32Array(length + 1)
  let row = 0
  for (const part of parts) {
    const offsets = part.valueOffsets as Int32Array
    const shift = (joined[row] as number) - (offsets[0] ?? 0)
    for (let i = 1; i <= part.length; i++) joined[++row] = (offsets[i] as number) + shift
  }
  return joined
}

/** Bits of all parts; a part without a bitmap has ones. */
function concatBits(
  parts: readonly Data[],
  length: number,
  bitsOf: (part: Data) => Uint8Array | undefined,
): Uint8Array {
  const joined = new Uint8Array(((length + 63) >> 6) << 3)
  let row = 0
  for (const part of parts) {
    const bits = bitsOf(part)
    for (let i = part.offset; i < part.offset + part.length; i++, row++) {
      const bit = bits === undefined ? 1 : ((bits[i >> 3] as number) >> (i & 7)) & 1
      joined[row >> 3] = (joined[row >> 3] as number) | (bit << (row & 7))
    }
  }
  return joined
}

function validityBits(part: Data): Uint8Array | undefined {
  return part.nullCount > 0 ? part.nullBitmap : undefined
}

/** The slots of a list's child that its rows point to. */
function usedChild(data: Data): Data {
  return childOf(data, 0, startOf(data), endOf(data))
}

function childOf(data: Data, index: number, from = 0, to: number = data.length): Data {
  const child = data.children[index]
  if (child === undefined) throw new InvalidDataError(`an Arrow column without child ${index}, expected one`)
  return from === 0 && to === child.length ? child : child.slice(from, to - from)
}

function startOf(data: Data): number {
  return (data.valueOffsets as Int32Array)[0] ?? 0
}

function endOf(data: Data): number {
  return (data.valueOffsets as Int32Array)[data.length] ?? 0
}
