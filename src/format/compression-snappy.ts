/** Snappy's block format: the length of what comes out, then literals and copies of what came out before. */

/** Throws RangeError where the bytes are not of the format, or give more than `maxBytes`. */
export function decompressSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  let at = 0
  const next = (): number => bytes[at++] ?? refuse('the data ends early')
  const length = readLength(next)
  if (length > maxBytes) refuse(`it unfolds to ${length} bytes, more than ${maxBytes}`)
  // A copy of three bytes gives 64 at most: what can't be true is not allocated.
  if (length > bytes.length * 22) refuse(`${bytes.length} bytes can't unfold to ${length}`)
  const out = new Uint8Array(length)
  let end = 0
  while (at < bytes.length) {
    const tag = next()
    if ((tag & 3) === 0) {
      let size = tag >> 2
      if (size >= 60) size = readLittleEndian(next, size - 59)
      size += 1
      if (size > bytes.length - at || size > length - end) refuse('a literal is longer than the data')
      out.set(bytes.subarray(at, at + size), end)
      at += size
      end += size
      continue
    }
    const size = (tag & 3) === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
    const offset = (tag & 3) === 1 ? ((tag >> 5) << 8) | next() : readLittleEndian(next, (tag & 3) === 2 ? 2 : 4)
    if (offset === 0 || offset > end || size > length - end) refuse('a copy reaches out of the data')
    for (let i = 0; i < size; i += 1, end += 1) out[end] = out[end - offset] ?? 0
  }
  return end === length ? out : refuse(`${length} bytes were announced, ${end} found`)
}

/** A varint of up to 32 bits. */
function readLength(next: () => number): number {
  let length = 0
  for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
    const byte = next()
    length += (byte & 0x7f) * scale
    if (byte < 0x80) return length
  }
  return refuse('its length has more than 32 bits')
}

function readLittleEndian(next: () => number, bytes: number): number {
  let value = 0
  for (let scale = 1; scale < 256 ** bytes; scale *= 256) value += next() * scale
  return value
}

function refuse(message: string): never {
  throw new RangeError(message)
}
