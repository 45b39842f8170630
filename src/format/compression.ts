/**
 * All compression of Avro blocks (avro.ts), Puffin blobs (puffin.ts) and metadata files. Output is limited, so that a
 * small hostile file can't fill the memory.
 */
import { promisify } from 'node:util'
import { crc32, deflateRawSync, gunzipSync, inflateRaw, inflateRawSync } from 'node:zlib'
import type { ZlibOptions } from 'node:zlib'
import { InvalidDataError, UnsupportedError, messageOf } from '../base/errors.ts'
import { decompressLz4 } from './compression-lz4.ts'
import { decompressSnappy } from './compression-snappy.ts'
import { decompressZstd, loadZstd } from './compression-zstd.ts'

/** `deflate` is raw; `lz4` and `zstd` are frames, `snappy` is a block as Avro has it, with its CRC-32. */
export type Codec = 'deflate' | 'gzip' | 'lz4' | 'snappy' | 'zstd'

/** What Avro calls the codecs. */
const AVRO_CODECS: ReadonlyMap<string, Codec> = new Map([
  ['deflate', 'deflate'],
  ['snappy', 'snappy'],
  ['zstandard', 'zstd'],
])

/** What firn writes; it reads more. */
export type AvroCompression = 'null' | 'deflate'

/** As Java: what manifests hold most are UUIDs, which cost twice the time at zlib's default for a few bytes less. */
const DEFLATE_LEVEL = 1
/** The most that an Avro block or a Puffin blob may unfold to. */
export const MAX_BLOCK_BYTES: number = 256 * 1024 * 1024
const CRC_BYTES = 4
const MIN_CHUNK_BYTES = 16 * 1024
const MAX_CHUNK_BYTES = 8 * 1024 * 1024

/** Loads what decoding a codec needs. To be awaited before `decompress`, in vain for most. */
export async function prepareCodec(codec: Codec): Promise<void> {
  if (codec === 'zstd') await loadZstd()
}

/** Errors: InvalidDataError where the bytes are damaged, or unfold to more than `maxBytes`. */
export function decompress(codec: Codec, bytes: Uint8Array, location: string, maxBytes: number): Uint8Array {
  try {
    return DECOMPRESS[codec](bytes, maxBytes)
  } catch (error) {
    throw decompressError(codec, location, error)
  }
}

const inflateRawInThread = promisify(inflateRaw)

/** As `decompress` of `deflate`, in a thread of zlib's: this one goes on with other work. */
export async function inflateInThread(bytes: Uint8Array, location: string, maxBytes: number): Promise<Uint8Array> {
  try {
    return await inflateRawInThread(bytes, inflateOptions(bytes, maxBytes))
  } catch (error) {
    throw decompressError('deflate', location, error)
  }
}

function decompressError(codec: Codec, location: string, cause: unknown): InvalidDataError | UnsupportedError {
  if (cause instanceof UnsupportedError) return cause
  const message = `${location}: can't be decompressed with ${codec}: ${messageOf(cause)}`
  return new InvalidDataError(message, { context: { location, codec }, cause })
}

const DECOMPRESS: Readonly<Record<Codec, (bytes: Uint8Array, maxBytes: number) => Uint8Array>> = {
  deflate: (bytes, maxBytes) => inflateRawSync(bytes, inflateOptions(bytes, maxBytes)),
  gzip: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
  lz4: decompressLz4,
  snappy: decompressAvroSnappy,
  zstd: decompressZstd,
}

/** With room for all that nearly any block unfolds to: zlib's default of 16 KiB takes a third longer, and copies it all once more. */
function inflateOptions(bytes: Uint8Array, maxOutputLength: number): ZlibOptions {
  return { maxOutputLength, chunkSize: Math.min(Math.max(bytes.length * 4, MIN_CHUNK_BYTES), MAX_CHUNK_BYTES) }
}

/** Avro appends the big-endian CRC-32 of what comes out. */
function decompressAvroSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const end = bytes.length - CRC_BYTES
  const checksum = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(Math.max(end, 0))
  const content = decompressSnappy(bytes.subarray(0, end), maxBytes)
  if (crc32(content) !== checksum) throw new RangeError('its checksum is wrong')
  return content
}

export function compressBlock(codec: AvroCompression, block: Uint8Array): Uint8Array {
  return codec === 'null' ? block : deflateRawSync(block, { level: DEFLATE_LEVEL })
}

/** The codec by Avro's name for it; undefined for none. UnsupportedError for those of which no manifest is written. */
export function avroCodec(name: string, location: string): Codec | undefined {
  if (name === 'null') return undefined
  const codec = AVRO_CODECS.get(name)
  if (codec !== undefined) return codec
  throw new UnsupportedError(`${location}: avro codec "${name}" is not supported: rewrite the file with deflate`, {
    context: { location, codec: name },
  })
}
