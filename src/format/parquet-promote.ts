/**
 * Columns of a file as the type that the table has now: the spec's promotions (int → long, float → double, wider
 * decimals, date → timestamp) and, for files of other writers, smaller integers, other time units and INT96. The decoder
 * is shown the bare physical type; what the annotation meant is applied here.
 */
import { BufferType, Data, type DataType } from 'apache-arrow'
import { ValidationError } from '../base/errors.ts'
import type { PrimitiveType } from '../spec/types.ts'
import { constantColumn } from './arrow-fill.ts'
import { toArrowType } from './arrow-schema.ts'
import type { ParquetLeaf, PhysicalType, TimeUnitName } from './parquet-schema.ts'

type Values = Int32Array | BigInt64Array | Float32Array | Float64Array | Uint8Array | Uint32Array
type Convert = (data: Data) => Data
type Fail = PromoteOptions['fail']

interface LeafReading {
  /** What the decoder is to take the column for. */
  readonly leaf: ParquetLeaf
  readonly convert: Convert
}

interface PromoteOptions {
  /**
   * For files that belong to no table: nanoseconds that don't fit a microsecond column are refused (ValidationError)
   * instead of cut off, and half floats are taken, which Iceberg has no place for.
   */
  readonly exact?: boolean | undefined
  /** Throws: a value that the column can't hold now. */
  readonly fail: (what: string) => never
}

const MICROS_PER_UNIT: Readonly<Record<TimeUnitName, number>> = { ms: 1_000, us: 1, ns: 0.001 }
const MICROS_PER_DAY = 86_400_000_000n
const JULIAN_DAY_OF_EPOCH = 2_440_588

/** How `leaf` is read as `type`; undefined where its values are no such. */
export function readLeafAs(leaf: ParquetLeaf, type: PrimitiveType, options: PromoteOptions): LeafReading | undefined {
  const arrowType = toArrowType(type)
  const as = (changes: Partial<ParquetLeaf>, values?: (data: Data) => Values): LeafReading => ({
    leaf: { ...leaf, fieldId: undefined, logicalType: undefined, ...changes },
    convert: (data) => {
      const buffers =
        values === undefined ? data : { [BufferType.DATA]: values(data), [BufferType.VALIDITY]: data.nullBitmap }
      return new Data(arrowType, data.offset, data.length, data.nullCount, buffers)
    },
  })
  const { physicalType, logicalType } = leaf
  if (logicalType?.kind === 'unknown') {
    // Some writers store columns of nothing but nulls.
    return { ...as({}), convert: (data) => constantColumn(type, null)(data.length) }
  }
  switch (type.kind) {
    case 'boolean':
      return physicalType === 'BOOLEAN' ? as({}) : undefined
    case 'int':
      return physicalType === 'INT32' && isInteger(leaf, 32) ? as({}) : undefined
    case 'long':
      if (physicalType === 'INT32' && isInteger(leaf, 33)) return as({}, isUnsigned(leaf) ? widenUnsigned : widenSigned)
      return physicalType === 'INT64' && isInteger(leaf, 64) ? as({}) : undefined
    case 'float':
      if (logicalType?.kind === 'float16' && options.exact === true)
        return as({}, ({ values }) => Float32Array.from(halves(values as Uint8Array)))
      return physicalType === 'FLOAT' ? as({}) : undefined
    case 'double':
      if (physicalType === 'FLOAT') return as({}, ({ values }) => Float64Array.from(values as Float32Array))
      return physicalType === 'DOUBLE' ? as({}) : undefined
    case 'decimal':
      if (
        logicalType?.kind === 'decimal' &&
        logicalType.scale === type.scale &&
        logicalType.precision <= type.precision
      ) {
        return as({ logicalType })
      }
      return physicalType === 'INT64' && isUnsigned(leaf) && type.scale === 0 && type.precision >= 20
        ? as({}, unsignedDecimals)
        : undefined
    case 'date':
      return physicalType === 'INT32' && logicalType?.kind === 'date' ? as({}) : undefined
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return timeReading(leaf, type, as, options)
    case 'string':
      return isBytes(leaf, 'BYTE_ARRAY') ? as({ logicalType: { kind: 'string' } }) : undefined
    case 'binary':
    case 'geometry':
    case 'geography':
      if (isBytes(leaf, 'FIXED_LEN_BYTE_ARRAY')) return { ...as({}), convert: (data) => fixedToBinary(arrowType, data) }
      return isBytes(leaf, 'BYTE_ARRAY') ? as({}) : undefined
    case 'uuid':
      return leaf.typeLength === 16 && (logicalType === undefined || logicalType.kind === 'uuid') ? as({}) : undefined
    case 'fixed':
      return leaf.typeLength === type.length && logicalType === undefined ? as({}) : undefined
    case 'unknown':
      return undefined
  }
}

/** Bytes as they are, or text: numbers in bytes are neither. */
function isBytes({ physicalType, logicalType }: ParquetLeaf, expected: PhysicalType): boolean {
  const isNumber = logicalType?.kind === 'decimal' || logicalType?.kind === 'float16'
  return physicalType === expected && !isNumber && logicalType?.kind !== 'interval'
}

/** Whether the column holds whole numbers that fit into so many bits, sign included. */
function isInteger({ logicalType }: ParquetLeaf, bits: number): boolean {
  if (logicalType === undefined) return true
  return logicalType.kind === 'integer' && logicalType.bits + (logicalType.signed ? 0 : 1) <= bits
}

function isUnsigned({ logicalType }: ParquetLeaf): boolean {
  return logicalType?.kind === 'integer' && !logicalType.signed
}

