/**
 * From filters on rows to filters on partitions: which partitions may hold matching rows, which hold nothing else, and
 * what of the filter is left to check in a file of a given partition. Planning prunes manifests and files with these.
 */
import type { PartitionData } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import { findField } from '../spec/schema.ts'
import { transformResultType } from '../spec/transform.ts'
import type { Schema } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import {
  BOUND_FALSE,
  BOUND_TRUE,
  boundJunction,
  mapPredicates,
  negateBound,
  negatePredicate,
} from './bound-expression.ts'
import type { BoundExpression, BoundPredicate } from './bound-expression.ts'
import { evaluate } from './evaluate.ts'
import { projectPredicate } from './project-transform.ts'
import type { ProjectionTarget } from './project-transform.ts'

/**
 * The inclusive projection, over partition field ids: where `expression` matches a row, the result matches the row's
 * partition.
 */
export function projectPartition(expression: BoundExpression, spec: PartitionSpec, schema: Schema): BoundExpression {
  const targets = targetsOf(spec, schema)
  return mapPredicates(expression, (predicate) => inclusive(predicate, targets))
}

/** The strict projection: where the result matches a partition, `expression` matches all of its rows. */
export function strictProject(expression: BoundExpression, spec: PartitionSpec, schema: Schema): BoundExpression {
  const targets = targetsOf(spec, schema)
  return mapPredicates(expression, (predicate) => strict(predicate, targets))
}

/** What is left of `expression` for rows of a partition, equal to it on all of them: projected once for all partitions. */
export function residualOf(
  expression: BoundExpression,
  spec: PartitionSpec,
  schema: Schema,
): (partition: PartitionData) => BoundExpression {
  if (expression.type === 'true' || expression.type === 'false') return () => expression
  const targets = targetsOf(spec, schema)
  const projections = new Map<BoundPredicate, { readonly might: BoundExpression; readonly must: BoundExpression }>()
  mapPredicates(expression, (predicate) => {
    projections.set(predicate, { might: inclusive(predicate, targets), must: strict(predicate, targets) })
    return predicate
  })
  const positions = new Map(spec.fields.map((field, position) => [field.fieldId, position]))
  return (partition) => {
    const get = (fieldId: number): Value | null => partition[positions.get(fieldId) ?? -1] ?? null
    return mapPredicates(expression, (predicate) => {
      const { might = BOUND_TRUE, must = BOUND_FALSE } = projections.get(predicate) ?? {}
      if (!evaluate(might, get)) return BOUND_FALSE
      return evaluate(must, get) ? BOUND_TRUE : predicate
    })
  }
}

type Targets = ReadonlyMap<number, readonly ProjectionTarget[]>

/** The partition fields of each source column. Transforms of several columns say nothing of one. */
function targetsOf(spec: PartitionSpec, schema: Schema): Targets {
  const targets = new Map<number, ProjectionTarget[]>()
  for (const { fieldId, name, sourceIds, transform } of spec.fields) {
    const [sourceId] = sourceIds
    const source = sourceId === undefined ? undefined : findField(schema, sourceId)
    if (sourceId === undefined || sourceIds.length > 1 || source === undefined) continue
    const ref = { fieldId, name, type: transformResultType(transform, source.type), required: false }
    const ofSource = targets.get(sourceId) ?? []
    targets.set(sourceId, [...ofSource, { ref, transform }])
  }
  return targets
}

/** Each partition field of the column gives a condition that a matching row's partition meets. */
function inclusive(predicate: BoundPredicate, targets: Targets): BoundExpression {
  const ofColumn = targets.get(predicate.ref.fieldId) ?? []
  return boundJunction(
    'and',
    ofColumn.map((target) => projectPredicate(predicate, target)),
  )
}

/** All rows match where none can match the opposite. */
function strict(predicate: BoundPredicate, targets: Targets): BoundExpression {
  return negateBound(inclusive(negatePredicate(predicate), targets))
}
