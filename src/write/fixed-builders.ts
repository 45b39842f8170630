/** Column builders of types whose values have one width: numbers, dates and times, decimals, uuid and fixed. */
import type { DataType } from 'apache-arrow'
import type { PrimitiveType, Value } from '../spec/types.ts'
import type { ColumnBuffers } from './column-builder.ts'
import { PrimitiveBuilder } from './column-builder.ts'
import { isoDays, isoMicros } from './iso-fast-path.ts'

const TWO_TO_32 = 4_294_967_296
/** Milliseconds whose microseconds are safe integers: the years 1685 to 2255. */
const SAFE_MS = Math.floor(Number.MAX_SAFE_INTEGER / 1000)

export class BooleanBuilder extends PrimitiveBuilder {
  #bits: Uint8Array = new Uint8Array(0)

  get sizeBytes(): number {
    return this.length >> 3
  }

  append(input: unknown): void {
    this.appendValue(typeof input === 'boolean' ? input : this.convert(input))
  }

  appendValue(value: Value): void {
    const byte = this.length >> 3
    if (byte >= this.#bits.length) this.#grow()
    if (value === true) this.#bits[byte] = (this.#bits[byte] as number) | (1 << (this.length & 7))
    this.length++
  }

  appendFiller(): void {
    this.appendValue(false)
  }

  protected takeBuffers(): ColumnBuffers {
    const values = this.#bits.subarray(0, ((this.length + 63) >> 6) << 3)
    this.#bits = new Uint8Array(0)
    return { values }
  }

  #grow(): void {
    const grown = new Uint8Array(Math.max(((this.capacity + 63) >> 6) << 3, 2 * this.#bits.length))
    grown.set(this.#bits)
    this.#bits = grown
  }
}

/** Int and date: 32-bit integers. */
export class Int32Builder extends PrimitiveBuilder {
  readonly #isDate: boolean
  #values: Int32Array = new Int32Array(0)

  constructor(type: PrimitiveType, arrowType: DataType) {
    super(type, arrowType)
    this.#isDate = type.kind === 'date'
  }

  get sizeBytes(): number {
    return this.length * 4
  }

  append(input: unknown): void {
    if (this.#isDate) {
      const days = typeof input === 'string' ? isoDays(input) : undefined
      this.#push(days ?? (this.convert(input) as number))
    } else {
      this.#push(typeof input === 'number' && input === (input | 0) ? input : (this.convert(input) as number))
    }
  }

  appendValue(value: Value): void {
    this.#push(value as number)
  }

  appendFiller(): void {
    this.#push(0)
  }

  protected takeBuffers(): ColumnBuffers {
    const values = this.#values.subarray(0, this.length)
    this.#values = new Int32Array(0)
    return { values }
  }

  #push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = new Int32Array(Math.max(this.capacity, 2 * this.length))
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.length++] = value
  }
}

/** Long, time and timestamps: 64-bit integers, written as two words where a number holds them exactly. */
export class Int64Builder extends PrimitiveBuilder {
  readonly #read: (input: unknown) => number | undefined
  #values: BigInt64Array = new BigInt64Array(0)
  #words: Int32Array = new Int32Array(0)

  constructor(type: PrimitiveType, arrowType: DataType) {
    super(type, arrowType)
    this.#read = SAFE_READERS[type.kind] ?? (() => undefined)
  }

  get sizeBytes(): number {
    return this.length * 8
  }