type TimeType = Extract<PrimitiveType['kind'], 'time' | `timestamp${string}`>
type Reading = (changes: Partial<ParquetLeaf>, values?: (data: Data) => Values) => LeafReading

function timeReading(
  { physicalType, logicalType }: ParquetLeaf,
  { kind }: { readonly kind: TimeType },
  as: Reading,
  { exact = false, fail }: PromoteOptions,
): LeafReading | undefined {
  const perMicro = kind.endsWith('_ns') ? 1000n : 1n
  if (kind !== 'time' && physicalType === 'INT96') {
    // The same 12 bytes a value: the decoder's own reading of INT96 would overflow outside 1677–2262.
    return as({ physicalType: 'FIXED_LEN_BYTE_ARRAY', typeLength: 12 }, (data) => int96Times(data, perMicro, fail))
  }
  if (kind !== 'time' && logicalType?.kind === 'date' && physicalType === 'INT32') {
    return as({}, (data) => scaleUp(data, MICROS_PER_DAY * perMicro, fail))
  }
  if (logicalType === undefined || !('unit' in logicalType) || !kind.startsWith(logicalType.kind)) return undefined
  const { unit } = logicalType
  // Both kinds begin alike for "time": a timestamp is no time of day.
  if ((kind === 'time') !== (logicalType.kind === 'time')) return undefined
  const factor = MICROS_PER_UNIT[unit] * Number(perMicro)
  if (factor === 1) return as({})
  if (factor > 1) return as({}, (data) => scaleUp(data, BigInt(factor), fail))
  return as({}, (data) => nanosToMicros(data, exact))
}

function scaleUp(data: Data, factor: bigint, fail: Fail): BigInt64Array {
  const values = data.values as Int32Array | BigInt64Array
  return timesOf(data, (i) => BigInt(values[i] ?? 0) * factor, fail)
}

/** A time that 64 bits don't hold is refused; what stands where the column is null does not matter. */
function timesOf(data: Data, timeAt: (row: number) => bigint, fail: Fail): BigInt64Array {
  const times = new BigInt64Array(data.length)
  for (let i = 0; i < times.length; i++) {
    const time = timeAt(i)
    times[i] = time
    if (times[i] !== time && data.getValid(i)) fail(`a time of ${time} units is more than its type holds now`)
  }
  return times
}

function nanosToMicros(data: Data, exact: boolean): BigInt64Array {
  const nanos = data.values as BigInt64Array
  const micros = new BigInt64Array(data.length)
  for (let i = 0; i < micros.length; i++) {
    const value = nanos[i] ?? 0n
    const rest = ((value % 1000n) + 1000n) % 1000n
    if (exact && rest !== 0n && data.getValid(i)) {
      throw new ValidationError(
        `a timestamp has nanoseconds (${value} ns), which a column in microseconds can't hold: use a v3 table`,
      )
    }
    micros[i] = (value - rest) / 1000n
  }
  return micros
}

/** INT96: 8 bytes nanoseconds of the day, 4 bytes Julian day. */
function int96Times(data: Data, perMicro: bigint, fail: Fail): BigInt64Array {
  const values = data.values as Uint8Array
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
  const timeAt = (row: number): bigint => {
    const nanos = view.getBigInt64(row * 12, true)
    const days = view.getInt32(row * 12 + 8, true) - JULIAN_DAY_OF_EPOCH
    // Spark writes days that overflowed, for years from 285,000 on: microseconds that wrap around undo it.
    if (perMicro === 1n) return BigInt.asIntN(64, BigInt(days) * MICROS_PER_DAY + nanos / 1000n)
    return BigInt(days) * MICROS_PER_DAY * perMicro + nanos
  }
  return timesOf(data, timeAt, fail)
}

function fixedToBinary(type: DataType, data: Data): Data {
  const width: number = data.stride
  const offsets = Int32Array.from({ length: data.length + 1 }, (_, i) => i * width)
  const buffers = {
    [BufferType.OFFSET]: offsets,
    [BufferType.DATA]: data.values,
    [BufferType.VALIDITY]: data.nullBitmap,
  }
  return new Data(type, 0, data.length, data.nullCount, buffers)
}

/** Sign extension by words: a bigint for each value would take ten times as long. */
function widenSigned({ values, length }: Data): BigInt64Array {
  const source = values as Int32Array
  const words = new Int32Array(length * 2)
  for (let i = 0; i < length; i++) {
    const value = source[i] ?? 0
    words[2 * i] = value
    words[2 * i + 1] = value >> 31
  }
  return new BigInt64Array(words.buffer)
}

function widenUnsigned({ values, length }: Data): BigInt64Array {
  const source = values as Int32Array
  const words = new Int32Array(length * 2)
  for (let i = 0; i < length; i++) words[2 * i] = source[i] ?? 0
  return new BigInt64Array(words.buffer)
}

function unsignedDecimals({ values, length }: Data): Uint32Array {
  const source = values as BigInt64Array
  const words = new BigInt64Array(length * 2)
  for (let i = 0; i < length; i++) words[2 * i] = source[i] ?? 0n
  return new Uint32Array(words.buffer)
}

function* halves(bytes: Uint8Array): Generator<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    const bits = view.getUint16(i, true)
    const sign = bits >= 0x8000 ? -1 : 1
    const exponent = (bits >> 10) & 0x1f
    const fraction = bits & 0x3ff
    if (exponent === 0x1f) yield fraction === 0 ? sign * Infinity : NaN
    else yield exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
  }
}
