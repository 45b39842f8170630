import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import {
  alwaysFalse,
  alwaysTrue,
  and,
  equal,
  greaterThan,
  greaterThanOrEqual,
  isIn,
  isNan,
  isNull,
  lessThan,
  lessThanOrEqual,
  not,
  notEqual,
  notIn,
  notNan,
  notNull,
  notStartsWith,
  or,
  printExpression,
  startsWith,
} from '../../src/expr/expression.ts'
import type { Expression } from '../../src/expr/expression.ts'
import { parseFilter, toExpression } from '../../src/expr/parse-filter.ts'

const a = equal('a', 1)
const b = equal('b', 2)
const c = equal('c', 3)

const READ: readonly [string, Expression][] = [
  ['a = 1', a],
  ['a == 1', a],
  ['a<>1', notEqual('a', 1)],
  ['a != 1', notEqual('a', 1)],
  ['a < 1', lessThan('a', 1)],
  ['a <= 1', lessThanOrEqual('a', 1)],
  ['a > -1', greaterThan('a', -1)],
  ['a >=+1', greaterThanOrEqual('a', 1)],
  ['a IS NULL', isNull('a')],
  ['a is not null', notNull('a')],
  ['a is NaN', isNan('a')],
  ['a is not nan', notNan('a')],
  ["a in ('x', 'y')", isIn('a', ['x', 'y'])],
  ['a not in (1,2)', notIn('a', [1, 2])],
  ['a in ()', isIn('a', [])],
  ["a like 'x%'", startsWith('a', 'x')],
  ["a not like 'x%'", notStartsWith('a', 'x')],
  ["a like '%'", startsWith('a', '')],
  ["a like 'x'", equal('a', 'x')],
  ["a not like 'x'", notEqual('a', 'x')],
  [String.raw`a like '50\%\_\\%'`, startsWith('a', '50%_\\')],
  ['a between 1 and 2 and b = 2', and(greaterThanOrEqual('a', 1), lessThanOrEqual('a', 2), b)],
  ['a not between 1 and 2', or(lessThan('a', 1), greaterThan('a', 2))],
  ['true', alwaysTrue],
  ['FALSE or a = 1', or(alwaysFalse, a)],
  // Precedence and grouping.
  ['a = 1 or b = 2 and c = 3', or(a, and(b, c))],
  ['(a = 1 or b = 2) and c = 3', and(or(a, b), c)],
  ['a = 1 and b = 2 and c = 3', and(and(a, b), c)],
  ['a = 1 and (b = 2 and c = 3)', and(a, and(b, c))],
  ['not a = 1 and b = 2', and(not(a), b)],
  ['not (a = 1 and b = 2)', not(and(a, b))],
  ['not not a = 1', not(not(a))],
  ['((a = 1))', a],
  ['not(a = 1)or(b = 2)', or(not(a), b)],
  // Columns.
  ['"a b" = 1', equal('a b', 1)],
  ['"say ""hi""" = 1', equal('say "hi"', 1)],
  ['x."y z".in = 1', equal('x.y z.in', 1)],
  ["date > date '2026-01-31'", greaterThan('date', '2026-01-31')],
  ['größe_2$ = 1', equal('größe_2$', 1)],
  ['"and" = 1', equal('and', 1)],
  // Values.
  ["a = 'it''s'", equal('a', "it's")],
  ["a = ''", equal('a', '')],
  ['a = true', equal('a', true)],
  ['a = 1.5', equal('a', 1.5)],
  ['a = .5', equal('a', 0.5)],
  ['a = 1e3', equal('a', 1000)],
  ['a = 9007199254740991', equal('a', Number.MAX_SAFE_INTEGER)],
  ['a = 9007199254740993', equal('a', 9_007_199_254_740_993n)],
  ['a = -9223372036854775808', equal('a', -(2n ** 63n))],
  ['a = 0.1', equal('a', 0.1)],
  ['a = 12345678901234567.89', equal('a', '12345678901234567.89')],
  ['a = 1e400', equal('a', '1e400')],
  ['a < infinity', lessThan('a', Infinity)],
  ['a > -Infinity', greaterThan('a', -Infinity)],
  ["a = x'00fF'", equal('a', Uint8Array.of(0, 255))],
  ["a = timestamp '2026-01-31 12:34:56.5'", equal('a', '2026-01-31T12:34:56.5')],
  ["a = timestamptz '2026-01-31T12:34:56+01:00'", equal('a', '2026-01-31T12:34:56+01:00')],
  ["a = time '12:34:56'", equal('a', '12:34:56')],
]

