/**
 * The filter of a task as the Parquet reader applies it: the columns of the residual and of the equality deletes are decoded
 * first, of the others just the rows that are left. Behind read-task.ts, which filters by itself what can't go this way.
 */
import { type BoundExpression, referencedFieldIds } from '../expr/bound-expression.ts'
import type { BatchFilter } from '../format/parquet-reader.ts'
import { isMetadataField } from '../spec/metadata-columns.ts'
import { projectFieldIds } from '../spec/select-fields.ts'
import type { Schema } from '../spec/types.ts'
import type { TaskDeletes } from './delete-reader.ts'
import { compileFilter } from './filter-batch.ts'
import { mergeFields } from './merge-fields.ts'
import type { ResolvedScan } from './resolve-scan.ts'

interface FilterSource {
  readonly residual: BoundExpression
  readonly deletes: TaskDeletes | undefined
  readonly scan: Pick<ResolvedScan, 'named' | 'selected'>
}

/**
 * Undefined where all of the columns to be read are needed for it, nothing is filtered, or there are metadata columns, which
 * are made of rows that follow one another.
 */
export function earlyFilter(stored: Schema, { residual, deletes, scan }: FilterSource): BatchFilter | undefined {
  const ids = referencedFieldIds(residual)
  if (ids.size === 0 || scan.selected.fields.some(isMetadataField)) return undefined
  const needed = mergeFields(projectFieldIds(scan.named, ids).fields, deletes?.columns ?? [])
  if (needed.some(isMetadataField)) return undefined
  const fields = stored.fields.filter(({ id }) => needed.some((each) => each.id === id))
  if (fields.length === stored.fields.length) return undefined
  const schema = { ...stored, fields, identifierFieldIds: [] }
  const liveRows = deletes?.bind(schema)
  const filter = compileFilter(residual, schema)
  return { schema, maskOf: (batch, position) => filter(batch, liveRows?.(batch, position)) }
}
