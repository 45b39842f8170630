/** Damaged manifests and lists: refused with their location, or read as something else; no hang, no other error. */
import { constants, deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { AvroSink } from '../../src/format/avro-sink.ts'
import { decodeManifestList } from '../../src/manifest/manifest-list.ts'
import { decodeManifest } from '../../src/manifest/manifest-reader.ts'
import { readWithAvsc, writeWithAvsc } from '../format/avsc-file.ts'
import { LISTS, MANIFESTS, contextOf, plainEntry, readBytes } from './manifest-fixtures.ts'

type Damage = readonly (readonly [place: number, bit: number])[]
const damage: fc.Arbitrary<Damage> = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(7)),
  { minLength: 1, maxLength: 4 },
)

function flip(bytes: Uint8Array, flips: Damage, from = 0): Uint8Array {
  const copy = bytes.slice()
  for (const [place, bit] of flips) {
    const at = from + Math.floor(place * (bytes.length - from))
    copy[at] = (copy[at] ?? 0) ^ (1 << bit)
  }
  return copy
}

/** Reads, and looks into all that was put off. */
function attempt(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    const isExpected = error instanceof InvalidDataError || error instanceof UnsupportedError
    if (!isExpected) throw error
    expect(error.context['location']).toBe('s3://b/k')
  }
}

/** Uncompressed, so that damage gets past zlib to the records. */
function uncompressed(path: string): Uint8Array {
  const { schema, records, metadata } = readWithAvsc(readBytes(path))
  return writeWithAvsc(schema, records, { metadata })
}

const READERS: readonly (readonly [string, (bytes: Uint8Array) => unknown])[] = [
  ...LISTS.slice(0, 12).map((path) => [path, (bytes: Uint8Array) => decodeManifestList(bytes, 's3://b/k')] as const),
  ...MANIFESTS.slice(0, 12).map((path) => {
    const context = contextOf(path)
    return [path, (bytes: Uint8Array) => decodeManifest(bytes, 's3://b/k', context).map(plainEntry)] as const
  }),
]
const SEED = 20_261_124

describe('hostile input', () => {
  it.each(READERS)('flipped bits anywhere: %s', (path, read) => {
    const bytes = readBytes(path)
    fc.assert(
      fc.property(damage, (flips) => attempt(() => read(flip(bytes, flips)))),
      { seed: SEED, numRuns: 150 },
    )
  })

  it.each(READERS)('flipped bits in records: %s', (path, read) => {
    const bytes = uncompressed(path)
    const from = Buffer.from(bytes).indexOf('0123456789abcdef')
    expect(from).toBeGreaterThan(0)
    fc.assert(
      fc.property(damage, (flips) => attempt(() => read(flip(bytes, flips, from)))),
      { seed: SEED, numRuns: 150 },
    )
  })

  it.each(READERS.slice(0, 1).concat(READERS.slice(-1)))('cut anywhere: %s', (path, read) => {
    const bytes = uncompressed(path)
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => read(bytes.slice(0, length))).toThrow(InvalidDataError)
    }
  })

  it('a deflated block that unfolds to more than its limit', () => {
    const [path = ''] = LISTS
    const { schema } = readWithAvsc(readBytes(path))
    // Flushed parts can be repeated: 300 MiB in 300 KB.
    const part = deflateRawSync(Buffer.alloc(1024 * 1024), { finishFlush: constants.Z_FULL_FLUSH })
    const bomb = Buffer.concat([...Array.from({ length: 300 }, () => part), deflateRawSync(Buffer.alloc(0))])
    const sink = new AvroSink()
    sink.fixed(writeWithAvsc(schema, [], { codec: 'deflate' }))
    sink.number(1)
    sink.byteString(bomb)
    sink.fixed(Buffer.from('0123456789abcdef'))
    expect(() => decodeManifestList(sink.take(), 's3://b/k')).toThrow(/can't be decompressed.*larger than/)
  })

  it('more records or bytes than there are', () => {
    const [path = ''] = LISTS
    const bytes = uncompressed(path)
    const at = Buffer.from(bytes).indexOf('0123456789abcdef') + 16
    for (const lie of ['feffffffffffffffff01', 'ffffffffffffffffff01', 'fcffffffffffff1f', '01']) {
      const lied = Uint8Array.from([...bytes.slice(0, at), ...Buffer.from(lie, 'hex'), ...bytes.slice(at + 1)])
      expect(() => decodeManifestList(lied, 's3://b/k')).toThrow(InvalidDataError)
    }
  })
})
