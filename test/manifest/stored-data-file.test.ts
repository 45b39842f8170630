/** Data files of a manifest that decode their members when asked for them. */
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { encodeAvro, openAvro, readAvro } from '../../src/format/avro.ts'
import { manifestEntryCodec } from '../../src/manifest/manifest-schema.ts'
import { StoredDataFile } from '../../src/manifest/stored-data-file.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { dataFile, entryOf } from './manifest-fixtures.ts'

const codec = manifestEntryCodec({ specId: 0, fields: [] }, [], 3)

function encode(files: readonly DataFile[]): Uint8Array {
  const entries = files.map((file) => entryOf({ dataFile: file }))
  return encodeAvro(codec, entries, { compression: 'null' })
}

function read(bytes: Uint8Array): DataFile[] {
  return readAvro(openAvro(bytes, 'memory'), codec).map((entry) => entry.dataFile)
}

const full = dataFile({
  filePath: 's3://lake/a.parquet',
  valueCounts: new Map([[1, 10]]),
  lowerBounds: new Map([[1, Uint8Array.of(1)]]),
  splitOffsets: [4, 100],
  sortOrderId: 3,
  firstRowId: 5n,
})

describe('data files of a manifest', () => {
  const bytes = encode([full, dataFile({ filePath: 's3://lake/b.parquet' })])

  it('have all members, in any order and as often as they are asked for', () => {
    const [a, b] = read(bytes)
    expect(a).toBeInstanceOf(StoredDataFile)
    for (let i = 0; i < 2; i += 1) {
      expect(b?.filePath).toBe('s3://lake/b.parquet')
      expect(a?.splitOffsets).toEqual([4, 100])
      expect(a?.filePath).toBe('s3://lake/a.parquet')
      expect(a?.sortOrderId).toBe(3)
      expect(a?.firstRowId).toBe(5n)
      expect(new Map(a?.valueCounts)).toEqual(full.valueCounts)
      expect(b?.valueCounts).toBeUndefined()
    }
  })

  it('are compared by all of them', () => {
    const [a, b] = read(bytes)
    const [again] = read(bytes)
    const [other] = read(encode([{ ...full, splitOffsets: [4, 101] }]))
    expect(again).toEqual(a)
    expect(a).not.toEqual(b)
    expect(other).not.toEqual(a)
  })

  it('are printed with all of them', () => {
    const [a] = read(bytes)
    expect(inspect(a)).toContain('s3://lake/a.parquet')
    expect(inspect(a)).toContain('splitOffsets: [ 4, 100 ]')
  })

  it('tell of a path that is not UTF-8 when it is asked for', () => {
    const damaged = Buffer.from(bytes)
    damaged[damaged.indexOf('lake')] = 0xff
    const [a, b] = read(damaged)
    expect(() => a?.filePath).toThrow(InvalidDataError)
    expect(() => a?.filePath).toThrow('memory: a string is not UTF-8')
    expect(b?.filePath).toBe('s3://lake/b.parquet')
  })
})
