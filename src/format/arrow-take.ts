/**
 * Rows and columns out of Arrow batches without builders: `takeRows` gathers rows by typed arrays (filters, sorts),
 * `selectColumns` narrows a batch to a schema without a copy. Scans and writers both stand on these. Arrow's rules for
 * slices hold throughout: bitmaps are read at `offset + row`, values and value offsets come already sliced.
 */
import { BufferType, Data, DataType, RecordBatch, Struct, Type } from 'apache-arrow'
import type { Field, Schema } from 'apache-arrow'
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'

/** Row numbers within a batch, in any order, repeats allowed. */
export type RowIndices = Int32Array | Uint32Array

/** The rows at `indices`, in that order, copied. Dictionaries and unions are refused (UnsupportedError). */
export function takeRows(batch: RecordBatch, indices: RowIndices): RecordBatch {
  const children = batch.data.children.map((column) => takeData(column, indices))
  const rows = new Data(new Struct(batch.schema.fields), 0, indices.length, 0, undefined, children)
  return new RecordBatch(batch.schema, rows, batch.metadata)
}

/** The columns that `schema` names, in its order; structs, lists and maps are narrowed to its members too. No copy. */
export function selectColumns(batch: RecordBatch, schema: Schema): RecordBatch {
  const children = selectChildren(batch.schema.fields, batch.data.children, schema.fields)
  const rows = new Data(new Struct(schema.fields), 0, batch.numRows, 0, undefined, children)
  return new RecordBatch(schema, rows, batch.metadata)
}

/** `takeRows` for one column. */
export function takeData(data: Data, indices: RowIndices): Data {
  return (TAKERS[data.type.typeId] ?? takeFixedColumn)(data, indices)
}

type Taker = (data: Data, indices: RowIndices) => Data

/** By Arrow type; what is not listed has values of a fixed width. */
const TAKERS: Readonly<Partial<Record<Type, Taker>>> = {
  [Type.Null]: (data, indices) => new Data(data.type, 0, indices.length, indices.length),
  [Type.Bool]: (data, indices) => build(data, indices, { values: takeBits(data.values, data.offset, indices) }),
  [Type.Utf8]: takeVariableColumn,
  [Type.Binary]: takeVariableColumn,
  [Type.LargeUtf8]: takeVariableColumn,
  [Type.LargeBinary]: takeVariableColumn,
  [Type.List]: takeListColumn,
  [Type.LargeList]: takeListColumn,
  [Type.Map]: takeListColumn,
  [Type.FixedSizeList]: (data, indices) =>
    build(data, indices, {}, [takeData(childOf(data), repeatedSlots(indices, data.stride))]),
  [Type.Struct]: (data, indices) => {
    const children = data.children.map((child) => takeData(child, indices))
    return build(data, indices, {}, children)
  },
  [Type.Dictionary]: refuse,
  [Type.Union]: refuse,
}

function refuse(data: Data): never {
  throw new UnsupportedError('rows of dictionary or union columns cannot be taken; decode the column first', {
    context: { arrowType: Type[data.type.typeId] },
  })
}

function takeFixedColumn(data: Data, indices: RowIndices): Data {
  return build(data, indices, { values: takeFixed(data, indices) })
}

function takeVariableColumn(data: Data, indices: RowIndices): Data {
  return build(data, indices, takeVariable(data, indices))
}

function takeListColumn(data: Data, indices: RowIndices): Data {
  const offsets = offsetsOf(data)
  const taken = takenOffsets(offsets, indices)
  const child = takeData(childOf(data), slotsOf(offsets, indices, taken))
  return build(data, indices, { valueOffsets: likeOffsets(data, taken) }, [child])
}

interface TakenBuffers {
  readonly values?: Uint8Array | ArrayBufferView
  readonly valueOffsets?: Int32Array | BigInt64Array
}

function build(data: Data, indices: RowIndices, buffers: TakenBuffers, children?: Data[]): Data {
  const { length } = indices
  const validity = data.nullCount > 0 ? takeBits(data.nullBitmap, data.offset, indices) : undefined
  const nullCount = validity === undefined ? 0 : length - countBits(validity)
  const parts = {
    ...(buffers.valueOffsets && { [BufferType.OFFSET]: buffers.valueOffsets }),
    ...(buffers.values && { [BufferType.DATA]: buffers.values }),
    ...(validity && nullCount > 0 && { [BufferType.VALIDITY]: validity }),
  }
  return new Data(data.type, 0, length, nullCount, parts, children, undefined, data.variadicBuffers)
}

function childOf(data: Data): Data {
  const [child] = data.children
  if (child === undefined) throw new InvalidDataError('arrow list column has no child data')
  return child
}

function takeBits(bitmap: Uint8Array, offset: number, indices: RowIndices): Uint8Array {
  const taken = new Uint8Array(((indices.length + 63) >> 6) << 3)
  for (let i = 0; i < indices.length; i++) {
    const from = offset + (indices[i] as number)
    taken[i >> 3] = (taken[i >> 3] as number) | ((((bitmap[from >> 3] as number) >> (from & 7)) & 1) << (i & 7))
  }
  return taken
}

export function countBits(bitmap: Uint8Array): number {
  let count = 0
  for (let byte of bitmap) for (; byte !== 0; byte &= byte - 1) count++
  return count
}

