/** Partition values as manifests store them: the part of a manifest's schema that follows from its partition spec. */
import { avroMapped } from '../format/avro-codec.ts'
import type { AvroCodec } from '../format/avro-codec.ts'
import { avroRecord, isNull, optionalField } from '../format/avro-record.ts'
import type { AvroField, FieldStep, Fill } from '../format/avro-record.ts'
import { avroAnyValue, avroNothing, avroValue } from '../format/avro-value.ts'
import type { PartitionData } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import type { PrimitiveType, Value } from '../spec/types.ts'

/** The partition tuple: a record with an optional field for each field of the spec, by its id. */
export function partitionCodec(spec: PartitionSpec, types: readonly PrimitiveType[]): AvroCodec<PartitionData> {
  const taken = new Set<string>()
  const fields = spec.fields.map(({ fieldId, name, transform }, i): AvroField<Value | null> => {
    const type: PrimitiveType = types[i] ?? { kind: 'unknown' }
    const sanitized = sanitizeAvroName(name)
    const unique = taken.has(sanitized) ? `${sanitized}_${fieldId}` : sanitized
    taken.add(unique)
    const attributes = unique === name ? undefined : { 'iceberg-field-name': name }
    if (transform.kind === 'unknown') return nullField({ ...optionalField(fieldId, unique, avroAnyValue), attributes })
    if (type.kind === 'unknown') return nullField({ id: fieldId, name: unique, codec: avroNothing, attributes })
    return nullField({ ...optionalField(fieldId, unique, avroValue(type)), attributes })
  })
  return avroRecord<Values, PartitionData>('r102', fields, { blank: () => fields.map(() => null), fill: fillValues })
}

type Values = Readonly<Record<number, Value | null>>

/** By number: V8 would parse the keys, which are texts, anew for each partition. */
function fillValues(steps: readonly FieldStep<Values>[]): Fill<Values> {
  const positions = steps.map(({ key }) => Number(key))
  return (cursor, values) => {
    for (let i = 0; i < steps.length; i += 1) {
      const step = steps[i]
      if (step === undefined || isNull(cursor, step)) continue
      if ('skip' in step) step.skip(cursor)
      else values[positions[i] ?? 0] = step.read(cursor)
    }
  }
}

/** Partitions say null where other optional fields are undefined. */
function nullField({ codec, ...field }: AvroField<Value | undefined>): AvroField<Value | null> {
  const nullable = avroMapped<Value | undefined, Value | null>(
    codec,
    (value) => value ?? null,
    (value) => value ?? undefined,
  )
  return { ...field, codec: nullable, fallback: null }
}

/**
 * A name that Avro accepts, made as Java makes it: `a b` → `a_x20b`, `1st` → `_1st`. Letters beyond ASCII are escaped
 * too: Avro's specification has no place for them, and several readers refuse them.
 */
export function sanitizeAvroName(name: string): string {
  const sanitized = name.replaceAll(/[^A-Za-z0-9_]/g, escapeUnit)
  return /^\d/.test(sanitized) ? `_${sanitized}` : sanitized
}

function escapeUnit(unit: string): string {
  return `_x${unit.charCodeAt(0).toString(16).toUpperCase()}`
}
