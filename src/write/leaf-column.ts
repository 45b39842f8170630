/**
 * Single columns of a batch by field id, wherever they lie in structs, read as spec values: what partitioner and sorter
 * work on. A value below a null struct is null.
 */
import type { Data, RecordBatch } from 'apache-arrow'
import { UnsupportedError, ValidationError } from '../base/errors.ts'
import type { NestedField, PrimitiveType, Schema } from '../spec/types.ts'
import { isPrimitive } from '../spec/types.ts'

export interface LeafPath {
  readonly type: PrimitiveType
  /** Positions from the batch's columns down through structs. */
  readonly path: readonly number[]
}

export interface LeafColumn {
  readonly data: Data
  /** Structs around it that hold nulls. */
  readonly parents: readonly Data[]
}

/** Where the source of a partition or sort field lies. Errors: UnsupportedError (several sources, in a list or map). */
export function leafPath(schema: Schema, sourceIds: readonly number[]): LeafPath {
  const [fieldId] = sourceIds
  if (fieldId === undefined || sourceIds.length > 1) {
    throw new UnsupportedError('transforms of several columns cannot be written', {
      context: { sources: sourceIds.length },
    })
  }
  const found = search(schema.fields, fieldId)
  if (found === undefined) {
    throw new ValidationError(`the schema has no column with field id ${fieldId} outside of lists and maps`, {
      context: { fieldId },
    })
  }
  return found
}

function search(fields: readonly NestedField[], fieldId: number): LeafPath | undefined {
  for (const [index, { id, type }] of fields.entries()) {
    if (id === fieldId && isPrimitive(type)) return { type, path: [index] }
    const below = type.kind === 'struct' ? search(type.fields, fieldId) : undefined
    if (below !== undefined) return { type: below.type, path: [index, ...below.path] }
  }
  return undefined
}

export function leafColumn(batch: RecordBatch, { path }: LeafPath): LeafColumn {
  const parents: Data[] = []
  let data: Data = batch.data
  for (const index of path) {
    if (data !== batch.data && data.nullCount > 0) parents.push(data)
    data = data.children[index] as Data
  }
  return { data, parents }
}

/** Marks the rows that are null; undefined where none is. */
export function nullRows({ data, parents }: LeafColumn): Uint8Array | undefined {
  const layers = data.nullCount > 0 ? [data, ...parents] : parents
  if (layers.length === 0) return undefined
  const nulls = new Uint8Array(data.length)
  for (const { nullBitmap, offset, length } of layers) {
    // A column of type unknown has nulls and no bitmap.
    if (nullBitmap === undefined) return nulls.fill(1)
    for (let i = 0, bit = offset; i < length; i++, bit++) {
      if ((((nullBitmap[bit >> 3] as number) >> (bit & 7)) & 1) === 0) nulls[i] = 1
    }
  }
  return nulls
}

/**
 * Identity of a value in a Map, cheaper than the value: numbers where exact, strings of one character a byte for what
 * is bytes in Arrow (so `<` is the order of bytes).
 */
export type ValueKey = number | bigint | string

/** Reads the keys of rows that are not null. */
export function keyReader(type: PrimitiveType, data: Data): (row: number) => ValueKey {
  switch (type.kind) {
    case 'boolean':
      return (row) => Number(bitAt(data, row))
    case 'int':
    case 'date': {
      const values = data.values as Int32Array
      return (row) => values[row] as number
    }
    case 'float':
    case 'double': {
      const values = data.values as Float64Array
      // Maps hold the zeros for one.
      return (row) => (Object.is(values[row], -0) ? '-0' : (values[row] as number))
    }
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return int64Reader(data)
    default:
      return bytesReader(data)
  }
}

function bitAt({ values, offset }: Data, row: number): boolean {
  const bit = offset + row
  return (((values[bit >> 3] as number) >> (bit & 7)) & 1) === 1
}

const TWO_TO_32 = 4_294_967_296
const SAFE_HIGH = 0x1f_ffff

function int64Reader(data: Data): (row: number) => number | bigint {
  const values = data.values as BigInt64Array
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  return (row) => {
    const high = words[2 * row + 1] as number
    if (high > SAFE_HIGH || high < -SAFE_HIGH) return values[row] as bigint
    return high * TWO_TO_32 + ((words[2 * row] as number) >>> 0)
  }
}

function bytesReader(data: Data): (row: number) => string {
  const buffer = bufferOf(data)
  const offsets = data.valueOffsets as Int32Array | undefined
  if (offsets !== undefined) return (row) => buffer.toString('latin1', offsets[row], offsets[row + 1])
  const width = widthOf(data)
  return (row) => buffer.toString('latin1', row * width, (row + 1) * width)
}

/** Bytes of a value of fixed width. */
function widthOf(data: Data): number {
  return data.stride * ((data.values as Uint8Array | undefined)?.BYTES_PER_ELEMENT ?? 0)
}

function bufferOf(data: Data): Buffer {
  const values = data.values as Uint8Array | Uint32Array | undefined
  return values === undefined ? Buffer.alloc(0) : Buffer.from(values.buffer, values.byteOffset, values.byteLength)
}
