/** Deletion vectors of other engines, and damaged ones. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { decodeDeletionVector, encodeDeletionVector } from '../../src/format/deletion-vector.ts'
import { decodeRoaring, encodeRoaring } from '../../src/format/roaring-codec.ts'
import { positionSetOf } from '../../src/format/roaring.ts'

const JAVA = '../fixtures/iceberg-java/core/org/apache/iceberg/deletes'
const BARE =
  '../fixtures/duckdb/legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector/data/legacy-bare-deletion-vector.puffin'
const LOCATION = 's3://b/dv.puffin'

function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(import.meta.dirname, path)))
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

const HIGH = 2 ** 32
/** As Java's tests that wrote the files list them. */
const VECTORS: readonly (readonly [string, readonly number[]])[] = [
  [`${JAVA}/empty-position-index.bin`, []],
  [`${JAVA}/small-alternating-values-position-index.bin`, [1, 3, 5, 7, 9]],
  [`${JAVA}/small-and-large-values-position-index.bin`, [100, 101, 2 ** 31 + 99, 2 ** 31 + 100]],
  [
    `${JAVA}/all-container-types-position-index.bin`,
    [
      5,
      7,
      ...range(65_537, 66_535),
      ...range(131_073, 196_606),
      ...[10, 20, ...range(65_546, 66_035), ...range(131_073, 196_606)].map((position) => HIGH + position),
    ],
  ],
  ['../fixtures/iceberg-go/puffin/deletion-vector-v1-payload.bin', [1, 3, 5, 7, 9]],
  [BARE, [1]],
]

describe('deletion vectors of other engines', () => {
  it.each(VECTORS)('%s is read, and written the same', (path, positions) => {
    const bytes = bytesOf(path)
    expect([...decodeDeletionVector(bytes, LOCATION)]).toEqual(positions)
    expect(encodeDeletionVector(positionSetOf(positions))).toEqual(bytes)
  })

  it.each([
    ['64mapempty', []],
    ['64map32bitvals', range(0, 9)],
    ['64mapspreadvals', range(0, 9).flatMap((key) => range(key * HIGH, key * HIGH + 9))],
  ] as const)('the 64-bit bitmap %s is read, and written the same', (name, positions) => {
    const bytes = bytesOf(`${JAVA}/${name}.bin`)
    const set = decodeRoaring(bytes, LOCATION)
    expect([...set]).toEqual(positions)
    expect(encodeRoaring(set)).toEqual(bytes) // in the forms that it has: it was written without looking for runs
  })

  it('positions that no file can have are refused, as Java does', () => {
    expect(() => decodeRoaring(bytesOf(`${JAVA}/64maphighvals.bin`), LOCATION)).toThrow(/key \d+ .* beyond/)
  })
})

/** One container of each form, a bitmap among them, which the fixtures lack; four, so that offsets are written. */
const EACH_FORM = encodeDeletionVector(
  positionSetOf([3, 90, ...range(65_600, 90_000), ...range(131_072, 151_072).filter((n) => n % 3 > 0), HIGH, 200_000]),
)

function readsOrRefuses(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof InvalidDataError)) throw error
    expect(error.context['location']).toBe(LOCATION)
    expect(error.message).toContain(LOCATION)
  }
}

/** With a length and a checksum that fit, so that only the structure can give the damage away. */
function reframed(vector: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.of(0xd1, 0xd3, 0x39, 0x64), vector])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(body.length)
  frame.writeUInt32BE(crc32(body), 4)
  return new Uint8Array(Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]))
}

describe('hostile deletion vectors', () => {
  const blobs = [...VECTORS.map(([path]) => [path, bytesOf(path)] as const), ['each form', EACH_FORM] as const]

  it.each(blobs)('%s: cut anywhere', (_, bytes) => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => decodeDeletionVector(bytes.slice(0, length), LOCATION)).toThrow(InvalidDataError)
    }
  })

  it.each(blobs)('%s: any bit flipped', (_, bytes) => {
    for (let bit = 0; bit < bytes.length * 8; bit += bytes.length > 1000 ? 97 : 1) {
      const flipped = bytes.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => decodeDeletionVector(flipped, LOCATION)).toThrow(InvalidDataError)
    }
  })

  it.each(blobs)('%s: damaged below the checksum', (_, bytes) => {
    const vector = bytes.slice(8, -4)
    const damage = fc.array(fc.tuple(fc.oneof(fc.nat(60), fc.nat(vector.length)), fc.nat(255)), { maxLength: 4 })
    fc.assert(
      fc.property(damage, fc.nat(vector.length), fc.boolean(), (bits, length, cut) => {
        const damaged = vector.slice(0, cut ? length : vector.length)
        for (const [at, byte] of bits) if (at < damaged.length) damaged[at] = byte
        readsOrRefuses(() => {
          const set = decodeDeletionVector(reframed(damaged), LOCATION)
          const missing = Array.from(set).filter((position) => !set.has(position))
          expect(missing).toEqual([])
          expect(decodeRoaring(encodeRoaring(set), LOCATION)).toEqual(set)
        })
      }),
      { seed: 20_261_126, numRuns: 300 },
    )
  })

  it.each([
    ['more bitmaps than bytes', 'ffffffffffffffff'],
    ['more containers than bytes', '0100000000000000 00000000 3b30ffff'],
    ['more containers than keys', '0100000000000000 00000000 3a300000 ffffffff'],
    ['an unknown cookie', '0100000000000000 00000000 3c300000 00000000'],
    ['keys in disorder', '0200000000000000 01000000 3a30000000000000 00000000 3a30000000000000'],
    ['positions in disorder', '0100000000000000 00000000 3a30000001000000 00000100 10000000 05000500'],
    ['runs that end beyond their container', '0100000000000000 00000000 3b300000 01 00000100 0100 ffff0100'],
    ['runs that overlap', '0100000000000000 00000000 3b300000 01 00000300 0200 0100010002000100'],
    ['runs of another cardinality', '0100000000000000 00000000 3b300000 01 00000300 0100 01000100'],
    ['bytes behind the end', '0000000000000000 00'],
  ])('%s', (_, hex) => {
    const vector = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    expect(() => decodeDeletionVector(reframed(vector), LOCATION)).toThrow(/not a roaring bitmap/)
  })
})
