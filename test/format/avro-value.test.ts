import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import type { JsonObject, JsonValue } from '../../src/base/json.ts'
import type { AvroCodec } from '../../src/format/avro-codec.ts'
import { avroRecord } from '../../src/format/avro-record.ts'
import { avroAnyValue, avroNothing, avroValue } from '../../src/format/avro-value.ts'
import { encodeAvro, openAvro, readAvro } from '../../src/format/avro.ts'
import type { PrimitiveType, Value } from '../../src/spec/types.ts'
import { readWithAvsc, writeWithAvsc } from './avsc-file.ts'

const UUID = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'
const UUID_BYTES = Buffer.from(UUID.replaceAll('-', ''), 'hex')
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

/** The specification's table "Appendix A: Avro", an example of what avsc reads, and values to try. */
const TYPES: readonly (readonly [PrimitiveType, JsonValue, Value, unknown, fc.Arbitrary<Value>])[] = [
  [{ kind: 'boolean' }, 'boolean', true, true, fc.boolean()],
  [{ kind: 'int' }, 'int', -5, -5, fc.integer()],
  [{ kind: 'long' }, 'long', 2n ** 62n, 2n ** 62n, long],
  [{ kind: 'float' }, 'float', 0.5, 0.5, fc.float()],
  [{ kind: 'double' }, 'double', -0, -0, fc.double()],
  [{ kind: 'date' }, { type: 'int', logicalType: 'date' }, 19724, 19724, fc.integer()],
  [{ kind: 'time' }, { type: 'long', logicalType: 'time-micros' }, 1n, 1n, long],
  [
    { kind: 'timestamp' },
    { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false },
    2n ** 60n,
    2n ** 60n,
    long,
  ],
  [{ kind: 'timestamptz' }, { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }, 1n, 1n, long],
  [{ kind: 'timestamp_ns' }, { type: 'long', logicalType: 'timestamp-nanos', 'adjust-to-utc': false }, 1n, 1n, long],
  [{ kind: 'timestamptz_ns' }, { type: 'long', logicalType: 'timestamp-nanos', 'adjust-to-utc': true }, 1n, 1n, long],
  [{ kind: 'string' }, 'string', 'ü', 'ü', fc.string({ unit: 'grapheme' })],
  [{ kind: 'uuid' }, { type: 'fixed', name: 'uuid_fixed', size: 16, logicalType: 'uuid' }, UUID, UUID_BYTES, fc.uuid()],
  [
    { kind: 'fixed', length: 3 },
    { type: 'fixed', name: 'fixed_3', size: 3 },
    Uint8Array.of(1, 2, 3),
    Buffer.from([1, 2, 3]),
    fc.uint8Array({ minLength: 3, maxLength: 3 }),
  ],
  [{ kind: 'binary' }, 'bytes', Uint8Array.of(0xff), Buffer.from([0xff]), fc.uint8Array()],
  [{ kind: 'geometry' }, 'bytes', Uint8Array.of(1), Buffer.from([1]), fc.uint8Array()],
  [
    { kind: 'decimal', precision: 9, scale: 2 },
    { type: 'fixed', name: 'decimal_9_2', size: 4, logicalType: 'decimal', precision: 9, scale: 2 },
    -1n,
    Buffer.from('ffffffff', 'hex'),
    fc.bigInt({ min: -999_999_999n, max: 999_999_999n }),
  ],
  [
    { kind: 'decimal', precision: 38, scale: 0 },
    { type: 'fixed', name: 'decimal_38_0', size: 16, logicalType: 'decimal', precision: 38, scale: 0 },
    1420n,
    Buffer.from('0000000000000000000000000000058c', 'hex'),
    fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
  ],
]

function single(codec: AvroCodec<Value>): AvroCodec<{ readonly value: Value }> {
  return avroRecord('single', { value: { id: 1, name: 'value', codec } })
}

function write(type: PrimitiveType, value: Value): Uint8Array {
  return encodeAvro(single(avroValue(type)), [{ value }])
}

function readFrom(codec: AvroCodec<Value>, type: JsonValue, value: unknown): Value | undefined {
  const schema: JsonObject = { type: 'record', name: 's', fields: [{ name: 'value', type, 'field-id': 1 }] }
  return readAvro(openAvro(writeWithAvsc(schema, [{ value }]), 'memory'), single(codec))[0]?.value
}

