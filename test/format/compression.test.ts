/** What other compressors wrote unfolds to its text; damage, bombs and lies about lengths are refused. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32, deflateRawSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { xxHash32 } from '../../src/format/compression-lz4.ts'
import { avroCodec, decompress, prepareCodec } from '../../src/format/compression.ts'
import type { Codec } from '../../src/format/compression.ts'
import { compressionText } from './compression-text.ts'

const TEXT = compressionText()
const LIMIT = 2 ** 20
const LOCATION = 's3://b/k'

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures/compression', name)))
}

/** As Avro has it. */
function withCrc(block: Uint8Array, content: Uint8Array): Uint8Array {
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32(content))
  return new Uint8Array(Buffer.concat([block, crc]))
}

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
}

const SAMPLES: readonly (readonly [string, Codec, Uint8Array])[] = [
  ['level-1.zst', 'zstd', fixture('level-1.zst')],
  ['level-19-checksum.zst', 'zstd', fixture('level-19-checksum.zst')],
  ['unknown-size.zst', 'zstd', fixture('unknown-size.zst')],
  ['default.lz4', 'lz4', fixture('default.lz4')],
  ['linked-checksums-size.lz4', 'lz4', fixture('linked-checksums-size.lz4')],
  ['high-linked.lz4', 'lz4', fixture('high-linked.lz4')],
  ['block.snappy', 'snappy', withCrc(fixture('block.snappy'), TEXT)],
  ['deflate', 'deflate', new Uint8Array(deflateRawSync(TEXT))],
  ['gzip', 'gzip', new Uint8Array(gzipSync(TEXT))],
]

beforeAll(() => prepareCodec('zstd'))

function isText(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, TEXT) === 0
}

describe('decompress', () => {
  it.each(SAMPLES)('%s', (_, codec, bytes) => {
    expect(isText(decompress(codec, bytes, LOCATION, LIMIT))).toBe(true)
    expect(isText(decompress(codec, bytes, LOCATION, TEXT.length))).toBe(true)
    // Within a larger buffer, as blocks of files are.
    const inside = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(9)]).subarray(3, 3 + bytes.length)
    expect(isText(decompress(codec, inside, LOCATION, LIMIT))).toBe(true)
  })

  it.each(SAMPLES)('%s that unfolds to more than the limit is refused', (_, codec, bytes) => {
    for (const limit of [TEXT.length - 1, 1000, 1]) {
      expect(() => decompress(codec, bytes, LOCATION, limit)).toThrow(InvalidDataError)
    }
  })

  it.each([
    ['zstd', '28b52ffd 0400 010000 99e9d851'],
    ['zstd', '28b52ffd 2000 010000'],
    ['lz4', '04224d18 6440a7 00000000 055dcc02'],
    ['snappy', '00 00000000'],
  ] as const)('nothing by %s', (codec, text) => {
    expect(decompress(codec, hex(text), LOCATION, LIMIT)).toHaveLength(0)
  })

  it('a skippable frame and two frames of zstd', () => {
    const frames = Buffer.concat([hex('502a4d18 03000000 010203'), fixture('level-1.zst'), fixture('unknown-size.zst')])
    expect(decompress('zstd', frames, LOCATION, LIMIT)).toEqual(new Uint8Array(Buffer.concat([TEXT, TEXT])))
  })

  it('codecs of Avro that nobody writes manifests with are refused by name', () => {
    expect(avroCodec('null', LOCATION)).toBeUndefined()
    for (const name of ['bzip2', 'xz', 'lz4']) {
      expect(() => avroCodec(name, LOCATION)).toThrow(new RegExp(`"${name}" is not supported`))
      expect(() => avroCodec(name, LOCATION)).toThrow(UnsupportedError)
    }
  })

  it('xxHash as its specification computes it', () => {
    expect(xxHash32(new Uint8Array())).toBe(0x02cc5d05)
    expect(xxHash32(Buffer.from('abc'))).toBe(0x32d153ff)
    expect(xxHash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f)
  })
})

