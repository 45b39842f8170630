/**
 * Filters as users build them: predicates on columns by name, joined by and, or and not. Built here or parsed from text
 * (parse-filter.ts); bind.ts ties them to a schema before anything is evaluated.
 */
import { printColumn, printPrefixPattern, printValue } from './filter-text.ts'

/** A column by its full name, dotted where nested (`address.city`). */
export type Term = string

export type UnaryOperation = 'is-null' | 'not-null' | 'is-nan' | 'not-nan'
export type ComparisonOperation = 'lt' | 'lt-eq' | 'gt' | 'gt-eq' | 'eq' | 'not-eq' | 'starts-with' | 'not-starts-with'
export type SetOperation = 'in' | 'not-in'

/** Values are row values or what stands for them on input: numbers, bigints, ISO strings, Date … */
export type Predicate =
  | { readonly type: UnaryOperation; readonly term: Term }
  | { readonly type: ComparisonOperation; readonly term: Term; readonly value: unknown }
  | { readonly type: SetOperation; readonly term: Term; readonly values: readonly unknown[] }

export type Expression =
  | { readonly type: 'true' }
  | { readonly type: 'false' }
  | { readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'not'; readonly child: Expression }
  | Predicate

export const alwaysTrue: Expression = { type: 'true' }
export const alwaysFalse: Expression = { type: 'false' }

/** All of `terms`; true where there are none. */
export function and(...terms: readonly Expression[]): Expression {
  return join('and', terms, alwaysTrue)
}

/** Any of `terms`; false where there are none. */
export function or(...terms: readonly Expression[]): Expression {
  return join('or', terms, alwaysFalse)
}

export function not(child: Expression): Expression {
  return { type: 'not', child }
}

export function equal(term: Term, value: unknown): Expression {
  return { type: 'eq', term, value }
}

export function notEqual(term: Term, value: unknown): Expression {
  return { type: 'not-eq', term, value }
}

export function lessThan(term: Term, value: unknown): Expression {
  return { type: 'lt', term, value }
}

export function lessThanOrEqual(term: Term, value: unknown): Expression {
  return { type: 'lt-eq', term, value }
}

export function greaterThan(term: Term, value: unknown): Expression {
  return { type: 'gt', term, value }
}

export function greaterThanOrEqual(term: Term, value: unknown): Expression {
  return { type: 'gt-eq', term, value }
}

export function isIn(term: Term, values: readonly unknown[]): Expression {
  return { type: 'in', term, values }
}

export function notIn(term: Term, values: readonly unknown[]): Expression {
  return { type: 'not-in', term, values }
}

export function isNull(term: Term): Expression {
  return { type: 'is-null', term }
}

export function notNull(term: Term): Expression {
  return { type: 'not-null', term }
}

export function isNan(term: Term): Expression {
  return { type: 'is-nan', term }
}

/** True for null as well: `is not nan` asks about the value, as `is not null` does. */
export function notNan(term: Term): Expression {
  return { type: 'not-nan', term }
}

export function startsWith(term: Term, prefix: string): Expression {
  return { type: 'starts-with', term, value: prefix }
}

export function notStartsWith(term: Term, prefix: string): Expression {
  return { type: 'not-starts-with', term, value: prefix }
}

/** The filter as text that `parseFilter` reads back. Chains of any depth: nothing here recurses. */
export function printExpression(expression: Expression): string {
  const out: string[] = []
  const todo: (Expression | string)[] = [expression]
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === 'string') out.push(next)
    else if (next.type === 'not') todo.push(...['not ', ...group(next.child, isJunction(next.child))].toReversed())
    else if (isJunction(next)) {
      const { type, left, right } = next
      // The parser groups chains to the left: only what it would group otherwise needs parentheses.
      const leftGroup = group(left, isJunction(left) && left.type === 'or' && type === 'and')
      const rightGroup = group(right, isJunction(right) && !(right.type === 'and' && type === 'or'))
      todo.push(...[...leftGroup, ` ${type} `, ...rightGroup].toReversed())
    } else out.push(printLeaf(next))
  }
  return out.join('')
}

type Junction = Extract<Expression, { readonly left: Expression }>

function isJunction(expression: Expression): expression is Junction {
  return expression.type === 'and' || expression.type === 'or'
}

function group(expression: Expression, grouped: boolean): (Expression | string)[] {
  return grouped ? ['(', expression, ')'] : [expression]
}

const OPERATORS: Readonly<Record<'lt' | 'lt-eq' | 'gt' | 'gt-eq' | 'eq' | 'not-eq', string>> = {
  lt: '<',
  'lt-eq': '<=',
  gt: '>',
  'gt-eq': '>=',
  eq: '=',
  'not-eq': '<>',
}

function printLeaf(leaf: Exclude<Expression, Junction | { readonly type: 'not' }>): string {
  if (leaf.type === 'true' || leaf.type === 'false') return leaf.type
  const column = printColumn(leaf.term)
  switch (leaf.type) {
    case 'is-null':
      return `${column} is null`
    case 'not-null':
      return `${column} is not null`
    case 'is-nan':
      return `${column} is nan`
    case 'not-nan':
      return `${column} is not nan`
    case 'in':
      return `${column} in (${leaf.values.map(printValue).join(', ')})`
    case 'not-in':
      return `${column} not in (${leaf.values.map(printValue).join(', ')})`
    case 'starts-with':
      return `${column} like ${printPrefixPattern(leaf.value)}`
    case 'not-starts-with':
      return `${column} not like ${printPrefixPattern(leaf.value)}`
    default:
      return `${column} ${OPERATORS[leaf.type]} ${printValue(leaf.value)}`
  }
}

function join(type: 'and' | 'or', terms: readonly Expression[], empty: Expression): Expression {
  const [first = empty, ...rest] = terms
  return rest.reduce<Expression>((left, right) => ({ type, left, right }), first)
}
