/**
 * Which Arrow types may stand for which of the table's, and how their values are read: only casts that lose nothing are
 * allowed, each value checked where its type doesn't say so (arrow-input.ts).
 */
import { DataType, TimeUnit, Vector } from 'apache-arrow'
import type { Data } from 'apache-arrow'
import { formatDecimal } from '../spec/decimal.ts'
import { decodeUuid } from '../spec/single-value.ts'
import type { PrimitiveType, Value } from '../spec/types.ts'
import { CellMismatch } from './cell-mismatch.ts'

/** Reads rows that are not null: as users give values, or as values of the target's type where `exact`. */
export interface CellReader {
  readonly exact: boolean
  readonly read: (row: number) => unknown
}

const UNITS_PER_SECOND: Readonly<Record<TimeUnit, bigint>> = {
  [TimeUnit.SECOND]: 1n,
  [TimeUnit.MILLISECOND]: 1000n,
  [TimeUnit.MICROSECOND]: 1_000_000n,
  [TimeUnit.NANOSECOND]: 1_000_000_000n,
}
const MS_PER_DAY = 86_400_000n

/** Whether data of type `from` is that of type `to` byte by byte. */
export function sameLayout(from: DataType, to: DataType): boolean {
  if (DataType.isTimestamp(from)) {
    return DataType.isTimestamp(to) && from.unit === to.unit && isZoned(from) === isZoned(to)
  }
  if (DataType.isDecimal(from)) {
    if (!DataType.isDecimal(to) || from.bitWidth !== to.bitWidth) return false
    return from.scale === to.scale && from.precision <= to.precision
  }
  return from.typeId === to.typeId && typeText(from) === typeText(to)
}

/** An Arrow type as Arrow prints it: `Timestamp<MICROSECOND>`. */
export function typeText(type: { toString(): string }): string {
  return type.toString()
}

/** The reader of a column for a primitive target; undefined where the types don't fit. */
export function cellReader(data: Data, target: PrimitiveType): CellReader | undefined {
  const { type } = data
  if (DataType.isInt(type)) return integerReader(data, type.bitWidth, target)
  if (DataType.isFloat(type))
    return ['float', 'double', 'int', 'long'].includes(target.kind) ? generic(data) : undefined
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type)) {
    return target.kind === 'string' || target.kind === 'uuid' ? generic(data) : undefined
  }
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isBinaryView(type)) {
    return ['binary', 'fixed', 'geometry', 'geography'].includes(target.kind) ? generic(data) : undefined
  }
  if (DataType.isFixedSizeBinary(type)) return fixedReader(data, type.byteWidth, target)
  if (DataType.isDecimal(type)) return target.kind === 'decimal' ? decimalReader(data, type.scale) : undefined
  return temporalReader(data, target)
}

function temporalReader(data: Data, target: PrimitiveType): CellReader | undefined {
  const { type } = data
  if (DataType.isDate(type) && target.kind === 'date') return dateReader(data)
  if (DataType.isTime(type) && target.kind === 'time')
    return scaledReader(data, UNITS_PER_SECOND[type.unit], 1_000_000n)
  if (!DataType.isTimestamp(type)) return undefined
  const kinds = isZoned(type) ? ['timestamptz', 'timestamptz_ns'] : ['timestamp', 'timestamp_ns']
  if (!kinds.includes(target.kind)) return undefined
  return scaledReader(data, UNITS_PER_SECOND[type.unit], target.kind === kinds[0] ? 1_000_000n : 1_000_000_000n)
}

function isZoned(type: { readonly timezone?: string | null | undefined }): boolean {
  return type.timezone !== undefined && type.timezone !== null && type.timezone !== ''
}

/** Arrow's own reading of a value. */
function generic(data: Data): CellReader {
  const vector = new Vector([data])
  return { exact: false, read: (row): unknown => vector.get(row) }
}

function integerReader(data: Data, bitWidth: number, target: PrimitiveType): CellReader | undefined {
  const fits = ['int', 'long', 'double', 'decimal'].includes(target.kind) || (target.kind === 'float' && bitWidth <= 16)
  if (!fits) return undefined
  const values = data.values as ArrayLike<number | bigint>
  return { exact: false, read: (row) => values[row] }
}

function fixedReader(data: Data, byteWidth: number, target: PrimitiveType): CellReader | undefined {
  if (target.kind === 'fixed' || target.kind === 'binary') return generic(data)
  if (target.kind !== 'uuid' || byteWidth !== 16) return undefined
  const values = data.values as Uint8Array
  return { exact: true, read: (row) => decodeUuid(values.subarray(16 * row, 16 * row + 16)) }
}

function decimalReader(data: Data, scale: number): CellReader {
  const { values, stride } = data as { readonly values: Uint32Array; readonly stride: number }
  return {
    exact: false,
    read(row) {
      let unscaled = BigInt((values[row * stride + stride - 1] as number) | 0)
      for (let word = stride - 2; word >= 0; word--)
        unscaled = (unscaled << 32n) | BigInt(values[row * stride + word] as number)
      return formatDecimal(unscaled, scale)
    },
  }
}

function dateReader(data: Data): CellReader {
  const values = data.values as Int32Array | BigInt64Array
  const read = (row: number): number => {
    const value = values[row] as number | bigint
    if (typeof value === 'number') return value
    if (value % MS_PER_DAY !== 0n) throw new CellMismatch('date (whole days)', `${value} ms`)
    const days = Number(value / MS_PER_DAY)
    if (days !== (days | 0)) throw new CellMismatch('date (32-bit days)', `${value} ms`)
    return days
  }
  return { exact: true, read }
}

/** Times and timestamps in other units. */
function scaledReader(data: Data, from: bigint, to: bigint): CellReader {
  const values = data.values as Int32Array | BigInt64Array
  const read = (row: number): Value => {
    const value = BigInt(values[row] as number | bigint)
    const scaled = to >= from ? value * (to / from) : value / (from / to)
    if (to < from && scaled * (from / to) !== value)
      throw new CellMismatch(`whole ${unitName(to)}`, `${value} ${unitName(from)}`)
    if (BigInt.asIntN(64, scaled) !== scaled)
      throw new CellMismatch(`64-bit ${unitName(to)}`, `${value} ${unitName(from)}`)
    return scaled
  }
  return { exact: true, read }
}

function unitName(perSecond: bigint): string {
  return perSecond === 1n ? 's' : perSecond === 1000n ? 'ms' : perSecond === 1_000_000n ? 'µs' : 'ns'
}
