/**
 * Ties a filter to a schema: names become field ids, literals values of the column's type, `not` moves into the
 * predicates, and what the types alone decide is decided. Scans bind once; project.ts, evaluate.ts and the metrics
 * evaluators take it from there.
 */
import { IcebergError, ValidationError } from '../base/errors.ts'
import { ancestorIds, findField, requireField } from '../spec/schema.ts'
import { isPrimitive } from '../spec/types.ts'
import type { PrimitiveType, Schema } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import {
  BOUND_FALSE,
  BOUND_TRUE,
  OPPOSITES,
  boundJunction,
  boundNotNull,
  boundSet,
  isFloating,
  mergeSets,
  orderOf,
} from './bound-expression.ts'
import type { BoundExpression, BoundReference } from './bound-expression.ts'
import type { ComparisonOperation, Expression, Predicate, SetOperation } from './expression.ts'
import { limitsOf, toLiteral } from './literal.ts'
import type { Literal } from './literal.ts'

export interface BindOptions {
  readonly caseSensitive?: boolean | undefined
}

/** Alternations of and and or within each other; evaluators recurse so deep. Chains of one of them count as one. */
const MAX_DEPTH = 500

interface Frame {
  readonly type: 'and' | 'or'
  readonly todo: { readonly expression: Expression; readonly negated: boolean }[]
  readonly done: BoundExpression[]
}

/** Binds `expression` to `schema`. ValidationError for unknown columns and for values that a column can't be compared with. */
export function bind(schema: Schema, expression: Expression, options: BindOptions = {}): BoundExpression {
  const frames: Frame[] = [{ type: 'and', todo: [{ expression, negated: false }], done: [] }]
  for (;;) {
    const frame = frames.at(-1)
    if (frame === undefined) return BOUND_TRUE
    const next = frame.todo.pop()
    if (next === undefined) {
      frames.pop()
      const bound = boundJunction(frame.type, mergeSets(frame.type, frame.done))
      const parent = frames.at(-1)
      if (parent === undefined) return bound
      parent.done.push(bound)
      continue
    }
    const { expression: e, negated } = next
    if (e.type === 'not') frame.todo.push({ expression: e.child, negated: !negated })
    else if (e.type === 'and' || e.type === 'or') {
      const type = (e.type === 'and') === negated ? 'or' : 'and'
      const target = type === frame.type ? frame : pushFrame(frames, type)
      target.todo.push({ expression: e.right, negated }, { expression: e.left, negated })
    } else if (e.type === 'true' || e.type === 'false') {
      frame.done.push((e.type === 'true') === negated ? BOUND_FALSE : BOUND_TRUE)
    } else if ('term' in e && Object.hasOwn(OPPOSITES, e.type)) {
      frame.done.push(bindPredicate(schema, negated ? negate(e) : e, options))
    } else throw new ValidationError(`a filter has no ${JSON.stringify(e.type)}: build it with equal, lessThan, and …`)
  }
}

function pushFrame(frames: Frame[], type: 'and' | 'or'): Frame {
  if (frames.length > MAX_DEPTH) {
    throw new ValidationError(`the filter nests and and or more than ${MAX_DEPTH} levels deep: write it flatter`)
  }
  const frame: Frame = { type, todo: [], done: [] }
  frames.push(frame)
  return frame
}

/** SQL's: of a null, a comparison is as little true as its opposite. */
function negate(predicate: Predicate): Predicate {
  return { ...predicate, type: OPPOSITES[predicate.type] } as Predicate
}

function bindPredicate(schema: Schema, predicate: Predicate, options: BindOptions): BoundExpression {
  const ref = bindReference(schema, predicate, options)
  switch (predicate.type) {
    case 'is-null':
      if (ref.required) return BOUND_FALSE
      return ref.type.kind === 'unknown' ? BOUND_TRUE : { type: 'is-null', ref }
    case 'not-null':
      return ref.type.kind === 'unknown' ? BOUND_FALSE : boundNotNull(ref)
    case 'is-nan':
    case 'not-nan':
      if (isFloating(ref.type)) return { type: predicate.type, ref }
      throw columnError(ref, `only float and double can be NaN, this is ${ref.type.kind}`)
    case 'in':
    case 'not-in':
      return bindSet(predicate.type, ref, predicate.values)
    default:
      return bindComparison(predicate.type, ref, bindLiteral(ref, predicate.value))
  }
}

