/**
 * ISO dates and timestamps of the plainest form, read by character codes: a tenth of what the regular expressions of
 * spec/date-time.ts take. Everything else (offsets, other years, errors) is undefined here and left to those.
 */
import { daysFromCivil } from '../spec/date-time.ts'

const DAYS_PER_MONTH = Int32Array.of(0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
/** Years whose microseconds are safe integers. */
const MIN_YEAR = 1700
const MAX_YEAR = 2250

/** Days from 1970-01-01 of `2026-01-31`. */
export function isoDays(text: string): number | undefined {
  return text.length === 10 ? daysAt(text) : undefined
}

/**
 * Microseconds from the epoch of `2026-01-31T12:34:56`, with up to six fraction digits; `zoned` text must end in `Z` or
 * `+00:00`, other text must not.
 */
export function isoMicros(text: string, zoned: boolean): number | undefined {
  let end = text.length
  if (zoned) {
    if (text.charCodeAt(end - 1) === 90) end--
    else if (text.endsWith('+00:00')) end -= 6
    else return undefined
  }
  if (end < 19 || end > 26 || end === 20) return undefined
  const days = daysAt(text)
  const hour = twoDigits(text, 11)
  const minute = twoDigits(text, 14)
  const second = twoDigits(text, 17)
  if (days === undefined || !(hour < 24 && minute < 60 && second < 60)) return undefined
  if (text.charCodeAt(10) !== 84 || text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return undefined
  const micros = end === 19 ? 0 : fraction(text, end)
  return micros < 0 ? undefined : (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000 + micros
}

function daysAt(text: string): number | undefined {
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  if (!(year >= MIN_YEAR && year <= MAX_YEAR && month >= 1 && month <= 12 && day >= 1)) return undefined
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return undefined
  if (day > (DAYS_PER_MONTH[month] as number) && !(month === 2 && day === 29 && isLeap(year))) return undefined
  return daysFromCivil({ year, month, day })
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
}

/** NaN where there are no two digits. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48
  const ones = text.charCodeAt(at + 1) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

/** Microseconds of the digits after the point at 19; -1 where they are none. */
function fraction(text: string, end: number): number {
  if (text.charCodeAt(19) !== 46) return -1
  let micros = 0
  for (let i = 20; i < 26; i++) {
    const digit = i < end ? text.charCodeAt(i) - 48 : 0
    if (digit < 0 || digit > 9) return -1
    micros = micros * 10 + digit
  }
  return micros
}
