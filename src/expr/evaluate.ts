/**
 * Filters on single rows, by SQL's rules: a comparison with null is false; NaN matches only `is nan`, `<>` and `not in`;
 * -0 equals 0. Evaluates projected filters on partitions, and row filters wherever rows come one by one.
 */
import type { Value } from '../spec/value.ts'
import { orderOf } from './bound-expression.ts'
import type { BoundComparison, BoundExpression, BoundPredicate, BoundReference, BoundSet } from './bound-expression.ts'

type ValueTest = (value: Value | null) => boolean

const compiled = new WeakMap<BoundExpression, (get: (fieldId: number) => Value | null) => boolean>()

/** Whether the row that `get` reads by field id matches. Compiles on first sight of an expression. */
export function evaluate(expression: BoundExpression, get: (fieldId: number) => Value | null): boolean {
  let test = compiled.get(expression)
  if (test === undefined) {
    test = compileRowFilter<(fieldId: number) => Value | null>(
      expression,
      ({ fieldId }) =>
        (read) =>
          read(fieldId),
    )
    compiled.set(expression, test)
  }
  return test(get)
}

/**
 * Compiles a filter to one closure over rows of any kind; `column` says how to read a column of such a row, and is asked
 * once per predicate.
 */
export function compileRowFilter<Row>(
  expression: BoundExpression,
  column: (ref: BoundReference) => (row: Row) => Value | null,
): (row: Row) => boolean {
  switch (expression.type) {
    case 'true':
      return () => true
    case 'false':
      return () => false
    case 'and':
    case 'or': {
      const tests = expression.children.map((child) => compileRowFilter(child, column))
      const stop = expression.type === 'or'
      return (row) => {
        for (const test of tests) if (test(row) === stop) return stop
        return !stop
      }
    }
    default: {
      const test = valueTest(expression)
      const read = column(expression.ref)
      return (row) => test(read(row))
    }
  }
}

const tests = new WeakMap<BoundPredicate, ValueTest>()

/** The test of one predicate on a value of its column. */
function valueTest(predicate: BoundPredicate): ValueTest {
  let test = tests.get(predicate)
  if (test === undefined) {
    test = compilePredicate(predicate)
    tests.set(predicate, test)
  }
  return test
}

function compilePredicate(predicate: BoundPredicate): ValueTest {
  switch (predicate.type) {
    case 'is-null':
      return (v) => v === null
    case 'not-null':
      return (v) => v !== null
    case 'is-nan':
      return (v) => Number.isNaN(v)
    case 'not-nan':
      return (v) => !Number.isNaN(v)
    case 'in': {
      const has = membership(predicate)
      return (v) => v !== null && has(v)
    }
    case 'not-in': {
      const has = membership(predicate)
      return (v) => v !== null && !has(v)
    }
    default:
      return compileComparison(predicate)
  }
}

function compileComparison({ type, ref, value }: BoundComparison): ValueTest {
  const prefix = String(value)
  if (type === 'starts-with') return (v) => typeof v === 'string' && v.startsWith(prefix)
  if (type === 'not-starts-with') return (v) => typeof v === 'string' && !v.startsWith(prefix)
  const order = needsOrder(ref, type) ? orderOf(ref.type) : undefined
  switch (type) {
    case 'eq':
      return order ? (v) => v !== null && order(v, value) === 0 : (v) => v === value
    case 'not-eq':
      return order ? (v) => v !== null && order(v, value) !== 0 : (v) => v !== null && v !== value
    case 'lt':
      return order ? (v) => v !== null && order(v, value) < 0 : (v) => v !== null && v < value
    case 'lt-eq':
      return order ? (v) => v !== null && order(v, value) <= 0 : (v) => v !== null && v <= value
    case 'gt':
      return order ? (v) => v !== null && order(v, value) > 0 : (v) => v !== null && v > value
    case 'gt-eq':
      return order ? (v) => v !== null && order(v, value) >= 0 : (v) => v !== null && v >= value
  }
}

/** Whether JavaScript's own operators compare values of the column wrongly: bytes, and the order of strings. */
function needsOrder({ type: { kind } }: BoundReference, operation: BoundComparison['type']): boolean {
  return kind === 'fixed' || kind === 'binary' || (kind === 'string' && operation !== 'eq' && operation !== 'not-eq')
}

function membership({ ref, values }: BoundSet): (value: Value) => boolean {
  const set = new Set(values.map(setKey))
  return ref.type.kind === 'fixed' || ref.type.kind === 'binary' ? (v) => set.has(setKey(v)) : (v) => set.has(v)
}

/** Bytes as text, so that a Set finds them by content. */
function setKey(value: Value): Value {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')
    : value
}
