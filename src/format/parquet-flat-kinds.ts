/**
 * How columns of each physical type are decoded into Arrow's layout (parquet-flat.ts has the pages): where values of a
 * page come from, and what the buffers are once nulls have their places.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import {
  Binary,
  Bool,
  BufferType,
  type DataType,
  FixedSizeBinary,
  Float32,
  Float64,
  Int32,
  Int64,
  Utf8,
} from 'apache-arrow'
import type { ParquetLeaf } from './parquet-schema.ts'
import {
  BytesValues,
  FixedValues,
  type PageValues,
  bytesDictionary,
  fixedDictionary,
  hybridBits,
  indexedBytes,
  indexedFixed,
  plainBits,
  plainBytes,
  plainFixed,
} from './parquet-values.ts'

/** Functions throw RangeError for what does not fit its bytes. */
export interface FlatKind<T extends { readonly count: number }> {
  readonly type: DataType
  /** For at most so many values. */
  create(capacity: number): T
  plain(body: Uint8Array): PageValues<T>
  /** Of booleans in runs. */
  runs?(body: Uint8Array): PageValues<T>
  /** How pages are read whose values are in a dictionary of `size` values; booleans have none. */
  indexed?(dictionary: Uint8Array, size: number): (body: Uint8Array) => PageValues<T>
  /** `present` is 1 for each row with a value; undefined: all have one. */
  finish(values: T, rows: number, present: Uint8Array | undefined): FlatBuffers
}

interface FlatBuffers {
  readonly [BufferType.DATA]: ArrayBufferView
  readonly [BufferType.OFFSET]?: Int32Array
}

type Finish = (bytes: Uint8Array<ArrayBuffer>, rows: number) => ArrayBufferView

type FixedKind = FlatKind<FixedValues> & { readonly isFixed: true }
type BytesKind = FlatKind<BytesValues> & { readonly isFixed: false }
export type AnyKind = FixedKind | BytesKind

/** Undefined for what arrow-rs has to make something of: INT96, decimals. */
export function flatKind({ physicalType, logicalType, typeLength = 0 }: ParquetLeaf): AnyKind | undefined {
  const isText = logicalType?.kind === 'string'
  if (logicalType !== undefined && !isText) return undefined
  switch (physicalType) {
    case 'BOOLEAN':
      return BOOLEANS
    case 'INT32':
      return fixedKind(new Int32(), 4, ({ buffer }, rows) => new Int32Array(buffer, 0, rows))
    case 'INT64':
      return fixedKind(new Int64(), 8, ({ buffer }, rows) => new BigInt64Array(buffer, 0, rows))
    case 'FLOAT':
      return fixedKind(new Float32(), 4, ({ buffer }, rows) => new Float32Array(buffer, 0, rows))
    case 'DOUBLE':
      return fixedKind(new Float64(), 8, ({ buffer }, rows) => new Float64Array(buffer, 0, rows))
    case 'BYTE_ARRAY':
      return bytesKind(isText)
    case 'FIXED_LEN_BYTE_ARRAY':
      return typeLength > 0 ? fixedKind(new FixedSizeBinary(typeLength), typeLength, (bytes) => bytes) : undefined
    case 'INT96':
      return undefined
  }
}

function fixedKind(type: DataType, width: number, finish: Finish): FixedKind {
  return {
    isFixed: true,
    type,
    create: (capacity) => new FixedValues(width, capacity),
    plain: (body) => plainFixed(body, width),
    indexed: (body, size) => {
      const dictionary = fixedDictionary(body, width, size)
      return (indices) => indexedFixed(indices, dictionary)
    },
    finish: ({ bytes, count }, rows, present) => {
      if (present !== undefined) spread(bytes, width, count, present)
      return { [BufferType.DATA]: finish(bytes, rows) }
    },
  }
}

const BOOLEANS: FixedKind = {
  isFixed: true,
  type: new Bool(),
  create: (capacity) => new FixedValues(1, capacity),
  plain: plainBits,
  runs: hybridBits,
  finish: ({ bytes, count }, _, present) => {
    if (present !== undefined) spread(bytes, 1, count, present)
    return { [BufferType.DATA]: packBits(bytes) }
  },
}

function bytesKind(isText: boolean): BytesKind {
  return {
    isFixed: false,
    type: isText ? new Utf8() : new Binary(),
    create: (capacity) => new BytesValues(capacity),
    plain: (body) => plainBytes(body, isText),
    indexed: (body, size) => {
      const dictionary = bytesDictionary(body, size, isText)
      return (indices) => indexedBytes(indices, dictionary)
    },
    finish: (values, _, present) => {
      const { offsets, count } = values
      const bytes = values.finish()
      if (isText) checkText(bytes, offsets, count)
      if (present !== undefined) spreadOffsets(offsets, count, present)
      return { [BufferType.DATA]: bytes, [BufferType.OFFSET]: offsets }
    },
  }
}

/** A bit a row, as Arrow has them. */
export function packBits(flags: Uint8Array): Uint8Array {
  const bits = new Uint8Array(((flags.length + 63) >> 6) << 3)
  const whole = flags.length & ~7
  for (let i = 0; i < whole; i += 8) {
    bits[i >> 3] =
      (flags[i] as number) |
      ((flags[i + 1] as number) << 1) |
      ((flags[i + 2] as number) << 2) |
      ((flags[i + 3] as number) << 3) |
      ((flags[i + 4] as number) << 4) |
      ((flags[i + 5] as number) << 5) |
      ((flags[i + 6] as number) << 6) |
      ((flags[i + 7] as number) << 7)
  }
  for (let i = whole; i < flags.length; i++) bits[i >> 3] = (bits[i >> 3] as number) | ((flags[i] as number) << (i & 7))
  return bits
}

/** Moves the first `count` values to the rows that have one, from behind; the others become zeros. */
function spread(bytes: Uint8Array<ArrayBuffer>, width: number, count: number, present: Uint8Array): void {
  if (width % 4 === 0) spreadUnits(new Int32Array(bytes.buffer), width >> 2, count, present)
  else spreadUnits(bytes, width, count, present)
}

function spreadUnits(units: Int32Array | Uint8Array, width: number, count: number, present: Uint8Array): void {
  let from = count * width
  let to = present.length * width
  for (let row = present.length - 1; row >= 0; row--) {
    const isPresent = present[row] === 1
    for (let i = 0; i < width; i++) units[--to] = isPresent ? (units[--from] as number) : 0
  }
}

function spreadOffsets(offsets: Int32Array, count: number, present: Uint8Array): void {
  let from = count
  for (let row = present.length; row > 0; row--) {
    offsets[row] = offsets[from] as number
    from -= present[row - 1] as number
  }
}

/** Each value must be UTF-8 by itself. */
function checkText(bytes: Uint8Array, offsets: Int32Array, count: number): void {
  if (isAscii(bytes)) return
  if (!isUtf8(bytes)) throw new RangeError('text that is not UTF-8')
  for (let i = 0; i < count; i++) {
    const first = bytes[offsets[i] as number] ?? 0
    if ((first & 0xc0) === 0x80) throw new RangeError('text that is not UTF-8')
  }
}
