/** The codecs of Avro's blocks (avro.ts). Output is limited, so that a small hostile file can't fill the memory. */
import * as zlib from 'node:zlib'
import { InvalidDataError, UnsupportedError, messageOf } from '../base/errors.ts'

/** What firn writes; it reads more. */
export type AvroCompression = 'null' | 'deflate'

/** As Java: what manifests hold most are UUIDs, which cost twice the time at zlib's default for a few bytes less. */
const DEFLATE_LEVEL = 1
const MAX_BLOCK_BYTES = 256 * 1024 * 1024

export function compressBlock(codec: AvroCompression, block: Uint8Array): Uint8Array {
  return codec === 'null' ? block : zlib.deflateRawSync(block, { level: DEFLATE_LEVEL })
}

export function decompressBlock(codec: string, block: Uint8Array, location: string): Uint8Array {
  switch (codec) {
    case 'null':
      return block
    case 'deflate':
      return guarded(location, () => zlib.inflateRawSync(block, { maxOutputLength: MAX_BLOCK_BYTES }))
    case 'zstandard':
      return decompressZstd(block, location, MAX_BLOCK_BYTES)
    default:
      throw new UnsupportedError(`${location}: avro codec "${codec}" is not supported: rewrite the file with deflate`, {
        context: { location, codec },
      })
  }
}

/** Decompresses a zstd frame where the runtime can (Node 22.15 and later). */
export function decompressZstd(bytes: Uint8Array, location: string, maxOutputLength: number): Uint8Array {
  const library: object = zlib
  if (!('zstdDecompressSync' in library) || typeof library.zstdDecompressSync !== 'function') {
    throw new UnsupportedError(`${location}: zstd needs Node 22.15 or later`, { context: { location, codec: 'zstd' } })
  }
  const decompress = library.zstdDecompressSync as typeof zlib.inflateRawSync
  return guarded(location, () => decompress(bytes, { maxOutputLength }))
}

export function decompressGzip(bytes: Uint8Array, location: string, maxOutputLength: number): Uint8Array {
  return guarded(location, () => zlib.gunzipSync(bytes, { maxOutputLength }))
}

function guarded(location: string, decompress: () => Uint8Array): Uint8Array {
  try {
    return decompress()
  } catch (error) {
    throw new InvalidDataError(`${location}: can't be decompressed: ${messageOf(error)}`, {
      context: { location },
      cause: error,
    })
  }
}
