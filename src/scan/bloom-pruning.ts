/** Row groups that may hold rows of a filter, by the bloom filters of their columns: `=` and `in` can be ruled out. */
import { mapConcurrent } from '../base/concurrency.ts'
import type { BoundExpression, BoundReference } from '../expr/bound-expression.ts'
import { mayHoldAny } from '../format/parquet-bloom-filter.ts'
import type { OpenParquetSource } from '../format/parquet-source.ts'
import type { IoOptions } from '../io/file-io.ts'
import type { Value } from '../spec/value.ts'

/** Each value may take a request: longer lists are hardly ever ruled out. */
const MAX_VALUES = 64
const ROW_GROUPS_IN_FLIGHT = 8

type MayHold = (ref: BoundReference, values: readonly Value[]) => Promise<boolean>

/** Those of `rowGroups` that may hold matching rows. Files without bloom filters cost nothing. */
export async function bloomMatches(
  source: OpenParquetSource,
  rowGroups: readonly number[],
  filter: BoundExpression,
  options: IoOptions,
): Promise<number[]> {
  const hasFilters = rowGroups.some((index) =>
    source.footer.rowGroups[index]?.columns.some(({ bloomFilterOffset }) => bloomFilterOffset !== undefined),
  )
  if (!hasFilters) return [...rowGroups]
  const looksAt = async (index: number): Promise<{ index: number; isLeft: boolean }> => {
    const columns = source.footer.rowGroups[index]?.columns ?? []
    const mayHold: MayHold = async ({ fieldId, type }, values) => {
      const chunk = columns.find(({ leaf }) => leaf.fieldId === fieldId)
      return chunk === undefined || mayHoldAny(source, chunk, { type, values }, options)
    }
    return { index, isLeft: await mightMatch(filter, mayHold) }
  }
  const kept: number[] = []
  const looked = mapConcurrent(rowGroups, ROW_GROUPS_IN_FLIGHT, looksAt, options.signal)
  for await (const { index, isLeft } of looked) if (isLeft) kept.push(index)
  return kept
}

async function mightMatch(filter: BoundExpression, mayHold: MayHold): Promise<boolean> {
  switch (filter.type) {
    case 'and':
      for (const child of filter.children) if (!(await mightMatch(child, mayHold))) return false
      return true
    case 'or':
      for (const child of filter.children) if (await mightMatch(child, mayHold)) return true
      return false
    case 'eq':
      return mayHold(filter.ref, [filter.value])
    case 'in':
      return filter.values.length > MAX_VALUES || mayHold(filter.ref, filter.values)
    default:
      return filter.type !== 'false'
  }
}
