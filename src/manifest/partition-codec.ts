/** Partition values as manifests store them: the part of a manifest's schema that follows from its partition spec. */
import { avroMapped } from '../format/avro-codec.ts'
import type { AvroCodec, AvroDecode } from '../format/avro-codec.ts'
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
  const blank = (): null[] => fields.map(() => null)
  const codec = avroRecord<Values, PartitionData>('r102', fields, { blank, fill: fillValues })
  return {
    ...codec,
    resolve(writer, location) {
      const read = codec.resolve(writer, location)
      return read && whileRepeating(read)
    },
  }
}

/** Longer ones are read each time. */
const MAX_REPEATED_BYTES = 64

/** As `read`, but partitions that follow an equal one are the same object: most manifests have the files of a partition together. */
function whileRepeating(read: AvroDecode<PartitionData>): AvroDecode<PartitionData> {
  const stored = new Uint8Array(MAX_REPEATED_BYTES)
  let length = 0
  let last: PartitionData | undefined
  return (cursor) => {
    const { bytes, offset } = cursor
    // What begins with the bytes of a whole value is that value: Avro's encoding tells where it ends.
    if (last !== undefined && lieAt(bytes, offset, stored, length)) {
      cursor.offset = offset + length
      return last
    }
    const partition = read(cursor)
    length = cursor.offset - offset
    last = length > MAX_REPEATED_BYTES ? undefined : partition
    if (last !== undefined) for (let i = 0; i < length; i += 1) stored[i] = bytes[offset + i] ?? 0
    return partition
  }
}

function lieAt(bytes: Uint8Array, offset: number, expected: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i += 1) if (bytes[offset + i] !== expected[i]) return false
  return true
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
