import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { bind } from '../../src/expr/bind.ts'
import { referencedFieldIds } from '../../src/expr/bound-expression.ts'
import type { BoundExpression } from '../../src/expr/bound-expression.ts'
import { evaluate } from '../../src/expr/evaluate.ts'
import { and, equal, isIn, isNull, lessThan, not, notEqual, or, startsWith } from '../../src/expr/expression.ts'
import type { ComparisonOperation, Expression } from '../../src/expr/expression.ts'
import { parseFilter } from '../../src/expr/parse-filter.ts'
import type { NestedField, Schema, Type } from '../../src/spec/types.ts'

const optional = (id: number, name: string, type: Type): NestedField => ({ id, name, type, required: false })
const required = (id: number, name: string, type: Type): NestedField => ({ id, name, type, required: true })

const schema: Schema = {
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    required(1, 'id', { kind: 'long' }),
    optional(2, 'i', { kind: 'int' }),
    optional(3, 'f', { kind: 'float' }),
    optional(4, 'd', { kind: 'double' }),
    optional(5, 'dec', { kind: 'decimal', precision: 4, scale: 2 }),
    optional(6, 'day', { kind: 'date' }),
    optional(7, 'ts', { kind: 'timestamp' }),
    optional(8, 'tz', { kind: 'timestamptz' }),
    optional(9, 'ns', { kind: 'timestamp_ns' }),
    optional(10, 's', { kind: 'string' }),
    optional(11, 'tags', { kind: 'list', elementId: 12, element: { kind: 'string' }, elementRequired: true }),
    optional(13, 'home', { kind: 'struct', fields: [required(14, 'lat', { kind: 'double' })] }),
    required(15, 'work', { kind: 'struct', fields: [required(16, 'lat', { kind: 'double' })] }),
    optional(17, 'nothing', { kind: 'unknown' }),
    optional(18, 'shape', { kind: 'geometry' }),
    optional(19, 'any', { kind: 'variant' }),
    optional(20, 'S', { kind: 'string' }),
    optional(21, 'time', { kind: 'time' }),
    optional(22, 'nz', { kind: 'timestamptz_ns' }),
    required(23, 'ri', { kind: 'int' }),
  ],
}

/** `lt-eq 5`, `not-null`, `in 1,2`. */
function brief(e: BoundExpression): string {
  if ('value' in e) return `${e.type} ${String(e.value)}`
  return 'values' in e ? `${e.type} ${e.values.map(String).join()}` : e.type
}

const bound = (text: string): string => brief(bind(schema, parseFilter(text)))

