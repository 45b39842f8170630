/**
 * One predicate on a column, seen through one partition transform: the predicate on partition values that every row's
 * partition satisfies where the row satisfies the original. project.ts puts these together for whole filters.
 */
import { applyTransform, truncateText } from '../spec/transform.ts'
import type { Transform } from '../spec/transform.ts'
import type { PrimitiveType } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import { BOUND_TRUE, boundJunction, boundSet, orderOf } from './bound-expression.ts'
import type { BoundComparison, BoundExpression, BoundPredicate, BoundReference, BoundSet } from './bound-expression.ts'
import { limitsOf } from './literal.ts'

/** The partition field and the transform that fills it. */
export interface ProjectionTarget {
  readonly ref: BoundReference
  readonly transform: Transform
}

/** True where the partition says nothing. Null goes to null and all else to not null, but for void and unknown. */
export function projectPredicate(predicate: BoundPredicate, { ref, transform }: ProjectionTarget): BoundExpression {
  const source = predicate.ref.type
  if (transform.kind === 'void' || transform.kind === 'unknown') return BOUND_TRUE
  if (transform.kind === 'identity' || (transform.kind === 'day' && source.kind === 'date'))
    return { ...predicate, ref }
  switch (predicate.type) {
    case 'is-null':
    case 'not-null':
      return { type: predicate.type, ref }
    case 'is-nan':
    case 'not-nan':
      return BOUND_TRUE
    default:
  }
  switch (transform.kind) {
    case 'bucket':
      return projectEquality(predicate, { ref, apply: applierOf(transform, source) })
    case 'truncate':
      return source.kind === 'string' || source.kind === 'binary'
        ? projectPrefix(predicate, { ref, width: transform.width, apply: applierOf(transform, source) })
        : projectSteps(predicate, { ref, apply: applierOf(transform, source), wrapped: wrappedOf(transform, source) })
    default:
      return projectSteps(predicate, { ref, apply: applierOf(transform, source), fix: true })
  }
}

type Apply = (value: Value) => Value
type LiteralPredicate = BoundComparison | BoundSet

interface Target {
  readonly ref: BoundReference
  readonly apply: Apply
}

/** The transform on values that are not null, whose results then are not either. */
function applierOf(transform: Transform, source: PrimitiveType): Apply {
  return (value) => applyTransform(transform, source, value) ?? value
}

/** Equal values have equal images; of anything else, a transform without order says nothing. */
function projectEquality(predicate: LiteralPredicate, { ref, apply }: Target): BoundExpression {
  if (predicate.type === 'eq') return { type: 'eq', ref, value: apply(predicate.value) }
  return predicate.type === 'in' ? boundSet('in', ref, predicate.values.map(apply)) : BOUND_TRUE
}

interface StepsTarget extends Target {
  /**
   * Old writers rounded years, months, days and hours before 1970 towards it: their partitions are one too high, so
   * that both have to match (Java's ProjectionUtil does the same).
   */
  readonly fix?: boolean
  /** What the lowest values are truncated to, as their step begins below the type's least value and wraps around. */
  readonly wrapped?: Value | undefined
}

/** Truncated numbers and periods of time: the image rises in steps, and values have neighbours. */
function projectSteps(predicate: LiteralPredicate, target: StepsTarget): BoundExpression {
  const { ref, apply, fix = false } = target
  switch (predicate.type) {
    case 'lt':
      return atMost(step(predicate.value, -1), target)
    case 'lt-eq':
      return atMost(predicate.value, target)
    case 'gt':
      return atLeast(step(predicate.value, 1), target)
    case 'gt-eq':
      return atLeast(predicate.value, target)
    case 'eq':
      return boundSet('in', ref, withFix(apply(predicate.value), fix))
    case 'in': {
      const images = predicate.values.flatMap((value) => withFix(apply(value), fix))
      return boundSet('in', ref, images)
    }
    default:
      return BOUND_TRUE
  }
}

function atMost(value: Value, { ref, apply, fix = false, wrapped }: StepsTarget): BoundExpression {
  const image = apply(value)
  if (wrapped === undefined) return { type: 'lt-eq', ref, value: withFix(image, fix).at(-1) ?? image }
  const lowest: BoundExpression = { type: 'eq', ref, value: wrapped }
  return image === wrapped ? lowest : boundJunction('or', [{ type: 'lt-eq', ref, value: image }, lowest])
}

function atLeast(value: Value, { ref, apply, wrapped }: StepsTarget): BoundExpression {
  const image = apply(value)
  return image === wrapped ? BOUND_TRUE : { type: 'gt-eq', ref, value: image }
}

/** The image, and where old writers may have put it. */
function withFix(image: Value, fix: boolean): Value[] {
  return fix && typeof image === 'number' && image < 0 ? [image, image + 1] : [image]
}

/** The neighbour of a value; binding has decided all comparisons that could step over the type's limits. */
function step(value: Value, direction: 1 | -1): Value {
  return typeof value === 'bigint' ? value + BigInt(direction) : Number(value) + direction
}

function wrappedOf(transform: Transform, source: PrimitiveType): Value | undefined {
  const limits = source.kind === 'int' || source.kind === 'long' ? limitsOf(source) : undefined
  if (limits === undefined) return undefined
  const image = applyTransform(transform, source, limits.min)
  return image !== null && orderOf(source)(image, limits.min) > 0 ? image : undefined
}

interface PrefixTarget extends Target {
  readonly width: number
}

/** Truncated strings and bytes: a prefix is at most the whole, and shorter values are kept as they are. */
function projectPrefix(predicate: LiteralPredicate, { ref, apply, width }: PrefixTarget): BoundExpression {
  switch (predicate.type) {
    case 'lt':
    case 'lt-eq':
      return { type: predicate.type, ref, value: predicate.value }
    case 'gt':
    case 'gt-eq':
      return { type: 'gt-eq', ref, value: apply(predicate.value) }
    case 'eq':
      return { type: 'eq', ref, value: apply(predicate.value) }
    case 'in':
      return boundSet('in', ref, predicate.values.map(apply))
    case 'not-eq':
      return isWithin(predicate.value, width - 1) ? { ...predicate, ref } : BOUND_TRUE
    case 'not-in': {
      const whole = predicate.values.filter((value) => isWithin(value, width - 1))
      return whole.length === 0 ? BOUND_TRUE : boundSet('not-in', ref, whole)
    }
    case 'starts-with':
      if (isWithin(predicate.value, width)) return { ...predicate, ref }
      return { type: 'eq', ref, value: apply(predicate.value) }
    case 'not-starts-with':
      return isWithin(predicate.value, width) ? { ...predicate, ref } : BOUND_TRUE
  }
}

/** Whether truncation to `width` code points or bytes keeps all of a value. */
function isWithin(value: Value, width: number): boolean {
  if (value instanceof Uint8Array) return value.length <= width
  return typeof value === 'string' && truncateText(value, width).length === value.length
}
