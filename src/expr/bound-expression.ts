/**
 * Filters tied to a schema (bind.ts), or projected to partitions (project.ts): columns by field id, literals as values of
 * the column's type. What every evaluator works on. There is no `not`: binding pushes it into the predicates.
 */
import { comparatorOf } from '../spec/value.ts'
import type { Comparator, Value } from '../spec/value.ts'
import type { PrimitiveType } from '../spec/types.ts'
import type { ComparisonOperation, Predicate, SetOperation } from './expression.ts'

export interface BoundReference {
  readonly fieldId: number
  /** For messages only. */
  readonly name: string
  readonly type: PrimitiveType
  /** Whether no row has null here: the column and everything it lies in are required. */
  readonly required: boolean
}

interface BoundNullTest {
  readonly type: 'is-null' | 'not-null'
  readonly ref: BoundReference
}

/** On columns of type float and double only. */
interface BoundNanTest {
  readonly type: 'is-nan' | 'not-nan'
  readonly ref: BoundReference
}

export interface BoundComparison {
  readonly type: ComparisonOperation
  readonly ref: BoundReference
  /** Never NaN. */
  readonly value: Value
}

export interface BoundSet {
  readonly type: SetOperation
  readonly ref: BoundReference
  /** At least two, distinct and ascending by `orderOf` the column's type. */
  readonly values: readonly Value[]
}

export type BoundPredicate = BoundNullTest | BoundNanTest | BoundComparison | BoundSet

/** At least two children, none of them true, false or of the same type: chains lie flat, so recursion stays shallow. */
interface BoundJunction {
  readonly type: 'and' | 'or'
  readonly children: readonly BoundExpression[]
}

export type BoundExpression = { readonly type: 'true' } | { readonly type: 'false' } | BoundJunction | BoundPredicate

export const BOUND_TRUE: BoundExpression = { type: 'true' }
export const BOUND_FALSE: BoundExpression = { type: 'false' }

/** The order that filters compare by: the spec's, but -0 equals 0, as IEEE 754 and SQL have it. NaN must not get here. */
export function orderOf(type: PrimitiveType): Comparator {
  return type.kind === 'float' || type.kind === 'double' ? compareFloats : comparatorOf(type)
}

function compareFloats(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function isFloating(type: PrimitiveType): boolean {
  return type.kind === 'float' || type.kind === 'double'
}

/** `ref in values`, as a plain comparison or constant where that says the same. */
export function boundSet(type: SetOperation, ref: BoundReference, values: readonly Value[]): BoundExpression {
  const order = orderOf(ref.type)
  const sorted = values.toSorted(order)
  const distinct = sorted.filter((value, i) => i === 0 || order(sorted[i - 1] ?? value, value) !== 0)
  const [only] = distinct
  if (only === undefined) return type === 'in' ? BOUND_FALSE : boundNotNull(ref)
  if (distinct.length === 1) return { type: type === 'in' ? 'eq' : 'not-eq', ref, value: only }
  return { type, ref, values: distinct }
}

/** What is left of a predicate that any value satisfies: nothing compares to null. */
export function boundNotNull(ref: BoundReference): BoundExpression {
  return ref.required ? BOUND_TRUE : { type: 'not-null', ref }
}

/** Joins and simplifies: constants go, chains of the same type become one. */
export function boundJunction(type: 'and' | 'or', children: readonly BoundExpression[]): BoundExpression {
  const [neutral, absorbing] = type === 'and' ? [BOUND_TRUE, BOUND_FALSE] : [BOUND_FALSE, BOUND_TRUE]
  const kept: BoundExpression[] = []
  for (const child of children) {
    if (child.type === absorbing.type) return absorbing
    if (child.type === type) for (const inner of child.children) kept.push(inner)
    else if (child.type !== neutral.type) kept.push(child)
  }
  const [only = neutral] = kept
  return kept.length < 2 ? only : { type, children: kept }
}

/**
 * Makes one set of all equalities on a column in an `or` (`in`), or all inequalities in an `and` (`not in`), so that
 * machine-written chains of thousands cost one look-up a row.
 */
export function mergeSets(type: 'and' | 'or', children: readonly BoundExpression[]): readonly BoundExpression[] {
  const [single, set] = type === 'or' ? (['eq', 'in'] as const) : (['not-eq', 'not-in'] as const)
  const groups = new Map<number, { readonly ref: BoundReference; readonly values: Value[] }>()
  const rest: BoundExpression[] = []
  for (const child of children) {
    if (child.type !== single && child.type !== set) {
      rest.push(child)
      continue
    }
    const { ref } = child
    const group = groups.get(ref.fieldId) ?? { ref, values: [] }
    groups.set(ref.fieldId, group)
    if ('values' in child) for (const value of child.values) group.values.push(value)
    else group.values.push(child.value)
  }
  const merged = Array.from(groups.values(), ({ ref, values }) => boundSet(set, ref, values))
  return rest.length + merged.length === children.length ? children : [...merged, ...rest]
}

/** What each predicate becomes under `not`. */
export const OPPOSITES: Readonly<Record<Predicate['type'], Predicate['type']>> = {
  'is-null': 'not-null',
  'not-null': 'is-null',
  'is-nan': 'not-nan',
  'not-nan': 'is-nan',
  lt: 'gt-eq',
  'lt-eq': 'gt',
  gt: 'lt-eq',
  'gt-eq': 'lt',
  eq: 'not-eq',
  'not-eq': 'eq',
  'starts-with': 'not-starts-with',
  'not-starts-with': 'starts-with',
  in: 'not-in',
  'not-in': 'in',
}

/** The predicate under `not`, by SQL's rules: of a null, a comparison is as little true as its opposite. */
export function negatePredicate(predicate: BoundPredicate): BoundPredicate {
  return { ...predicate, type: OPPOSITES[predicate.type] } as BoundPredicate
}

export function negateBound(expression: BoundExpression): BoundExpression {
  switch (expression.type) {
    case 'true':
      return BOUND_FALSE
    case 'false':
      return BOUND_TRUE
    case 'and':
    case 'or':
      return { type: expression.type === 'and' ? 'or' : 'and', children: expression.children.map(negateBound) }
    default:
      return negatePredicate(expression)
  }
}

/** Replaces each predicate of a filter, and simplifies what comes of it. */
export function mapPredicates(
  expression: BoundExpression,
  map: (predicate: BoundPredicate) => BoundExpression,
): BoundExpression {
  if ('ref' in expression) return map(expression)
  if (expression.type === 'true' || expression.type === 'false') return expression
  return boundJunction(
    expression.type,
    expression.children.map((child) => mapPredicates(child, map)),
  )
}

/** Ids of the columns that a filter needs. */
export function referencedFieldIds(expression: BoundExpression): Set<number> {
  const ids = new Set<number>()
  const visit = (e: BoundExpression): void => {
    if ('ref' in e) ids.add(e.ref.fieldId)
    else if ('children' in e) for (const child of e.children) visit(child)
  }
  visit(expression)
  return ids
}
