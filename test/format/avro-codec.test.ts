import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import type { JsonObject, JsonValue } from '../../src/base/json.ts'
import {
  avroArray,
  avroBoolean,
  avroBytes,
  avroInt,
  avroLong,
  avroMapped,
  avroNumber,
  avroOptional,
  avroString,
} from '../../src/format/avro-codec.ts'
import type { AvroCodec } from '../../src/format/avro-codec.ts'
import { avroIntMap } from '../../src/format/avro-int-map.ts'
import { avroRecord, optionalField } from '../../src/format/avro-record.ts'
import { AvroSink } from '../../src/format/avro-sink.ts'
import { encodeAvro, openAvro, readAvro, readAvroBlocks } from '../../src/format/avro.ts'
import { writeWithAvsc } from './avsc-file.ts'

/** A value as a file of its own, in a record with one field. */
function single<T>(codec: AvroCodec<T>): AvroCodec<{ readonly value: T }> {
  return avroRecord('single', { value: { id: 1, name: 'value', codec } })
}

function roundTrip<T>(codec: AvroCodec<T>, value: T): T | undefined {
  const file = openAvro(encodeAvro(single(codec), [{ value }]), 'memory')
  return readAvro(file, single(codec))[0]?.value
}

/** What a codec reads from a value that avsc wrote with another type. */
function readFrom<T>(codec: AvroCodec<T>, type: JsonValue, value: unknown): T | undefined {
  const schema = { type: 'record', name: 'single', fields: [{ name: 'value', type, 'field-id': 1 }] } as JsonObject
  return readAvro(openAvro(writeWithAvsc(schema, [{ value }]), 'memory'), single(codec))[0]?.value
}

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

describe('codecs', () => {
  interface Row {
    readonly flag: boolean
    readonly small: number
    readonly count: number
    readonly id: bigint
    readonly text: string
    readonly bytes: Uint8Array
    readonly maybe: string | undefined
    readonly items: readonly bigint[]
  }

  it('give back what they wrote', () => {
    fc.assert(
      fc.property(
        fc.record({
          flag: fc.boolean(),
          small: fc.integer(),
          count: fc.maxSafeInteger(),
          id: long,
          text: fc.string({ unit: 'grapheme' }),
          bytes: fc.uint8Array(),
          maybe: fc.option(fc.string(), { nil: undefined }),
          items: fc.array(long),
        }),
        (value: Row) => {
          const codec = avroRecord<Row>('all', {
            flag: { id: 1, name: 'flag', codec: avroBoolean },
            small: { id: 2, name: 'small', codec: avroInt },
            count: { id: 3, name: 'count', codec: avroNumber },
            id: { id: 4, name: 'id', codec: avroLong },
            text: { id: 5, name: 'text', codec: avroString },
            bytes: { id: 6, name: 'bytes', codec: avroBytes },
            maybe: optionalField(7, 'maybe', avroString),
            items: { id: 8, name: 'items', codec: avroArray(avroLong, 9) },
          })
          expect(readAvro(openAvro(encodeAvro(codec, [value, value]), 'memory'), codec)).toEqual([value, value])
        },
      ),
    )
  })

  it('read bytes that are plain arrays, not Buffers', () => {
    expect(roundTrip(avroBytes, Buffer.from('abc'))).toStrictEqual(Uint8Array.of(97, 98, 99))
  })

  it.each([
    ['int as long', avroLong, 'int', 7, 7n],
    ['long as int', avroInt, 'long', 7n, 7],
    ['fixed as bytes', avroBytes, { type: 'fixed', name: 'f', size: 2 }, Buffer.from([1, 2]), Uint8Array.of(1, 2)],
    ['null last', avroOptional(avroLong), ['long', 'null'], null, undefined],
    ['not optional, for optional', avroOptional(avroLong), 'long', 5n, 5n],
    ['optional, for required', avroLong, ['null', 'long'], 5n, 5n],
  ] as const)('read %s', (_, codec, type, value, expected) => {
    expect(readFrom<unknown>(codec as AvroCodec<unknown>, type as JsonValue, value)).toEqual(expected)
  })

  it.each([
    ['a string as long', avroLong, 'string', 'x'],
    ['a double as int', avroInt, 'double', 1],
    ['null for a required value', avroLong, ['null', 'long'], null],
    ['the branch of a union that is another type', avroLong, ['string', 'long'], 'x'],
    ['a long beyond int', avroInt, 'long', 2n ** 31n],
  ] as const)('refuse %s', (_, codec, type, value) => {
    expect(() => readFrom<unknown>(codec as AvroCodec<unknown>, type as JsonValue, value)).toThrow(InvalidDataError)
  })

  it('refuse what a mapped codec does not know, at its place', () => {
    const yes = avroMapped<number, string>(
      avroInt,
      (n, cursor) => (n === 1 ? 'yes' : cursor.fail('not yes')),
      () => 2,
    )
    expect(() => roundTrip(yes, 'no')).toThrow(/memory: not yes/)
  })
})

