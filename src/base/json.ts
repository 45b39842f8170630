/**
 * JSON that keeps 64-bit integers, and a cursor that reads it with the path in every error. Used by all codecs of the
 * format's JSON documents: nothing is cast, everything is parsed.
 */
import { InvalidDataError, messageOf } from './errors.ts'
import { type JsonObject, type JsonValue, MAX_JSON_DEPTH, parseExactJson } from './json-parser.ts'

export type { JsonObject, JsonValue } from './json-parser.ts'

/** JSON that is printed already: put into a document as it is. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What can be printed: values, and printed parts of them. */
export type PrintableJson = JsonValue | JsonText | readonly PrintableJson[] | PrintableObject
export interface PrintableObject {
  readonly [key: string]: PrintableJson | undefined
}

/** Digits enough for an integer beyond 2^53; without them the native parser, twice as fast, loses nothing. */
const LONG_DIGITS = 16

/**
 * Parses JSON; integers beyond 2^53 become bigints. `location` names the document in errors.
 * Errors: InvalidDataError, also where it is nested deeper than a recursion can follow.
 */
export function parseJson(text: string, location: string): JsonValue {
  try {
    return hasLongDigits(text) || mayBeDeep(text) ? parseExactJson(text) : (JSON.parse(text) as JsonValue)
  } catch (error) {
    throw new InvalidDataError(`not valid JSON: ${messageOf(error)}`, { context: { location }, cause: error })
  }
}

/** Looks at one character in so many: a run that is long enough can't pass between two of them. */
function hasLongDigits(text: string): boolean {
  for (let at = LONG_DIGITS - 1; at < text.length; at += LONG_DIGITS) {
    if (!isDigit(text, at)) continue
    let start = at
    let end = at + 1
    while (isDigit(text, start - 1)) start -= 1
    while (isDigit(text, end)) end += 1
    if (end - start >= LONG_DIGITS) return true
  }
  return false
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0x30 && code <= 0x39
}

function mayBeDeep(text: string): boolean {
  return text.length > 2 * MAX_JSON_DEPTH && count(text, '{') + count(text, '[') > MAX_JSON_DEPTH
}

function count(text: string, character: string): number {
  let found = 0
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) found += 1
  return found
}

/** Prints JSON; bigints become bare integers, `undefined` members are left out. */
export function printJson(value: PrintableJson): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (value instanceof JsonText) return value.text
  return isList(value) ? printList(value) : printObject(value)
}

/** Prints a part that goes into many documents. */
export function printJsonText(value: PrintableJson): JsonText {
  // One flat string: V8 keeps a sum of texts as a tree, to be walked again for each document.
  return new JsonText(Buffer.from(printJson(value)).toString())
}

/** Added up rather than joined: long texts are then put together once, when they are encoded. */
function printList(items: readonly PrintableJson[]): string {
  let text = ''
  for (const item of items) text += `${text === '' ? '' : ','}${printJson(item)}`
  return `[${text}]`
}

function printObject(members: PrintableObject): string {
  let text = ''
  for (const key of Object.keys(members)) {
    const member = members[key]
    if (member !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${printJson(member)}`
  }
  return `{${text}}`
}

/** Array.isArray, which does not know readonly arrays. */
function isList(value: PrintableJson): value is readonly PrintableJson[] {
  return Array.isArray(value)
}

/** A place in a JSON document: typed reads that fail with the document's location and the path. */
export class JsonCursor {
  readonly value: JsonValue | undefined
  readonly path: string
  readonly location: string

  constructor(value: JsonValue | undefined, location: string, path = '$') {
    this.value = value
    this.location = location
    this.path = path
  }

  fail(expected: string): never {
    const found = this.value === undefined ? 'nothing' : Array.isArray(this.value) ? 'an array' : describe(this.value)
    throw new InvalidDataError(`${this.path}: expected ${expected}, found ${found}`, {
      context: { location: this.location, path: this.path },
    })
  }

  /** The member `key` of an object; its value is undefined where it is absent or null. */
  get(key: string): JsonCursor {
    const member = this.object()[key]
    return new JsonCursor(member === null ? undefined : member, this.location, `${this.path}.${key}`)
  }

  has(key: string): boolean {
    return this.get(key).value !== undefined
  }

  /** Reads the member `key` where it is present and not null. */
  optional<T>(key: string, read: (cursor: JsonCursor) => T): T | undefined {
    const member = this.get(key)
    return member.value === undefined ? undefined : read(member)
  }

  object(): JsonObject {
    const { value } = this
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail('an object')
    return value as JsonObject
  }

  entries(): [string, JsonCursor][] {
    return Object.keys(this.object()).map((key) => [key, this.get(key)])
  }

  array(): JsonCursor[] {
    if (!Array.isArray(this.value)) this.fail('an array')
    return (this.value as JsonValue[]).map((v, i) => new JsonCursor(v, this.location, `${this.path}[${i}]`))
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.fail('a string')
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('true or false')
  }

  number(): number {
    return typeof this.value === 'number' ? this.value : this.fail('a number')
  }

  /** An integer within ±(2^53 − 1). */
  integer(): number {
    return Number.isSafeInteger(this.value) ? (this.value as number) : this.fail('an integer')
  }

  /** A 64-bit integer. */
  long(): bigint {
    if (typeof this.value === 'bigint' && BigInt.asIntN(64, this.value) === this.value) return this.value
    return Number.isSafeInteger(this.value) ? BigInt(this.value as number) : this.fail('a 64-bit integer')
  }

  /** An object whose values are all strings. */
  stringMap(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.entries().map(([key, cursor]) => [key, cursor.string()]))
  }
}

function describe(value: JsonValue): string {
  if (value === null) return 'null'
  if (typeof value === 'object') return 'an object'
  const text = String(value)
  return typeof value === 'string' ? JSON.stringify(text.slice(0, 60)) : text
}