const LITERALS: readonly [string, string][] = [
  ['i = 5', 'eq 5'],
  ["i = '5'", 'eq 5'],
  ['id = 5', 'eq 5'],
  ['i < 2.5', 'lt-eq 2'],
  ['i <= 2.5', 'lt-eq 2'],
  ['i > 2.5', 'gt 2'],
  ['i >= 2.5', 'gt 2'],
  ['i > -2.5', 'gt -3'],
  ['i < 2.50e1', 'lt 25'],
  ['i = 2.5', 'false'],
  ['i <> 2.5', 'not-null'],
  ['i in (1, 2.5, 3)', 'in 1,3'],
  ['i in (2.5)', 'false'],
  ['i not in (2.5)', 'not-null'],
  ['i < 3000000000', 'not-null'],
  ['i > 3000000000', 'false'],
  ['i = 3000000000', 'false'],
  ['i <> 3000000000', 'not-null'],
  ['i > -3000000000', 'not-null'],
  ['i <= -3000000000', 'false'],
  ['i < infinity', 'not-null'],
  ['i < -infinity', 'false'],
  ['i < -2147483648', 'false'],
  ['i >= -2147483648', 'not-null'],
  ['i > 2147483647', 'false'],
  ['i <= 2147483647', 'not-null'],
  ['i > 2147483646.5', 'gt 2147483646'],
  ['i > 2147483647.5', 'false'],
  ['ri < 3000000000', 'true'],
  ['id <= 9223372036854775807', 'true'],
  ['id < 9223372036854775808', 'true'],
  ['id < 1e30', 'true'],
  ['id < 1e-30', 'lt-eq 0'],
  ['id > 9007199254740993', 'gt 9007199254740993'],
  ['f = 0.1', `eq ${Math.fround(0.1)}`],
  ['f < 1e300', `lt-eq ${2 ** 128 - 2 ** 104}`],
  ['f > 1e300', `gt ${2 ** 128 - 2 ** 104}`],
  ['f >= -1e300', 'gt -Infinity'],
  ['f < -1e300', 'lt-eq -Infinity'],
  ['f = 1e300', 'false'],
  ['d = 1e400', 'false'],
  ['d < 1e400', `lt-eq ${Number.MAX_VALUE}`],
  ['d = 9007199254740993', 'eq 9007199254740992'],
  ['d < infinity', 'lt Infinity'],
  ['dec = 1.5', 'eq 150'],
  ['dec < 1.555', 'lt-eq 155'],
  ['dec > -1.555', 'gt -156'],
  ['dec = 1.555', 'false'],
  ['dec < 100', 'not-null'],
  ['dec > 99.99', 'false'],
  ['dec >= 99.995', 'false'],
  ["day = '1970-01-02'", 'eq 1'],
  ["day < '1970-01-02T12:00:00'", 'lt-eq 1'],
  ["day >= '1969-12-31T12:00:00'", 'gt -1'],
  ["day = timestamp '1970-01-02 00:00:00'", 'eq 1'],
  ["day = '1970-01-02T00:00:00.0000001'", 'false'],
  ["day > '1970-01-02T00:00:00.0000001'", 'gt 1'],
  ["ts >= '1970-01-02'", 'gt-eq 86400000000'],
  ["ts < '1970-01-01T00:00:00.0000019'", 'lt-eq 1'],
  ["ts >= '1969-12-31T23:59:59.9999991'", 'gt -1'],
  ["ts = '1970-01-01T00:00:00.000001000'", 'eq 1'],
  ["ts = '1970-01-01T00:00:00.0000011'", 'false'],
  ["tz < '1970-01-01T01:00:00.0000019+01:00'", 'lt-eq 1'],
  ["ns < '1500-01-01'", 'false'],
  ["ns > '1500-01-01T00:00:00.123456789'", 'not-null'],
  ["ns < '3000-01-01'", 'not-null'],
  ["nz > '3000-01-01T00:00:00Z'", 'false'],
  ["time < '00:00:00.0000011'", 'lt-eq 1'],
  ["s like '%'", 'not-null'],
  ["s not like '%'", 'false'],
  ['nothing is null', 'true'],
  ['nothing is not null', 'false'],
  ['nothing <> 5', 'false'],
  ['nothing in (1, 2)', 'false'],
  ['id is null', 'false'],
  ['id is not null', 'true'],
  ['i is null', 'is-null'],
  ['i in ()', 'false'],
  ['i not in ()', 'not-null'],
  ['i in (3, 1, 3, 2)', 'in 1,2,3'],
  ['i in (3, 3)', 'eq 3'],
  ['i not in (3)', 'not-eq 3'],
  ['d in (-0, 0)', 'eq 0'],
  ['shape is null', 'is-null'],
]

