import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { avroLong, avroString } from '../../src/format/avro-codec.ts'
import type { AvroCodec } from '../../src/format/avro-codec.ts'
import { avroRecord } from '../../src/format/avro-record.ts'
import { AvroSink } from '../../src/format/avro-sink.ts'
import { encodeAvro, openAvro, readAvro } from '../../src/format/avro.ts'
import { writeWithAvsc } from './avsc-file.ts'

function single<T>(codec: AvroCodec<T>): AvroCodec<{ readonly value: T }> {
  return avroRecord('single', { value: { id: 1, name: 'value', codec } })
}

describe('schemas', () => {
  const node: JsonObject = { type: 'record', name: 'N', fields: [{ name: 'next', type: ['null', 'N'], 'field-id': 1 }] }
  const explosive: JsonObject = Array.from({ length: 40 }).reduce<JsonObject>(
    (inner, _, i) => ({
      type: 'record',
      name: `N${i}`,
      fields: [
        { name: 'a', type: inner },
        { name: 'b', type: i === 0 ? 'int' : `N${i - 1}` },
      ],
    }),
    { type: 'record', name: 'L', fields: [{ name: 'x', type: 'null' }] },
  )

  it.each([
    ['recursive', node],
    ['exponential', explosive],
    ['of an unknown type', { type: 'record', name: 'R', fields: [{ name: 'a', type: 'integer' }] }],
    ['of no fields', { type: 'record', name: 'R' }],
    ['a number', 5],
  ])('%s is refused', (_, schema) => {
    const sink = new AvroSink()
    sink.fixed(Buffer.from('Obj\u0001'))
    sink.number(1)
    sink.string('avro.schema')
    sink.string(JSON.stringify(schema))
    sink.number(0)
    sink.fixed(new Uint8Array(16))
    expect(() => openAvro(sink.take(), 's3://b/k')).toThrow(InvalidDataError)
  })
})

describe('container files', () => {
  const codec = single(avroLong)
  const values = Array.from({ length: 1000 }, (_, i) => ({ value: BigInt(i) * 2n ** 53n }))

  it('of several blocks and codecs are read', () => {
    const schema: JsonObject = { type: 'record', name: 'r', fields: [{ name: 'value', type: 'long', 'field-id': 1 }] }
    for (const compression of ['null', 'deflate']) {
      const bytes = writeWithAvsc(schema, values, { codec: compression, blockRecords: 17, metadata: { x: 'ü' } })
      const file = openAvro(bytes, 'memory')
      expect(file.metadata.get('x')).toBe('ü')
      expect(readAvro(file, codec)).toEqual(values)
    }
  })

  it('are equal for equal content, and differ in their sync marker otherwise', () => {
    const write = (value: bigint): Uint8Array => encodeAvro(codec, [{ value }], { metadata: { a: 'b' } })
    expect(write(1n)).toEqual(write(1n))
    expect(write(1n).slice(-16)).not.toEqual(write(2n).slice(-16))
  })

  it('hold many megabytes in blocks of one', () => {
    const big = { value: 'x'.repeat(400_000) }
    const text = single(avroString)
    const records = Array.from({ length: 7 }, () => big)
    const bytes = encodeAvro(text, records, { compression: 'null' })
    expect(readAvro(openAvro(bytes, 'memory'), text)).toHaveLength(7)
  })

  it.each(['snappy', 'bzip2', 'xz', 'zstandard'])('of codec %s are refused by name, unless the runtime can', (name) => {
    const schema: JsonObject = { type: 'record', name: 'r', fields: [{ name: 'value', type: 'long', 'field-id': 1 }] }
    const read = (): unknown => readAvro(openAvro(writeWithAvsc(schema, values, { codec: name }), 'memory'), codec)
    const canZstd = Number(process.versions.node.split('.')[0]) >= 23
    if (name === 'zstandard' && canZstd) expect(read).toThrow(InvalidDataError)
    else expect(read).toThrow(UnsupportedError)
  })

  it.each([
    ['nothing', (): Uint8Array => new Uint8Array()],
    ['another magic', (b: Uint8Array) => b.map((byte, i) => (i === 3 ? 2 : byte))],
    ['a cut header', (b: Uint8Array) => b.slice(0, 40)],
    ['a cut block', (b: Uint8Array) => b.slice(0, -20)],
    ['a cut sync marker', (b: Uint8Array) => b.slice(0, -1)],
    ['another sync marker', (b: Uint8Array) => b.map((byte, i) => (i === b.length - 1 ? byte ^ 1 : byte))],
    ['bytes after the end', (b: Uint8Array) => Uint8Array.of(...b, 7)],
  ])('with %s are refused', (_, damage) => {
    const bytes = damage(encodeAvro(codec, values))
    expect(() => readAvro(openAvro(bytes, 's3://b/k'), codec)).toThrow(InvalidDataError)
    expect(() => readAvro(openAvro(bytes, 's3://b/k'), codec)).toThrow(/s3:\/\/b\/k/)
  })
})
