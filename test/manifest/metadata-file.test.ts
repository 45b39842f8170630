import { gunzipSync, gzipSync } from 'node:zlib'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import {
  decodeTableMetadata,
  encodeByProperty,
  encodeTableMetadata,
  metadataFileName,
  readTableMetadata,
} from '../../src/manifest/metadata-file.ts'
import { printTableMetadata } from '../../src/spec/table-metadata-json.ts'
import { exampleTable } from '../spec/example-metadata.ts'

const METADATA = exampleTable()
const TEXT = printTableMetadata(METADATA)

describe('metadata files', () => {
  it('are named as Java names them', () => {
    expect(metadataFileName(42, 'abc')).toBe('00042-abc.metadata.json')
    expect(metadataFileName(0, 'abc', true)).toBe('00000-abc.gz.metadata.json')
    expect(metadataFileName(123_456, 'abc')).toBe('123456-abc.metadata.json')
  })

  it('are the text, or the text in gzip', () => {
    expect(Buffer.from(encodeTableMetadata(METADATA)).toString()).toBe(TEXT)
    expect(gunzipSync(encodeTableMetadata(METADATA, { gzip: true })).toString()).toBe(TEXT)
    expect(encodeTableMetadata(METADATA, { gzip: true })).toEqual(encodeTableMetadata(METADATA, { gzip: true }))
  })

  it.each([
    ['00001-a.metadata.json', false],
    ['00001-a.gz.metadata.json', true],
    ['00001-a.metadata.json.gz', true],
    ['named-plain-but-zipped.metadata.json', true],
    ['named-zipped-but-plain.gz.metadata.json', false],
  ])('%s is read', async (name, gzip) => {
    const io = new MemoryFileIO({ runtime: systemRuntime })
    const location = `memory://metadata-file/${name}`
    await io.write(location, encodeTableMetadata(METADATA, { gzip }))
    expect(printTableMetadata(await readTableMetadata(io, location))).toBe(TEXT)
  })

  it.each([
    ['damaged gzip', gzipSync(TEXT).fill(0, 20, 60)],
    ['cut gzip', gzipSync(TEXT).subarray(0, -9)],
    ['text that is not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['no JSON', Buffer.from('{')],
    ['nothing', new Uint8Array()],
  ])('%s is refused with the location', (_, bytes) => {
    expect(() => decodeTableMetadata(bytes, 's3://b/k')).toThrow(InvalidDataError)
    try {
      decodeTableMetadata(bytes, 's3://b/k')
    } catch (error) {
      expect((error as InvalidDataError).context['location']).toBe('s3://b/k')
    }
  })

  it('in zstd are read', async () => {
    const bytes = readFileSync(
      join(import.meta.dirname, '../fixtures/iceberg-go/table/TableMetadataV2Valid.zstd.metadata.json'),
    )
    const io = new MemoryFileIO({ runtime: systemRuntime })
    await io.write('memory://metadata-file/zstd.json', bytes)
    const metadata = await readTableMetadata(io, 'memory://metadata-file/zstd.json')
    expect(metadata).toMatchObject({ formatVersion: 2, tableUuid: '9c12d441-03fe-4693-9a96-a0705ddf69c1' })
  })
})

describe('what the table says of compression', () => {
  const grown = (properties: Record<string, string>, bytes: number) =>
    Object.assign({}, METADATA, { properties: { ...properties, filling: 'x'.repeat(bytes) } })

  it.each([
    ['small', {}, 1_000, true, false],
    ['large', {}, 70_000, true, true],
    ['large, where plain files are looked for', {}, 70_000, false, false],
    ['large, and set to none', { 'write.metadata.compression-codec': 'none' }, 70_000, true, false],
    ['small, and set to gzip', { 'write.metadata.compression-codec': 'gzip' }, 10, false, true],
  ] as const)('%s', (_, properties, size, gzipLarge, gzip) => {
    const metadata = grown(properties, size)
    const encoded = encodeByProperty(metadata, { gzipLarge })
    expect(encoded.gzip).toBe(gzip)
    expect(encoded.bytes[0] === 0x1f).toBe(gzip)
    expect(decodeTableMetadata(encoded.bytes, 'x')).toEqual(metadata)
  })
})
