/**
 * Deletion vectors, the blobs of type `deletion-vector-v1` (Puffin spec): the rows of one data file that are deleted.
 * Manifest entries say where in a file such a blob lies, so the Puffin file around it (puffin.ts) is not needed to read.
 */
import { crc32 } from 'node:zlib'
import { InvalidDataError } from '../base/errors.ts'
import { decodeRoaring, encodeRoaring } from './roaring-codec.ts'
import type { PositionSet } from './roaring.ts'

const MAGIC = 0xd1d33964
const LENGTH_BYTES = 4
const MAGIC_BYTES = 4
const CRC_BYTES = 4

/** Decodes a whole blob. InvalidDataError where it is none, or damaged; `location` is the file it lies in. */
export function decodeDeletionVector(bytes: Uint8Array, location: string): PositionSet {
  const fail = (message: string): never => {
    throw new InvalidDataError(`${location}: not a deletion vector: ${message}`, { context: { location } })
  }
  if (bytes.length < LENGTH_BYTES + MAGIC_BYTES + CRC_BYTES) fail(`${bytes.length} bytes are too few`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = bytes.length - CRC_BYTES
  const length = view.getUint32(0)
  if (length !== end - LENGTH_BYTES) fail(`it gives its length as ${length}, not ${end - LENGTH_BYTES}`)
  if (view.getUint32(LENGTH_BYTES) !== MAGIC) fail('its magic bytes are wrong')
  if (view.getUint32(end) !== crc32(bytes.subarray(LENGTH_BYTES, end))) fail('its checksum is wrong')
  return decodeRoaring(bytes.subarray(LENGTH_BYTES + MAGIC_BYTES, end), location)
}

/** The blob of a set, each container of it in its smallest form, as Java writes them. */
export function encodeDeletionVector(positions: PositionSet): Uint8Array {
  const vector = encodeRoaring(positions)
  const end = LENGTH_BYTES + MAGIC_BYTES + vector.length
  const bytes = new Uint8Array(end + CRC_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, end - LENGTH_BYTES)
  view.setUint32(LENGTH_BYTES, MAGIC)
  bytes.set(vector, LENGTH_BYTES + MAGIC_BYTES)
  view.setUint32(end, crc32(bytes.subarray(LENGTH_BYTES, end)))
  return bytes
}
