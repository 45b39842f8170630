/**
 * Fetched pages before a decoder gets them: the header of each, its checksum, and how much memory it will take. arrow-rs
 * believes what headers claim, so that a broken length would have it ask for gigabytes.
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
const DICTIONARY_PAGE = 2
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

/** A page as its header tells; `bytes` are those behind the header. */
export interface Page {
  readonly kind: 'dictionary' | 'data' | 'data-v2' | 'other'
  readonly bytes: Uint8Array
  /** Of all of it, once decompressed. */
  readonly sizeBytes: number
  /** Entries, nulls and empty lists included. */
  readonly values: number
  readonly encoding: number
  /** Of a `data-v2` page: its levels, which lie before what is compressed. */
  readonly levels?: { readonly repetitionBytes: number; readonly definitionBytes: number } | undefined
  readonly isCompressed: boolean
}

/**
 * The pages of a chunk, or of a part of it. InvalidDataError for pages that are cut off, larger than they may be, or not what was written; UnsupportedError for
 * levels that no decoder here understands. `root` is the file's schema.
 */
export function parsePages(
  chunk: Pick<ColumnChunk, 'leaf' | 'offset' | 'numValues'>,
  bytes: Uint8Array,
  root: ParquetGroup,
  location: string,
): Page[] {
  let position = 0
  let values = 0
  const pages: Page[] = []
  // Decoders stop here as well: what some writers leave behind the last page is not looked at.
  while (values < chunk.numValues && position < bytes.length) {
    const { struct, sizeBytes } = parseThriftPrefix(bytes.subarray(position), location)
    const at = `column "${chunk.leaf.name}", page at byte ${chunk.offset + position}`
    const header = new ThriftCursor(struct, location, `${location}: ${at}`)
    const start = position + sizeBytes
    position = start + header.count(3)
    if (position > bytes.length) header.fail(`${header.count(3)} bytes, but ${bytes.length - start} are left`)
    if (header.count(2) > MAX_PAGE_BYTES)
      header.fail(`${header.count(2)} bytes once decompressed, ${MAX_PAGE_BYTES} are read at most`)
    const body = bytes.subarray(start, position)
    const checksum = header.integer(4)
    if (checksum !== undefined && crc32(body) !== checksum >>> 0) header.fail('its checksum is not that of its bytes')
    const page = parsePage(header, body)
    if (page.kind === 'data') checkLevels(header.cursor(5, 'data_page_header') ?? header, chunk, root)
    if (page.kind !== 'dictionary') values += page.values
    pages.push(page)
  }
  return pages
}

function parsePage(header: ThriftCursor, bytes: Uint8Array): Page {
  const page = { bytes, sizeBytes: header.count(2), values: 0, encoding: -1, isCompressed: true }
  const of = (data: ThriftCursor | undefined, kind: Page['kind'], encodingId: number): Page =>
    data === undefined
      ? { ...page, kind: 'other' }
      : { ...page, kind, values: data.count(1), encoding: data.count(encodingId) }
  switch (header.count(1)) {
    case DATA_PAGE:
      return of(header.cursor(5, 'data_page_header'), 'data', 2)
    case DICTIONARY_PAGE:
      return of(header.cursor(7, 'dictionary_page_header'), 'dictionary', 2)
    case DATA_PAGE_V2: {
      const data = header.cursor(8, 'data_page_header_v2')
      if (data === undefined) return { ...page, kind: 'other' }
      const levels = { definitionBytes: data.count(5), repetitionBytes: data.count(6) }
      const levelBytes = levels.definitionBytes + levels.repetitionBytes
      if (levelBytes > bytes.length || levelBytes > page.sizeBytes) data.fail('its levels are longer than the page')
      return { ...of(data, 'data-v2', 4), levels, isCompressed: data.boolean(7) ?? true }
    }
    default:
      return { ...page, kind: 'other' }
  }
}

/** Of all data pages. */
export function valuesOf(pages: readonly Page[]): number {
  return pages.reduce((sum, { kind, values }) => sum + (kind === 'dictionary' ? 0 : values), 0)
}

/** arrow-rs takes bits in the wrong order. Where all levels are 0, many writers name this encoding, and store nothing. */
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
