/** Puffin files of Java and Go, files with all that the specification allows, and damaged ones. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { decodeDeletionVector } from '../../src/format/deletion-vector.ts'
import {
  encodePuffin,
  parsePuffinFooter,
  puffinFooterBytes,
  readPuffinBlob,
  readPuffinFooter,
} from '../../src/format/puffin.ts'
import type { PuffinFooter } from '../../src/format/puffin.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { compressionText } from './compression-text.ts'

const JAVA = 'iceberg-java/core/org/apache/iceberg/puffin/v1'
const LOCATION = 'memory://puffin/stats.puffin'
const NUMBERS = { snapshotId: 2n, sequenceNumber: 1n, properties: {} }

function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(import.meta.dirname, '../fixtures', path)))
}

/** The footer, and all blobs unfolded. */
async function readAll(bytes: Uint8Array): Promise<{ footer: PuffinFooter; contents: Uint8Array[] }> {
  const io: FileIO = new MemoryFileIO({ runtime: systemRuntime })
  await io.write(LOCATION, bytes)
  const footer = await readPuffinFooter(io, LOCATION, bytes.length)
  return { footer, contents: await Promise.all(footer.blobs.map((blob) => readPuffinBlob(io, LOCATION, blob))) }
}

/** A file of one blob and a footer of any text. */
function fileOf(blob: Uint8Array, payload: Uint8Array, flags: number): Uint8Array {
  const trailer = Buffer.alloc(8)
  trailer.writeInt32LE(payload.length)
  trailer.writeUInt32LE(flags, 4)
  return new Uint8Array(Buffer.concat([Buffer.from('PFA1'), blob, Buffer.from('PFA1'), payload, trailer, MAGIC]))
}
const MAGIC = Buffer.from('PFA1')

describe('Puffin files of other engines', () => {
  const texts = ['abcdefghi', 'some blob \0 binary data 🤯 that is not very very very very very very long, is it?']

  it.each(['sample-metric-data-uncompressed', 'sample-metric-data-compressed-zstd'])('%s', async (name) => {
    const { footer, contents } = await readAll(bytesOf(`${JAVA}/${name}.bin`))
    expect(footer).toMatchObject({
      properties: { 'created-by': 'Test 1234' },
      blobs: [
        { type: 'some-blob', fields: [1], ...NUMBERS },
        { type: 'some-other-blob', fields: [2], ...NUMBERS },
      ],
    })
    expect(contents.map((content) => Buffer.from(content).toString())).toEqual(texts)
  })

  it('are written byte for byte', () => {
    const blobs = [
      { type: 'some-blob', fields: [1], ...NUMBERS, bytes: Buffer.from(texts[0] ?? '') },
      { type: 'some-other-blob', fields: [2], ...NUMBERS, bytes: Buffer.from(texts[1] ?? '') },
    ]
    const sample = bytesOf(`${JAVA}/sample-metric-data-uncompressed.bin`)
    const { bytes, footer } = encodePuffin(blobs, { 'created-by': 'Test 1234' })
    expect(bytes).toEqual(sample)
    expect(footer).toEqual(parsePuffinFooter(sample, sample.length, LOCATION))
    expect(encodePuffin([], {}).bytes).toEqual(bytesOf(`${JAVA}/empty-puffin-uncompressed.bin`))
  })

  it('deletion vectors by their place, with what their properties say', async () => {
    const { footer, contents } = await readAll(bytesOf('iceberg-go/deletes/multi-blob-dv.puffin'))
    expect(footer.blobs).toMatchObject([
      {
        type: 'deletion-vector-v1',
        fields: [2_147_483_645],
        snapshotId: -1n,
        sequenceNumber: -1n,
        properties: { 'referenced-data-file': 's3://warehouse/db/table/data/file-001.parquet', cardinality: '3' },
      },
      { properties: { 'referenced-data-file': 's3://warehouse/db/table/data/file-002.parquet', cardinality: '2' } },
    ])
    expect(contents.map((blob) => Array.from(decodeDeletionVector(blob, LOCATION)))).toEqual([
      [0, 100, 200],
      [50, 150],
    ])
    for (const name of ['iceberg-go/deletes/single-blob-dv.puffin', 'iceberg-go/puffin/deletion-vector-v1.puffin']) {
      const single = await readAll(bytesOf(name))
      expect(single.contents.map((blob) => Array.from(decodeDeletionVector(blob, LOCATION)))).toEqual([[1, 3, 5, 7, 9]])
      const [blob] = single.footer.blobs
      expect(blob?.properties).toMatchObject({ cardinality: '5' })
    }
  })
})