  append(input: unknown): void {
    const safe = this.#read(input)
    if (safe === undefined) {
      this.appendValue(this.convert(input))
      return
    }
    if (this.length === this.#values.length) this.#grow()
    const at = 2 * this.length++
    this.#words[at] = safe
    this.#words[at + 1] = Math.floor(safe / TWO_TO_32)
  }

  appendValue(value: Value): void {
    if (this.length === this.#values.length) this.#grow()
    this.#values[this.length++] = value as bigint
  }

  appendFiller(): void {
    if (this.length === this.#values.length) this.#grow()
    this.#values[this.length++] = 0n
  }

  protected takeBuffers(): ColumnBuffers {
    const values = this.#values.subarray(0, this.length)
    this.#values = new BigInt64Array(0)
    this.#words = new Int32Array(0)
    return { values }
  }

  #grow(): void {
    const grown = new BigInt64Array(Math.max(this.capacity, 2 * this.length))
    grown.set(this.#values)
    this.#values = grown
    this.#words = new Int32Array(grown.buffer)
  }
}

/** The column's integer as a safe number, for the inputs that come in millions; undefined leaves it to `convert`. */
const SAFE_READERS: Readonly<Partial<Record<PrimitiveType['kind'], (input: unknown) => number | undefined>>> = {
  long: (input) => (typeof input === 'number' && Number.isSafeInteger(input) ? input : undefined),
  timestamp: (input) => (typeof input === 'string' ? isoMicros(input, false) : dateMicros(input)),
  timestamptz: (input) => (typeof input === 'string' ? isoMicros(input, true) : dateMicros(input)),
}

function dateMicros(input: unknown): number | undefined {
  if (!(input instanceof Date)) return undefined
  const ms = input.getTime()
  return ms <= SAFE_MS && ms >= -SAFE_MS ? ms * 1000 : undefined
}

export class FloatBuilder extends PrimitiveBuilder {
  readonly #double: boolean
  #values: Float32Array | Float64Array = new Float64Array(0)

  constructor(type: PrimitiveType, arrowType: DataType) {
    super(type, arrowType)
    this.#double = type.kind === 'double'
  }

  get sizeBytes(): number {
    return this.length * (this.#double ? 8 : 4)
  }

  append(input: unknown): void {
    this.#push(typeof input === 'number' && this.#double ? input : (this.convert(input) as number))
  }

  appendValue(value: Value): void {
    this.#push(value as number)
  }

  appendFiller(): void {
    this.#push(0)
  }

  protected takeBuffers(): ColumnBuffers {
    const values = this.#values.length === 0 ? this.#allocate(0) : this.#values.subarray(0, this.length)
    this.#values = new Float64Array(0)
    return { values }
  }

  #allocate(length: number): Float32Array | Float64Array {
    return this.#double ? new Float64Array(length) : new Float32Array(length)
  }

  #push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = this.#allocate(Math.max(this.capacity, 2 * this.length))
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.length++] = value
  }
}

/** Fixed, uuid (16 bytes, big-endian) and decimal (128 bits, little-endian). */
export class FixedBytesBuilder extends PrimitiveBuilder {
  readonly #width: number
  #bytes: Uint8Array = new Uint8Array(0)

  constructor(type: PrimitiveType, arrowType: DataType) {
    super(type, arrowType)
    this.#width = type.kind === 'fixed' ? type.length : 16
  }

  get sizeBytes(): number {
    return this.length * this.#width
  }

  append(input: unknown): void {
    this.appendConverted(input)
  }

  appendValue(value: Value): void {
    const at = this.#advance()
    if (typeof value === 'string') putUuid(this.#bytes, at, value)
    else if (typeof value === 'bigint') putInt128(this.#bytes, at, value)
    else this.#bytes.set(value as Uint8Array, at)
  }

  appendFiller(): void {
    this.#advance()
  }

  protected takeBuffers(): ColumnBuffers {
    const bytes = this.#bytes.subarray(0, this.sizeBytes)
    this.#bytes = new Uint8Array(0)
    // Arrow counts decimals in 32-bit words.
    return { values: this.type.kind === 'decimal' ? new Uint32Array(bytes.buffer, 0, bytes.length >> 2) : bytes }
  }

  #advance(): number {
    const at = this.length * this.#width
    if (at + this.#width > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.capacity * this.#width, 2 * this.#bytes.length))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    this.length++
    return at
  }
}

function putUuid(bytes: Uint8Array, offset: number, uuid: string): void {
  for (let i = 0, at = offset; i < 36; i += 2) {
    if (uuid.charCodeAt(i) === 45) i++
    bytes[at++] = hexDigit(uuid.charCodeAt(i)) * 16 + hexDigit(uuid.charCodeAt(i + 1))
  }
}

function hexDigit(code: number): number {
  return code < 58 ? code - 48 : code - 87
}

function putInt128(bytes: Uint8Array, offset: number, value: bigint): void {
  const view = new DataView(bytes.buffer, offset, 16)
  view.setBigInt64(0, value, true)
  view.setBigInt64(8, value >> 64n, true)
}
