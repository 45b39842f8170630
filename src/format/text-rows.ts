/**
 * Rows of text files as plain objects: CSV with a header, NDJSON, and JSON (an array of objects). Values stay as the file
 * has them, text in CSV; the write path converts them by the table's schema and names the row that doesn't fit.
 */
import { parse } from 'csv-parse'
import { InvalidDataError, ValidationError, messageOf } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { MAX_RECORD_CHARS, decodeText, readElements, readLines } from './text-lines.ts'
import type { TextPiece } from './text-lines.ts'

export type TextFormat = 'csv' | 'ndjson' | 'json'
export type TextRow = Readonly<Record<string, unknown>>

/** `name` is the file's, for errors. Errors: ValidationError with file and line. */
export function readTextRows(
  format: TextFormat,
  stream: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<TextRow, void, undefined> {
  switch (format) {
    case 'csv':
      return readCsv(stream, name)
    case 'ndjson':
      return readObjects(readLines(stream, name), name)
    case 'json':
      return readObjects(readElements(stream, name), name)
  }
}

async function* readObjects(pieces: AsyncIterable<TextPiece>, name: string): AsyncGenerator<TextRow, void, undefined> {
  for await (const { text, line } of pieces) {
    const value = parsePiece(text, { name, line })
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) yield value as TextRow
    else throw badLine({ name, line }, `expected an object, found ${text.trim().slice(0, 40)}`)
  }
}

/** Integers that may be beyond 2^53. */
const LONG_DIGITS = /\d{16}/

interface Place {
  readonly name: string
  readonly line: number
}

function parsePiece(text: string, place: Place): unknown {
  try {
    // The parser that keeps 64-bit integers takes more than twice as long.
    return LONG_DIGITS.test(text) ? parseJson(text, place.name) : (JSON.parse(text) as unknown)
  } catch (error) {
    if (error instanceof SyntaxError) throw badLine(place, `not valid JSON: ${messageOf(error)}`, error)
    if (!(error instanceof InvalidDataError)) throw error
    throw badLine(place, messageOf(error), error)
  }
}

/** An empty field is null; a column that the header has twice, or not at all, is an error. */
async function* readCsv(stream: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<TextRow, void, undefined> {
  let header: readonly string[] | undefined
  const parser = parse({
    bom: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_CHARS,
    relax_column_count: false,
  })
  const feeding = feed(decodeText(stream, name), parser)
  try {
    for await (const record of parser as AsyncIterable<readonly string[]>) {
      if (header === undefined) header = checkHeader(record, name)
      else yield Object.fromEntries(header.map((column, i) => [column, record[i] === '' ? null : record[i]]))
    }
  } catch (error) {
    throw describeCsvError(error, name)
  } finally {
    parser.destroy()
    await feeding
  }
}

/** Stops quietly where the parser was destroyed: its own error, or its reader's leaving, is what counts. */
async function feed(stream: AsyncIterable<string>, parser: ReturnType<typeof parse>): Promise<void> {
  try {
    for await (const chunk of stream) {
      if (parser.destroyed) return
      if (!parser.write(chunk)) await roomIn(parser)
    }
    parser.end()
  } catch (error) {
    parser.destroy(error instanceof Error ? error : new Error(messageOf(error)))
  }
}

/** Resolves when the parser takes more, or never will; leaves no listener behind. */
function roomIn(parser: ReturnType<typeof parse>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      parser.off('drain', done).off('close', done)
      resolve()
    }
    parser.on('drain', done).on('close', done)
  })
}

function checkHeader(columns: readonly string[], name: string): readonly string[] {
  const place = { name, line: 1 }
  const twice = columns.find((column, i) => columns.indexOf(column) !== i)
  if (twice !== undefined) throw badLine(place, `the header names column ${JSON.stringify(twice)} twice`)
  if (columns.includes('')) throw badLine(place, 'the header has a column without a name')
  return columns
}

function describeCsvError(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || !String(error.code).startsWith('CSV_')) return error
  const line = 'lines' in error && typeof error.lines === 'number' ? error.lines : 0
  return badLine(
    { name, line },
    error.message.replace(/ at line \d+|, got/g, (part) => (part === ', got' ? ', found' : '')),
    error,
  )
}

function badLine({ name, line }: Place, problem: string, cause?: unknown): ValidationError {
  return new ValidationError(`${name}, line ${line}: ${problem}`, { context: { file: name, line }, cause })
}