describe('values in Avro', () => {
  it.each(TYPES)('%j is %j', (type, schema, value, stored) => {
    const file = readWithAvsc(write(type, value))
    expect(file.schema['fields']).toEqual([{ name: 'value', type: schema, 'field-id': 1 }])
    expect(file.records[0]?.['value']).toEqual(stored)
  })

  it.each(TYPES)('%j comes back', (type, _schema, _value, _stored, values) => {
    const codec = single(avroValue(type))
    fc.assert(
      fc.property(values, (value) => {
        expect(readAvro(openAvro(write(type, value), 'memory'), codec)).toEqual([{ value }])
      }),
      { numRuns: 40 },
    )
  })

  it.each([
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 2],
    [5, 3],
    [9, 4],
    [18, 8],
    [19, 9],
    [38, 16], // oxfmt-ignore
  ])('decimals of %i digits take %i bytes', (precision, size) => {
    expect(avroValue({ kind: 'decimal', precision, scale: 0 }).schema).toMatchObject({ size })
  })

  it.each([
    ['int for long', { kind: 'long' }, 'int', 5, 5n],
    ['float for double', { kind: 'double' }, 'float', 0.5, 0.5],
    ['date for timestamp', { kind: 'timestamp' }, { type: 'int', logicalType: 'date' }, -1, -86_400_000_000n],
    ['date for timestamp_ns', { kind: 'timestamp_ns' }, { type: 'int', logicalType: 'date' }, 1, 86_400_000_000_000n],
    ['int for date', { kind: 'date' }, 'int', 5, 5],
    ['bytes for decimal', { kind: 'decimal', precision: 9, scale: 2 }, 'bytes', Buffer.from([0xff, 0x38]), -200n],
    ['string for uuid', { kind: 'uuid' }, 'string', UUID.toUpperCase(), UUID],
    ['bytes for fixed', { kind: 'fixed', length: 2 }, 'bytes', Buffer.from([1, 2]), Uint8Array.of(1, 2)],
  ] as const)('%s, of a promoted column or another engine', (_, type, writer, value, expected) => {
    expect(readFrom(avroValue(type), writer, value)).toStrictEqual(expected)
  })

  it.each([
    ['string for long', { kind: 'long' }, 'string', 'x'],
    ['double for float', { kind: 'float' }, 'double', 1],
    ['fixed of 15 for uuid', { kind: 'uuid' }, { type: 'fixed', name: 'f', size: 15 }, Buffer.alloc(15)],
  ] as const)('%s is refused', (_, type, writer, value) => {
    expect(() => readFrom(avroValue(type), writer, value)).toThrow(InvalidDataError)
  })

  it.each([
    [{ kind: 'long' }, 5],
    [{ kind: 'int' }, 5n],
    [{ kind: 'int' }, 2 ** 31],
    [{ kind: 'string' }, Uint8Array.of(1)],
    [{ kind: 'binary' }, 'x'],
    [{ kind: 'fixed', length: 2 }, Uint8Array.of(1)],
    [{ kind: 'uuid' }, 'f79c'],
    [{ kind: 'decimal', precision: 2, scale: 0 }, 200n],
  ] as const)('%j does not take %s', (type, value) => {
    expect(() => write(type, value)).toThrow(ValidationError)
  })

  it.each([
    ['boolean', true, true],
    ['int', 3, 3],
    ['long', 3n, 3n],
    ['float', 1.5, 1.5],
    ['double', 1.5, 1.5],
    ['string', 'a', 'a'],
    ['bytes', Buffer.from([1]), Uint8Array.of(1)],
  ])('results of unknown transforms are read as they are: %s', (writer, value, expected) => {
    expect(readFrom(avroAnyValue, writer, value)).toStrictEqual(expected)
  })

  it('results of unknown transforms are not written, nor values of type unknown', () => {
    expect(() => encodeAvro(single(avroAnyValue), [{ value: 1 }])).toThrow(UnsupportedError)
    expect(() => avroValue({ kind: 'unknown' })).toThrow(UnsupportedError)
    const codec = avroRecord<{ value: Value | undefined; n: Value }>('n', {
      value: { id: 1, name: 'value', codec: avroNothing },
      n: { id: 2, name: 'n', codec: avroValue({ kind: 'int' }) },
    })
    const bytes = encodeAvro(codec, [{ value: undefined, n: 7 }])
    expect(readWithAvsc(bytes)).toMatchObject({
      schema: { fields: [{ name: 'value', type: 'null', default: null, 'field-id': 1 }, { name: 'n' }] },
      records: [{ value: null, n: 7 }],
    })
    expect(readAvro(openAvro(bytes, 'memory'), codec)).toEqual([{ value: undefined, n: 7 }])
  })
})
