/** Transformed values as text, as Java prints them: the directory names of partitions (`date_month=2001-01`). */
import { civilFromDays, formatTime, formatTimestamp } from './date-time.ts'
import type { FractionDigits } from './date-time.ts'
import { formatDecimal } from './decimal.ts'
import { printFloating } from './float-text.ts'
import { transformResultType } from './transform.ts'
import type { Transform } from './transform.ts'
import type { PrimitiveType, Value } from './types.ts'

const HOURS_PER_DAY = 24

/** `2026-01` for a month, base64 for binary, `null` for null; `source` is the type before the transform. */
export function transformHumanString(transform: Transform, source: PrimitiveType, value: Value | null): string {
  if (value === null) return 'null'
  switch (transform.kind) {
    case 'year':
      return year(1970 + (value as number))
    case 'month': {
      const months = value as number
      return `${year(1970 + Math.floor(months / 12))}-${two(1 + modulo(months, 12))}`
    }
    case 'hour': {
      const hours = value as number
      return `${day(Math.floor(hours / HOURS_PER_DAY))}-${two(modulo(hours, HOURS_PER_DAY))}`
    }
    default:
      return humanString(transformResultType(transform, source), value)
  }
}

function humanString(type: PrimitiveType, value: Value): string {
  switch (type.kind) {
    case 'date':
      return day(value as number)
    case 'time':
      return time(value as bigint)
    case 'timestamp':
    case 'timestamp_ns':
      return timestamp(value as bigint, type.kind === 'timestamp' ? 6 : 9)
    case 'timestamptz':
    case 'timestamptz_ns':
      return `${timestamp(value as bigint, type.kind === 'timestamptz' ? 6 : 9)}+00:00`
    case 'float':
    case 'double':
      return printFloating(value as number, type.kind)
    case 'fixed':
    case 'binary':
      return Buffer.from(value as Uint8Array).toString('base64')
    case 'decimal':
      return formatDecimal(value as bigint, type.scale)
    default:
      return String(value)
  }
}

function year(value: number): string {
  return value < 0 ? `-${String(-value).padStart(3, '0')}` : String(value).padStart(4, '0')
}

function day(days: number): string {
  const date = civilFromDays(days)
  return `${year(date.year)}-${two(date.month)}-${two(date.day)}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor
}

/** Java's ISO_LOCAL_DATE_TIME: seconds always, a fraction without trailing zeros. */
function timestamp(units: bigint, digits: FractionDigits): string {
  const text = formatTimestamp(units, digits)
  return text.includes('.') ? text.replace(/0+$/, '') : text
}

/** Java's LocalTime: no seconds where they are 0, a fraction of 3 or 6 digits. */
function time(micros: bigint): string {
  return formatTime(micros, 6)
    .replace(/(\.\d{3})000$/, '$1')
    .replace(/^(\d\d:\d\d):00$/, '$1')
}