const REFUSED: readonly [string, string][] = [
  ["i = 'abc'", 'column "i": expected int, found "abc"'],
  ['i = true', 'column "i": expected int, found true'],
  ["i < '0x10'", 'column "i": expected int, found "0x10"'],
  ["d < ''", 'column "d": expected double, found ""'],
  ['s = 5', 'column "s": expected string, found 5'],
  ["day = 'today'", 'column "day": expected date, found "today"'],
  ["tz = '2026-01-31'", 'column "tz": expected timestamptz (with an offset, such as Z), found "2026-01-31"'],
  ["ts = '2026-01-31T00:00:00Z'", 'column "ts": expected timestamp (without offset)'],
  ['d = nan', 'column "d": nothing compares to NaN: use is nan'],
  ["f in (1, 'NaN')", 'column "f": nothing compares to NaN'],
  ['i is nan', 'column "i": only float and double can be NaN, this is int'],
  ["i like '1%'", 'column "i": '],
  ["shape = x'00'", 'column "shape": values of type geometry can\'t be compared'],
  ['tags is null', 'column "tags" can\'t be filtered on: it is a list'],
  ["tags.element = 'x'", 'column "tags.element" can\'t be filtered on: it lies within a list or map'],
  ['home is null', 'it is a struct, name a field within it'],
  ['any = 1', 'it is a variant'],
  ['iid = 1', 'no column "iid": did you mean "id"'],
]

describe('literals', () => {
  it.each(LITERALS)('%s is %s', (text, expected) => {
    expect(bound(text)).toBe(expected)
  })

  it('takes dates as Date', () => {
    const noon = new Date('1970-01-02T12:00:00Z')
    expect(brief(bind(schema, lessThan('day', noon)))).toBe('lt-eq 1')
    expect(brief(bind(schema, lessThan('ts', noon)))).toBe('lt 129600000000')
    expect(brief(bind(schema, lessThan('ns', new Date('3000-01-01'))))).toBe('not-null')
  })

  it.each(REFUSED)('refuses %s', (text, message) => {
    expect(() => bind(schema, parseFilter(text))).toThrow(ValidationError)
    expect(() => bind(schema, parseFilter(text))).toThrow(message)
  })

  it('refuses null, half surrogates and expressions it does not know', () => {
    expect(() => bind(schema, equal('i', null))).toThrow('nothing compares to null')
    expect(() => bind(schema, isIn('i', [1, undefined]))).toThrow('column "i": nothing compares to null')
    expect(() => bind(schema, startsWith('s', '\ud83d'))).toThrow('not valid Unicode')
    expect(() => bind(schema, equal('day', new Date(Number.NaN)))).toThrow('column "day"')
    expect(() => bind(schema, { type: 'equals', term: 'i', value: 1 } as unknown as Expression)).toThrow('"equals"')
  })

  it('names column and value in the context', () => {
    try {
      bind(schema, equal('i', 'abc'))
      expect.fail('bound')
    } catch (error) {
      expect(error).toBeInstanceOf(ValidationError)
      expect((error as ValidationError).context).toEqual({ column: 'i', expected: 'int', found: '"abc"' })
    }
  })
})

describe('columns', () => {
  it('are required where all that they lie in is', () => {
    expect(bind(schema, lessThan('home.lat', 1))).toMatchObject({ ref: { fieldId: 14, required: false } })
    expect(bind(schema, lessThan('work.lat', 1))).toMatchObject({ ref: { fieldId: 16, required: true } })
    expect(bound('home.lat is null')).toBe('is-null')
    expect(bound('work.lat is null')).toBe('false')
  })

  it('match in any case on request', () => {
    expect(() => bind(schema, equal('ID', 1))).toThrow('no column "ID"')
    expect(brief(bind(schema, equal('ID', 1), { caseSensitive: false }))).toBe('eq 1')
    expect(() => bind(schema, equal('s', 'x'), { caseSensitive: false })).toThrow('ambiguous')
  })

  it('are listed by id', () => {
    const e = bind(schema, parseFilter("i = 1 and (s = 'x' or home.lat > 1) and i < 7"))
    expect([...referencedFieldIds(e)].toSorted((x, y) => x - y)).toEqual([2, 10, 14])
  })
})

