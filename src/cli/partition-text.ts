/** Partitions as people read them. */
import type { PartitionData } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import { findField } from '../spec/schema.ts'
import { transformHumanString } from '../spec/transform-text.ts'
import { type Schema, isPrimitive } from '../spec/types.ts'

/** Fields and values: `['date_month', '2001-01']`; null for null, and where the column is gone. */
export function printPartition(
  spec: PartitionSpec,
  schema: Schema,
  partition: PartitionData,
): [name: string, value: string | null][] {
  return spec.fields.map(({ name, transform, sourceIds }, i) => {
    const value = partition[i] ?? null
    const type = findField(schema, sourceIds[0] ?? 0)?.type
    const isKnown = value !== null && type !== undefined && isPrimitive(type)
    return [name, isKnown ? transformHumanString(transform, type, value) : null]
  })
}
