/**
 * Single values: their order and equality (spec, "Sorting" and "Partition Values"), and the way between the internal
 * representation and what users see and give (row values). Every comparison and every literal passes through here.
 */
import { ValidationError } from '../base/errors.ts'
import {
  formatDate,
  formatTime,
  formatTimestamp,
  parseDate,
  parseTime,
  parseTimestamp,
  parseTimestamptz,
  unitsPerSecond,
} from './date-time.ts'
import type { FractionDigits } from './date-time.ts'
import { fitsPrecision, formatDecimal, parseDecimal } from './decimal.ts'
import { printPrimitiveText } from './primitive-type.ts'
import type { PrimitiveType, Value } from './types.ts'

export type { Value } from './types.ts'

/**
 * What users see: long → bigint, int, float, double → number, decimal, date, time, timestamps and uuid → string, binary
 * and fixed → Uint8Array, list → array, map → Map, struct → object.
 */
export type RowValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly RowValue[]
  | ReadonlyMap<RowValue, RowValue>
  | { readonly [name: string]: RowValue }

export type Comparator = (a: Value, b: Value) => number

const COMPARATORS: Readonly<Record<PrimitiveType['kind'], Comparator>> = {
  boolean: compareOthers,
  int: compareNumbers,
  long: compareBigints,
  float: compareFloating,
  double: compareFloating,
  decimal: compareBigints,
  date: compareNumbers,
  time: compareBigints,
  timestamp: compareBigints,
  timestamptz: compareBigints,
  timestamp_ns: compareBigints,
  timestamptz_ns: compareBigints,
  string: compareStrings,
  // Lower-case hexadecimal digits sort as the bytes they stand for.
  uuid: compareOthers,
  fixed: compareBytes,
  binary: compareBytes,
  unknown: compareOthers,
  geometry: compareBytes,
  geography: compareBytes,
}

/** The order of a type, to take out of a loop. */
export function comparatorOf(type: PrimitiveType): Comparator {
  return COMPARATORS[type.kind]
}

/** The spec's order: -0 before 0, NaN last, strings by UTF-8 bytes, binary by unsigned bytes. */
export function compareValues(type: PrimitiveType, a: Value, b: Value): number {
  return COMPARATORS[type.kind](a, b)
}

/** Equality in the sense of `compareValues` (NaN = NaN, -0 ≠ 0), where null equals null alone. */
export function valuesEqual(type: PrimitiveType, a: Value | null, b: Value | null): boolean {
  if (a === null || b === null) return a === b
  return COMPARATORS[type.kind](a, b) === 0
}

/** Value → what users see. */
export function toRowValue(type: PrimitiveType, value: Value | null): RowValue {
  if (value === null) return null
  switch (type.kind) {
    case 'decimal':
      return formatDecimal(value as bigint, type.scale)
    case 'date':
      return formatDate(value as number)
    case 'time':
      return formatTime(value as bigint, 6)
    case 'timestamp':
      return formatTimestamp(value as bigint, 6)
    case 'timestamptz':
      return `${formatTimestamp(value as bigint, 6)}+00:00`
    case 'timestamp_ns':
      return formatTimestamp(value as bigint, 9)
    case 'timestamptz_ns':
      return `${formatTimestamp(value as bigint, 9)}+00:00`
    default:
      return value
  }
}

/**
 * What users give → value. Takes what stands for exactly one value of the type: row values, Date, integers as number,
 * bigint or text, ISO text. Throws ValidationError `expected long, found "abc"`; null is the caller's business.
 */
export function fromRowValue(type: PrimitiveType, input: unknown): Value {
  const value = convert(type, input)
  if (value !== undefined) return value
  const [expected, found] = [describeExpected(type, input), describeInput(input)]
  throw new ValidationError(`expected ${expected}, found ${found}`, {
    context: { expected: printPrimitiveText(type), found },
  })
}

function convert(type: PrimitiveType, input: unknown): Value | undefined {
  switch (type.kind) {
    case 'boolean':
      return toBoolean(input)
    case 'int':
      return toInt(input)
    case 'long':
      return toLong(input)
    case 'float':
      return toFloat(input)
    case 'double':
      return toDouble(input)
    case 'decimal':
      return toDecimal(type.precision, type.scale, input)
    case 'date':
      return toDate(input)
    case 'time':
      return typeof input === 'string' ? parseTime(input, 6) : undefined
    case 'timestamp':
      return typeof input === 'string' ? parseTimestamp(input, 6) : instant(input, 6)
    case 'timestamptz':
      return typeof input === 'string' ? parseTimestamptz(input, 6) : instant(input, 6)
    case 'timestamp_ns':
      return typeof input === 'string' ? parseTimestamp(input, 9) : instant(input, 9)
    case 'timestamptz_ns':
      return typeof input === 'string' ? parseTimestamptz(input, 9) : instant(input, 9)
    case 'string':
      return typeof input === 'string' ? input : undefined
    case 'uuid':
      return typeof input === 'string' && UUID.test(input) ? input.toLowerCase() : undefined
    case 'fixed':
      return input instanceof Uint8Array && input.length === type.length ? input : undefined
    case 'binary':
    case 'geometry':
    case 'geography':
      return input instanceof Uint8Array ? input : undefined
    case 'unknown':
      return undefined
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const INTEGER = /^[+-]?\d{1,40}$/
const FLOATING = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const NON_FINITE: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['infinity', Infinity],
  ['+infinity', Infinity],
  ['-infinity', -Infinity],
])
const MS_PER_DAY = 86_400_000

