/**
 * Literals of filters as values of the column they are compared with. A literal that the column can't hold still has its
 * place in the column's order (`delay < 2.5` on an int, a timestamp on a date): bind.ts compares with that place.
 */
import { ValidationError } from '../base/errors.ts'
import { floorDivide } from '../spec/date-time.ts'
import { parseDecimal } from '../spec/decimal.ts'
import type { PrimitiveType } from '../spec/types.ts'
import { fromRowValue } from '../spec/value.ts'
import type { Value } from '../spec/value.ts'
import { parseNumber } from './filter-text.ts'

export type Literal =
  | { readonly kind: 'exact'; readonly value: Value }
  /** Above `below` and under every greater value of the type. */
  | { readonly kind: 'between'; readonly below: Value }
  | { readonly kind: 'above-max' }
  | { readonly kind: 'below-min' }

export interface Limits {
  readonly min: number | bigint
  readonly max: number | bigint
}

const INT: Limits = { min: -(2 ** 31), max: 2 ** 31 - 1 }
const LONG: Limits = { min: -(2n ** 63n), max: 2n ** 63n - 1n }
const MAX_FLOAT = 2 ** 128 - 2 ** 104
const TIMESTAMP: PrimitiveType = { kind: 'timestamp' }
const MS_PER_DAY = 86_400_000
const US_PER_DAY = 86_400_000_000

/** The least and greatest value of a type of whole steps; undefined for the others. */
export function limitsOf(type: PrimitiveType): Limits | undefined {
  switch (type.kind) {
    case 'int':
    case 'date':
      return INT
    case 'long':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return LONG
    case 'decimal': {
      const max = 10n ** BigInt(type.precision) - 1n
      return { min: -max, max }
    }
    default:
      return undefined
  }
}

/** Finds the place of `input` in the order of `type`. Throws ValidationError as `fromRowValue` does where it has none. */
export function toLiteral(type: PrimitiveType, input: unknown): Literal {
  if (input === null || input === undefined) {
    throw new ValidationError('nothing compares to null: use is null or is not null')
  }
  if (type.kind === 'string' && typeof input === 'string' && /\p{Surrogate}/u.test(input)) {
    throw new ValidationError('expected string, found text that is not valid Unicode (half of a surrogate pair)')
  }
  const value = tryValue(type, input)
  if (Number.isNaN(value)) throw new ValidationError('nothing compares to NaN: use is nan or is not nan')
  if (value !== undefined) return { kind: 'exact', value }
  return approximate(type, input) ?? { kind: 'exact', value: fromRowValue(type, input) }
}

function tryValue(type: PrimitiveType, input: unknown): Value | undefined {
  try {
    return fromRowValue(type, input)
  } catch (error) {
    if (error instanceof ValidationError) return undefined
    throw error
  }
}

/** The place of an input that is no value of the type itself; undefined where it has none. */
function approximate(type: PrimitiveType, input: unknown): Literal | undefined {
  switch (type.kind) {
    case 'int':
    case 'long':
    case 'decimal':
      return placeNumber(type, input)
    case 'float':
    case 'double':
      return placeFloat(type, input)
    case 'date':
      return placeDate(input)
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return placeFraction(type, input, 6)
    case 'timestamp_ns':
      return placeFraction(type, input, 9) ?? placeOutside(TIMESTAMP, input)
    case 'timestamptz_ns':
      return placeFraction(type, input, 9) ?? placeOutside({ kind: 'timestamptz' }, input)
    default:
      return undefined
  }
}

/** A number between two steps of the type, or beyond its limits. */
function placeNumber(type: PrimitiveType, input: unknown): Literal | undefined {
  if (input === Infinity) return { kind: 'above-max' }
  if (input === -Infinity) return { kind: 'below-min' }
  if (typeof input !== 'number' && typeof input !== 'bigint' && typeof input !== 'string') return undefined
  const text = String(input)
  // Enough fraction digits to read any number exactly, of which the type then keeps its own.
  const extra = text.length + Math.abs(Number(/e([+-]?\d{1,4})$/i.exec(text)?.[1] ?? 0))
  const unscaled = parseDecimal(text, extra + (type.kind === 'decimal' ? type.scale : 0))
  if (unscaled === undefined) return undefined
  const power = 10n ** BigInt(extra)
  const rest = unscaled % power
  const floor = unscaled / power - (rest < 0n ? 1n : 0n)
  const { min, max } = limitsOf(type) ?? LONG
  if (floor < min) return { kind: 'below-min' }
  if (floor > max) return { kind: 'above-max' }
  const value = type.kind === 'int' ? Number(floor) : floor
  return rest === 0n ? { kind: 'exact', value } : { kind: 'between', below: value }
}

/** Rounded as a store of the type would; what would round to infinity lies between it and the greatest finite value. */
function placeFloat(type: PrimitiveType, input: unknown): Literal | undefined {
  const numeric = typeof input === 'string' ? parseNumber(input) !== undefined : true
  if (!numeric || (typeof input !== 'string' && typeof input !== 'bigint' && typeof input !== 'number'))
    return undefined
  const number = Number(input)
  const max = type.kind === 'float' ? MAX_FLOAT : Number.MAX_VALUE
  if (number > max) return { kind: 'between', below: max }
  if (number < -max) return { kind: 'between', below: -Infinity }
  return { kind: 'exact', value: type.kind === 'float' ? Math.fround(number) : number }
}

/** A time of day on a column of dates. */
function placeDate(input: unknown): Literal | undefined {
  if (input instanceof Date) {
    const days = Math.floor(input.getTime() / MS_PER_DAY)
    return Number.isNaN(days) ? undefined : { kind: 'between', below: days }
  }
  const exact = tryValue(TIMESTAMP, input)
  const micros = exact ?? tryValue(TIMESTAMP, cutFraction(input, 6))
  if (typeof micros !== 'bigint') return undefined
  const days = floorDivide(micros, US_PER_DAY)
  const midnight = exact !== undefined && BigInt(days) * BigInt(US_PER_DAY) === micros
  return midnight ? { kind: 'exact', value: days } : { kind: 'between', below: days }
}

/** Text with finer fractions of a second than the type has. */
function placeFraction(type: PrimitiveType, input: unknown, digits: 6 | 9): Literal | undefined {
  const below = tryValue(type, cutFraction(input, digits))
  return below === undefined ? undefined : { kind: 'between', below }
}

/** Fractions are written forward from the second in all of history: cutting them off always rounds down. */
function cutFraction(input: unknown, digits: 6 | 9): string | undefined {
  if (typeof input !== 'string') return undefined
  return input.replace(digits === 6 ? /(\.\d{6})\d+/ : /(\.\d{9})\d+/, '$1')
}

/** An instant that 64 bits of nanoseconds can't count: before 1677 or after 2262. */
function placeOutside(micros: PrimitiveType, input: unknown): Literal | undefined {
  const value = tryValue(micros, cutFraction(input, 6) ?? input)
  return typeof value === 'bigint' ? { kind: value < 0n ? 'below-min' : 'above-max' } : undefined
}
