/**
 * Where the bytes of a Parquet file come from, and how few requests bring them: small files whole, of larger ones the end
 * first, then the column chunks of a row group with near neighbours joined. A failed request rejects here, before the
 * decoder sees anything.
 */
import { mapConcurrent } from '../base/concurrency.ts'
import { InvalidDataError } from '../base/errors.ts'
import type { ByteRange, IoOptions } from '../io/file-io.ts'
import { parseNameMapping } from '../spec/name-mapping.ts'
import { withMappedIds } from './parquet-field-ids.ts'
import { type ParquetFooter, parquetFooterBytes, parseParquetFooter } from './parquet-footer.ts'

export interface ParquetSource {
  readonly location: string
  readonly sizeBytes: number
  /** Where it is known already. */
  readonly footer?: ParquetFooter | undefined
  /** Exactly the bytes of the range. */
  read(range: ByteRange, options?: IoOptions): Promise<Uint8Array>
}

export interface OpenParquetSource extends ParquetSource {
  readonly footer: ParquetFooter
}

const WHOLE_FILE_BYTES = 2 ** 20
const TAIL_BYTES = 64 * 1024
/** Bytes between two chunks that are read along rather than asked for around. */
const MAX_GAP_BYTES = 64 * 1024
const CONCURRENT_READS = 8

export interface OpenOptions extends IoOptions {
  /** The table's name mapping as its property has it: read only for files that store no field ids. */
  readonly nameMapping?: string | undefined
}

/** The source with its footer; bytes that came along are not fetched again. */
export async function openParquet(source: ParquetSource, options: OpenOptions = {}): Promise<OpenParquetSource> {
  const { footer } = source
  if (footer !== undefined) {
    return { ...source, footer: mapped(footer, options), read: (range, readOptions) => source.read(range, readOptions) }
  }
  const { location, sizeBytes } = source
  let heldFrom = sizeBytes <= WHOLE_FILE_BYTES ? 0 : sizeBytes - TAIL_BYTES
  let held = await readExactly(source, { offset: heldFrom, length: sizeBytes - heldFrom }, options)
  const footerFrom = sizeBytes - parquetFooterBytes(held, sizeBytes, location)
  if (footerFrom < heldFrom) {
    const missing = await readExactly(source, { offset: footerFrom, length: heldFrom - footerFrom }, options)
    held = Buffer.concat([missing, held])
    heldFrom = footerFrom
  }
  return {
    location,
    sizeBytes,
    footer: mapped(parseParquetFooter(held, sizeBytes, location), options),
    read: (range, readOptions) =>
      range.offset >= heldFrom
        ? Promise.resolve(held.subarray(range.offset - heldFrom, range.offset - heldFrom + range.length))
        : source.read(range, readOptions),
  }
}

function mapped(footer: ParquetFooter, { nameMapping }: OpenOptions): ParquetFooter {
  if (nameMapping === undefined || footer.fieldIds !== 'none') return footer
  return withMappedIds(footer, parseNameMapping(nameMapping))
}

/** Fetches the ranges, near neighbours by one request, and gives their bytes by range. */
export async function fetchRanges(
  source: ParquetSource,
  ranges: readonly ByteRange[],
  options: IoOptions,
): Promise<ReadonlyMap<ByteRange, Uint8Array>> {
  const parts = new Map<ByteRange, Uint8Array>()
  const fetched = mapConcurrent(
    joinNeighbours(ranges),
    CONCURRENT_READS,
    async (joined) => ({ joined, bytes: await readExactly(source, joined.range, options) }),
    options.signal,
  )
  for await (const { joined, bytes } of fetched) {
    for (const part of joined.parts) {
      const start = part.offset - joined.range.offset
      parts.set(part, bytes.subarray(start, start + part.length))
    }
  }
  return parts
}

interface JoinedRange {
  readonly range: ByteRange
  readonly parts: readonly ByteRange[]
}

function joinNeighbours(ranges: readonly ByteRange[]): JoinedRange[] {
  const joined: { range: ByteRange; readonly parts: ByteRange[] }[] = []
  for (const part of ranges.toSorted((a, b) => a.offset - b.offset)) {
    const last = joined.at(-1)
    const end = last === undefined ? -Infinity : last.range.offset + last.range.length
    if (last === undefined || part.offset - end > MAX_GAP_BYTES) {
      joined.push({ range: part, parts: [part] })
      continue
    }
    const { offset } = last.range
    last.range = { offset, length: Math.max(end, part.offset + part.length) - offset }
    last.parts.push(part)
  }
  return joined
}

async function readExactly(source: ParquetSource, range: ByteRange, options: IoOptions): Promise<Uint8Array> {
  options.signal?.throwIfAborted()
  const bytes = await source.read(range, options)
  if (bytes.length === range.length) return bytes
  const { location } = source
  throw new InvalidDataError(
    `${location}: ${range.length} bytes at ${range.offset} were asked for, got ${bytes.length}`,
    {
      context: { location, offset: range.offset, length: range.length },
    },
  )
}
