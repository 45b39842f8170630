/**
 * Parquet's hybrid of runs and bit-packed groups (encodings RLE and RLE_DICTIONARY): levels, dictionary indices and
 * booleans. Read forwards only; what does not fit its bytes is a RangeError.
 */

/** The most bits that an index has. */
const MAX_WIDTH = 32
/** Any value of so many bits lies within four bytes. */
const WORD_WIDTH = 25

export class HybridReader {
  readonly #view: DataView
  readonly #width: number
  readonly #mask: number
  #at = 0
  /** Of the run or the group under way. */
  #left = 0
  #isPacked = false
  /** The value of the run, or the first bit of the group's next value, from `#at`. */
  #value = 0
  #bit = 0

  /** `bytes` may go on behind the last value. */
  constructor(bytes: Uint8Array, width: number) {
    if (width > MAX_WIDTH) throw new RangeError(`values of ${width} bits`)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#width = width
    this.#mask = width === 0 ? 0 : 0xffff_ffff >>> (MAX_WIDTH - width)
  }

  /** Whether the next `count` are one run of `value`; if so they count as read. */
  skipRun(value: number, count: number): boolean {
    if (this.#left === 0) this.#begin()
    if (this.#isPacked || this.#left < count || this.#value !== value) return false
    this.#left -= count
    return true
  }

  read(out: Uint8Array | Int32Array, from: number, end: number): void {
    for (let at = from; at < end;) {
      if (this.#left === 0) this.#begin()
      const count = Math.min(end - at, this.#left)
      if (this.#isPacked) this.#unpack(out, at, count)
      else out.fill(this.#value, at, at + count)
      this.#left -= count
      at += count
    }
  }

  #begin(): void {
    const header = this.#varint()
    this.#isPacked = (header & 1) === 1
    this.#left = Math.floor(header / 2) * (this.#isPacked ? 8 : 1)
    if (this.#left === 0) throw new RangeError('a run of no values')
    if (this.#isPacked) {
      this.#bit = this.#at * 8
      this.#at = Math.min(this.#at + (this.#left / 8) * this.#width, this.#view.byteLength)
      return
    }
    this.#value = 0
    for (let shift = 0; shift < this.#width; shift += 8) this.#value += this.#view.getUint8(this.#at++) * 2 ** shift
    if (this.#value > this.#mask >>> 0) throw new RangeError(`a value of more than ${this.#width} bits`)
  }

  #varint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.#view.getUint8(this.#at++)
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw new RangeError('the length of a run has more than 32 bits')
  }

  #unpack(out: Uint8Array | Int32Array, from: number, count: number): void {
    const view = this.#view
    const width = this.#width
    const mask = this.#mask
    const lastWord = view.byteLength - 4
    let bit = this.#bit
    let i = from
    const end = from + count
    if (width <= WORD_WIDTH) {
      for (; i < end && bit >> 3 <= lastWord; i++, bit += width)
        out[i] = (view.getUint32(bit >> 3, true) >>> (bit & 7)) & mask
    }
    for (; i < end; i++, bit += width) out[i] = this.#bits(bit)
    this.#bit = bit
  }

  /** Byte by byte, at the end of the data. */
  #bits(first: number): number {
    let value = 0
    const end = first + this.#width
    for (let bit = first; bit < end;) {
      const taken = Math.min(8 - (bit & 7), end - bit)
      value += ((this.#view.getUint8(bit >> 3) >> (bit & 7)) & (0xff >> (8 - taken))) * 2 ** (bit - first)
      bit += taken
    }
    return value
  }
}
