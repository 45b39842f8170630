/**
 * The terms in which users name partition and sort fields: `month(date)`, `bucket(16, id)`, `truncate(name, 4)`,
 * `origin`, `"odd name"`, followed by words that partition-spec.ts and sort-order.ts understand.
 */
import { ValidationError } from '../base/errors.ts'
import { ancestorIds, columnName, findField, requireField } from './schema.ts'
import type { NameOptions } from './schema.ts'
import { checkTransform } from './transform.ts'
import type { Transform } from './transform.ts'
import type { NestedField, Schema } from './types.ts'

interface TransformTerm {
  readonly transform: Transform
  /** The source column as written, a dotted name. */
  readonly column: string
  /** What follows the term: `as name`, `desc nulls last`; names unquoted. */
  readonly suffix: readonly string[]
}

/** A term whose column was found in the schema, and can be transformed. */
export interface BoundTerm {
  readonly transform: Transform
  readonly source: NestedField
  readonly suffix: readonly string[]
}

const TOKEN = /"(?:[^"]|"")*"|[(),]|[^\s(),"]+/g
const EXPECTED = 'expected a column or a transform such as month(date), bucket(16, id) or truncate(4, name)'
/** Singular as in the specification, plural as in Spark. */
const SIMPLE: Readonly<Record<string, Exclude<Transform['kind'], 'bucket' | 'truncate' | 'unknown'>>> = {
  identity: 'identity',
  year: 'year',
  years: 'year',
  month: 'month',
  months: 'month',
  day: 'day',
  days: 'day',
  hour: 'hour',
  hours: 'hour',
  void: 'void',
}
const INT_MAX = 2_147_483_647

/** Reads a term and finds its column; ValidationError for terms, columns or combinations that don't work. */
export function bindTransformTerm(schema: Schema, term: string, options: NameOptions = {}): BoundTerm {
  const { transform, column, suffix } = parseTransformTerm(term)
  const source = requireField(schema, column, options)
  checkTransform(transform, source)
  const repeated = ancestorIds(schema, source.id).find((id) => findField(schema, id)?.type.kind !== 'struct')
  if (repeated !== undefined) {
    return failTerm(term, `"${column}" lies in "${columnName(schema, repeated)}", of which a row may have many`)
  }
  return { transform, source, suffix }
}

function parseTransformTerm(term: string): TransformTerm {
  const tokens: readonly string[] = term.match(TOKEN) ?? []
  const [first, second] = tokens
  if (first === undefined || /^[(),]$/.test(first)) return failTerm(term, EXPECTED)
  if (second !== '(')
    return { transform: { kind: 'identity' }, column: unquote(first), suffix: suffixOf(term, tokens.slice(1)) }
  const close = tokens.indexOf(')')
  if (close < 0) return failTerm(term, 'its parenthesis is not closed')
  const parts = tokens.slice(2, close)
  if (parts.some((part, i) => (part === ',') === (i % 2 === 0)) || parts.length % 2 === 0)
    return failTerm(term, EXPECTED)
  const { transform, column } = parseCall(
    term,
    first,
    parts.filter((part) => part !== ','),
  )
  return { transform, column: unquote(column), suffix: suffixOf(term, tokens.slice(close + 1)) }
}

function parseCall(
  term: string,
  name: string,
  parameters: readonly string[],
): { transform: Transform; column: string } {
  const [first = '', second] = parameters
  const kind = SIMPLE[name.toLowerCase()]
  if (kind !== undefined)
    return parameters.length === 1 ? { transform: { kind }, column: first } : failTerm(term, EXPECTED)
  if (parameters.length !== 2 || second === undefined) return failTerm(term, EXPECTED)
  const [number, column] = /^\d+$/.test(first) ? [first, second] : [second, first]
  const parameter = /^\d+$/.test(number) ? Number(number) : 0
  if (parameter < 1 || parameter > INT_MAX) return failTerm(term, `expected a number from 1 to ${INT_MAX} and a column`)
  switch (name.toLowerCase()) {
    case 'bucket':
      return { transform: { kind: 'bucket', buckets: parameter }, column }
    case 'truncate':
      return { transform: { kind: 'truncate', width: parameter }, column }
    default:
      return failTerm(term, `no transform "${name}"; ${EXPECTED}`)
  }
}

function suffixOf(term: string, tokens: readonly string[]): string[] {
  if (tokens.some((token) => /^[(),]$/.test(token))) return failTerm(term, EXPECTED)
  return tokens.map(unquote)
}

function unquote(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token
}

/** Throws the ValidationError of a term. */
export function failTerm(term: string, problem: string): never {
  throw new ValidationError(`term "${term}" is not understood: ${problem}`, { context: { term } })
}
