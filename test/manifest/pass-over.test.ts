/** What is passed over ends where the cursor says that it does, and is unusual wherever there is doubt. */
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { readAvro, openAvro, encodeAvro } from '../../src/format/avro.ts'
import { AvroCursor } from '../../src/format/avro-cursor.ts'
import { type FileLayout, type PassedField, entryLayout, fileFields } from '../../src/manifest/entry-layout.ts'
import { manifestEntryCodec } from '../../src/manifest/manifest-schema.ts'
import { passOver, passage } from '../../src/manifest/pass-over.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { dataFile, entryOf, plainEntry } from './manifest-fixtures.ts'

const codec = manifestEntryCodec({ specId: 0, fields: [] }, [], 3)

interface Stored {
  readonly bytes: Uint8Array
  readonly layout: FileLayout
}

/** The one data file of an unpartitioned table, as it lies in its manifest. */
function store(file: DataFile): Stored {
  const avro = encodeAvro(codec, [entryOf({ dataFile: file })], { compression: 'null' })
  const { schema, bytes, blocksOffset } = openAvro(avro, 'memory')
  const layout = entryLayout(schema)?.file
  if (layout === undefined) throw new Error('not the usual layout')
  const cursor = new AvroCursor(bytes, 'memory')
  cursor.skip(blocksOffset + 16)
  cursor.number()
  const block = new AvroCursor(cursor.byteString(), 'memory')
  block.number()
  for (let i = 0; i < 3; i += 1) if (block.number() === 1) block.long()
  return { bytes: block.bytes.slice(block.offset), layout }
}

/** All but the partition, of which there is none. */
function fieldsOf(layout: FileLayout): PassedField[] {
  return [...fileFields(layout, 'content', 'fileFormat'), ...fileFields(layout, 'recordCount', 'contentSizeInBytes')]
}

/** Where passing over ends, and whether that took more than straight lines. */
function pass({ bytes, layout }: Stored): { readonly end: number; readonly isChecked: boolean } {
  let isChecked = false
  class Watched extends AvroCursor {
    override skipLong(): void {
      isChecked = true
      super.skipLong()
    }
  }
  const cursor = new Watched(bytes, 'memory')
  passOver(cursor, passage(fieldsOf(layout)))
  return { end: cursor.offset, isChecked }
}

const counts = (size: number): ReadonlyMap<number, number> =>
  new Map(Array.from({ length: size }, (_, i) => [i, i * i]))
const bounds = (length: number): ReadonlyMap<number, Uint8Array> => new Map([[1, new Uint8Array(length)], [300, new Uint8Array(length)]]) // oxfmt-ignore
const usual = dataFile({
  filePath: `s3://lake/${'a'.repeat(150)}.parquet`,
  recordCount: 2 ** 40,
  columnSizes: counts(63),
  valueCounts: new Map(),
  lowerBounds: bounds(63),
  splitOffsets: [4, 2 ** 40],
  sortOrderId: 3,
  firstRowId: 2n ** 62n,
})

describe('data files are passed over', () => {
  it.each<[string, Partial<DataFile>]>([
    ['with all that is usual', {}],
    ['with nothing that is optional', dataFile({})],
    ['with a hundred columns', { nullValueCounts: counts(100), upperBounds: bounds(64) }],
    ['with a path as long as two bytes tell', { filePath: 'x'.repeat(8191) }],
    ['with as many columns as two bytes tell', { nullValueCounts: counts(8191), upperBounds: bounds(8191) }],
    ['with a key', { keyMetadata: Uint8Array.of(1, 2) }],
    ['with a file that its deletes are of', { referencedDataFile: 's3://lake/a.parquet' }],
    ['with the place of a vector', { contentOffset: 4, contentSizeInBytes: 2 ** 40 }],
  ])('%s', (_, changes) => {
    const stored = store({ ...usual, ...changes })
    expect(pass(stored)).toEqual({ end: stored.bytes.length, isChecked: false })
  })

  it.each<[string, Partial<DataFile>]>([
    ['8192 columns or more', { nullValueCounts: counts(8192) }],
    ['bounds of 8192 bytes or more', { upperBounds: bounds(8192) }],
    ['a longer path', { filePath: 'x'.repeat(8192) }],
  ])('by the cursor with %s', (_, changes) => {
    const file = { ...usual, ...changes }
    const stored = store(file)
    expect(pass(stored)).toEqual({ end: stored.bytes.length, isChecked: true })
    const avro = openAvro(encodeAvro(codec, [entryOf({ dataFile: file }), entryOf({ dataFile: usual })]), 'memory')
    const written = [file, usual].map((each) => plainEntry(entryOf({ dataFile: each })))
    expect(readAvro(avro, codec).map(plainEntry)).toEqual(written)
    expect(
      readAvro(
        avro,
        codec.keeping(() => true),
      ).map((entry) => entry && plainEntry(entry)),
    ).toEqual(written)
  })

  it('nowhere beyond their bytes, wherever these end', () => {
    const { bytes, layout } = store(usual)
    for (let length = 0; length < bytes.length; length += 1) {
      expect(() => pass({ bytes: bytes.subarray(0, length), layout })).toThrow(InvalidDataError)
    }
  })

  it('with an error where they are cut short', () => {
    const avro = encodeAvro(codec, [entryOf({ dataFile: usual })], { compression: 'null' })
    const { blocksOffset } = openAvro(avro, 'memory')
    const header = avro.subarray(0, blocksOffset + 16)
    const cursor = new AvroCursor(avro, 'memory')
    cursor.skip(header.length)
    cursor.number()
    const block = cursor.byteString()
    for (let length = 1; length < block.length; length += 1) {
      // One record, of so many bytes.
      const size = 2 * length
      const head = Buffer.from(size < 128 ? [2, size] : [2, (size & 0x7f) | 0x80, size >> 7])
      const cut = Buffer.concat([header, head, block.subarray(0, length), header.subarray(-16)])
      expect(() => readAvro(openAvro(cut, 'memory'), codec)).toThrow(InvalidDataError)
      expect(() =>
        readAvro(
          openAvro(cut, 'memory'),
          codec.keeping(() => false),
        ),
      ).toThrow(InvalidDataError)
    }
  })
})