function takeFixed(data: Data, indices: RowIndices): ArrayBufferView {
  const values = data.values as ArrayBufferView & { readonly BYTES_PER_ELEMENT: number }
  const width = values.BYTES_PER_ELEMENT * data.stride
  const bytes = new ArrayBuffer(width * indices.length)
  copyFixed(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), width, indices, new Uint8Array(bytes))
  const TypedArray = values.constructor as new (buffer: ArrayBuffer) => ArrayBufferView
  return new TypedArray(bytes)
}

/** Values of `width` bytes by their numbers; moved as 32-bit words where aligned, so that one loop serves every type. */
export function copyFixed(from: Uint8Array, width: number, indices: RowIndices, to: Uint8Array): void {
  if (width % 4 === 0 && from.byteOffset % 4 === 0 && to.byteOffset % 4 === 0) {
    takeWords(wordsOf(from), width >> 2, indices, wordsOf(to))
  } else {
    takeBytes(from, width, indices, to)
  }
}

function wordsOf({ buffer, byteOffset, byteLength }: Uint8Array): Int32Array {
  return new Int32Array(buffer, byteOffset, byteLength >> 2)
}

function takeWords(from: Int32Array, words: number, indices: RowIndices, to: Int32Array): void {
  const { length } = indices
  if (words === 1) {
    for (let i = 0; i < length; i++) to[i] = from[indices[i] as number] as number
  } else if (words === 2) {
    for (let i = 0; i < length; i++) {
      const at = (indices[i] as number) * 2
      to[2 * i] = from[at] as number
      to[2 * i + 1] = from[at + 1] as number
    }
  } else {
    for (let i = 0, out = 0; i < length; i++) {
      const at = (indices[i] as number) * words
      for (let word = 0; word < words; word++) to[out++] = from[at + word] as number
    }
  }
}

function takeBytes(from: Uint8Array, width: number, indices: RowIndices, to: Uint8Array): void {
  for (let i = 0, out = 0; i < indices.length; i++) {
    const at = (indices[i] as number) * width
    for (let byte = 0; byte < width; byte++) to[out++] = from[at + byte] as number
  }
}

/** Below this many bytes a loop beats `TypedArray.set`. */
const SHORT_RUN_BYTES = 48

/** Strings and binaries; neighbours in the source are copied as one run. */
function takeVariable(data: Data, indices: RowIndices): TakenBuffers {
  const { length } = indices
  const offsets = offsetsOf(data)
  const taken = takenOffsets(offsets, indices)
  const from = data.values as Uint8Array
  const to = new Uint8Array(taken[length] as number)
  for (let i = 0, out = 0; i < length;) {
    const start = offsets[indices[i] as number] as number
    let last = indices[i] as number
    while (++i < length && indices[i] === last + 1) last++
    const end = offsets[last + 1] as number
    if (end - start > SHORT_RUN_BYTES) {
      to.set(from.subarray(start, end), out)
      out += end - start
    } else {
      for (let byte = start; byte < end; byte++) to[out++] = from[byte] as number
    }
  }
  return { values: to, valueOffsets: likeOffsets(data, taken) }
}

function offsetsOf(data: Data): Int32Array {
  const offsets = data.valueOffsets as Int32Array | BigInt64Array
  return offsets instanceof BigInt64Array ? Int32Array.from(offsets, Number) : offsets
}

function likeOffsets(data: Data, offsets: Int32Array): Int32Array | BigInt64Array {
  return (data.valueOffsets as unknown) instanceof BigInt64Array ? BigInt64Array.from(offsets, BigInt) : offsets
}

function takenOffsets(offsets: Int32Array, indices: RowIndices): Int32Array {
  const taken = new Int32Array(indices.length + 1)
  for (let i = 0, end = 0; i < indices.length; i++) {
    const row = indices[i] as number
    end += (offsets[row + 1] as number) - (offsets[row] as number)
    taken[i + 1] = end
  }
  return taken
}

/** Row numbers in the child of a list for the lists at `indices`. */
function slotsOf(offsets: Int32Array, indices: RowIndices, taken: Int32Array): Int32Array {
  const slots = new Int32Array(taken[indices.length] as number)
  for (let i = 0, out = 0; i < indices.length; i++) {
    const row = indices[i] as number
    for (let slot = offsets[row] as number; slot < (offsets[row + 1] as number); slot++) slots[out++] = slot
  }
  return slots
}

function repeatedSlots(indices: RowIndices, size: number): Int32Array {
  const slots = new Int32Array(indices.length * size)
  for (let i = 0; i < slots.length; i++) slots[i] = (indices[Math.trunc(i / size)] as number) * size + (i % size)
  return slots
}

function selectChildren(have: readonly Field[], data: readonly Data[], want: readonly Field[]): Data[] {
  return want.map((field) => {
    const index = have.findIndex((candidate) => candidate.name === field.name)
    const child = data[index]
    if (child === undefined) throw new InvalidDataError(`arrow batch has no column "${field.name}"`)
    return selectWithin(child, field.type)
  })
}

function selectWithin(data: Data, type: DataType): Data {
  const members = type.children as readonly Field[] | null
  if (!members || members.length === 0) return data
  const children = selectChildren(data.type.children, data.children, members)
  return new Data(type, data.offset, data.length, data.nullCount, data, children)
}
