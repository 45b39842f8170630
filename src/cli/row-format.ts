/** Values as JSON and as text, by printers that are compiled once for the columns of a scan: millions go through them. */
import type { RecordBatch } from 'apache-arrow'
import { rowValueGetter } from '../format/arrow-values.ts'
import type { Schema, Type } from '../spec/types.ts'
import type { RowValue } from '../spec/value.ts'

type Printer = (value: RowValue) => string

/**
 * Objects. Longs beyond 2^53, NaN and infinities are strings, which `append` reads back; binaries are hexadecimal, as in
 * the specification's JSON; maps are objects.
 */
export function jsonRows(schema: Schema): (batch: RecordBatch) => (row: number) => string {
  const keys = schema.fields.map(({ name }, i) => `${i === 0 ? '' : ','}${JSON.stringify(name)}:`)
  return printRows(schema, toJson, 'null', (cells) => `{${cells.map((cell, i) => keys[i] + cell).join('')}}`)
}

/** Lines as in RFC 4180; null is an empty field, an empty text is quoted, nested values are JSON. */
export function csvRows(schema: Schema): (batch: RecordBatch) => (row: number) => string {
  return printRows(schema, toCsv, '', (cells) => cells.join(','))
}

export function csvHeader(schema: Schema): string {
  return schema.fields.map(({ name }) => csvCell(name)).join(',')
}

/** Cells for people. */
export function textRows(schema: Schema): (batch: RecordBatch) => (row: number) => readonly string[] {
  return printRows(schema, toText, 'null', (cells) => cells)
}

/** Rows that are printed at once. */
const CHUNK_ROWS = 1_000

export async function* printChunks<T>(
  batches: AsyncIterable<RecordBatch>,
  print: (batch: RecordBatch) => (row: number) => T,
): AsyncGenerator<T[]> {
  for await (const batch of batches) {
    const printRow = print(batch)
    for (let from = 0; from < batch.numRows; from += CHUNK_ROWS) {
      yield Array.from({ length: Math.min(CHUNK_ROWS, batch.numRows - from) }, (_, i) => printRow(from + i))
    }
  }
}

function printRows<T>(
  { fields }: Schema,
  printerOf: (type: Type) => Printer,
  ofNull: string,
  join: (cells: readonly string[]) => T,
): (batch: RecordBatch) => (row: number) => T {
  const columns = fields.map(({ type }) => ({ type, print: printerOf(type) }))
  return ({ data }) => {
    const cells = columns.map(({ type, print }, i) => {
      const child = data.children[i]
      const get = child === undefined ? () => null : rowValueGetter(child, type)
      return (row: number) => {
        const value = get(row)
        return value === null ? ofNull : print(value)
      }
    })
    return (row) => join(cells.map((cell) => cell(row)))
  }
}

function toCsv(type: Type): Printer {
  const print = toText(type)
  return (value) => csvCell(print(value))
}

function csvCell(text: string): string {
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The JSON of a value that isn't null. */
function toJson(type: Type): Printer {
  switch (type.kind) {
    case 'boolean':
    case 'int':
      return String
    case 'long':
      return (value) => (Number.isSafeInteger(Number(value)) ? `${value as bigint}` : `"${value as bigint}"`)
    case 'float':
    case 'double': {
      const print = toText(type)
      return (value) => (Number.isFinite(value) ? print(value) : `"${print(value)}"`)
    }
    case 'struct': {
      const members = type.fields.map((field) => ({ name: field.name, print: orNull(toJson(field.type)) }))
      return (value) => {
        const struct = value as Readonly<Record<string, RowValue>>
        return `{${members.map(({ name, print }) => `${JSON.stringify(name)}:${print(struct[name] ?? null)}`).join(',')}}`
      }
    }
    case 'list': {
      const print = orNull(toJson(type.element))
      return (value) => `[${(value as readonly RowValue[]).map(print).join(',')}]`
    }
    case 'variant':
      return variantJson
    case 'map': {
      const [key, print] = [toText(type.key), orNull(toJson(type.value))]
      return (value) => {
        const entries = [...(value as ReadonlyMap<RowValue, RowValue>)]
        return `{${entries.map(([k, v]) => `${JSON.stringify(key(k))}:${print(v)}`).join(',')}}`
      }
    }
    default: {
      const print = toText(type)
      return (value) => JSON.stringify(print(value))
    }
  }
}

/** The text of a value that isn't null, with nothing around it. */
function toText(type: Type): Printer {
  switch (type.kind) {
    case 'float':
      return (value) => floatingText(shortestFloat(value as number))
    case 'double':
      return (value) => floatingText(value as number)
    case 'fixed':
    case 'binary':
    case 'geometry':
    case 'geography':
      return (value) => Buffer.from(value as Uint8Array).toString('hex')
    case 'struct':
    case 'list':
    case 'map':
    case 'variant':
      return toJson(type)
    default:
      return String
  }
}

/** The types of a variant's values are its own: integers beyond 2^53, NaN and bytes are printed as in columns. */
function variantJson(value: RowValue): string {
  if (typeof value === 'bigint') return toJson({ kind: 'long' })(value)
  if (typeof value === 'number') return toJson({ kind: 'double' })(value)
  if (value instanceof Uint8Array) return toJson({ kind: 'binary' })(value)
  if (Array.isArray(value)) return `[${(value as readonly RowValue[]).map(variantJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value as Readonly<Record<string, RowValue>>)
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${variantJson(member)}`).join(',')}}`
}

function orNull(print: Printer): Printer {
  return (value) => (value === null ? 'null' : print(value))
}

function floatingText(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value)
}

/** The fewest digits that give the same 32-bit float: 0.1 rather than 0.10000000149011612. */
function shortestFloat(value: number): number {
  const candidates = [6, 7, 8].map((precision) => Number(value.toPrecision(precision)))
  return candidates.find((candidate) => Math.fround(candidate) === value) ?? value
}
