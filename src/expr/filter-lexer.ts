/** Cuts filter text into tokens for parse-filter.ts and words its errors: where, what was expected, what was found. */
import { ValidationError } from '../base/errors.ts'

type TokenKind = 'word' | 'quoted' | 'string' | 'bytes' | 'number' | 'symbol' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As written, but quoted tokens without their quotes and words in lower case in `keyword`. */
  readonly text: string
  readonly keyword: string
  readonly start: number
  readonly end: number
}

const TOKEN =
  /(?<bytes>[xX]'[^']*')|(?<word>[\p{L}_][\p{L}\p{N}_$]*)|(?<quoted>"[^"]*(?:""[^"]*)*")|(?<string>'[^']*(?:''[^']*)*')|(?<number>[+-]?\.?\d[\w.:]*(?:(?<=[eE])[+-]\d+|-\d[\w.:]*)*)|(?<symbol><=|>=|<>|!=|==|[=<>(),.-])/uy
const SPACE = /\s*/uy
const KINDS = ['bytes', 'word', 'quoted', 'string', 'number', 'symbol'] as const

/** Reads `text` one token at a time; `current` is the one not yet taken. */
export class FilterLexer {
  readonly text: string
  current: Token

  constructor(text: string) {
    this.text = text
    this.current = this.#read(0)
  }

  /** Takes the current token. */
  take(): Token {
    const token = this.current
    this.current = this.#read(token.end)
    return token
  }

  /** Takes the current token where it is that keyword or symbol. */
  takeIf(keyword: string): boolean {
    const found = this.at(keyword)
    if (found) this.take()
    return found
  }

  at(keyword: string): boolean {
    const { kind } = this.current
    return (kind === 'word' || kind === 'symbol') && this.current.keyword === keyword
  }

  expect(keyword: string, after: string): void {
    if (!this.takeIf(keyword)) this.fail(`"${keyword}" after ${after}`)
  }

  /** Fails at the current token. */
  fail(expected: string): never {
    const { kind, start, end } = this.current
    const found = kind === 'end' ? 'the end of the filter' : describe(this.text.slice(start, end))
    throw this.error(`expected ${expected}, found ${found}`, start)
  }

  /** An error whose message shows the line of the filter with a caret under `position` (0-based). */
  error(message: string, position: number): ValidationError {
    const from = Math.max(0, position - 50)
    const to = Math.min(this.text.length, position + 30)
    const line = `${from > 0 ? '…' : ''}${this.text.slice(from, to)}${to < this.text.length ? '…' : ''}`
    const caret = `${' '.repeat(position - from + (from > 0 ? 1 : 0))}^`
    return new ValidationError(
      `filter, position ${position + 1}: ${message}\n  ${line.replace(/\s/g, ' ')}\n  ${caret}`,
      {
        context: { position: position + 1, filter: this.text.length > 200 ? `${this.text.slice(0, 200)}…` : this.text },
      },
    )
  }

  #read(from: number): Token {
    SPACE.lastIndex = from
    SPACE.test(this.text)
    const start = SPACE.lastIndex
    if (start >= this.text.length) return { kind: 'end', text: '', keyword: '', start, end: start }
    TOKEN.lastIndex = start
    const groups = TOKEN.exec(this.text)?.groups
    const kind = KINDS.find((k) => groups?.[k] !== undefined)
    const raw = kind === undefined ? undefined : groups?.[kind]
    if (kind === undefined || raw === undefined) throw this.error(badToken(this.text, start), start)
    return { kind, text: unquote(kind, raw), keyword: raw.toLowerCase(), start, end: start + raw.length }
  }
}

function unquote(kind: TokenKind, raw: string): string {
  if (kind === 'string') return raw.slice(1, -1).replaceAll("''", "'")
  if (kind === 'quoted') return raw.slice(1, -1).replaceAll('""', '"')
  return kind === 'bytes' ? raw.slice(2, -1) : raw
}

function badToken(text: string, start: number): string {
  const character = String.fromCodePoint(text.codePointAt(start) ?? 0)
  if (character === "'") return "text without its closing quote (')"
  if (character === '"') return 'a column name without its closing quote (")'
  return `"${character}" has no meaning here: put text in single quotes and unusual column names in double quotes`
}

function describe(raw: string): string {
  const short = raw.length > 40 ? `${raw.slice(0, 40)}…` : raw
  return /^['"]/.test(short) ? short : `"${short}"`
}
