/**
 * Names of tables and namespaces as people write them: `travel.flights`, `a.b.c` for nested namespaces, and
 * `"a.b".c` or `"say ""hi""".t` where a part holds a dot or a quote. A slash is quoted too when names are printed: the
 * command line takes bare text with slashes for a location. The catalog turns the parts into keys.
 */
import { ValidationError } from '../base/errors.ts'

export interface TableIdentifier {
  /** Levels from the outermost, at least one. */
  readonly namespace: readonly string[]
  readonly name: string
}

/** ValidationError for text without a namespace, empty or unclosed parts, and characters that no name may hold. */
export function parseIdentifier(text: string): TableIdentifier {
  const parts = parseParts(text)
  const name = parts.at(-1)
  if (name === undefined || parts.length < 2) {
    throw new ValidationError(`"${text}" names no table: write namespace.table, such as travel.flights`, {
      context: { identifier: text },
    })
  }
  return { namespace: parts.slice(0, -1), name }
}

export function printIdentifier({ namespace, name }: TableIdentifier): string {
  return printNamespace([...namespace, name])
}

/** The levels of `a.b`; ValidationError as for tables. */
export function parseNamespace(text: string): readonly string[] {
  return parseParts(text)
}

export function printNamespace(levels: readonly string[]): string {
  return levels.map(printPart).join('.')
}

/**
 * Control characters include U+001F, which separates levels in keys and in REST paths. Lone surrogates have no UTF-8
 * form: two names that differ in them would share a key.
 */
const FORBIDDEN = /[\p{Cc}\p{Cs}]/u

/** The next part: quoted with quotes doubled, or bare, which holds no dot, no quote and no space at its ends. */
const PART = /"((?:[^"]|"")*)"|([^."]*)/y

function parseParts(text: string): string[] {
  if (FORBIDDEN.test(text)) fail(text, 'control characters and lone surrogates may not stand in names')
  const parts: string[] = []
  for (let position = 0; ; position++) {
    PART.lastIndex = position
    const [token = '', quoted, bare = ''] = PART.exec(text) ?? []
    const part = quoted?.replaceAll('""', '"') ?? bare
    const next = text[position + token.length]
    if (next !== undefined && next !== '.') {
      fail(text, `part ${parts.length + 1}: quotes enclose the whole of a part, and are doubled inside`)
    }
    if (part === '') fail(text, `part ${parts.length + 1} is empty`)
    if (quoted === undefined && part.trim() !== part) fail(text, `quote "${part}" if the space belongs to the name`)
    parts.push(part)
    position += token.length
    if (next === undefined) return parts
  }
}

function printPart(part: string): string {
  return /[."/]/.test(part) || part.trim() !== part || part === '' ? `"${part.replaceAll('"', '""')}"` : part
}

function fail(text: string, reason: string): never {
  throw new ValidationError(`not a name: ${JSON.stringify(text)}: ${reason}`, { context: { identifier: text } })
}
