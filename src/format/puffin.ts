/**
 * Puffin files (Puffin spec, version 1): blobs, such as deletion vectors and sketches of distinct values, and a footer
 * that says what they are. Deletion vectors are read by their place in the manifest, with no need of the footer.
 */
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'
import { JsonCursor, parseJson, printJson } from '../base/json.ts'
import type { FileIO, IoOptions } from '../io/file-io.ts'
import { MAX_BLOCK_BYTES, decompress, prepareCodec } from './compression.ts'
import type { Codec } from './compression.ts'

/** What a blob is about. */
export interface PuffinBlobInfo {
  /** `deletion-vector-v1`, `apache-datasketches-theta-v1`, or what other engines call theirs. */
  readonly type: string
  /** Ids of the fields that it was computed from. */
  readonly fields: readonly number[]
  /** −1 in deletion vectors, as is the sequence number: they get these when they are committed. */
  readonly snapshotId: bigint
  readonly sequenceNumber: bigint
  readonly properties: Readonly<Record<string, string>>
}

/** Where it lies, and how it is compressed: `lz4` or `zstd`, or a word that only its writer knows. */
export interface PuffinBlob extends PuffinBlobInfo {
  readonly offset: number
  readonly length: number
  readonly compressionCodec?: string | undefined
}

export interface PuffinFooter {
  readonly blobs: readonly PuffinBlob[]
  readonly properties: Readonly<Record<string, string>>
  /** From its first magic bytes to the end of the file: `file-footer-size-in-bytes` of table statistics. */
  readonly sizeBytes: number
}

export interface EncodedPuffin {
  readonly bytes: Uint8Array
  readonly footer: PuffinFooter
}

const MAGIC = Buffer.from('PFA1')
/** Payload size, flags and magic: what every file ends in. */
const TRAILER_BYTES = 12
const LZ4_FLAG = 1
/** Read in the hope that the footer is shorter. */
const TAIL_BYTES = 64 * 1024
const MAX_FOOTER_BYTES = 64 * 1024 * 1024

/** Reads the footer of a file, in one request as a rule. InvalidDataError where it is no Puffin file. */
export async function readPuffinFooter(
  io: FileIO,
  location: string,
  sizeBytes: number,
  options: IoOptions = {},
): Promise<PuffinFooter> {
  const readTail = async (length: number): Promise<Uint8Array> => {
    const { bytes } = await io.readRange(location, { offset: sizeBytes - length, length }, options)
    return bytes
  }
  const tail = await readTail(Math.min(sizeBytes, TAIL_BYTES))
  const length = puffinFooterBytes(tail, sizeBytes, location)
  return parsePuffinFooter(length > tail.length ? await readTail(length) : tail, sizeBytes, location)
}

/** Reads a blob of a file, and unfolds it. UnsupportedError for codecs that are not of the specification. */
export async function readPuffinBlob(
  io: FileIO,
  location: string,
  { offset, length, compressionCodec }: PuffinBlob,
  options: IoOptions = {},
): Promise<Uint8Array> {
  const codec = compressionCodec === undefined ? undefined : knownCodec(compressionCodec, location)
  if (length === 0 && codec === undefined) return new Uint8Array(0)
  const { bytes } = await io.readRange(location, { offset, length }, options)
  if (codec === undefined) return bytes
  await prepareCodec(codec)
  return decompress(codec, bytes, location, MAX_BLOCK_BYTES)
}

function knownCodec(codec: string, location: string): Codec {
  if (codec === 'lz4' || codec === 'zstd') return codec
  throw new UnsupportedError(`${location}: the codec "${codec}" of a blob is not of the Puffin specification`, {
    context: { location, codec },
  })
}

/** How many bytes at the end of a file of `sizeBytes` the footer takes, by the last twelve or more of them. */
export function puffinFooterBytes(tail: Uint8Array, sizeBytes: number, location: string): number {
  const fail = refusing(location)
  const length = tail.length
  if (length < TRAILER_BYTES || !isMagic(tail, length - MAGIC.length)) fail('it does not end in the magic bytes')
  const payload = new DataView(tail.buffer, tail.byteOffset, length).getInt32(length - TRAILER_BYTES, true)
  const footer = MAGIC.length + payload + TRAILER_BYTES
  if (payload < 0 || footer + MAGIC.length > sizeBytes) fail(`a footer of ${payload} bytes does not fit into the file`)
  return footer
}

