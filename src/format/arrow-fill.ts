/**
 * Arrow columns that say the same in every row: what the reader puts where a data file lacks a column (partition
 * constants, initial defaults, nulls).
 */
import { Binary, BufferType, Data, type DataType, Struct, Type as ArrowType } from 'apache-arrow'
import { UnsupportedError } from '../base/errors.ts'
import { encodeSingleValue } from '../spec/single-value.ts'
import { membersOf } from '../spec/default-value.ts'
import { type DefaultValue, type PrimitiveType, type Type, type Value, isPrimitive } from '../spec/types.ts'
import { concatData } from './arrow-concat.ts'
import { toArrowType } from './arrow-schema.ts'
import { takeData } from './arrow-take.ts'

type Filler = (length: number) => Data

/** Columns of `type` in which every row is `value`, by their length. */
export function constantColumn(type: Type, value: DefaultValue | null): Filler {
  if (value === null) return (length) => nullColumn(type, length)
  if (isPrimitive(type)) return primitiveColumn(type, value as Value)
  const row = nestedRow(type, value)
  return (length) => takeData(row, new Int32Array(length))
}

/** One row of a nested type. Fields that a struct's default doesn't tell have their own. */
function nestedRow(type: Type, value: DefaultValue): Data {
  const arrowType = toArrowType(type)
  switch (type.kind) {
    case 'struct': {
      const told = new Map(membersOf(type, value))
      const children = type.fields.map((field) => {
        const member = told.get(field)
        return constantColumn(field.type, member === undefined ? (field.initialDefault ?? null) : member)(1)
      })
      return new Data(arrowType, 0, 1, 0, undefined, children)
    }
    case 'list': {
      const elements = value as readonly (DefaultValue | null)[]
      return new Data(arrowType, 0, 1, 0, oneSpan(elements.length), [columnOf(type.element, elements)])
    }
    case 'map': {
      const entries = value as ReadonlyMap<DefaultValue, DefaultValue | null>
      const members = [columnOf(type.key, [...entries.keys()]), columnOf(type.value, [...entries.values()])]
      const struct: DataType = arrowType.children[0]?.type ?? new Struct([])
      const child = new Data(struct, 0, entries.size, 0, undefined, members)
      return new Data(arrowType, 0, 1, 0, oneSpan(entries.size), [child])
    }
    default:
      throw new UnsupportedError(`a default of type ${type.kind} can only be null`)
  }
}

/** The offsets of one row of so many slots. */
function oneSpan(slots: number): { readonly [BufferType.OFFSET]: Int32Array } {
  return { [BufferType.OFFSET]: Int32Array.of(0, slots) }
}

function columnOf(type: Type, values: readonly (DefaultValue | null)[]): Data {
  return values.length === 0 ? nullColumn(type, 0) : concatData(values.map((value) => constantColumn(type, value)(1)))
}

function nullColumn(type: Type, length: number): Data {
  const arrowType = toArrowType(type)
  const bitmap = new Uint8Array(bitmapBytes(length))
  switch (type.kind) {
    case 'unknown':
      return new Data(arrowType, 0, length, length)
    case 'struct': {
      const children = type.fields.map((field) => nullColumn(field.type, length))
      return new Data(arrowType, 0, length, length, { [BufferType.VALIDITY]: bitmap }, children)
    }
    case 'variant': {
      const members = [0, 1].map(() => primitiveNulls(new Binary(), length, bitmap))
      return new Data(arrowType, 0, length, length, { [BufferType.VALIDITY]: bitmap }, members)
    }
    case 'list':
      return emptyLists(type.element, length, bitmap, arrowType)
    case 'map': {
      const entries = [nullColumn(type.key, 0), nullColumn(type.value, 0)]
      const [child] = arrowType.children
      const struct = new Data(child?.type ?? new Struct([]), 0, 0, 0, undefined, entries)
      return new Data(
        arrowType,
        0,
        length,
        length,
        { [BufferType.OFFSET]: new Int32Array(length + 1), [BufferType.VALIDITY]: bitmap },
        [struct],
      )
    }
    default:
      return primitiveNulls(arrowType, length, bitmap)
  }
}

function emptyLists(
  element: Type,
  length: number,
  bitmap: Uint8Array,
  arrowType: ReturnType<typeof toArrowType>,
): Data {
  const buffers = { [BufferType.OFFSET]: new Int32Array(length + 1), [BufferType.VALIDITY]: bitmap }
  return new Data(arrowType, 0, length, length, buffers, [nullColumn(element, 0)])
}

function primitiveNulls(arrowType: ReturnType<typeof toArrowType>, length: number, bitmap: Uint8Array): Data {
  if (arrowType.typeId === ArrowType.Utf8 || arrowType.typeId === ArrowType.Binary) {
    const offsets = new Int32Array(length + 1)
    return new Data(arrowType, 0, length, length, {
      [BufferType.OFFSET]: offsets,
      [BufferType.DATA]: new Uint8Array(0),
      [BufferType.VALIDITY]: bitmap,
    })
  }
  const empty = new Data(arrowType, 0, length, length)
  const size = arrowType.typeId === ArrowType.Bool ? bitmapBytes(length) : length * empty.stride
  const values = new arrowType.ArrayType(size)
  return new Data(arrowType, 0, length, length, { [BufferType.DATA]: values, [BufferType.VALIDITY]: bitmap })
}

function primitiveColumn(type: PrimitiveType, value: Value): Filler {
  const arrowType = toArrowType(type)
  if (arrowType.typeId === ArrowType.Bool) {
    const byte = value === true ? 0xff : 0
    return (length) =>
      new Data(arrowType, 0, length, 0, { [BufferType.DATA]: new Uint8Array(bitmapBytes(length)).fill(byte) })
  }
  const bytes = storedBytes(type, value)
  const isVariable = arrowType.typeId === ArrowType.Utf8 || arrowType.typeId === ArrowType.Binary
  return (length) => {
    const repeated = repeatBytes(bytes, length)
    if (!isVariable) {
      const values = new arrowType.ArrayType(repeated.buffer)
      return new Data(arrowType, 0, length, 0, { [BufferType.DATA]: values })
    }
    const offsets = Int32Array.from({ length: length + 1 }, (_, i) => i * bytes.length)
    return new Data(arrowType, 0, length, 0, { [BufferType.OFFSET]: offsets, [BufferType.DATA]: repeated })
  }
}

/** The single-value form is Arrow's little-endian layout, save for decimals, which are 16 bytes in Arrow. */
function storedBytes(type: PrimitiveType, value: Value): Uint8Array {
  if (type.kind !== 'decimal' || typeof value !== 'bigint') return encodeSingleValue(type, value)
  const words = BigInt64Array.of(BigInt.asIntN(64, value), value >> 64n)
  return new Uint8Array(words.buffer)
}

function repeatBytes(bytes: Uint8Array, times: number): Uint8Array<ArrayBuffer> {
  const repeated = new Uint8Array(bytes.length * times)
  if (repeated.length === 0) return repeated
  repeated.set(bytes)
  // Doubles what is filled until the end is reached.
  for (let filled = bytes.length; filled < repeated.length; filled *= 2) repeated.copyWithin(filled, 0, filled)
  return repeated
}

/** Arrow pads bitmaps to 8 bytes. */
function bitmapBytes(length: number): number {
  return Math.ceil(length / 64) * 8
}