describe('simplification', () => {
  it.each([
    ['i = 1 and false', 'false'],
    ['i = 1 and true', 'eq 1'],
    ['i = 1 or true', 'true'],
    ['i = 1 or false', 'eq 1'],
    ['not (i = 1)', 'not-eq 1'],
    ['not not i = 1', 'eq 1'],
    ['not true', 'false'],
    ['i = 3 or i = 1 or i in (1, 2)', 'in 1,2,3'],
    ['i <> 3 and i <> 1', 'not-in 1,3'],
    ['not (i = 3 or i = 1)', 'not-in 1,3'],
    ['i = 1 or i = 1', 'eq 1'],
  ])('%s is %s', (text, expected) => {
    expect(bound(text)).toBe(expected)
  })

  it('flattens chains and moves not inwards', () => {
    const e = bind(schema, not(and(or(equal('i', 1), lessThan('s', 'x')), and(isNull('i'), not(notEqual('s', 'y'))))))
    expect(e.type).toBe('or')
    const children = 'children' in e ? e.children : []
    expect(
      children.map((c) => ('children' in c ? `(${c.children.map(brief).join(` ${c.type} `)})` : brief(c))),
    ).toEqual(['(not-eq 1 and gt-eq x)', 'not-null', 'not-eq y'])
  })

  it.each<[ComparisonOperation, string]>([
    ['lt', 'gt-eq'],
    ['lt-eq', 'gt'],
    ['gt', 'lt-eq'],
    ['gt-eq', 'lt'],
    ['eq', 'not-eq'],
    ['not-eq', 'eq'],
    ['starts-with', 'not-starts-with'],
    ['not-starts-with', 'starts-with'],
  ])('not %s is %s', (type, opposite) => {
    expect(bind(schema, not({ type, term: 's', value: 'x' })).type).toBe(opposite)
  })
})

/** and within or within and … */
function nest(depth: number): Expression {
  return Array.from({ length: depth }).reduce<Expression>(
    (inner, _, n) => (n % 2 === 0 ? and(lessThan('i', n), inner) : or(lessThan('i', n), inner)),
    isNull('i'),
  )
}

describe('size', () => {
  const N = 10_000
  const chain = (join: typeof and, term: (n: number) => Expression): Expression =>
    Array.from({ length: N }, (_, n) => term(n)).reduce((left, right) => join(left, right))

  it('of a chain does not matter, however it nests', () => {
    const left = chain(or, (n) => lessThan('i', n))
    const right = Array.from({ length: N }, (_, n) => lessThan('i', n)).reduceRight((tail, head) => or(head, tail))
    for (const e of [left, right]) {
      const b = bind(schema, e)
      expect('children' in b && b.children.length).toBe(N)
      expect(evaluate(b, () => N - 2)).toBe(true)
      expect(evaluate(b, () => N)).toBe(false)
    }
  })

  it('of equalities in a chain becomes one set', () => {
    const b = bind(
      schema,
      chain(or, (n) => equal('i', n)),
    )
    expect('values' in b && b.values.length).toBe(N)
  })

  it('of text does not matter', () => {
    const flat = Array.from({ length: N }, (_, n) => `i < ${n}`).join(' or ')
    expect(bind(schema, parseFilter(flat)).type).toBe('or')
    const nested = `${'('.repeat(N)}i = 1${')'.repeat(N)}`
    expect(parseFilter(nested)).toEqual(equal('i', 1))
    const negated = `${'not '.repeat(N)}i = 1`
    expect(brief(bind(schema, parseFilter(negated)))).toBe('eq 1')
    const list = `i in (${Array.from({ length: 100_000 }, (_, n) => n).join(', ')})`
    const b = bind(schema, parseFilter(list))
    expect(evaluate(b, () => 99_999)).toBe(true)
    expect(evaluate(b, () => 100_000)).toBe(false)
  })

  it('of alternating nesting is limited, with an error that says so', () => {
    expect(evaluate(bind(schema, nest(490)), () => 500)).toBe(false)
    expect(() => bind(schema, nest(N))).toThrow('more than 500 levels deep')
  })
})
