/**
 * Split-block bloom filters (parquet-format, "BloomFilter.md"): whether a column chunk may hold a value. Small filters are
 * fetched whole, of large ones the header and the block of each value.
 */
import { InvalidDataError } from '../base/errors.ts'
import type { IoOptions } from '../io/file-io.ts'
import { encodeUuid } from '../spec/single-value.ts'
import type { PrimitiveType } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import type { ColumnChunk } from './parquet-footer.ts'
import type { ParquetLeaf } from './parquet-schema.ts'
import { type OpenParquetSource, fetchRanges } from './parquet-source.ts'
import { parseThriftPrefix } from './thrift.ts'
import { ThriftCursor } from './thrift-fields.ts'
import { xxhash64 } from './xxhash64.ts'

/** A filter's block: eight words of 32 bits, one bit of each set by a value. */
const BLOCK_BYTES = 32
const SALTS = [0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31] as const
/** More than any header takes. */
const HEADER_BYTES = 64
/** Filters up to this size come with one request. */
const WHOLE_BYTES = 16 * 1024
const MAX_BYTES = 2 ** 30

/** False only where the chunk certainly holds none of the values; true where it has no filter that could tell. */
export async function mayHoldAny(
  source: OpenParquetSource,
  chunk: ColumnChunk,
  { type, values }: { readonly type: PrimitiveType; readonly values: readonly Value[] },
  options: IoOptions,
): Promise<boolean> {
  const { bloomFilterOffset: offset, leaf } = chunk
  if (offset === undefined) return true
  const stored = values.map((value) => storedBytes(value, type, leaf))
  if (stored.includes('unknown')) return true
  const hashes = stored.flatMap((bytes) => (bytes instanceof Uint8Array ? [xxhash64(bytes)] : []))
  const room = source.sizeBytes - offset
  const first = { offset, length: Math.min(room, chunk.bloomFilterLength ?? HEADER_BYTES, WHOLE_BYTES) }
  const head = (await fetchRanges(source, [first], options)).get(first) ?? new Uint8Array(0)
  const header = parseHeader(head, source.location)
  if (header === undefined || header.sizeBytes + header.bitsetBytes > room) return true
  const start = offset + header.sizeBytes
  const blocks = hashes.map((hash) => {
    const block = Number(((hash >> 32n) * BigInt(header.bitsetBytes / BLOCK_BYTES)) >> 32n)
    return { hash, range: { offset: start + block * BLOCK_BYTES, length: BLOCK_BYTES } }
  })
  const isHeld = (end: number): boolean => end <= offset + head.length
  const missing = blocks.flatMap(({ range }) => (isHeld(range.offset + BLOCK_BYTES) ? [] : [range]))
  const fetched = await fetchRanges(source, missing, options)
  return blocks.some(({ hash, range }) => {
    const at = range.offset - offset
    return blockHolds(fetched.get(range) ?? head.subarray(at, at + BLOCK_BYTES), hash)
  })
}

function blockHolds(block: Uint8Array, hash: bigint): boolean {
  const view = new DataView(block.buffer, block.byteOffset, block.length)
  const key = Number(BigInt.asUintN(32, hash))
  return SALTS.every((salt, word) => {
    const bit = Math.imul(key, salt) >>> 27
    return ((view.getUint32(word * 4, true) >>> bit) & 1) === 1
  })
}

/** Undefined for filters of another kind, and for what is none. */
function parseHeader(
  bytes: Uint8Array,
  location: string,
): { readonly sizeBytes: number; readonly bitsetBytes: number } | undefined {
  try {
    const { struct, sizeBytes } = parseThriftPrefix(bytes, location)
    const header = new ThriftCursor(struct, location, 'bloom filter')
    const isKnown = [2, 3, 4].every((id) => header.cursor(id, 'kind')?.has(1) === true)
    const bitsetBytes = header.count(1)
    const isSound = bitsetBytes > 0 && bitsetBytes % BLOCK_BYTES === 0 && bitsetBytes <= MAX_BYTES
    return isKnown && isSound ? { sizeBytes, bitsetBytes } : undefined
  } catch (error) {
    if (error instanceof InvalidDataError) return undefined
    throw error
  }
}

/** The value as the file stores it, plain; `absent` where no file of this column can, `unknown` where that is unclear. */
function storedBytes(value: Value, type: PrimitiveType, leaf: ParquetLeaf): Uint8Array | 'absent' | 'unknown' {
  const { physicalType, logicalType } = leaf
  switch (type.kind) {
    case 'int':
    case 'long':
      if (logicalType !== undefined && (logicalType.kind !== 'integer' || !logicalType.signed)) return 'unknown'
      return integerBytes(BigInt(value as number | bigint), physicalType)
    case 'date':
      return logicalType?.kind === 'date' ? integerBytes(BigInt(value as number), physicalType) : 'unknown'
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return (logicalType?.kind === 'time' || logicalType?.kind === 'timestamp') && logicalType.unit === 'us'
        ? integerBytes(value as bigint, physicalType)
        : 'unknown'
    case 'string':
      return physicalType === 'BYTE_ARRAY' ? Buffer.from(value as string) : 'unknown'
    case 'binary':
      return physicalType === 'BYTE_ARRAY' ? (value as Uint8Array) : 'unknown'
    case 'uuid':
      return leaf.typeLength === 16 ? encodeUuid(value as string) : 'unknown'
    default:
      return 'unknown'
  }
}

function integerBytes(value: bigint, physicalType: string): Uint8Array | 'absent' | 'unknown' {
  if (physicalType !== 'INT32' && physicalType !== 'INT64') return 'unknown'
  const bits = physicalType === 'INT32' ? 32 : 64
  if (BigInt.asIntN(bits, value) !== value) return 'absent'
  const bytes = Buffer.alloc(bits / 8)
  if (bits === 32) bytes.writeInt32LE(Number(value))
  else bytes.writeBigInt64LE(value)
  return bytes
}
