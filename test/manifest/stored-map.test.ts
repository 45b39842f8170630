/** Maps of metrics as they lie in manifests, in whatever blocks a writer cut them into. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { AvroCursor } from '../../src/format/avro-cursor.ts'
import { AvroSink } from '../../src/format/avro-sink.ts'
import { readBounds, readCounts } from '../../src/manifest/stored-map.ts'

interface Cut<T> {
  readonly blocks: readonly (readonly (readonly [number, T])[])[]
  /** Whether blocks say their size in bytes, too. */
  readonly sized: boolean
}

function encode<T>({ blocks, sized }: Cut<T>, write: (sink: AvroSink, value: T) => void): Uint8Array {
  const sink = new AvroSink()
  for (const pairs of blocks) {
    const block = new AvroSink()
    for (const [key, value] of pairs) {
      block.number(key)
      write(block, value)
    }
    const bytes = block.take()
    sink.number(sized ? -pairs.length : pairs.length)
    if (sized) sink.number(bytes.length)
    sink.fixed(bytes)
  }
  sink.number(0)
  return sink.take()
}

function cuts<T>(values: fc.Arbitrary<T>): fc.Arbitrary<Cut<T>> {
  const pairs = fc.array(fc.tuple(fc.nat(2 ** 31 - 1), values), { minLength: 1, maxLength: 80, size: 'max' })
  return fc.record({ blocks: fc.array(pairs, { maxLength: 3 }), sized: fc.boolean() })
}

/** Reads the map between other bytes, and all that its beginnings give. */
function check<T>(
  cut: Cut<T>,
  write: (sink: AvroSink, value: T) => void,
  read: (cursor: AvroCursor) => ReadonlyMap<number, T>,
): void {
  const bytes = encode(cut, write)
  const padded = Buffer.concat([Uint8Array.of(7, 7), bytes, Uint8Array.of(9, 9, 9, 9, 9)])
  const cursor = new AvroCursor(padded, 'memory')
  cursor.offset = 2
  const map = read(cursor)
  expect(cursor.offset).toBe(2 + bytes.length)
  expect(new Map(map)).toEqual(new Map(cut.blocks.flat()))
  for (let length = 0; length < bytes.length; length += 1 + (length >> 4)) {
    const beginning = new AvroCursor(bytes.subarray(0, length), 'memory')
    expect(() => read(beginning)).toThrow(InvalidDataError)
  }
}

describe('maps of metrics', () => {
  it('of counts are read whatever their blocks, and refused where they end early', () => {
    const counts = fc.oneof(fc.nat(300), fc.maxSafeNat())
    fc.assert(fc.property(cuts(counts), (cut) => check(cut, (sink, value) => sink.number(value), readCounts)))
  })

  it('of bounds are read whatever their blocks, and refused where they end early', () => {
    const bounds = fc.oneof(fc.uint8Array({ maxLength: 16 }), fc.uint8Array({ minLength: 60, maxLength: 200 }))
    fc.assert(fc.property(cuts(bounds), (cut) => check(cut, (sink, value) => sink.byteString(value), readBounds)))
  })
})
