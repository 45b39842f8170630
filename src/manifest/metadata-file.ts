/** Reads and writes metadata.json files (spec, "Table Metadata and Snapshots"; gzip by Java's naming). */
import { InvalidDataError } from '../base/errors.ts'
import { decompress, prepareCodec } from '../format/compression.ts'
import type { Codec } from '../format/compression.ts'
import type { FileIO, IoOptions } from '../io/file-io.ts'
import { METADATA_COMPRESSION, stringProperty } from '../spec/properties.ts'
import { parseTableMetadata } from '../spec/table-metadata-json.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { type MetadataPart, gzipParts, metadataParts } from './metadata-parts.ts'

const GZIP_MAGIC = Uint8Array.of(0x1f, 0x8b)
const ZSTD_MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)
/** The longest text that V8 has room for. */
const MAX_TEXT_BYTES = 512 * 1024 * 1024

/** Errors: those of FileIO.read, and InvalidDataError or UnsupportedError for what the file holds. */
export async function readTableMetadata(io: FileIO, location: string, options: IoOptions = {}): Promise<TableMetadata> {
  const { bytes } = await io.read(location, options)
  const codec = codecOf(bytes)
  if (codec !== undefined) await prepareCodec(codec)
  return decodeTableMetadata(bytes, location)
}

/** Compression shows in the first bytes, so any name will do: `.gz.metadata.json`, `.metadata.json.gz`, a plain one. */
export function decodeTableMetadata(bytes: Uint8Array, location: string): TableMetadata {
  const codec = codecOf(bytes)
  const text = codec === undefined ? bytes : decompress(codec, bytes, location, MAX_TEXT_BYTES)
  return parseTableMetadata(decodeText(text, location), location)
}

/** The file's bytes. */
export function encodeTableMetadata(
  metadata: TableMetadata,
  options: { readonly gzip?: boolean | undefined } = {},
): Uint8Array {
  return encodeParts(metadataParts(metadata), options.gzip === true)
}

/** Text from which on metadata is compressed where the table doesn't say: it grows with every snapshot, uploads with it. */
const LARGE_BYTES = 64 * 1024

/** As `write.metadata.compression-codec` says; without it compressed where it is large and `gzipLarge` allows. */
export function encodeByProperty(
  metadata: TableMetadata,
  { gzipLarge }: { readonly gzipLarge: boolean },
): { readonly bytes: Uint8Array; readonly gzip: boolean } {
  const parts = metadataParts(metadata)
  const isLarge = gzipLarge && parts.reduce((sum, { bytes }) => sum + bytes.length, 0) > LARGE_BYTES
  const gzip = stringProperty(metadata.properties, METADATA_COMPRESSION, isLarge ? 'gzip' : 'none') === 'gzip'
  return { bytes: encodeParts(parts, gzip), gzip }
}

function encodeParts(parts: readonly MetadataPart[], gzip: boolean): Uint8Array {
  return gzip ? gzipParts(parts) : Buffer.concat(parts.map(({ bytes }) => bytes))
}

/** `00042-<commitId>.metadata.json`, or `.gz.metadata.json`. */
export function metadataFileName(version: number, commitId: string, gzip = false): string {
  return `${String(version).padStart(5, '0')}-${commitId}${gzip ? '.gz' : ''}.metadata.json`
}

function codecOf(bytes: Uint8Array): Codec | undefined {
  if (startsWith(bytes, GZIP_MAGIC)) return 'gzip'
  return startsWith(bytes, ZSTD_MAGIC) ? 'zstd' : undefined
}

function startsWith(bytes: Uint8Array, magic: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte)
}

function decodeText(bytes: Uint8Array, location: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new InvalidDataError(`${location}: not UTF-8 text`, { context: { location }, cause: error })
  }
}
