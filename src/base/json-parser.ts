/**
 * A strict JSON parser (RFC 8259) that keeps every integer: JSON.parse rounds those beyond 2^53, and before Node 22 shows
 * no source text to mend them from. Takes what JSON.parse takes, and gives what it gives but for those integers.
 */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}

/** Arrays and objects inside one another: what a recursion over the value can follow without a stack overflow. */
export const MAX_JSON_DEPTH = 1_000

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const INTEGER = /^-?\d+$/
/** The longest number that is surely within ±2^53. */
const SAFE_LENGTH = 15

/** Parses a document; integers beyond ±(2^53 − 1) become bigints. Errors: SyntaxError. */
export function parseExactJson(text: string): JsonValue {
  return new Parser(text).document()
}

class Parser {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): JsonValue {
    const value = this.#value()
    this.#space()
    return this.#at < this.#text.length ? this.#fail() : value
  }

  #value(): JsonValue {
    switch (this.#space()) {
      case QUOTE:
        return this.#string()
      case OPEN_BRACE:
        return this.#object()
      case OPEN_BRACKET:
        return this.#array()
      case 0x74:
        return this.#word('true', true)
      case 0x66:
        return this.#word('false', false)
      case 0x6e:
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  #object(): JsonValue {
    const members: Record<string, JsonValue> = {}
    for (let more = this.#opens(CLOSE_BRACE); more; more = this.#goesOn(CLOSE_BRACE)) {
      if (this.#space() !== QUOTE) this.#fail()
      const key = this.#string()
      if (this.#space() !== COLON) this.#fail()
      this.#at += 1
      const value = this.#value()
      // Assigned, that key would set the prototype.
      if (key !== '__proto__') members[key] = value
      else Object.defineProperty(members, key, { value, writable: true, enumerable: true, configurable: true })
    }
    return members
  }

  #array(): JsonValue {
    const items: JsonValue[] = []
    for (let more = this.#opens(CLOSE_BRACKET); more; more = this.#goesOn(CLOSE_BRACKET)) items.push(this.#value())
    return items
  }

  #opens(close: number): boolean {
    this.#at += 1
    this.#depth += 1
    if (this.#depth > MAX_JSON_DEPTH) throw new SyntaxError(`nested more than ${MAX_JSON_DEPTH} levels deep`)
    return this.#space() === close ? this.#closes() : true
  }

  #goesOn(close: number): boolean {
    const code = this.#space()
    if (code === close) return this.#closes()
    if (code !== COMMA) this.#fail()
    this.#at += 1
    return true
  }

  #closes(): false {
    this.#at += 1
    this.#depth -= 1
    return false
  }

  /** JSON.parse knows the escapes. */
  #string(): string {
    const text = this.#text
    const start = this.#at
    let hasEscapes = false
    for (this.#at += 1; ; this.#at += 1) {
      const code = text.charCodeAt(this.#at)
      if (code === QUOTE) break
      if (code === BACKSLASH) {
        hasEscapes = true
        this.#at += 1
      } else if (!(code >= 0x20)) this.#fail() // A control character, or NaN: the end.
    }
    this.#at += 1
    return hasEscapes ? this.#unescape(start) : text.slice(start + 1, this.#at - 1)
  }

  #unescape(start: number): string {
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string
    } catch {
      this.#at = start
      return this.#fail('a string with a wrong escape')
    }
  }

  #number(): number | bigint {
    NUMBER.lastIndex = this.#at
    if (!NUMBER.test(this.#text)) this.#fail()
    const digits = this.#text.slice(this.#at, NUMBER.lastIndex)
    this.#at = NUMBER.lastIndex
    const value = Number(digits)
    const isExact = digits.length <= SAFE_LENGTH || Number.isSafeInteger(value) || !INTEGER.test(digits)
    return isExact ? value : BigInt(digits)
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail()
    this.#at += word.length
    return value
  }

  /** Skips white space; the character behind it. */
  #space(): number {
    const text = this.#text
    let code = text.charCodeAt(this.#at)
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt((this.#at += 1))
    return code
  }

  #fail(what?: string): never {
    const found = this.#at < this.#text.length ? JSON.stringify(this.#text[this.#at]) : 'the end'
    const lines = this.#text.slice(0, this.#at).split('\n')
    const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
    throw new SyntaxError(`${what ?? `unexpected ${found}`} at ${place}`)
  }
}
