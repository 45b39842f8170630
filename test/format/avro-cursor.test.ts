import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, ValidationError } from '../../src/base/errors.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { AvroCursor } from '../../src/format/avro-cursor.ts'
import { AvroSink } from '../../src/format/avro-sink.ts'
import { avscType } from './avsc-file.ts'

const LONGS = [0n, -1n, 1n, 63n, -64n, 64n, 2n ** 31n, -(2n ** 31n) - 1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

describe('binary encoding', () => {
  it.each([
    [0n, '00'],
    [-1n, '01'],
    [1n, '02'],
    [-64n, '7f'],
    [64n, '8001'],
    [2n ** 63n - 1n, 'feffffffffffffffff01'],
    [-(2n ** 63n), 'ffffffffffffffffff01'],
  ])('long %s is %s (the specification of Avro, "Primitive Types")', (value, hex) => {
    const sink = new AvroSink()
    sink.long(value)
    expect(Buffer.from(sink.take()).toString('hex')).toBe(hex)
  })

  it('longs are as avsc has them, and come back', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...LONGS), long), (value) => {
        const sink = new AvroSink()
        sink.long(value)
        const bytes = sink.take()
        expect(Buffer.from(bytes)).toEqual(avscType('long' as unknown as JsonObject).toBuffer(value))
        expect(new AvroCursor(bytes, 'memory').long()).toBe(value)
        const cursor = new AvroCursor(bytes, 'memory')
        cursor.skipLong()
        expect(cursor.remaining).toBe(0)
      }),
    )
  })

  it('numbers are the same longs, within 2^53', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const [asNumber, asLong] = [new AvroSink(), new AvroSink()]
        asNumber.number(value)
        asLong.long(BigInt(value))
        const bytes = asNumber.take()
        expect(bytes).toEqual(asLong.take())
        expect(new AvroCursor(bytes, 'memory').number()).toBe(value)
      }),
    )
    expect(() => new AvroSink().number(2 ** 53)).toThrow(ValidationError)
    expect(() => new AvroSink().number(1.5)).toThrow(ValidationError)
    expect(() => new AvroSink().int(2 ** 31)).toThrow(ValidationError)
    expect(() => new AvroSink().long(2n ** 63n)).toThrow(ValidationError)
  })

  it.each([
    ['a number beyond 2^53', (sink: AvroSink) => sink.long(2n ** 53n), (cursor: AvroCursor) => cursor.number()],
    ['an int beyond 2^31', (sink: AvroSink) => sink.long(2n ** 31n), (cursor: AvroCursor) => cursor.int()],
    [
      'eleven bytes',
      (sink: AvroSink) => sink.fixed(new Uint8Array(11).fill(0x80)),
      (cursor: AvroCursor) => cursor.long(),
    ],
    [
      '65 bits',
      (sink: AvroSink) => sink.fixed(Buffer.from('ffffffffffffffffff02', 'hex')),
      (c: AvroCursor) => c.long(),
    ],
    ['nothing', () => {}, (cursor: AvroCursor) => cursor.long()],
    ['half a double', (sink: AvroSink) => sink.float(1), (cursor: AvroCursor) => cursor.double()],
    ['a negative length', (sink: AvroSink) => sink.number(-5), (cursor: AvroCursor) => cursor.byteString()],
    ['a huge length', (sink: AvroSink) => sink.number(2 ** 52), (cursor: AvroCursor) => cursor.string()],
    ['a huge block', (sink: AvroSink) => sink.number(2 ** 52), (cursor: AvroCursor) => cursor.blockCount()],
    ['boolean 2', (sink: AvroSink) => sink.fixed(Uint8Array.of(2)), (cursor: AvroCursor) => cursor.boolean()],
    [
      'no UTF-8',
      (sink: AvroSink) => sink.byteString(Uint8Array.of(0xc3, 0x28)),
      (cursor: AvroCursor) => cursor.string(),
    ],
  ])('refuses %s', (_, write, read) => {
    const sink = new AvroSink()
    write(sink)
    expect(() => read(new AvroCursor(sink.take(), 's3://b/k'))).toThrow(InvalidDataError)
  })

  it('reads strings that hold the replacement character', () => {
    const sink = new AvroSink()
    sink.string('a\uFFFDb')
    expect(new AvroCursor(sink.take(), 'memory').string()).toBe('a\uFFFDb')
  })
})