describe('records of other writers', () => {
  interface Row {
    readonly id: bigint
    readonly name: string | undefined
    readonly size: number
  }
  const codec = avroRecord<Row>('row', {
    id: { id: 1, name: 'id', codec: avroLong },
    name: optionalField(2, 'name', avroString),
    size: { id: 3, name: 'size', codec: avroNumber, fallback: 42, since: 2 },
  })
  const read = (fields: readonly JsonObject[], record: unknown): unknown =>
    readAvro(openAvro(writeWithAvsc({ type: 'record', name: 'other', fields }, [record]), 'memory'), codec)[0]

  it('are matched by field id, whatever their names and order; the rest is skipped', () => {
    const fields = [
      { name: 'extra_map', type: { type: 'map', values: ['null', 'string', 'double'] }, 'field-id': 90 },
      { name: 'groesse', type: 'long', 'field-id': 3 },
      { name: 'extra_enum', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'field-id': 91 },
      { name: 'extra_list', type: { type: 'array', items: { type: 'fixed', name: 'F', size: 3 } }, 'field-id': 92 },
      { name: 'id', type: ['null', 'string'], 'field-id': 2 },
      { name: 'extra', type: { type: 'record', name: 'R', fields: [{ name: 'b', type: 'boolean' }] }, 'field-id': 93 },
      { name: 'extra_float', type: 'float', 'field-id': 94 },
      { name: 'nummer', type: 'long', 'field-id': 1 },
    ]
    const record = {
      extra_map: { a: 'x', b: null, c: 1.5 },
      groesse: 7n,
      extra_enum: 'B',
      extra_list: [Buffer.from('abc'), Buffer.from('def')],
      id: 'anna',
      extra: { b: true },
      extra_float: 1,
      nummer: 5n,
    }
    expect(read(fields, record)).toEqual({ id: 5n, name: 'anna', size: 7 })
  })

  it('are matched by name where no field has an id', () => {
    const fields = [
      { name: 'size', type: 'long' },
      { name: 'id', type: 'long' },
    ]
    expect(read(fields, { size: 1n, id: 2n })).toEqual({ id: 2n, name: undefined, size: 1 })
  })

  it('have the fallback for what they lack or leave null', () => {
    expect(read([{ name: 'id', type: 'long', 'field-id': 1 }], { id: 1n })).toEqual({
      id: 1n,
      name: undefined,
      size: 42,
    })
    const fields = [
      { name: 'id', type: 'long', 'field-id': 1 },
      { name: 'size', type: ['null', 'long'], 'field-id': 3 },
    ]
    expect(read(fields, { id: 1n, size: null })).toEqual({ id: 1n, name: undefined, size: 42 })
  })

  it('are refused without a required field, by its name', () => {
    expect(() => read([{ name: 'x', type: 'long', 'field-id': 9 }], { x: 1n })).toThrow(/field id \(1\) is missing/)
    expect(() => read([{ name: 'x', type: 'string', 'field-id': 1 }], { x: '' })).toThrow(
      /field x \(1\) has the wrong type/,
    )
  })

  it('may define their types anywhere and nest `type`', () => {
    const fields = [
      { name: 'a', type: { type: 'fixed', name: 'Two', namespace: 'org.x', size: 2 }, 'field-id': 8 },
      { name: 'b', type: ['null', 'org.x.Two'], 'field-id': 9 },
      { name: 'id', type: { type: 'int' }, 'field-id': 1 },
    ]
    expect(read(fields, { a: Buffer.from('ab'), b: Buffer.from('cd'), id: 3 })).toMatchObject({ id: 3n })
  })

  it('are written as of a format version', () => {
    const v1 = avroRecord<Row>(
      'row',
      {
        id: { id: 1, name: 'id', codec: avroLong },
        name: optionalField(2, 'name', avroString),
        size: { id: 3, name: 'size', codec: avroNumber, fallback: 42, since: 2 },
      },
      { version: 1 },
    )
    const bytes = encodeAvro(v1, [{ id: 1n, name: undefined, size: 7 }])
    expect(readAvro(openAvro(bytes, 'memory'), codec)).toEqual([{ id: 1n, name: undefined, size: 42 }])
  })
})