/** Parses the footer that `tail` ends in. InvalidDataError where it is damaged, or blobs lie out of the file. */
export function parsePuffinFooter(tail: Uint8Array, sizeBytes: number, location: string): PuffinFooter {
  const fail = refusing(location)
  const footerBytes = puffinFooterBytes(tail, sizeBytes, location)
  const start = tail.length - footerBytes
  if (start < 0 || !isMagic(tail, start)) fail('its footer does not begin with the magic bytes')
  const payload = tail.subarray(start + MAGIC.length, tail.length - TRAILER_BYTES)
  const flags = new DataView(tail.buffer, tail.byteOffset).getUint32(tail.length - 8, true)
  if ((flags & ~LZ4_FLAG) !== 0) fail('flags are set that the specification does not know')
  const text = (flags & LZ4_FLAG) === 0 ? payload : decompress('lz4', payload, location, MAX_FOOTER_BYTES)
  const cursor = new JsonCursor(parseJson(decodeUtf8(text, fail), location), location)
  const blobs = cursor.get('blobs').array().map(parseBlob)
  for (const { offset, length } of blobs) {
    if (offset < MAGIC.length || length < 0 || offset + length > sizeBytes - footerBytes) {
      fail(`a blob of ${length} bytes at ${offset} lies out of the file or in its footer`)
    }
  }
  return { blobs, properties: cursor.optional('properties', (c) => c.stringMap()) ?? {}, sizeBytes: footerBytes }
}

function parseBlob(cursor: JsonCursor): PuffinBlob {
  return {
    type: cursor.get('type').string(),
    fields: cursor
      .get('fields')
      .array()
      .map((field) => field.integer()),
    snapshotId: cursor.get('snapshot-id').long(),
    sequenceNumber: cursor.get('sequence-number').long(),
    offset: cursor.get('offset').integer(),
    length: cursor.get('length').integer(),
    compressionCodec: cursor.optional('compression-codec', (codec) => codec.string()),
    properties: cursor.optional('properties', (properties) => properties.stringMap()) ?? {},
  }
}

/** Writes blobs into a file, uncompressed: deletion vectors have to be. */
export function encodePuffin(
  contents: readonly (PuffinBlobInfo & { readonly bytes: Uint8Array })[],
  properties: Readonly<Record<string, string>>,
): EncodedPuffin {
  let offset = MAGIC.length
  const blobs = contents.map(({ bytes, ...info }): PuffinBlob => {
    const blob = { ...info, offset, length: bytes.length }
    offset += bytes.length
    return blob
  })
  const payload = Buffer.from(printFooter(blobs, properties))
  const trailer = Buffer.alloc(TRAILER_BYTES)
  trailer.writeInt32LE(payload.length)
  MAGIC.copy(trailer, TRAILER_BYTES - MAGIC.length)
  const parts = [MAGIC, ...contents.map(({ bytes }) => bytes), MAGIC, payload, trailer]
  const sizeBytes = MAGIC.length + payload.length + TRAILER_BYTES
  return { bytes: new Uint8Array(Buffer.concat(parts)), footer: { blobs, properties, sizeBytes } }
}

/** Members in Java's order; empty properties are left out. */
function printFooter(blobs: readonly PuffinBlob[], properties: Readonly<Record<string, string>>): string {
  return printJson({
    blobs: blobs.map((blob) => ({
      type: blob.type,
      fields: blob.fields,
      'snapshot-id': blob.snapshotId,
      'sequence-number': blob.sequenceNumber,
      offset: blob.offset,
      length: blob.length,
      'compression-codec': blob.compressionCodec,
      properties: orAbsent(blob.properties),
    })),
    properties: orAbsent(properties),
  })
}

function orAbsent(properties: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  return Object.keys(properties).length === 0 ? undefined : properties
}

function isMagic(bytes: Uint8Array, at: number): boolean {
  return MAGIC.every((byte, i) => bytes[at + i] === byte)
}

function refusing(location: string): (message: string) => never {
  return (message) => {
    throw new InvalidDataError(`${location}: not a Puffin file: ${message}`, { context: { location } })
  }
}

function decodeUtf8(bytes: Uint8Array, fail: (message: string) => never): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return fail('its footer is not UTF-8 text')
  }
}
