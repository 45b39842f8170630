/**
 * Rows in one form for all engines, for comparison: numbers that JSON would bend, times, UUIDs and bytes as text, maps
 * as sorted pairs. canonical.py makes the same of Arrow data.
 */
import { parseTypeText } from '../../src/spec/type-text.ts'
import type { NestedField, Type } from '../../src/spec/types.ts'
import type { RowValue } from '../../src/spec/value.ts'

export type Canonical = null | boolean | number | string | readonly Canonical[] | { readonly [name: string]: Canonical }
export type Row = Readonly<Record<string, RowValue>>

export function canonicalRows(fields: readonly NestedField[], rows: readonly Row[]): readonly string[] {
  return sortedRows(rows.map((row) => canonicalStruct(fields, row)))
}

/** As text, so that differences read well, in an order of their own. */
export function sortedRows(rows: readonly Canonical[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted()
}

/** Of a value of the type `typeText`. */
export function canonicalValue(typeText: string, value: RowValue): Canonical {
  return canonical(parseTypeText(typeText).type, value)
}

function canonical(type: Type, value: RowValue | undefined): Canonical {
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (type.kind === 'list') return (value as readonly RowValue[]).map((element) => canonical(type.element, element))
  if (type.kind === 'struct') return canonicalStruct(type.fields, value as Row)
  if (type.kind === 'map') {
    const pairs = [...(value as ReadonlyMap<RowValue, RowValue>)]
    const canonicalPairs = pairs.map(([key, item]) => [canonical(type.key, key), canonical(type.value, item)])
    return canonicalPairs.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && type.kind === 'int') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return value.toString()
  if (Object.is(value, -0)) return '-0'
  return type.kind === 'uuid' ? (value as string).replaceAll('-', '') : (value as boolean | number | string)
}

function canonicalStruct(fields: readonly NestedField[], row: Row): Canonical {
  return Object.fromEntries(fields.map(({ name, type }) => [name, canonical(type, row[name])]))
}
