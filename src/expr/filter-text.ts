/**
 * The words of filter text: what columns, values and prefix patterns look like. The printer (expression.ts) and the
 * parser (parse-filter.ts) meet here, so that one reads back what the other writes.
 */

/** Words that have a meaning where a column may stand: such columns need double quotes. */
export const RESERVED: ReadonlySet<string> = new Set([
  'and',
  'or',
  'not',
  'in',
  'is',
  'like',
  'between',
  'null',
  'true',
  'false',
])

const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_$]*(?:\.[\p{L}_][\p{L}\p{N}_$]*)*$/u

export function printColumn(name: string): string {
  const [first = ''] = name.split('.', 1)
  const plain = PLAIN_NAME.test(name) && !RESERVED.has(first.toLowerCase())
  return plain ? name : `"${name.replaceAll('"', '""')}"`
}

function printString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A value of a predicate: numbers bare, bytes as x'0aff', anything else as quoted text. */
export function printValue(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value === null || value === undefined) return 'null'
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`
  if (value instanceof Date && !Number.isNaN(value.getTime())) return printString(value.toISOString())
  return printString(typeof value === 'string' ? value : `(${typeof value})`)
}

/** `abc%`, with the wildcards within the prefix escaped by a backslash. */
export function printPrefixPattern(prefix: unknown): string {
  return typeof prefix === 'string' ? printString(`${prefix.replace(/[\\%_]/g, '\\$&')}%`) : printValue(prefix)
}

export interface PrefixPattern {
  readonly text: string
  /** Whether the pattern ended in `%`; without it, it matches `text` alone. */
  readonly open: boolean
}

/** Reads a LIKE pattern; undefined where it has a wildcard other than a closing `%`. */
export function parsePrefixPattern(pattern: string): PrefixPattern | undefined {
  const [match = '', body = '', wildcard = ''] = /^((?:[^\\%_]|\\[^])*)(%*)/.exec(pattern) ?? []
  if (match.length < pattern.length) return undefined
  return { text: body.replace(/\\([^])/g, '$1'), open: wildcard !== '' }
}

/**
 * A number as written. A JS number where that keeps its value, else a bigint (integers) or the text itself, which
 * binding reads exactly; undefined where it is not a number.
 */
export function parseNumber(text: string): number | bigint | string | undefined {
  if (/^[+-]?\d+$/.test(text)) {
    const number = Number(text)
    return Number.isSafeInteger(number) ? number : BigInt(text.replace('+', ''))
  }
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined
  const number = Number(text)
  return canonicalDigits(String(number)) === canonicalDigits(text) ? number : text.replace('+', '')
}

/** Sign, significant digits and power of ten: equal for equal numbers however they are written. */
function canonicalDigits(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return `${sign === '-' ? '-' : ''}0`
  return `${sign === '-' ? '-' : ''}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}
