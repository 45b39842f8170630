/**
 * Filters as text, SQL's way: `delay > 60 and origin in ('SFO', 'OAK')`. An operator-precedence parser with its own
 * stacks: text may nest and chain as deep as it likes.
 */
import { FilterLexer } from './filter-lexer.ts'
import { parseNumber, parsePrefixPattern, RESERVED } from './filter-text.ts'
import {
  alwaysFalse,
  alwaysTrue,
  and,
  equal,
  greaterThan,
  greaterThanOrEqual,
  lessThan,
  lessThanOrEqual,
  not,
  notEqual,
  notStartsWith,
  or,
  startsWith,
} from './expression.ts'
import type { Expression } from './expression.ts'

/** The filter in any form the API takes; no filter is true. */
export function toExpression(filter: Expression | string | undefined): Expression {
  if (filter === undefined) return alwaysTrue
  return typeof filter === 'string' ? parseFilter(filter) : filter
}

type Operator = 'or' | 'and' | 'not' | '('
const PRECEDENCE: Readonly<Record<Operator, number>> = { '(': 0, or: 1, and: 2, not: 3 }

/** Parses filter text. Throws ValidationError with the position, a caret line and what was expected. */
export function parseFilter(text: string): Expression {
  const lexer = new FilterLexer(text)
  const operands: Expression[] = []
  const operators: Operator[] = []
  for (;;) {
    if (lexer.takeIf('not')) operators.push('not')
    else if (lexer.takeIf('(')) operators.push('(')
    else {
      operands.push(parseOperand(lexer))
      while (lexer.at(')')) {
        reduce(operands, operators, 1)
        if (operators.pop() !== '(') lexer.fail('"and", "or" or the end of the filter')
        lexer.take()
      }
      const junction = lexer.takeIf('and') ? 'and' : lexer.takeIf('or') ? 'or' : undefined
      reduce(operands, operators, junction === undefined ? 1 : PRECEDENCE[junction])
      if (junction === undefined) break
      operators.push(junction)
    }
  }
  if (lexer.current.kind !== 'end' || operators.length > 0) {
    lexer.fail(operators.length > 0 ? '"and", "or" or ")"' : '"and", "or" or the end of the filter')
  }
  return operands[0] ?? alwaysTrue
}

/** Applies the operators on top of the stack that bind at least as tightly as `precedence`. */
function reduce(operands: Expression[], operators: Operator[], precedence: number): void {
  for (let top = operators.at(-1); top !== undefined && PRECEDENCE[top] >= precedence; top = operators.at(-1)) {
    operators.pop()
    const right = operands.pop() ?? alwaysTrue
    if (top === 'not') operands.push(not(right))
    else operands.push((top === 'and' ? and : or)(operands.pop() ?? alwaysTrue, right))
  }
}

function parseOperand(lexer: FilterLexer): Expression {
  if (lexer.takeIf('true')) return alwaysTrue
  if (lexer.takeIf('false')) return alwaysFalse
  return parsePredicate(parseColumn(lexer), lexer)
}

function parseColumn(lexer: FilterLexer): string {
  const { kind, keyword } = lexer.current
  if (kind !== 'quoted' && (kind !== 'word' || RESERVED.has(keyword))) {
    lexer.fail(`a column${kind === 'word' ? ' (in double quotes where its name is a keyword)' : ''}, "not" or "("`)
  }
  let name = lexer.take().text
  while (lexer.takeIf('.')) {
    const part = lexer.current.kind
    if (part !== 'quoted' && part !== 'word') lexer.fail(`the name of a field within "${name}"`)
    name += `.${lexer.take().text}`
  }
  return name
}

type Comparison = (term: string, value: unknown) => Expression
const COMPARISONS: ReadonlyMap<string, Comparison> = new Map([
  ['=', equal],
  ['==', equal],
  ['<>', notEqual],
  ['!=', notEqual],
  ['<', lessThan],
  ['<=', lessThanOrEqual],
  ['>', greaterThan],
  ['>=', greaterThanOrEqual],
])

