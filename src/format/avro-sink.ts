/** Writes Avro's binary encoding into a growing buffer: the lowest step of writing a manifest. */
import { ValidationError } from '../base/errors.ts'

export class AvroSink {
  #buffer: Buffer = Buffer.alloc(4096)
  #view = new DataView(new ArrayBuffer(8))
  #length = 0

  get length(): number {
    return this.#length
  }

  /** A copy of what was written since the last call, which starts anew. */
  take(): Uint8Array {
    const bytes = new Uint8Array(this.#buffer.subarray(0, this.#length))
    this.#length = 0
    return bytes
  }

  boolean(value: boolean): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value ? 1 : 0
  }

  int(value: number): void {
    if (value !== (value | 0)) throw new ValidationError(`expected a 32-bit integer, found ${value}`)
    this.number(value)
  }

  /** A long given as an integer within ±(2^53 − 1). */
  number(value: number): void {
    if (!Number.isSafeInteger(value)) throw new ValidationError(`expected an integer within 2^53, found ${value}`)
    this.#zigzag(value | 0, Math.floor(value / 0x1_0000_0000))
  }

  long(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new ValidationError(`expected a 64-bit integer, found ${value}`)
    this.#view.setBigInt64(0, value)
    this.#zigzag(this.#view.getInt32(4), this.#view.getInt32(0))
  }

  float(value: number): void {
    this.#reserve(4)
    this.#length = this.#buffer.writeFloatLE(value, this.#length)
  }

  double(value: number): void {
    this.#reserve(8)
    this.#length = this.#buffer.writeDoubleLE(value, this.#length)
  }

  fixed(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  byteString(bytes: Uint8Array): void {
    this.number(bytes.length)
    this.fixed(bytes)
  }

  string(text: string): void {
    const length = Buffer.byteLength(text)
    this.number(length)
    this.#reserve(length)
    this.#buffer.write(text, this.#length)
    this.#length += length
  }

  #zigzag(low: number, high: number): void {
    this.#reserve(10)
    const sign = high >> 31
    let lowBits = (low << 1) ^ sign
    let highBits = ((high << 1) | (low >>> 31)) ^ sign
    while (highBits !== 0 || lowBits >>> 7 !== 0) {
      this.#buffer[this.#length++] = (lowBits & 0x7f) | 0x80
      lowBits = (lowBits >>> 7) | (highBits << 25)
      highBits >>>= 7
    }
    this.#buffer[this.#length++] = lowBits
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const grown = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
