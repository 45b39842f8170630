/** LZ4 frames, one to a buffer: blocks, each alone or reaching back into those before, with their xxHash checksums. */

const MAGIC = 0x184d2204
/** Bits of the frame's first byte. */
const FLAGS = { contentChecksum: 4, contentSize: 8, blockChecksum: 16, dictionary: 1, reserved: 2 }
const VERSION = 0x40
const STORED = 0x8000_0000

/** Throws RangeError where the bytes are not one whole frame, or give more than `maxBytes`. */
export function decompressLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { flags, blockBytes, contentSize, end: headerEnd } = readHeader(view)
  if (contentSize !== undefined && contentSize > maxBytes) refuseSize(contentSize, maxBytes)
  let at = headerEnd
  let out = new Uint8Array(Math.min(blockBytes, maxBytes))
  let length = 0
  for (let word = view.getUint32(at, true); word !== 0; word = view.getUint32(at, true)) {
    const size = word % STORED
    at += 4
    if (size > blockBytes || size > bytes.length - at) refuse('a block is longer than the data')
    const block = bytes.subarray(at, at + size)
    at += size
    if (flags & FLAGS.blockChecksum) {
      if (xxHash32(block) !== view.getUint32(at, true)) refuse('the checksum of a block is wrong')
      at += 4
    }
    out = withRoom(out, length, Math.min(blockBytes, maxBytes - length))
    const room = out.subarray(0, Math.min(length + blockBytes, maxBytes))
    if (word < STORED) length = decompressBlock(block, room, length)
    else if (size > room.length - length) refuseSize(length + size, maxBytes)
    else {
      out.set(block, length)
      length += size
    }
  }
  at += 4
  const content = out.subarray(0, length)
  if (contentSize !== undefined && contentSize !== length)
    refuse(`${contentSize} bytes were announced, ${length} found`)
  if (flags & FLAGS.contentChecksum) {
    if (xxHash32(content) !== view.getUint32(at, true)) refuse('the checksum of the content is wrong')
    at += 4
  }
  return at === bytes.length ? content.slice() : refuse('bytes follow the frame')
}

interface FrameHeader {
  readonly flags: number
  /** The most that a block unfolds to. */
  readonly blockBytes: number
  readonly contentSize: number | undefined
  readonly end: number
}

/** Reads past the end throw RangeError, which the view does by itself. */
function readHeader(view: DataView): FrameHeader {
  if (view.getUint32(0, true) !== MAGIC) refuse('it is no LZ4 frame')
  const flags = view.getUint8(4)
  if ((flags & 0xc0) !== VERSION || flags & FLAGS.reserved) refuse('its version is not known')
  if (flags & FLAGS.dictionary) refuse('it needs a dictionary')
  const sizeCode = view.getUint8(5)
  if (sizeCode & 0x8f || sizeCode < 0x40) refuse('its block size is not known')
  const hasSize = (flags & FLAGS.contentSize) !== 0
  const end = hasSize ? 15 : 7
  const descriptor = new Uint8Array(view.buffer, view.byteOffset + 4, end - 5)
  if (((xxHash32(descriptor) >>> 8) & 0xff) !== view.getUint8(end - 1)) refuse('the checksum of the header is wrong')
  const contentSize = hasSize ? Number(view.getBigUint64(6, true)) : undefined
  return { flags, blockBytes: 2 ** (8 + 2 * (sizeCode >> 4)), contentSize, end }
}

/** Grown by doubling: a header's promise is no reason to allocate. */
function withRoom(out: Uint8Array<ArrayBuffer>, length: number, room: number): Uint8Array<ArrayBuffer> {
  if (length + room <= out.length) return out
  const grown = new Uint8Array(Math.max(length + room, out.length * 2))
  grown.set(out.subarray(0, length))
  return grown
}

/** One block without a frame, as Parquet's LZ4_RAW. RangeError where it gives more than `maxBytes`. */
export function decompressLz4Block(bytes: Uint8Array, maxBytes: number): Uint8Array {
  // A byte of length gives 255 at most: what can't be true is not allocated.
  const out = new Uint8Array(Math.min(maxBytes, bytes.length * 255))
  return out.subarray(0, decompressBlock(bytes, out, 0))
}

/** Decodes one block behind the first `end` bytes of `out`; gives the new end. */
function decompressBlock(block: Uint8Array, out: Uint8Array, end: number): number {
  let at = 0
  const lengthFrom = (nibble: number): number => {
    let length = nibble
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; length += byte) byte = block[at++] ?? refuseEnd()
    return length
  }
  for (;;) {
    const token = block[at++] ?? refuseEnd()
    const literals = lengthFrom(token >> 4)
    if (literals > block.length - at || literals > out.length - end) refuse('a literal is longer than the data')
    out.set(block.subarray(at, at + literals), end)
    at += literals
    end += literals
    if (at === block.length) return end
    const offset = (block[at] ?? 0) | ((block[at + 1] ?? refuseEnd()) << 8)
    at += 2
    const length = lengthFrom(token & 15) + 4
    if (offset === 0 || offset > end || length > out.length - end) refuse('a match reaches out of the data')
    for (const stop = end + length; end < stop; end += 1) out[end] = out[end - offset] ?? 0
  }
}

const PRIMES: readonly [number, number, number, number, number] = [
  0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1,
]

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

/** xxHash of 32 bits with seed 0. */
export function xxHash32(bytes: Uint8Array): number {
  const [p1, p2, p3, p4, p5] = PRIMES
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let hash: number = p5
  if (bytes.length >= 16) {
    const lanes = [p1 + p2, p2, 0, -p1] as [number, number, number, number]
    const round = (lane: number): number =>
      Math.imul(rotate((lane + Math.imul(view.getUint32((at += 4) - 4, true), p2)) | 0, 13), p1)
    while (at <= bytes.length - 16) {
      for (let i = 0; i < 4; i += 1) lanes[i] = round(lanes[i] ?? 0)
    }
    hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18)
  }
  hash = (hash + bytes.length) | 0
  for (; at <= bytes.length - 4; at += 4) {
    hash = Math.imul(rotate((hash + Math.imul(view.getUint32(at, true), p3)) | 0, 17), p4)
  }
  for (; at < bytes.length; at += 1) hash = Math.imul(rotate((hash + Math.imul(bytes[at] ?? 0, p5)) | 0, 11), p1)
  hash = Math.imul(hash ^ (hash >>> 15), p2)
  hash = Math.imul(hash ^ (hash >>> 13), p3)
  return (hash ^ (hash >>> 16)) >>> 0
}

function refuseEnd(): never {
  return refuse('the data ends early')
}

function refuseSize(length: number, maxBytes: number): never {
  return refuse(`it unfolds to ${length} bytes, more than ${maxBytes}`)
}

function refuse(message: string): never {
  throw new RangeError(message)
}