function bindReference(
  schema: Schema,
  { term, type: operation }: Predicate,
  { caseSensitive }: BindOptions,
): BoundReference {
  const { id, type, required } = requireField(schema, term, { caseSensitive })
  const reference = (bound: PrimitiveType): BoundReference => ({
    fieldId: id,
    name: term,
    type: bound,
    required: required && parents.every((parent) => parent?.required),
  })
  const parents = ancestorIds(schema, id).map((parentId) => findField(schema, parentId))
  if (parents.some((parent) => parent?.type.kind !== 'struct')) {
    throw new ValidationError(`column "${term}" can't be filtered on: it lies within a list or map`, {
      context: { column: term },
    })
  }
  // Of a variant only null can be asked, which no type is needed for.
  if (type.kind === 'variant' && (operation === 'is-null' || operation === 'not-null'))
    return reference({ kind: 'binary' })
  if (!isPrimitive(type)) {
    throw new ValidationError(
      `column "${term}" can't be filtered on: it is a ${type.kind}${type.kind === 'variant' ? '' : ', name a field within it'}`,
      {
        context: { column: term },
      },
    )
  }
  return reference(type)
}

function bindLiteral(ref: BoundReference, value: unknown): Literal {
  const { kind } = ref.type
  if (kind === 'geometry' || kind === 'geography') throw columnError(ref, `values of type ${kind} can't be compared`)
  try {
    // Nothing is known of the type, and all its values are null: any literal will do.
    return kind === 'unknown' ? { kind: 'below-min' } : toLiteral(ref.type, value)
  } catch (error) {
    throw error instanceof IcebergError ? columnError(ref, error.message, error) : error
  }
}

function columnError(ref: BoundReference, message: string, cause?: IcebergError): ValidationError {
  const context = { column: ref.name, ...cause?.context }
  return new ValidationError(`column "${ref.name}": ${message}`, { context, cause })
}

function bindSet(type: SetOperation, ref: BoundReference, inputs: readonly unknown[]): BoundExpression {
  const values: Value[] = []
  for (const input of inputs) {
    const literal = bindLiteral(ref, input)
    if (literal.kind === 'exact') values.push(literal.value)
  }
  if (ref.type.kind === 'unknown') return BOUND_FALSE
  return boundSet(type, ref, values)
}

function bindComparison(type: ComparisonOperation, ref: BoundReference, literal: Literal): BoundExpression {
  if (ref.type.kind === 'unknown') return BOUND_FALSE
  if (type === 'starts-with' || type === 'not-starts-with') {
    if (ref.type.kind !== 'string')
      throw columnError(ref, `only a string can start with text, this is ${ref.type.kind}`)
    if (literal.kind !== 'exact') throw columnError(ref, 'expected text to start with')
    if (literal.value === '') return type === 'starts-with' ? boundNotNull(ref) : BOUND_FALSE
    return { type, ref, value: literal.value }
  }
  switch (literal.kind) {
    case 'exact':
      return compareWithin(type, ref, literal.value)
    case 'between':
      if (type === 'eq' || type === 'not-eq') return type === 'eq' ? BOUND_FALSE : boundNotNull(ref)
      return compareWithin(type === 'lt' || type === 'lt-eq' ? 'lt-eq' : 'gt', ref, literal.below)
    case 'above-max':
      return type === 'lt' || type === 'lt-eq' || type === 'not-eq' ? boundNotNull(ref) : BOUND_FALSE
    case 'below-min':
      return type === 'gt' || type === 'gt-eq' || type === 'not-eq' ? boundNotNull(ref) : BOUND_FALSE
  }
}

type Ordering = Exclude<ComparisonOperation, 'starts-with' | 'not-starts-with'>

/** A comparison that the limits of the type don't decide: project.ts may step one beyond the value. */
function compareWithin(type: Ordering, ref: BoundReference, value: Value): BoundExpression {
  const limits = limitsOf(ref.type)
  if (limits !== undefined) {
    const order = orderOf(ref.type)
    const [atMin, atMax] = [order(value, limits.min) <= 0, order(value, limits.max) >= 0]
    if ((type === 'lt' && atMin) || (type === 'gt' && atMax)) return BOUND_FALSE
    if ((type === 'gt-eq' && atMin) || (type === 'lt-eq' && atMax)) return boundNotNull(ref)
  }
  return { type, ref, value }
}
