/** Whether an equality delete file may delete rows of a data file, as the metrics of both tell: delete-index.ts asks. */
import { orderOf } from '../expr/bound-expression.ts'
import { type ColumnStats, type StatsOf, fileStats } from '../expr/metrics-evaluator.ts'
import { memoizeWeak } from '../base/memo.ts'
import type { DataFile } from '../spec/data-file.ts'
import { findField } from '../spec/schema.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { type PrimitiveType, type Schema, isPrimitive } from '../spec/types.ts'

/** False only where the metrics prove that no row of `file` equals one of `deletes` in all of its equality columns. */
export function equalityMightMatch(
  file: DataFile,
  deletes: DataFile,
  context: { readonly metadata: TableMetadata; readonly schema: Schema },
): boolean {
  return (deletes.equalityIds ?? []).every((id) => {
    const schema = schemaWith(id, context)
    const type = schema && findField(schema, id)?.type
    if (schema === undefined || type === undefined || !isPrimitive(type)) return true
    const [ours, theirs] = [statsOf(file)(schema)(id, type), statsOf(deletes)(schema)(id, type)]
    return ours === undefined || theirs === undefined || mightShareValue(ours, theirs, type)
  })
}

const statsOf = memoizeWeak((file: DataFile) => memoizeWeak((schema: Schema): StatsOf => fileStats(file, schema)))

function mightShareValue(a: ColumnStats, b: ColumnStats, type: PrimitiveType): boolean {
  // Null equals null.
  if (a.nullCount !== 0 && b.nullCount !== 0) return true
  if (hasOnlyNulls(a) || hasOnlyNulls(b)) return false
  // NaN equals NaN, and no bound tells of it.
  if (type.kind === 'float' || type.kind === 'double') return true
  const order = orderOf(type)
  const isBelow = (x: ColumnStats['upper'], y: ColumnStats['lower']): boolean =>
    x !== undefined && y !== undefined && order(x, y) < 0
  // Bounds that cross come from writers with another order, and say nothing.
  if (isBelow(a.upper, a.lower) || isBelow(b.upper, b.lower)) return true
  return !isBelow(a.upper, b.lower) && !isBelow(b.upper, a.lower)
}

function hasOnlyNulls({ valueCount, nullCount }: ColumnStats): boolean {
  return valueCount !== undefined && valueCount > 0 && nullCount === valueCount
}

/** The scan's schema, or the latest one that had the column: deletes by columns dropped since still apply. */
export function schemaWith(
  id: number,
  { metadata, schema }: { readonly metadata: TableMetadata; readonly schema: Schema },
): Schema | undefined {
  if (findField(schema, id) !== undefined) return schema
  const latestFirst = metadata.schemas.toSorted((a, b) => b.schemaId - a.schemaId)
  return latestFirst.find((each) => findField(each, id) !== undefined)
}
