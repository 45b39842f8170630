/**
 * Partition values as text, the other way round than transform-text.ts: the directory names of Hive and Iceberg
 * (`origin=SFO/date_month=2001-01`), and values that users give. write/external-partition.ts asks for them.
 */
import { ValidationError } from '../base/errors.ts'
import { parseDate } from './date-time.ts'
import { printTransform, transformResultType } from './transform.ts'
import type { Transform } from './transform.ts'
import type { PrimitiveType, Value } from './types.ts'
import { fromRowValue } from './value.ts'

/** What Hive and Spark name the folder of null. */
const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__'
const MONTH = /^(-?\d+)-(\d\d)$/
const HOUR = /^(.*)-(\d\d)$/

/** One `key=value` of a path; null where it says so. */
export interface PathPart {
  readonly key: string
  readonly text: string | null
}

/** The folders of a location that are called `key=value`, outermost first; `%XX` is decoded in both. */
export function pathParts(location: string): readonly PathPart[] {
  return location
    .split('/')
    .slice(0, -1)
    .flatMap((folder) => {
      const at = folder.indexOf('=')
      if (at <= 0) return []
      const text = unescaped(folder.slice(at + 1))
      return [{ key: unescaped(folder.slice(0, at)), text: text === HIVE_NULL ? null : text }]
    })
}

/** The value of a partition field that `text` stands for. Errors: ValidationError saying what was expected. */
export function parsePartitionText(transform: Transform, source: PrimitiveType, text: string): Value | null {
  const type = transformResultType(transform, source)
  // Iceberg's own writers name null so; as a text it stands for itself.
  if (text === 'null' && type.kind !== 'string') return null
  switch (transform.kind) {
    case 'void':
      return null
    case 'year':
      return /^-?\d+$/.test(text) ? Number(text) - 1970 : fail(transform, text, 'a year, 2001')
    case 'month': {
      const [, year, month] = MONTH.exec(text) ?? []
      const isMonth = year !== undefined && Number(month) >= 1 && Number(month) <= 12
      return isMonth ? (Number(year) - 1970) * 12 + Number(month) - 1 : fail(transform, text, 'a month, 2001-01')
    }
    case 'hour': {
      const [, date = '', hour] = HOUR.exec(text) ?? []
      const days = parseDate(date)
      const isHour = days !== undefined && Number(hour) < 24
      return isHour ? days * 24 + Number(hour) : fail(transform, text, 'an hour, 2001-01-31-23')
    }
    case 'bucket': {
      const bucket = fromRowValue(type, text)
      const isBucket = typeof bucket === 'number' && bucket >= 0 && bucket < transform.buckets
      return isBucket ? bucket : fail(transform, text, `a number below ${transform.buckets}`)
    }
    default:
      return type.kind === 'binary' || type.kind === 'fixed'
        ? fromRowValue(type, new Uint8Array(Buffer.from(text, 'base64')))
        : fromRowValue(type, spacedTimestamp(type, text))
  }
}

/** Hive and Spark write a space where ISO has a T. */
function spacedTimestamp({ kind }: PrimitiveType, text: string): string {
  return kind.startsWith('timestamp') ? text.replace(/^(\d+-\d\d-\d\d) (?=\d)/, '$1T') : text
}

function unescaped(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes)
    } catch {
      return escapes
    }
  })
}

function fail(transform: Transform, text: string, expected: string): never {
  throw new ValidationError(`expected ${expected}, found ${JSON.stringify(text)}`, {
    context: { transform: printTransform(transform), text },
  })
}