const REFUSED: readonly [text: string, position: number, ...parts: string[]][] = [
  ['delay > 60 and origin =', 24, 'expected a value after "="', 'found the end of the filter'],
  ['', 1, 'expected a column, "not" or "("', 'found the end of the filter'],
  [
    'delay 5',
    7,
    'expected =, <>, <, <=, >, >=, "is", "in", "like", "between" or "not" after column "delay"',
    'found "5"',
  ],
  ['(a = 1', 7, 'expected "and", "or" or ")"', 'found the end'],
  ['a = 1)', 6, 'expected "and", "or" or the end of the filter', 'found ")"'],
  ['a = 1 b = 2', 7, 'expected "and", "or" or the end', 'found "b"'],
  ['a = 1 and', 10, 'expected a column', 'found the end'],
  ['a = 1 and or b = 2', 11, 'expected a column (in double quotes where its name is a keyword)', 'found "or"'],
  ['date > 2026-01-31', 8, '"2026-01-31" is not a number', 'put text and dates in single quotes'],
  ["a like '%x'", 8, 'only prefixes can be matched', "like 'abc%'"],
  ["a like 'x_%'", 8, 'only prefixes can be matched', String.raw`\_`],
  ["a like 'x\\'", 8, 'only prefixes can be matched', ''],
  ['a is 5', 6, 'expected "null" or "nan" after "is"', 'found "5"'],
  ['a is not 5', 10, 'expected "null" or "nan" after "is not"', 'found "5"'],
  ['a not = 5', 7, 'expected "in", "like" or "between" after "not"', 'found "="'],
  ['a in 1', 6, 'expected "(" after "in"', 'found "1"'],
  ['a in (1 2)', 9, 'expected "," or ")"', 'found "2"'],
  ['a in (1,)', 9, 'expected a value after ","', 'found ")"'],
  ['a = null', 5, 'nothing compares to null', '"is null"'],
  ["a = 'abc", 5, 'text without its closing quote', ''],
  ['"abc = 1', 1, 'a column name without its closing quote', ''],
  ['a = "abc"', 5, 'expected a value after "=" (text and dates in single quotes)', 'found "abc"'],
  ['a = 1; b', 6, '";" has no meaning here', ''],
  ['a = 😀', 5, '"😀" has no meaning here', ''],
  ["a = date '2026-1-1'", 10, "'2026-1-1' is no date", "'2026-01-31'"],
  ["a = timestamp 'now'", 15, "'now' is no timestamp", ''],
  ['a between 1 or 2', 13, 'expected "and"', 'found "or"'],
  ['a. = 1', 4, 'expected the name of a field within "a"', ''],
  ["a = x'0'", 5, 'expected pairs of hexadecimal digits', ''],
  ['a = - 5', 7, 'expected a number after "-"', 'found "5"'],
]