describe('hostile input', () => {
  const SEED = 20_261_126
  /** Damage may go unseen where the format has no checksum; what comes out must keep to the limit all the same. */
  function attempt(codec: Codec, bytes: Uint8Array): Uint8Array | undefined {
    try {
      const content = decompress(codec, bytes, LOCATION, LIMIT)
      expect(content.length).toBeLessThanOrEqual(LIMIT)
      return content
    } catch (error) {
      if (!(error instanceof InvalidDataError)) throw error
      expect(error.context['location']).toBe(LOCATION)
      return undefined
    }
  }

  it.each(SAMPLES)('%s cut anywhere', (_, codec, bytes) => {
    for (let length = 0; length < bytes.length; length += length < 40 || length > bytes.length - 40 ? 1 : 101) {
      expect(() => decompress(codec, bytes.slice(0, length), LOCATION, LIMIT)).toThrow(InvalidDataError)
    }
  })

  it.each(SAMPLES)('%s with bits flipped', (name, codec, bytes) => {
    const checked = !['level-1.zst', 'unknown-size.zst', 'high-linked.lz4', 'deflate'].includes(name)
    const place = fc.oneof(fc.nat(30), fc.nat(bytes.length - 1))
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat(7)), { minLength: 1, maxLength: 3 }), (flips) => {
        const damaged = bytes.slice()
        for (const [at, bit] of flips) damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
        const content = attempt(codec, damaged)
        if (checked && content !== undefined) expect(isText(content)).toBe(true)
      }),
      { seed: SEED, numRuns: 300 },
    )
    // The decoder is as good as new after all this.
    expect(isText(decompress(codec, bytes, LOCATION, LIMIT))).toBe(true)
  })

  it.each(['zstd', 'lz4', 'snappy', 'deflate', 'gzip'] as const)('any bytes as %s', (codec) => {
    const magic = { zstd: '28b52ffd', lz4: '04224d18 6440a7', snappy: '', deflate: '', gzip: '1f8b08' }[codec]
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        attempt(codec, bytes)
        attempt(codec, new Uint8Array(Buffer.concat([hex(magic), bytes])))
      }),
      { seed: SEED, numRuns: 500 },
    )
  })

  it.each([
    ['a frame of zstd that announces 2^60 bytes', 'zstd', '28b52ffd e0 0000000000000010 010000'],
    ['one that announces more than its blocks can hold', 'zstd', '28b52ffd a0 00000100 090000 61'],
    ['one with a window of 2 GB', 'zstd', '28b52ffd 00a8 090000 61'],
    ['one that needs a dictionary', 'zstd', '28b52ffd 0100 01 010000'],
    ['one without a last block', 'zstd', '28b52ffd 0000 000000'],
    ['a block of zstd that repeats a byte two million times', 'zstd', '28b52ffd 0058 fbffff 61'],
    ['a skippable frame that reaches beyond the end', 'zstd', '502a4d18 ffffffff 00'],
    ['a block of snappy that announces 4 GB', 'snappy', 'ffffffff0f 0000000000'],
    ['one that announces more than its bytes can hold', 'snappy', '808004 00 00000000'],
    ['a copy from before the beginning', 'snappy', '04 00 61 05 02 00000000'],
    ['a frame of LZ4 with a dictionary', 'lz4', '04224d18 6140 00000000 00 00000000'],
  ] as const)('%s', (_, codec, text) => {
    expect(() => decompress(codec, hex(text), LOCATION, LIMIT)).toThrow(InvalidDataError)
  })

  it('many blocks of zstd of a few bytes that repeat', () => {
    const bomb = hex(`28b52ffd 0058 ${'02001061'.repeat(10_000)} 030010 61`)
    expect(() => decompress('zstd', bomb, LOCATION, LIMIT)).toThrow(InvalidDataError)
  })
})
