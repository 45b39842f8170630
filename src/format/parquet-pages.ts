/**
 * A look at fetched pages before the decoder gets them: the header of each, its checksum, and how much memory it will
 * take. The decoder believes what headers claim, so that a broken length would have it ask for gigabytes.
 */
import { crc32 } from 'node:zlib'
import { UnsupportedError } from '../base/errors.ts'
import type { ColumnChunk } from './parquet-footer.ts'
import { type ParquetGroup, maxLevelsOf } from './parquet-schema.ts'
import { parseThriftPrefix } from './thrift.ts'
import { ThriftCursor } from './thrift-fields.ts'

const CODECS = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW']
const UNREADABLE_CODECS: ReadonlySet<string | undefined> = new Set([undefined, 'LZO'])
/** Writers make pages of a megabyte or so; one value may be larger. */
const MAX_PAGE_BYTES = 2 ** 29
/** PageType */
const DATA_PAGE = 0
const DATA_PAGE_V2 = 3
/** Encoding */
const BIT_PACKED = 4

/** UnsupportedError names the codec. */
export function checkCodec({ codec, leaf }: ColumnChunk, location: string): void {
  const name = CODECS[codec]
  if (!UNREADABLE_CODECS.has(name)) return
  throw new UnsupportedError(
    `${location}: column "${leaf.name}" is compressed with ${name ?? `codec ${codec}`}, which firn can't read`,
    { context: { location, column: leaf.name } },
  )
}

/**
 * The values that the pages hold, nulls included. InvalidDataError for pages that are cut off, larger than they may be, or not what was written; UnsupportedError for
 * levels that the decoder would mistake. `root` is the file's schema.
 */
export function checkPages(
  chunk: Pick<ColumnChunk, 'leaf' | 'offset' | 'numValues'>,
  bytes: Uint8Array,
  root: ParquetGroup,
  location: string,
): number {
  let position = 0
  let values = 0
  // The decoder stops here as well: what some writers leave behind the last page is not looked at.
  while (values < chunk.numValues && position < bytes.length) {
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
    const type = header.count(1)
    const data = type === DATA_PAGE ? header.cursor(5, 'data_page_header') : undefined
    if (data !== undefined) checkLevels(data, chunk, root)
    const counted = type === DATA_PAGE_V2 ? header.cursor(8, 'data_page_header_v2') : data
    values += counted?.count(1) ?? 0
  }
  return values
}

/** The decoder takes bits in the wrong order. Where all levels are 0, many writers name this encoding, and store nothing. */
function checkLevels(data: ThriftCursor, { leaf }: Pick<ColumnChunk, 'leaf'>, root: ParquetGroup): void {
  const isPacked = { definition: data.integer(3) === BIT_PACKED, repetition: data.integer(4) === BIT_PACKED }
  if (!isPacked.definition && !isPacked.repetition) return
  const max = maxLevelsOf(root, leaf)
  if ((!isPacked.definition || max.definition === 0) && (!isPacked.repetition || max.repetition === 0)) return
  const { location, path } = data
  throw new UnsupportedError(
    `${path}: levels in the encoding BIT_PACKED, deprecated since 2013, which firn can't read`,
    {
      context: { location, column: leaf.name },
    },
  )
}
