/** The source columns of a partition or sort field as JSON: `source-id` for one, `source-ids` (v3) for several. */
import type { JsonCursor, JsonObject } from '../base/json.ts'

export function parseSourceIds(field: JsonCursor): readonly number[] {
  const sourceId = field.optional('source-id', (id) => id.integer())
  if (sourceId !== undefined) return [sourceId]
  const sourceIds = field.get('source-ids')
  const ids = sourceIds.array().map((id) => id.integer())
  return ids.length > 0 ? ids : sourceIds.fail('at least one field id')
}

export function printSourceIds(sourceIds: readonly number[]): JsonObject {
  return sourceIds.length === 1 ? { 'source-id': sourceIds[0] } : { 'source-ids': sourceIds }
}
