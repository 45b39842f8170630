import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { avroBytes, avroLong, avroString } from '../../src/format/avro-codec.ts'
import type { AvroCodec } from '../../src/format/avro-codec.ts'
import { avroRecord } from '../../src/format/avro-record.ts'
import { AvroSink } from '../../src/format/avro-sink.ts'
import { encodeAvro, openAvro, prepareAvro, readAvro } from '../../src/format/avro.ts'
import { writeWithAvsc } from './avsc-file.ts'
import { compressionText } from './compression-text.ts'

/** Records of one byte each, whose block is any text. */
const BYTE: JsonObject = { type: 'fixed', name: 'byte_1', size: 1 }

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

  it.each([
    ['snappy', 'block.snappy'],
    ['zstandard', 'level-19-checksum.zst'],
  ])('of codec %s, written by another compressor, are read', async (name, file) => {
    const block = readFileSync(join(import.meta.dirname, '../fixtures/compression', file))
    const crc = Buffer.alloc(name === 'snappy' ? 4 : 0)
    if (name === 'snappy') crc.writeUInt32BE(crc32(compressionText()))
    const sink = new AvroSink()
    const schema: JsonObject = { type: 'record', name: 'r', fields: [{ name: 'byte', type: BYTE, 'field-id': 1 }] }
    sink.fixed(writeWithAvsc(schema, [], { codec: name }))
    sink.number(compressionText().length)
    sink.byteString(Buffer.concat([block, crc]))
    sink.fixed(Buffer.from('0123456789abcdef'))
    const bytes = sink.take()
    await prepareAvro(bytes, 'memory')
    const bytesCodec = avroRecord('r', { byte: { id: 1, name: 'byte', codec: { ...avroBytes, schema: BYTE } } })
    const records = readAvro(openAvro(bytes, 'memory'), bytesCodec)
    expect(Buffer.compare(Buffer.concat(records.map(({ byte }) => byte)), compressionText())).toBe(0)
  })

  it.each(['bzip2', 'xz'])('of codec %s are refused by name', (name) => {
    const schema: JsonObject = { type: 'record', name: 'r', fields: [{ name: 'value', type: 'long', 'field-id': 1 }] }
    const read = (): unknown => readAvro(openAvro(writeWithAvsc(schema, values, { codec: name }), 'memory'), codec)
    expect(read).toThrow(UnsupportedError)
    expect(read).toThrow(new RegExp(`"${name}" is not supported`))
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