describe('parseFilter', () => {
  it.each(READ)('reads %s', (text, expected) => {
    expect(parseFilter(text)).toEqual(expected)
  })

  it.each(REFUSED)('refuses %s at %i', (text, position, ...parts) => {
    const error = failure(() => parseFilter(text))
    expect(error.context['position']).toBe(position)
    const [message = '', line = '', caret = ''] = error.message.split('\n')
    for (const part of parts) expect(message).toContain(part)
    expect(line).toBe(`  ${text}`)
    expect(caret).toBe(`${' '.repeat(position + 1)}^`)
  })

  it('shows the part of a long filter where it fails, on one line', () => {
    const text = `${'a = 1 and\n'.repeat(1000)}b ? 2 ${'and a = 1 '.repeat(1000)}`
    const { message, context } = failure(() => parseFilter(text))
    const [, line = '', caret = ''] = message.split('\n')
    expect(message.split('\n')).toHaveLength(3)
    expect(line.length).toBeLessThan(100)
    expect(line[caret.indexOf('^')]).toBe('?')
    expect(String(context['filter']).length).toBeLessThan(250)
  })
})

describe('toExpression', () => {
  it('takes nothing, text and expressions', () => {
    expect(toExpression(undefined)).toEqual(alwaysTrue)
    expect(toExpression('a = 1')).toEqual(a)
    expect(toExpression(a)).toBe(a)
  })
})

describe('printExpression', () => {
  const term = fc.oneof(
    fc.constantFrom('a', 'a.b', 'and', 'In.x', 'date', 'x', 'a b', 'q"q', '1a', 'é'),
    fc.string({ minLength: 1 }),
  )
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.integer(),
    // Whole numbers that a JS number can't count come back as bigints.
    fc.double().filter((n) => !Number.isInteger(n) || Number.isSafeInteger(n)),
    fc.boolean(),
    fc.bigInt().filter((n) => !Number.isSafeInteger(Number(n))),
    fc.uint8Array(),
    fc.constantFrom(-0, Infinity, -Infinity, 1e21, 1e-7, 5e-324, "'", "''", '\\', '%'),
  )
  const leaf: fc.Arbitrary<Expression> = fc.oneof(
    fc.record({ type: fc.constantFrom('is-null', 'not-null', 'is-nan', 'not-nan'), term }),
    fc.record({ type: fc.constantFrom('lt', 'lt-eq', 'gt', 'gt-eq', 'eq', 'not-eq'), term, value }),
    fc.record({ type: fc.constantFrom('in', 'not-in'), term, values: fc.array(value) }),
    fc.record({ type: fc.constantFrom('starts-with', 'not-starts-with'), term, value: fc.string() }),
    fc.constantFrom(alwaysTrue, alwaysFalse),
  )
  const expression = fc.letrec<{ e: Expression }>((tie) => ({
    e: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      leaf,
      fc.record({ type: fc.constantFrom('and', 'or'), left: tie('e'), right: tie('e') }),
      fc.record({ type: fc.constant('not'), child: tie('e') }),
    ),
  })).e

  it('is read back as the same expression', () => {
    fc.assert(
      fc.property(expression, (e) => {
        expect(parseFilter(printExpression(e))).toEqual(e)
      }),
      { numRuns: 1000 },
    )
  })

  it.each<[Expression, string]>([
    [and(or(a, b), c), '(a = 1 or b = 2) and c = 3'],
    [or(and(a, b), c), 'a = 1 and b = 2 or c = 3'],
    [and(a, and(b, c)), 'a = 1 and (b = 2 and c = 3)'],
    [not(and(a, b)), 'not (a = 1 and b = 2)'],
    [and(), 'true'],
    [or(), 'false'],
    [equal('t', new Date(0)), "t = '1970-01-01T00:00:00.000Z'"],
    [equal('t', null), 't = null'],
    [startsWith('s', 'a%b'), String.raw`s like 'a\%b%'`],
  ])('prints %j as %s', (e, text) => {
    expect(printExpression(e)).toBe(text)
  })
})

function failure(run: () => unknown): ValidationError {
  try {
    run()
  } catch (error) {
    if (error instanceof ValidationError) return error
    throw error
  }
  throw new Error('expected a ValidationError')
}
