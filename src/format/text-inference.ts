/**
 * The schema that rows of text ask for: the narrowest type that holds all values of a column. Integers are long, and
 * text is a date or time only where every value is one. What has no common type is a string.
 */
import { ValidationError } from '../base/errors.ts'
import { fromRowValue } from '../spec/value.ts'
import type { PrimitiveType, Schema } from '../spec/types.ts'
import type { TextFormat, TextRow } from './text-rows.ts'

/** What a column was seen to hold. Structs and lists keep what they were seen to hold in turn. */
type Seen =
  | { readonly kind: Scalar }
  | { readonly kind: 'struct'; readonly members: Map<string, Seen> }
  | { readonly kind: 'list'; element: Seen }

/** `nothing` where only nulls were seen. */
type Scalar = 'nothing' | 'boolean' | 'long' | 'double' | 'date' | 'timestamp' | 'timestamptz' | 'string'

const NOTHING: Seen = { kind: 'nothing' }

export interface InferenceOptions {
  /** The file's, for errors. */
  readonly name: string
  readonly format: TextFormat
}

/** Each column with its type as text: `{ id: 'long', tags: 'list<string>' }`, in the order in which they first appear. */
export function inferSchema(
  rows: Iterable<TextRow>,
  { name, format }: InferenceOptions,
): Readonly<Record<string, string>> {
  const columns = new Map<string, Seen>()
  const observation = { path: name, scalarOf: format === 'csv' ? scalarOfField : scalarOfJson }
  for (const row of rows) observeMembers(columns, row, observation)
  if (columns.size === 0) throw new ValidationError(`${name}: no rows to tell columns from: give --schema`)
  return Object.fromEntries([...columns].map(([column, seen]) => [column, typeText(seen)]))
}

interface Observation {
  readonly path: string
  readonly scalarOf: (value: unknown) => Scalar
}

function observeMembers(members: Map<string, Seen>, row: object, observation: Observation): void {
  for (const [member, value] of Object.entries(row)) {
    const seen = members.get(member) ?? NOTHING
    const path = `${observation.path}: column ${member}`
    members.set(member, value === null || value === undefined ? seen : observe(seen, value, { ...observation, path }))
  }
}

function observe(seen: Seen, value: unknown, observation: Observation): Seen {
  if (Array.isArray(value)) {
    if (seen.kind !== 'nothing' && seen.kind !== 'list') throw mixed(observation.path)
    const list = seen.kind === 'list' ? seen : { kind: 'list' as const, element: NOTHING }
    for (const element of value) if (element !== null) list.element = observe(list.element, element, observation)
    return list
  }
  if (typeof value === 'object' && value !== null) {
    if (seen.kind !== 'nothing' && seen.kind !== 'struct') throw mixed(observation.path)
    const struct = seen.kind === 'struct' ? seen : { kind: 'struct' as const, members: new Map<string, Seen>() }
    observeMembers(struct.members, value, observation)
    return struct
  }
  if (seen.kind === 'struct' || seen.kind === 'list') throw mixed(observation.path)
  // A string can't become narrower again, so what the value is need not be found out.
  return seen.kind === 'string' ? seen : { kind: widen(seen.kind, observation.scalarOf(value)) }
}

const TEXT_TYPES = ['date', 'timestamp', 'timestamptz'] as const
const LONG = { kind: 'long' } as const

function scalarOfJson(value: unknown): Scalar {
  if (typeof value === 'boolean') return 'boolean'
  if (typeof value === 'bigint') return fits(LONG, value) ? 'long' : 'double'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'long' : 'double'
  return scalarOfText(String(value))
}

/** Leading zeros are part of a code, not of a number. */
function scalarOfField(value: unknown): Scalar {
  const text = String(value)
  if (/^(?:true|false)$/i.test(text)) return 'boolean'
  if (/^-?(?:0|[1-9]\d*)$/.test(text)) return fits(LONG, text) ? 'long' : 'double'
  return /^-?(?:0|[1-9]\d*)?(?:\.\d*)?(?:e[+-]?\d+)?$/i.test(text) && /\d/.test(text) ? 'double' : scalarOfText(text)
}

function scalarOfText(text: string): Scalar {
  if (!/^[+-]?\d{4,6}-\d\d-\d\d/.test(text)) return 'string'
  return TEXT_TYPES.find((kind) => fits({ kind }, text)) ?? 'string'
}

function fits(type: PrimitiveType, value: unknown): boolean {
  try {
    fromRowValue(type, value)
    return true
  } catch (error) {
    if (error instanceof ValidationError) return false
    throw error
  }
}

function widen(a: Scalar, b: Scalar): Scalar {
  if (a === b || b === 'nothing') return a
  if (a === 'nothing') return b
  const both = new Set([a, b])
  if (both.has('long') && both.has('double')) return 'double'
  return both.has('date') && both.has('timestamp') ? 'timestamp' : 'string'
}

function typeText(seen: Seen): string {
  if (seen.kind === 'list') return `list<${typeText(seen.element)}>`
  if (seen.kind !== 'struct') return seen.kind === 'nothing' ? 'string' : seen.kind
  const members = [...seen.members].map(([name, member]) => `${quoted(name)}: ${typeText(member)}`)
  return `struct<${members.join(', ')}>`
}

function quoted(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}

function mixed(path: string): ValidationError {
  return new ValidationError(`${path} holds objects or lists in some rows and other values in others: give --schema`)
}

/** Gives string columns text also where a file has numbers or truth values in them, as inference may have asked for. */
export function textForStrings({ fields }: Schema): (row: TextRow) => TextRow {
  const columns = fields.filter(({ type }) => type.kind === 'string').map(({ name }) => name)
  return (row) => {
    const scalars = columns.filter((column) => ['number', 'bigint', 'boolean'].includes(typeof row[column]))
    if (scalars.length === 0) return row
    return { ...row, ...Object.fromEntries(scalars.map((column) => [column, String(row[column])])) }
  }
}