function toBoolean(input: unknown): boolean | undefined {
  if (typeof input === 'boolean') return input
  if (typeof input !== 'string') return undefined
  const text = input.toLowerCase()
  return text === 'true' ? true : text === 'false' ? false : undefined
}

function toInt(input: unknown): number | undefined {
  // `| 0` turns -0 into 0, which integers don't tell apart.
  if (typeof input === 'number') return input === (input | 0) ? input | 0 : undefined
  const long = toLong(input)
  return long !== undefined && BigInt.asIntN(32, long) === long ? Number(long) : undefined
}

function toLong(input: unknown): bigint | undefined {
  if (typeof input === 'number') return Number.isSafeInteger(input) ? BigInt(input) : undefined
  if (typeof input === 'string' && !INTEGER.test(input)) return undefined
  if (typeof input !== 'bigint' && typeof input !== 'string') return undefined
  const value = BigInt(typeof input === 'string' ? input.replace(/^\+/, '') : input)
  return BigInt.asIntN(64, value) === value ? value : undefined
}

function toDouble(input: unknown): number | undefined {
  if (typeof input === 'number') return input
  if (typeof input === 'bigint') return BigInt(Number(input)) === input ? Number(input) : undefined
  if (typeof input !== 'string') return undefined
  if (!FLOATING.test(input)) return NON_FINITE.get(input.toLowerCase())
  const value = Number(input)
  return Number.isFinite(value) ? value : undefined
}

/** Rounds to 32 bits, as every store of a float does; refuses what would become infinite. */
function toFloat(input: unknown): number | undefined {
  const double = toDouble(input)
  if (double === undefined) return undefined
  const float = Math.fround(double)
  return Number.isFinite(double) && !Number.isFinite(float) ? undefined : float
}

function toDecimal(precision: number, scale: number, input: unknown): bigint | undefined {
  if (typeof input !== 'string' && typeof input !== 'number' && typeof input !== 'bigint') return undefined
  // Beyond 2^53 a number's digits are those of its neighbours too.
  if (typeof input === 'number' && Math.abs(input) > Number.MAX_SAFE_INTEGER) return undefined
  const value = parseDecimal(String(input), scale)
  return value !== undefined && fitsPrecision(value, precision) ? value : undefined
}

function toDate(input: unknown): number | undefined {
  if (typeof input === 'string') return parseDate(input)
  if (!(input instanceof Date)) return undefined
  const days = input.getTime() / MS_PER_DAY
  return Number.isInteger(days) ? days : undefined
}

function instant(input: unknown, digits: FractionDigits): bigint | undefined {
  if (!(input instanceof Date) || Number.isNaN(input.getTime())) return undefined
  const value = BigInt(input.getTime()) * BigInt(unitsPerSecond(digits) / 1000)
  return BigInt.asIntN(64, value) === value ? value : undefined
}

function describeExpected(type: PrimitiveType, input: unknown): string {
  const name = printPrimitiveText(type)
  if (type.kind === 'unknown') return 'null (its type is unknown)'
  if (type.kind === 'date' && input instanceof Date) return 'date (a Date must be midnight UTC)'
  if (typeof input !== 'string') return name
  if (type.kind === 'timestamp' || type.kind === 'timestamp_ns') return `${name} (without offset)`
  return type.kind === 'timestamptz' || type.kind === 'timestamptz_ns' ? `${name} (with an offset, such as Z)` : name
}

/** Anything, short enough for a message. */
export function describeInput(input: unknown): string {
  if (input === null || input === undefined) return 'null'
  if (typeof input === 'string') return JSON.stringify(input.length > 60 ? `${input.slice(0, 60)}…` : input)
  if (input instanceof Date) return Number.isNaN(input.getTime()) ? 'an invalid date' : input.toISOString()
  if (input instanceof Uint8Array) return `${input.length} bytes`
  if (Array.isArray(input)) return 'an array'
  if (typeof input === 'object') return input instanceof Map ? 'a Map' : 'an object'
  const isPlain = typeof input === 'number' || typeof input === 'bigint' || typeof input === 'boolean'
  return isPlain ? String(input) : `a ${typeof input}`
}

// One function for each JavaScript type: engines make fast only what always sees the same.
function compareNumbers(a: Value, b: Value): number {
  return (a as number) - (b as number)
}

function compareBigints(a: Value, b: Value): number {
  return (a as bigint) < (b as bigint) ? -1 : (a as bigint) > (b as bigint) ? 1 : 0
}

function compareFloating(a: Value, b: Value): number {
  const left = a as number
  const right = b as number
  if (left < right) return -1
  if (left > right) return 1
  // Equal, or at least one is NaN: NaN is last, and of the zeros the negative is first.
  if (left === right) return left === 0 ? Number(Object.is(right, -0)) - Number(Object.is(left, -0)) : 0
  return Number(Number.isNaN(left)) - Number(Number.isNaN(right))
}

function compareOthers(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Code point order, which is that of UTF-8 bytes: UTF-16 code units differ in surrogates, which lie below U+E000. */
function compareStrings(a: Value, b: Value): number {
  const left = a as string
  const right = b as string
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  for (let i = 0; i < length; i++) {
    const x = left.charCodeAt(i)
    const y = right.charCodeAt(i)
    if (x !== y) return x >= 0xd800 && y >= 0xd800 ? codePointRank(x) - codePointRank(y) : x - y
  }
  return left.length - right.length
}

function codePointRank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x2000 : unit + 0x2000
}

function compareBytes(a: Value, b: Value): number {
  const left = a as Uint8Array
  const right = b as Uint8Array
  const length = Math.min(left.length, right.length)
  for (let i = 0; i < length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
