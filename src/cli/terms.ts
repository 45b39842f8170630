/** Lists that people write on the command line, partition and sort terms and columns with their types; and back. */
import { ValidationError, messageOf } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import type { JsonObject } from '../base/json.ts'
import type { SchemaInput } from '../spec/define-schema.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import { columnName } from '../spec/schema.ts'
import type { SortOrder } from '../spec/sort-order.ts'
import type { Transform } from '../spec/transform.ts'
import type { Schema } from '../spec/types.ts'

const TOKEN = /"(?:[^"]|"")*"?|[^"]/g
const COLUMN = /^(?<name>"(?:[^"]|"")+"|[^\s":]+)(?:\s*:\s*|\s+)(?<type>.+)$/s

/** Splits at the commas that lie in no brackets and no quotes: `month(date), bucket(16, id)`. */
export function splitTerms(text = ''): readonly string[] {
  const terms = ['']
  let depth = 0
  for (const [token] of text.matchAll(TOKEN)) {
    if ('(<['.includes(token)) depth += 1
    if (')>]'.includes(token)) depth -= 1
    if (token === ',' && depth <= 0) terms.push('')
    else terms.push(`${terms.pop() ?? ''}${token}`)
  }
  return terms.map((term) => term.trim()).filter((term) => term !== '')
}

/** `id long not null, "odd name" list<string>`, or JSON: Iceberg's schema, or types by column. */
export function parseSchemaText(text: string, source: string): SchemaInput {
  const fail = (problem: string): never => {
    throw new ValidationError(`${source}: ${problem}`)
  }
  if (text.trimStart().startsWith('{')) {
    try {
      return parseJson(text, source) as JsonObject
    } catch (error) {
      return fail(messageOf(error))
    }
  }
  const columns = new Map<string, string>()
  for (const term of splitTerms(text)) {
    const { name: written = '', type = '' } = COLUMN.exec(term)?.groups ?? {}
    const name = unquoted(written)
    if (type === '') fail(`${JSON.stringify(term)} is no column: write a name and a type, id long not null`)
    if (columns.has(name)) fail(`two columns are named "${name}": rename one`)
    columns.set(name, type)
  }
  return columns.size === 0 ? fail('no columns: write names and types, id long not null') : Object.fromEntries(columns)
}

/** `month(date), origin`. */
export function printPartitionTerms(spec: PartitionSpec, schema: Schema): string {
  return spec.fields.map(({ transform, sourceIds }) => printTerm(transform, sourceIds, schema)).join(', ')
}

/** `origin asc, delay desc nulls first`: the order of nulls only where it isn't the usual one. */
export function printSortTerms(order: SortOrder, schema: Schema): string {
  const terms = order.fields.map(({ transform, sourceIds, direction, nullOrder }) => {
    const isUsual = nullOrder === (direction === 'asc' ? 'nulls-first' : 'nulls-last')
    return `${printTerm(transform, sourceIds, schema)} ${direction}${isUsual ? '' : ` ${nullOrder.replace('-', ' ')}`}`
  })
  return terms.join(', ')
}

/** A name as written: quotes are for what a bare one can't hold. */
export function unquoted(name: string): string {
  return /^".*"$/s.test(name) ? name.slice(1, -1).replaceAll('""', '"') : name
}

function printTerm(transform: Transform, sourceIds: readonly number[], schema: Schema): string {
  const names = sourceIds.map((id) => columnName(schema, id) ?? `field ${id}`)
  const column = names.map((name) => (/^[^\s(),"]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)).join(', ')
  switch (transform.kind) {
    case 'identity':
      return column
    case 'bucket':
      return `bucket(${transform.buckets}, ${column})`
    case 'truncate':
      return `truncate(${transform.width}, ${column})`
    case 'unknown':
      return `${transform.text}(${column})`
    default:
      return `${transform.kind}(${column})`
  }
}
