/**
 * A look at fetched pages before the decoder gets them: the header of each, its checksum, and how much memory it will
 * take. The decoder believes what headers claim, so that a broken length would have it ask for gigabytes.
 */
import { crc32 } from 'node:zlib'
import { UnsupportedError } from '../base/errors.ts'
import type { ColumnChunk } from './parquet-footer.ts'
import { parseThriftPrefix } from './thrift.ts'
import { ThriftCursor } from './thrift-fields.ts'

const CODECS = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW']
const UNREADABLE_CODECS: ReadonlySet<string | undefined> = new Set([undefined, 'LZO'])
/** Writers make pages of a megabyte or so; one value may be larger. */
const MAX_PAGE_BYTES = 2 ** 29
/** PageType */
const DATA_PAGE = 0
const DATA_PAGE_V2 = 3
/** Ids of the structs in a PageHeader that say how many values a data page has. */
const DATA_HEADERS: ReadonlyMap<number, number> = new Map([
  [DATA_PAGE, 5],
  [DATA_PAGE_V2, 8],
])

/** UnsupportedError names the codec. */
export function checkCodec({ codec, leaf }: ColumnChunk, location: string): void {
  const name = CODECS[codec]
  if (!UNREADABLE_CODECS.has(name)) return
  throw new UnsupportedError(
    `${location}: column "${leaf.name}" is compressed with ${name ?? `codec ${codec}`}, which firn can't read`,
    { context: { location, column: leaf.name } },
  )
}

/** InvalidDataError for pages that are cut off, larger than they may be, or not what was written. */
export function checkPages(chunk: ColumnChunk, bytes: Uint8Array, location: string): void {
  let position = 0
  // The decoder stops here as well: what some writers leave behind the last page is not looked at.
  for (let values = 0; values < chunk.numValues && position < bytes.length;) {
    const { struct, sizeBytes } = parseThriftPrefix(bytes.subarray(position), location)
    const at = `column "${chunk.leaf.name}", page at byte ${chunk.offset + position}`
    const header = new ThriftCursor(struct, location, `${location}: ${at}`)
    const start = position + sizeBytes
    position = start + header.count(3)
    if (position > bytes.length) header.fail(`${header.count(3)} bytes, but ${bytes.length - start} are left`)
    if (header.count(2) > MAX_PAGE_BYTES)
      header.fail(`${header.count(2)} bytes once decompressed, ${MAX_PAGE_BYTES} are read at most`)
    const checksum = header.integer(4)
    if (checksum !== undefined && crc32(bytes.subarray(start, position)) !== checksum >>> 0)
      header.fail('its checksum is not that of its bytes')
    const dataHeader = DATA_HEADERS.get(header.count(1))
    if (dataHeader !== undefined) values += header.cursor(dataHeader, 'data_page_header')?.count(1) ?? 0
  }
}
