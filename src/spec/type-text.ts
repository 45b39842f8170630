/**
 * Types as people write them: `decimal(9,2)`, `list<string not null>`, `map<string, int>`,
 * `struct<a: int not null, "b c": list<string>>`. define-schema.ts reads columns from it; messages and the CLI print it.
 */
import { ValidationError } from '../base/errors.ts'
import { closestNames } from './closest-names.ts'
import { SIMPLE_TYPE_NAMES, parsePrimitive, printPrimitiveText } from './primitive-type.ts'
import type { NestedField, Type } from './types.ts'

/** A type as read from text: the ids in it are all 0 until a schema assigns them. */
export interface TypeText {
  readonly type: Type
  readonly required: boolean
}

const MAX_DEPTH = 100
const PARAMETRISED = ['decimal(p,s)', 'fixed(n)', 'list<type>', 'map<key, value>', 'struct<name: type>']
const TYPE_NAMES: readonly string[] = [...SIMPLE_TYPE_NAMES, ...PARAMETRISED]
/** What other systems call the types. */
const FOREIGN_NAMES: Readonly<Record<string, string>> = {
  bigint: 'long',
  integer: 'int',
  smallint: 'int',
  tinyint: 'int',
  bool: 'boolean',
  real: 'float',
  number: 'double',
  numeric: 'decimal(p,s)',
  varchar: 'string',
  char: 'string',
  text: 'string',
  blob: 'binary',
  bytes: 'binary',
  array: 'list<type>',
  row: 'struct<name: type>',
  datetime: 'timestamp',
  timestamp_tz: 'timestamptz',
}
const TOKEN = /"(?:[^"]|"")*"|[<>,:]|[^\s<>,:"()[\]]+|\([^()]*\)|\[[^[\]]*\]/y
const BARE_NAME = /^[^\s<>,:"()[\]]+$/

/** Reads a type, optionally followed by `not null`; ValidationError says where it stops making sense. */
export function parseTypeText(text: string): TypeText {
  const parser = new TypeParser(text)
  const result = parser.type(0)
  parser.end()
  return result
}

/** Prints a type so that `parseTypeText` reads it back, without ids and comments. */
export function printTypeText(type: Type): string {
  switch (type.kind) {
    case 'struct':
      return `struct<${type.fields.map(printField).join(', ')}>`
    case 'list':
      return `list<${printTypeText(type.element)}${notNull(type.elementRequired)}>`
    case 'map':
      return `map<${printTypeText(type.key)}, ${printTypeText(type.value)}${notNull(type.valueRequired)}>`
    default:
      return printPrimitiveText(type)
  }
}

function printField(field: NestedField): string {
  const name = BARE_NAME.test(field.name) ? field.name : `"${field.name.replaceAll('"', '""')}"`
  return `${name}: ${printTypeText(field.type)}${notNull(field.required)}`
}

function notNull(required: boolean): string {
  return required ? ' not null' : ''
}

/** Recursive descent over the tokens of one text. */
class TypeParser {
  readonly #text: string
  readonly #tokens: readonly string[]
  #next = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = this.#split()
  }

  type(depth: number): TypeText {
    if (depth > MAX_DEPTH) this.#fail(`types nest deeper than ${MAX_DEPTH} levels`)
    const type = this.#bareType(depth)
    const required = this.#keyword('not')
    if (required && !this.#keyword('null')) this.#fail('"not" must be followed by "null"')
    return { type, required }
  }

  end(): void {
    const token = this.#tokens[this.#next]
    if (token !== undefined) this.#fail(`unexpected "${token}" after the type`)
  }

  #bareType(depth: number): Type {
    const name = this.#take('a type')
    switch (name.toLowerCase()) {
      case 'list':
        return this.#list(depth)
      case 'map':
        return this.#map(depth)
      case 'struct':
        return this.#struct(depth)
      default: {
        const following = this.#tokens[this.#next] ?? ''
        const parameters = /^[([]/.test(following) ? following : ''
        if (parameters !== '') this.#next++
        return parsePrimitive(name + parameters) ?? this.#unknown(name, parameters)
      }
    }
  }

  #list(depth: number): Type {
    this.#expect('<')
    const element = this.type(depth + 1)
    this.#expect('>')
    return { kind: 'list', elementId: 0, element: element.type, elementRequired: element.required }
  }

  #map(depth: number): Type {
    this.#expect('<')
    const key = this.type(depth + 1)
    this.#expect(',')
    const value = this.type(depth + 1)
    this.#expect('>')
    return { kind: 'map', keyId: 0, key: key.type, valueId: 0, value: value.type, valueRequired: value.required }
  }

  #struct(depth: number): Type {
    const fields: NestedField[] = []
    this.#expect('<')
    if (this.#keyword('>')) return { kind: 'struct', fields }
    do {
      const name = unquote(this.#take('a field name'))
      this.#expect(':')
      fields.push({ id: 0, name, ...this.type(depth + 1) })
    } while (this.#keyword(','))
    this.#expect('>')
    return { kind: 'struct', fields }
  }

  #split(): string[] {
    const tokens: string[] = []
    for (let at = 0; at < this.#text.length;) {
      if (/\s/.test(this.#text.charAt(at))) {
        at++
        continue
      }
      TOKEN.lastIndex = at
      const token = TOKEN.exec(this.#text)?.[0] ?? this.#fail(`unexpected "${this.#text.charAt(at)}"`)
      tokens.push(token)
      at += token.length
    }
    return tokens
  }

  #take(expected: string): string {
    const token = this.#tokens[this.#next]
    if (token === undefined || /^[<>,:([]/.test(token)) this.#fail(`expected ${expected}, found ${quote(token)}`)
    this.#next++
    return token
  }

  #expect(token: string): void {
    if (!this.#keyword(token)) this.#fail(`expected "${token}", found ${quote(this.#tokens[this.#next])}`)
  }

  #keyword(word: string): boolean {
    if (this.#tokens[this.#next]?.toLowerCase() !== word) return false
    this.#next++
    return true
  }

  #unknown(name: string, parameters: string): never {
    const meant = FOREIGN_NAMES[name.toLowerCase()] ?? closestNames(name + parameters, TYPE_NAMES)[0]
    return this.#fail(`no type "${name}${parameters}", did you mean ${meant}? types are ${TYPE_NAMES.join(', ')}`)
  }

  #fail(problem: string): never {
    throw new ValidationError(`type "${this.#text}" is not understood: ${problem}`, { context: { type: this.#text } })
  }
}

function quote(token: string | undefined): string {
  return token === undefined ? 'the end' : `"${token}"`
}

function unquote(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1).replaceAll('""', '"') : token
}
