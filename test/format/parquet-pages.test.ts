/** Pages as the reader looks at them before they are decoded, and the layouts that only hand-made pages have. */
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { parseParquetFooter } from '../../src/format/parquet-footer.ts'
import { type ThriftStruct, parseThriftPrefix, printThrift } from '../../src/format/thrift.ts'
import { ThriftCursor, i32Field, i64Field, structField, structOf, withFields } from '../../src/format/thrift-fields.ts'
import { batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, readRows, withChunk } from './parquet-file.ts'

const schema = schemaOf(fieldOf(1, 'n', { kind: 'int' }))
const cells = Array.from({ length: 20 }, (_, i) => (i % 3 === 0 ? null : i))
const file = encode([batchOf(schema, [cells])], { schema, codec: 'uncompressed' }).bytes

/** The file with its only data page made anew. */
function withPage(change: (header: ThriftStruct, body: Uint8Array) => readonly [ThriftStruct, Uint8Array]): Uint8Array {
  const chunk = parseParquetFooter(file, file.length, 'f').rowGroups[0]?.columns[0]
  const start = new ThriftCursor(chunk?.thrift ?? structOf(), 'f', 'chunk').cursor(3, 'meta_data')?.count(9) ?? 0
  const { struct, sizeBytes } = parseThriftPrefix(file.subarray(start), 'f')
  const end = start + sizeBytes + new ThriftCursor(struct, 'f', 'page').count(3)
  const [header, body] = change(struct, file.subarray(start + sizeBytes, end))
  const page = Buffer.concat([printThrift(header), body])
  const changed = new Uint8Array(Buffer.concat([file.subarray(0, start), page, file.subarray(end)]))
  const chunkBytes = (chunk?.compressedSizeBytes ?? 0) + page.length - (end - start)
  return withChunk(changed, 0, (metadata) => withFields(metadata, { 7: i64Field(7, chunkBytes) }))
}

describe('page headers', () => {
  it.each<[string, number, number, RegExp]>([
    [
      'two gigabytes to decompress to',
      2,
      2 ** 31 - 1,
      /file.parquet: column "n", page at byte \d+: 2147483647 bytes once/,
    ],
    ['more bytes than there are', 3, 2 ** 31 - 1, /column "n", page at byte \d+: 2147483647 bytes, but \d+ are left/],
    ['a negative size', 2, -1, /field 2 is not a count/],
    ['another checksum', 4, 12_345, /its checksum is not that of its bytes/],
  ])('with %s', async (_, id, value, message) => {
    const bytes = withPage((header, body) => [withFields(header, { [id]: i32Field(id, value) }), body])
    await expect(readRows(bytes, { schema })).rejects.toThrow(InvalidDataError)
    await expect(readRows(bytes, { schema })).rejects.toThrow(message)
  })

  it('without change', async () => {
    const bytes = withPage((header, body) => [header, body])
    expect((await readRows(bytes, { schema })).map((row) => row['n'])).toEqual(cells)
  })
})

describe('levels in the deprecated encoding BIT_PACKED', () => {
  const withEncoding = (id: number): Uint8Array =>
    withPage((header, body) => {
      const data = new ThriftCursor(header, 'f', 'page').cursor(5, 'data_page_header')?.struct ?? structOf()
      return [withFields(header, { 5: structField(5, withFields(data, { [id]: i32Field(id, 4) })) }), body]
    })

  it('are refused', async () => {
    await expect(readRows(withEncoding(3), { schema })).rejects.toThrow(UnsupportedError)
    await expect(readRows(withEncoding(3), { schema })).rejects.toThrow(/levels in the encoding BIT_PACKED/)
  })

  it('do not matter where there are none', async () => {
    expect((await readRows(withEncoding(4), { schema })).map((row) => row['n'])).toEqual(cells)
  })
})

it('five hundred columns, of which some are asked for', async () => {
  const wide = schemaOf(...Array.from({ length: 500 }, (_, i) => fieldOf(i + 1, `c${i}`, { kind: 'int' })))
  const columns = wide.fields.map(({ id }) => [id, null])
  const { bytes } = encode([batchOf(wide, columns)], { schema: wide })
  const some = schemaOf(...[499, 3, 250].map((i) => fieldOf(i, `x${i}`, { kind: 'long' })))
  expect(await readRows(bytes, { schema: some })).toEqual([
    { x499: 499n, x3: 3n, x250: 250n },
    { x499: null, x3: null, x250: null },
  ])
  const [row] = await readRows(bytes, { schema: wide })
  expect(Object.values(row ?? {})).toEqual(wide.fields.map(({ id }) => id))
}, 60_000)