describe('arrays and maps in blocks', () => {
  const map = avroIntMap(117, 118, avroNumber)
  const LAYOUT = {
    type: 'record',
    name: 'k117_v118',
    fields: [
      { name: 'key', type: 'int' },
      { name: 'value', type: 'long' },
    ],
  }
  const SCHEMA = { type: 'record', name: 'single', fields: [{ name: 'value', type: { type: 'array', items: LAYOUT } }] }

  /** One record of the given bytes. */
  function readBytes<T>(codec: AvroCodec<T>, schema: JsonObject, bytes: readonly number[]): T | undefined {
    const sink = new AvroSink()
    sink.fixed(writeWithAvsc(schema, []))
    sink.number(1)
    sink.byteString(Uint8Array.from(bytes))
    sink.fixed(Buffer.from('0123456789abcdef'))
    return readAvro(openAvro(sink.take(), 'memory'), single(codec))[0]?.value
  }

  it('are read over several blocks, with sizes or without', () => {
    // count 1: 1 → 2; count -2 of 4 bytes: 3 → 4, 5 → 6; end
    const bytes = [2, 2, 4, 3, 8, 6, 8, 10, 12, 0]
    const read = readBytes(map, SCHEMA, bytes)
    expect(new Map(read)).toEqual(new Map([[1, 2], [3, 4], [5, 6]])) // oxfmt-ignore
    const LIST = { ...SCHEMA, fields: [{ name: 'value', type: { type: 'array', items: 'long' } }] }
    expect(readBytes(avroArray(avroNumber, 1), LIST, [2, 2, 3, 4, 4, 6, 0])).toEqual([1, 2, 3])
  })

  it('are refused where items have no bytes, so that their count has no end', () => {
    const NULLS = { ...SCHEMA, fields: [{ name: 'value', type: { type: 'array', items: 'null' } }] }
    const nothing: AvroCodec<undefined> = { schema: 'null', write: () => {}, resolve: () => () => undefined }
    const bytes = [200, 1, ...Array.from({ length: 200 }, () => 0)]
    expect(() => readBytes(avroArray(nothing, 1), NULLS, bytes)).toThrow(/items of no bytes/)
  })

  it('stay encoded until they are looked into', () => {
    const lazy = roundTrip(map, new Map([[1, 10], [7, 2 ** 40], [-3, 0]])) // oxfmt-ignore
    expect(lazy?.size).toBe(3)
    expect([lazy?.get(7), lazy?.get(-3), lazy?.get(1), lazy?.get(2)]).toEqual([2 ** 40, 0, 10, undefined])
    expect([lazy?.has(7), lazy?.has(8)]).toEqual([true, false])
    expect([...(lazy?.keys() ?? [])]).toEqual([1, 7, -3])
    expect([...(lazy?.values() ?? [])]).toEqual([10, 2 ** 40, 0])
    const seen: unknown[] = []
    lazy?.forEach((value, key) => seen.push([key, value, lazy.get(1)]))
    expect(seen).toEqual([[1, 10, 10], [7, 2 ** 40, 10], [-3, 0, 10]]) // oxfmt-ignore
    const pairs: unknown[] = []
    for (const [key] of lazy ?? []) pairs.push([key, lazy?.get(key)])
    expect(pairs).toEqual([[1, 10], [7, 2 ** 40], [-3, 0]]) // oxfmt-ignore
  })

  it('may be looked into while records behind them are still to be read', () => {
    const records = Array.from({ length: 1000 }, (_, i) => ({ value: new Map([[1, 0], [2000, i]]) })) // oxfmt-ignore
    const file = openAvro(encodeAvro(single(map), records), 'memory')
    let i = 0
    for (const read of readAvroBlocks(file, single(map))) {
      for (const { value } of read) {
        expect(value.get(2000)).toBe(i)
        i += 1
      }
    }
    expect(i).toBe(1000)
  })
})
