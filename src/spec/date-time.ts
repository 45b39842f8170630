/**
 * Dates and times as ISO 8601 text and as counts from 1970-01-01, in the proleptic Gregorian calendar. Exact over the
 * whole range of the format's integers, which is wider than that of `Date`; value.ts and transform.ts build on it.
 */

/** Digits of a second's fraction: 6 for microseconds, 9 for nanoseconds. */
export type FractionDigits = 6 | 9

export interface CivilDate {
  readonly year: number
  readonly month: number
  readonly day: number
}

export const SECONDS_PER_DAY = 86_400
const DAYS_PER_ERA = 146_097
const DAYS_PER_MONTH: readonly number[] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
/** Days from 0000-03-01, where an era of 400 years begins, to 1970-01-01. */
const EPOCH_OFFSET_DAYS = 719_468
const MAX_OFFSET_SECONDS = 18 * 3600

const DATE = /^(\d{4}|[+-]\d{4,9})-(\d\d)-(\d\d)$/
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?$/
const OFFSET = /(?:Z|([+-])(\d\d)(?::?(\d\d))?)$/

/** Days from 1970-01-01; the date must exist. */
export function daysFromCivil({ year, month, day }: CivilDate): number {
  // Years begin in March, so that the leap day is the last of its year.
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * DAYS_PER_ERA + dayOfEra - EPOCH_OFFSET_DAYS
}

export function civilFromDays(days: number): CivilDate {
  const shifted = days + EPOCH_OFFSET_DAYS
  const era = Math.floor(shifted / DAYS_PER_ERA)
  const dayOfEra = shifted - era * DAYS_PER_ERA
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

/** `value / divisor` rounded down; the quotient must be a safe integer. */
export function floorDivide(value: bigint, divisor: number): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) {
    const remainder = number % divisor
    return (number - remainder) / divisor - (remainder < 0 ? 1 : 0)
  }
  const big = BigInt(divisor)
  return Number(value / big) - (value % big < 0n ? 1 : 0)
}

/** Units of a fraction in a second: 10^6 or 10^9. */
export function unitsPerSecond(digits: FractionDigits): number {
  return digits === 6 ? 1_000_000 : 1_000_000_000
}

/** `2026-01-31`; years beyond 9999 or before 0 get a sign, as ISO 8601 and Java print them. */
export function formatDate(days: number): string {
  const { year, month, day } = civilFromDays(days)
  return `${formatYear(year)}-${two(month)}-${two(day)}`
}

/** `12:34:56`, with all of the fraction's digits where it is not 0. */
export function formatTime(units: bigint, digits: FractionDigits): string {
  const { seconds, fraction } = splitUnits(units, digits)
  const text = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(digits, '0')}`
}

/** `2026-01-31T12:34:56.123456`, without an offset. */
export function formatTimestamp(units: bigint, digits: FractionDigits): string {
  const days = floorDivide(units, SECONDS_PER_DAY * unitsPerSecond(digits))
  return `${formatDate(days)}T${formatTime(units - BigInt(days) * unitsPerDay(digits), digits)}`
}

/** Days from 1970-01-01 of `2026-01-31`; undefined for other text, dates that don't exist, and beyond 32 bits. */
export function parseDate(text: string): number | undefined {
  const match = DATE.exec(text)
  if (match === null) return undefined
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (day < 1 || day > daysInMonth(year, month) || Object.is(year, -0)) return undefined
  const days = daysFromCivil({ year, month, day })
  return days === (days | 0) ? days : undefined
}

/** Units from midnight of `12:34`, `12:34:56` or `12:34:56.123456`; undefined where a fraction is too fine. */
export function parseTime(text: string, digits: FractionDigits): bigint | undefined {
  const match = TIME.exec(text)
  if (match === null) return undefined
  const [hour, minute, second] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)]
  const fraction = match[4] ?? ''
  if (hour > 23 || minute > 59 || second > 59 || (fraction.length > digits && /[1-9]/.test(fraction.slice(digits))))
    return undefined
  const seconds = hour * 3600 + minute * 60 + second
  return BigInt(seconds * unitsPerSecond(digits) + Number(fraction.slice(0, digits).padEnd(digits, '0')))
}

/** Units from the epoch of a timestamp without offset; a date alone is its midnight. Undefined beyond 64 bits. */
export function parseTimestamp(text: string, digits: FractionDigits): bigint | undefined {
  const separator = text.search(/[T ]/)
  const days = parseDate(separator < 0 ? text : text.slice(0, separator))
  const time = separator < 0 ? 0n : parseTime(text.slice(separator + 1), digits)
  if (days === undefined || time === undefined) return undefined
  return int64(BigInt(days) * unitsPerDay(digits) + time)
}

/** Units from the epoch of a timestamp with date, time and offset (`Z`, `+01:00`, `+0100`, `+01`). */
export function parseTimestamptz(text: string, digits: FractionDigits): bigint | undefined {
  const offset = OFFSET.exec(text)
  if (offset === null || !/[T ]/.test(text)) return undefined
  const local = parseTimestamp(text.slice(0, offset.index), digits)
  const minutes = Number(offset[3] ?? 0)
  const seconds = Number(offset[2] ?? 0) * 3600 + minutes * 60
  if (local === undefined || minutes > 59 || seconds > MAX_OFFSET_SECONDS) return undefined
  return int64(local - BigInt(offset[1] === '-' ? -seconds : seconds) * BigInt(unitsPerSecond(digits)))
}

function unitsPerDay(digits: FractionDigits): bigint {
  return digits === 6 ? 86_400_000_000n : 86_400_000_000_000n
}

/** Whole seconds and the units beyond them, for counts from midnight, which numbers hold exactly. */
function splitUnits(units: bigint, digits: FractionDigits): { readonly seconds: number; readonly fraction: number } {
  const number = Number(units)
  const fraction = number % unitsPerSecond(digits)
  return { seconds: (number - fraction) / unitsPerSecond(digits), fraction }
}

function int64(value: bigint): bigint | undefined {
  return BigInt.asIntN(64, value) === value ? value : undefined
}

function daysInMonth(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return (DAYS_PER_MONTH[month - 1] ?? 0) + (leap ? 1 : 0)
}

function formatYear(year: number): string {
  const digits = String(Math.abs(year)).padStart(4, '0')
  return year >= 0 && year <= 9999 ? digits : `${year < 0 ? '-' : '+'}${digits}`
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