function parsePredicate(term: string, lexer: FilterLexer): Expression {
  const { kind, keyword } = lexer.current
  const comparison = kind === 'symbol' ? COMPARISONS.get(keyword) : undefined
  if (comparison !== undefined) {
    lexer.take()
    return comparison(term, parseValue(lexer, `"${keyword}"`))
  }
  if (lexer.takeIf('is')) return parseIs(term, lexer)
  const negated = lexer.takeIf('not')
  if (lexer.takeIf('in')) return { type: negated ? 'not-in' : 'in', term, values: parseList(lexer) }
  if (lexer.takeIf('like')) return parseLike(term, { negated, lexer })
  if (lexer.takeIf('between')) {
    const low = parseValue(lexer, '"between"')
    lexer.expect('and', 'the lower value of "between"')
    const high = parseValue(lexer, '"and"')
    if (negated) return or(lessThan(term, low), greaterThan(term, high))
    return and(greaterThanOrEqual(term, low), lessThanOrEqual(term, high))
  }
  if (negated) lexer.fail('"in", "like" or "between" after "not"')
  return lexer.fail(`=, <>, <, <=, >, >=, "is", "in", "like", "between" or "not" after column "${term}"`)
}

function parseIs(term: string, lexer: FilterLexer): Expression {
  const negated = lexer.takeIf('not')
  if (lexer.takeIf('null')) return { type: negated ? 'not-null' : 'is-null', term }
  if (lexer.takeIf('nan')) return { type: negated ? 'not-nan' : 'is-nan', term }
  return lexer.fail(`"null" or "nan" after "is${negated ? ' not' : ''}"`)
}

function parseLike(term: string, { negated, lexer }: { negated: boolean; lexer: FilterLexer }): Expression {
  const { kind, text, start } = lexer.current
  if (kind !== 'string') lexer.fail('a pattern in single quotes after "like"')
  const pattern = parsePrefixPattern(text)
  if (pattern === undefined) {
    throw lexer.error(
      "only prefixes can be matched, such as like 'abc%'; write \\% and \\_ for the characters themselves",
      start,
    )
  }
  lexer.take()
  if (pattern.open) return (negated ? notStartsWith : startsWith)(term, pattern.text)
  return (negated ? notEqual : equal)(term, pattern.text)
}

function parseList(lexer: FilterLexer): unknown[] {
  lexer.expect('(', '"in"')
  const values: unknown[] = []
  if (lexer.takeIf(')')) return values
  do values.push(parseValue(lexer, values.length === 0 ? '"("' : '","'))
  while (lexer.takeIf(','))
  if (!lexer.takeIf(')')) lexer.fail('"," or ")" in the list of "in"')
  return values
}

const KEYWORD_VALUES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['nan', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
])

function parseValue(lexer: FilterLexer, after: string): unknown {
  const { kind, text, keyword, start } = lexer.current
  if (kind === 'string') return lexer.take().text
  if (kind === 'number') {
    const number = parseNumber(text)
    if (number === undefined) throw lexer.error(`"${text}" is not a number: put text and dates in single quotes`, start)
    lexer.take()
    return number
  }
  if (kind === 'bytes') {
    if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw lexer.error('expected pairs of hexadecimal digits', start)
    lexer.take()
    return new Uint8Array(Buffer.from(text, 'hex'))
  }
  if (lexer.at('-')) {
    lexer.take()
    if (lexer.takeIf('infinity')) return Number.NEGATIVE_INFINITY
    lexer.fail('a number after "-"')
  }
  if (kind === 'word' && KEYWORD_VALUES.has(keyword)) {
    lexer.take()
    return KEYWORD_VALUES.get(keyword)
  }
  if (kind === 'word' && TEMPORAL.has(keyword)) return parseTemporal(lexer)
  if (kind === 'word' && keyword === 'null') {
    throw lexer.error('nothing compares to null: write "is null" or "is not null"', start)
  }
  return lexer.fail(`a value after ${after} (text and dates in single quotes)`)
}

interface Temporal {
  readonly pattern: RegExp
  readonly example: string
}
const TIMESTAMP: Temporal = {
  pattern: /^[+-]?\d{4,6}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/,
  example: '2026-01-31T12:34:56.123456',
}
const TEMPORAL: ReadonlyMap<string, Temporal> = new Map([
  ['date', { pattern: /^[+-]?\d{4,6}-\d\d-\d\d$/, example: '2026-01-31' }],
  ['time', { pattern: /^\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?$/, example: '12:34:56.123456' }],
  ['timestamp', TIMESTAMP],
  ['timestamptz', TIMESTAMP],
])

/** `date '2026-01-31'` and the like: the text stands for itself, the prefix only checks its form. */
function parseTemporal(lexer: FilterLexer): string {
  const { keyword } = lexer.take()
  const { kind, text, start } = lexer.current
  const temporal = TEMPORAL.get(keyword)
  if (kind !== 'string') lexer.fail(`a ${keyword} in single quotes after "${keyword}"`)
  if (temporal?.pattern.test(text) !== true) {
    throw lexer.error(`'${text}' is no ${keyword}: write it as '${temporal?.example}'`, start)
  }
  return lexer.take().text.replace(' ', 'T')
}
