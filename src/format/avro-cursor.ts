/**
 * Reads Avro's binary encoding from one buffer: the lowest step of reading a manifest, run some hundred times an entry.
 * Every length is checked against the bytes that are left, so hostile input can neither hang it nor make it allocate.
 */
import { isUtf8 } from 'node:buffer'
import { InvalidDataError } from '../base/errors.ts'

export class AvroCursor {
  readonly bytes: Uint8Array
  /** Over `bytes`. */
  readonly view: DataView
  readonly location: string
  readonly #buffer: Buffer
  readonly #long = new DataView(new ArrayBuffer(8))
  #lastLong = 0n
  offset = 0
  /** The two halves of the last long read by `#readLong`. */
  #low = 0
  #high = 0
  #lookup: AvroCursor | undefined

  constructor(bytes: Uint8Array, location: string) {
    // A plain view, so that what is read of a Buffer (zlib gives them) is plain too.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.location = location
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Another cursor over the same bytes, for what is looked up in them while this one has its own way to go. */
  get lookup(): AvroCursor {
    this.#lookup ??= new AvroCursor(this.bytes, this.location)
    return this.#lookup
  }

  get remaining(): number {
    return this.bytes.length - this.offset
  }

  fail(message: string): never {
    throw new InvalidDataError(`${this.location}: ${message}`, {
      context: { location: this.location, offset: this.offset },
    })
  }

  boolean(): boolean {
    const byte = this.#byte()
    return byte > 1 ? this.fail(`expected a boolean, found byte ${byte}`) : byte === 1
  }

  int(): number {
    const value = this.number()
    return value === (value | 0) ? value : this.fail(`expected a 32-bit integer, found ${value}`)
  }

  /** A long that must lie within ±(2^53 − 1): counts, sizes, offsets. */
  number(): number {
    const first = this.bytes[this.offset] ?? 0x80
    if (first >= 0x80) return this.#longerNumber()
    this.offset += 1
    return (first >>> 1) ^ -(first & 1)
  }

  /** Most take two or three bytes. In 32 bits as long as they fit, which is what compilers make fast. */
  #longerNumber(): number {
    const { bytes } = this
    let at = this.offset
    let bits = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[at++] ?? 0x80
      bits |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.offset = at
        return (bits >>> 1) ^ -(bits & 1)
      }
    }
    this.#readLong()
    const value = this.#high * 0x1_0000_0000 + (this.#low >>> 0)
    return Number.isSafeInteger(value) ? value : this.fail('a long is beyond 2^53')
  }

  long(): bigint {
    this.#readLong()
    const low = this.#low
    const high = this.#high
    // Ids and sequence numbers repeat from entry to entry: one object for all of them.
    if (low === this.#long.getInt32(4) && high === this.#long.getInt32(0)) return this.#lastLong
    this.#long.setInt32(0, high)
    this.#long.setInt32(4, low)
    this.#lastLong = this.#long.getBigInt64(0)
    return this.#lastLong
  }

  float(): number {
    return this.view.getFloat32(this.#take(4), true)
  }

  double(): number {
    return this.view.getFloat64(this.#take(8), true)
  }

  /** A view of `length` bytes. */
  fixed(length: number): Uint8Array {
    const start = this.#take(length)
    return this.bytes.subarray(start, start + length)
  }

  /** A view of the length-prefixed bytes that follow. */
  byteString(): Uint8Array {
    return this.fixed(this.number())
  }

  string(): string {
    const length = this.number()
    const start = this.#take(length)
    const text = this.#buffer.toString('utf8', start, start + length)
    if (text.includes('\uFFFD') && !isUtf8(this.bytes.subarray(start, start + length)))
      this.fail('a string is not UTF-8')
    return text
  }

  /** Past a string, if it is one of fewer than 64 bytes, all of them those of `expected`. */
  skipString(expected: Uint8Array): boolean {
    const { bytes, offset } = this
    if (bytes[offset] !== expected.length * 2) return false
    for (let i = 0; i < expected.length; i += 1) if (bytes[offset + 1 + i] !== expected[i]) return false
    this.offset = offset + 1 + expected.length
    return true
  }

  /** Items in the next block of an array or map, each at least one byte long; 0 ends it. */
  blockCount(): number {
    let count = this.number()
    if (count < 0) {
      this.number() // size of the block in bytes, of use only to skip it unread
      count = -count
    }
    return count <= this.remaining ? count : this.fail(`a block of ${count} items has ${this.remaining} bytes left`)
  }

  skip(length: number): void {
    this.#take(length)
  }

  /** Past the length-prefixed bytes that follow, or a string. */
  skipBytes(): void {
    this.skip(this.number())
  }

  skipLong(): void {
    const limit = this.offset + 10
    while (this.#byte() >= 0x80) {
      if (this.offset >= limit) this.fail('a long has more than 64 bits')
    }
  }

  #take(length: number): number {
    const start = this.offset
    if (length < 0 || length > this.bytes.length - start) {
      this.fail(`${length} bytes are asked for where ${this.remaining} are left`)
    }
    this.offset = start + length
    return start
  }

  #byte(): number {
    return this.bytes[this.offset++] ?? this.fail('the data ends early')
  }

  /** Varint and zigzag in 32-bit halves: up to ten bytes of seven bits, least significant first. */
  #readLong(): void {
    const { bytes } = this
    let at = this.offset
    let low = 0
    let high = 0
    let byte = 0x80
    for (let shift = 0; byte >= 0x80; shift += 7) {
      byte = bytes[at++] ?? this.fail('the data ends early')
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else if (shift < 63) high |= bits << (shift - 32)
      else if (byte <= 1) high |= bits << 31
      else this.fail('a long has more than 64 bits')
    }
    this.offset = at
    const sign = -(low & 1)
    this.#low = ((low >>> 1) | (high << 31)) ^ sign
    this.#high = (high >>> 1) ^ sign
  }
}