describe('compressed Puffin files', () => {
  const payload = (codec: string, length: number): Uint8Array =>
    Buffer.from(
      `{"blobs":[{"type":"t","fields":[],"snapshot-id":1,"sequence-number":1,"offset":4,"length":${length},` +
        `"compression-codec":"${codec}"}]}`,
    )

  it.each([
    ['lz4', 'linked-checksums-size.lz4'],
    ['zstd', 'level-19-checksum.zst'],
  ])('a blob of codec %s', async (codec, file) => {
    const blob = bytesOf(`compression/${file}`)
    const { contents } = await readAll(fileOf(blob, payload(codec, blob.length), 0))
    expect(Buffer.compare(contents[0] ?? new Uint8Array(), compressionText())).toBe(0)
  })

  it('a footer in LZ4, as none of Java, Go and PyIceberg reads it', async () => {
    // A frame with one stored block: no compressor is needed to write it.
    const text = Buffer.from('{"blobs":[],"properties":{"a":"b"}}')
    const size = Buffer.alloc(4)
    size.writeUInt32LE(0x8000_0000 + text.length)
    const frame = Buffer.concat([Buffer.from('04224d18604082', 'hex'), size, text, Buffer.alloc(4)])
    const { footer } = await readAll(fileOf(new Uint8Array(), frame, 1))
    expect(footer).toMatchObject({ blobs: [], properties: { a: 'b' } })
  })

  it('a blob of another codec is listed, and refused when read', async () => {
    const bytes = fileOf(Buffer.from('x'), payload('brotli', 1), 0)
    expect(parsePuffinFooter(bytes, bytes.length, LOCATION).blobs).toMatchObject([{ compressionCodec: 'brotli' }])
    await expect(readAll(bytes)).rejects.toThrow(UnsupportedError)
  })

  it('a footer longer than the tail that is read first', async () => {
    const properties = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`property-${i}`, 'x'.repeat(20)]))
    const { bytes } = encodePuffin([{ type: 't', fields: [], ...NUMBERS, bytes: Buffer.from('abc') }], properties)
    const { footer, contents } = await readAll(bytes)
    expect(footer.properties).toEqual(properties)
    expect(footer.sizeBytes).toBeGreaterThan(100_000)
    expect(contents).toEqual([new Uint8Array(Buffer.from('abc'))])
  })
})

describe('hostile Puffin files', () => {
  const files = [
    `${JAVA}/sample-metric-data-compressed-zstd.bin`,
    `${JAVA}/empty-puffin-uncompressed.bin`,
    'iceberg-go/deletes/multi-blob-dv.puffin',
  ]

  it.each(files)('%s cut anywhere', async (path) => {
    const bytes = bytesOf(path)
    for (let length = 0; length < bytes.length; length += 1) {
      await expect(readAll(bytes.slice(0, length))).rejects.toThrow(InvalidDataError)
    }
  })

  it.each(files)('%s with bits flipped', async (path) => {
    const bytes = bytesOf(path)
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      await readAll(flipped).catch((error: unknown) => {
        // The footer has no checksum: a changed codec is another codec.
        if (!(error instanceof InvalidDataError || error instanceof UnsupportedError)) throw error
        expect(error.context['location']).toBe(LOCATION)
      })
    }
  })

  it.each([
    ['-4', '10'],
    ['3', '2'],
    ['4', '9007199254740991'],
    ['4', '-1'],
    ['5', '3'],
    ['4.5', '1'],
    ['"4"', '1'],
  ])('a blob at %s of %s bytes in a file that has 3 for blobs', (offset, length) => {
    const json = `{"blobs":[{"type":"t","fields":[],"snapshot-id":1,"sequence-number":1,"offset":${offset},"length":${length}}]}`
    const bytes = fileOf(Buffer.from('abc'), Buffer.from(json), 0)
    expect(() => parsePuffinFooter(bytes, bytes.length, LOCATION)).toThrow(InvalidDataError)
  })

  it.each(['{}', '[]', 'null', '{"blobs":1}', '{"blobs":[{}]}', '{"blobs":[],"properties":{"a":1}}', '', '\u00ff'])(
    'a footer of %s',
    (json) => {
      const bytes = fileOf(new Uint8Array(), Buffer.from(json, 'latin1'), 0)
      expect(() => parsePuffinFooter(bytes, bytes.length, LOCATION)).toThrow(InvalidDataError)
    },
  )

  it('a footer that gives its size wrong, and unknown flags', () => {
    const bytes = bytesOf(files[0] ?? '')
    for (const size of [-1, -(2 ** 31), 2 ** 31 - 1, bytes.length - 19, 297, 299, 0]) {
      const lied = Buffer.from(bytes)
      lied.writeInt32LE(size, bytes.length - 12)
      expect(() => parsePuffinFooter(lied, lied.length, LOCATION)).toThrow(InvalidDataError)
    }
    const flagged = Buffer.from(bytes)
    flagged.writeUInt32LE(2, bytes.length - 8)
    expect(() => parsePuffinFooter(flagged, flagged.length, LOCATION)).toThrow(/flags/)
    expect(puffinFooterBytes(bytes.subarray(-12), bytes.length, LOCATION)).toBe(298 + 16)
  })

  it('any bytes between the magic ones', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 60 }), fc.nat(2), (...parts) =>
        readAll(fileOf(...parts)).then(
          () => undefined,
          (error: unknown) => {
            if (!(error instanceof InvalidDataError)) throw error
          },
        ),
      ),
      { seed: 20_261_126, numRuns: 300 },
    )
  })
})
