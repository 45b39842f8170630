/** The 32-bit x86 variant of Murmur3 with seed 0, the hash of bucket transforms (spec, Appendix B). */

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** The hash as a signed 32-bit integer. */
export function murmur3(bytes: Uint8Array): number {
  const { length } = bytes
  const whole = length & ~3
  let hash = 0
  for (let i = 0; i < whole; i += 4) hash = mixBlock(hash, littleEndian(bytes, i, 4))
  if (whole < length) hash ^= scramble(littleEndian(bytes, whole, length - whole))
  return finish(hash, length)
}

/** The hash of the 8 bytes of a little-endian long, given as its two halves. */
export function murmur3Long(low: number, high: number): number {
  return finish(mixBlock(mixBlock(0, low), high), 8)
}

function littleEndian(bytes: Uint8Array, start: number, count: number): number {
  let word = 0
  for (let i = 0; i < count; i++) word |= (bytes[start + i] ?? 0) << (8 * i)
  return word
}

function mixBlock(hash: number, block: number): number {
  return (Math.imul(rotateLeft(hash ^ scramble(block), 13), 5) + 0xe6546b64) | 0
}

function scramble(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, C1), 15), C2)
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

function finish(hash: number, length: number): number {
  let mixed = hash ^ length
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
