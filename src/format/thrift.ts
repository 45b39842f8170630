/**
 * Thrift's compact protocol, as far as Parquet uses it: structs are kept as plain trees, so that a footer can be read,
 * changed in a few fields and written again without losing what this library does not know. Bytes are hostile: every
 * length is checked against what is left, nesting and the number of values are limited.
 */
import { InvalidDataError } from '../base/errors.ts'

export type ThriftType = 'bool' | 'byte' | 'i16' | 'i32' | 'i64' | 'double' | 'binary' | 'list' | 'struct'

/** Integers are numbers while they are exact, else bigints. */
export type ThriftValue = boolean | number | bigint | Uint8Array | ThriftList | ThriftStruct

export interface ThriftField {
  readonly id: number
  readonly type: ThriftType
  readonly value: ThriftValue
}

/** Fields in the order of the file. */
export interface ThriftStruct {
  readonly fields: readonly ThriftField[]
}

export interface ThriftList {
  readonly elementType: ThriftType
  readonly values: readonly ThriftValue[]
}

const MAX_DEPTH = 32
const MAX_VALUES = 8_000_000

const TYPE_OF_CODE: Readonly<Record<number, ThriftType>> = {
  1: 'bool',
  2: 'bool',
  3: 'byte',
  4: 'i16',
  5: 'i32',
  6: 'i64',
  7: 'double',
  8: 'binary',
  9: 'list',
  12: 'struct',
}
const CODE_OF_TYPE: Readonly<Record<ThriftType, number>> = {
  bool: 1,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  struct: 12,
}

/** Parses one struct that starts at the first byte; binaries are views of `bytes`. `location` names the file in errors. */
export function parseThrift(bytes: Uint8Array, location: string): ThriftStruct {
  return new CompactReader(bytes, location).struct(0)
}

/** As parseThrift, with the bytes that the struct takes: others may follow. */
export function parseThriftPrefix(
  bytes: Uint8Array,
  location: string,
): { readonly struct: ThriftStruct; readonly sizeBytes: number } {
  const reader = new CompactReader(bytes, location)
  return { struct: reader.struct(0), sizeBytes: reader.position }
}

export function printThrift(struct: ThriftStruct): Uint8Array {
  const writer = new CompactWriter()
  writer.struct(struct)
  return writer.finish()
}

class CompactReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #location: string
  #position = 0
  #values = 0

  constructor(bytes: Uint8Array, location: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#location = location
  }

  get position(): number {
    return this.#position
  }

  struct(depth: number): ThriftStruct {
    if (depth > MAX_DEPTH) this.#fail(`nested deeper than ${MAX_DEPTH} levels`)
    const fields: ThriftField[] = []
    let id = 0
    for (let header = this.#byte(); header !== 0; header = this.#byte()) {
      const delta = header >> 4
      id = delta === 0 ? Number(this.#zigzag()) : id + delta
      const code = header & 0x0f
      const type = this.#type(code)
      // A boolean field carries its value in the type.
      fields.push({ id, type, value: type === 'bool' ? code === 1 : this.#value(type, depth) })
    }
    return { fields }
  }

  #value(type: ThriftType, depth: number): ThriftValue {
    if (++this.#values > MAX_VALUES) this.#fail(`more than ${MAX_VALUES} values`)
    switch (type) {
      case 'bool':
        return this.#byte() === 1
      case 'byte':
        return (this.#byte() << 24) >> 24
      case 'i16':
      case 'i32':
      case 'i64':
        return this.#zigzag()
      case 'double':
        return this.#view.getFloat64(this.#take(8), true)
      case 'binary': {
        const length = this.#length()
        const start = this.#take(length)
        return this.#bytes.subarray(start, start + length)
      }
      case 'list':
        return this.#list(depth + 1)
      case 'struct':
        return this.struct(depth + 1)
    }
  }

  #list(depth: number): ThriftList {
    if (depth > MAX_DEPTH) this.#fail(`nested deeper than ${MAX_DEPTH} levels`)
    const header = this.#byte()
    const elementType = this.#type(header & 0x0f)
    const size = header >> 4 === 15 ? this.#length() : header >> 4
    // Every element takes a byte at least: a list can't be longer than what is left.
    if (size > this.#bytes.length - this.#position) this.#fail('a list runs over the end')
    const values: ThriftValue[] = []
    for (let i = 0; i < size; i++) values.push(this.#value(elementType, depth))
    return { elementType, values }
  }

  #type(code: number): ThriftType {
    return TYPE_OF_CODE[code] ?? this.#fail(`unknown type ${code}`)
  }

  #length(): number {
    const length = this.#varint()
    return typeof length === 'number' ? length : this.#fail('a length runs over the end')
  }

  #zigzag(): number | bigint {
    const n = this.#varint()
    if (typeof n === 'number') return n % 2 === 0 ? n / 2 : -(n + 1) / 2
    const value = BigInt.asIntN(64, (n >> 1n) ^ -(n & 1n))
    const exact = Number(value)
    return Number.isSafeInteger(exact) ? exact : value
  }

  /** A number up to 7 bytes (49 bits), else a bigint of 64 bits. */
  #varint(): number | bigint {
    let value = 0
    let scale = 1
    for (let i = 0; i < 7; i++) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    let big = BigInt(value)
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      big |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, big)
    }
    return this.#fail('an integer of more than 64 bits')
  }

  #byte(): number {
    return this.#bytes[this.#take(1)] ?? 0
  }

  #take(length: number): number {
    const start = this.#position
    if (length > this.#bytes.length - start) this.#fail('cut off')
    this.#position = start + length
    return start
  }

  #fail(what: string): never {
    throw new InvalidDataError(`${this.#location}: not a Thrift structure: ${what} at byte ${this.#position}`, {
      context: { location: this.#location, position: this.#position },
    })
  }
}

class CompactWriter {
  #bytes = new Uint8Array(4096)
  #position = 0

  struct(struct: ThriftStruct): void {
    let last = 0
    for (const { id, type, value } of struct.fields) {
      const code = type === 'bool' && value === false ? 2 : CODE_OF_TYPE[type]
      const delta = id - last
      if (delta > 0 && delta <= 15) this.#byte((delta << 4) | code)
      else {
        this.#byte(code)
        this.#zigzag(id)
      }
      last = id
      if (type !== 'bool') this.#value(type, value)
    }
    this.#byte(0)
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#position)
  }

  #value(type: ThriftType, value: ThriftValue): void {
    if (typeof value === 'boolean') this.#byte(value ? 1 : 2)
    else if (typeof value === 'bigint') this.#zigzag(value)
    else if (typeof value === 'number') this.#number(type, value)
    else if (value instanceof Uint8Array) this.#binary(value)
    else if ('fields' in value) this.struct(value)
    else this.#list(value)
  }

  #number(type: ThriftType, value: number): void {
    if (type === 'byte') this.#byte(value & 0xff)
    else if (type === 'double') {
      this.#reserve(8)
      new DataView(this.#bytes.buffer).setFloat64(this.#position, value, true)
      this.#position += 8
    } else this.#zigzag(value)
  }

  #binary(value: Uint8Array): void {
    this.#varint(value.length)
    this.#reserve(value.length)
    this.#bytes.set(value, this.#position)
    this.#position += value.length
  }

  #list({ elementType, values }: ThriftList): void {
    const code = CODE_OF_TYPE[elementType]
    if (values.length < 15) this.#byte((values.length << 4) | code)
    else {
      this.#byte(0xf0 | code)
      this.#varint(values.length)
    }
    for (const value of values) this.#value(elementType, value)
  }

  #zigzag(value: number | bigint): void {
    if (typeof value === 'number' && Math.abs(value) < 2 ** 51) this.#varint(value < 0 ? -2 * value - 1 : 2 * value)
    else {
      const big = BigInt(value)
      this.#bigVarint(BigInt.asUintN(64, (big << 1n) ^ (big >> 63n)))
    }
  }

  #varint(value: number): void {
    let rest = value
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#byte((rest % 128) | 0x80)
    this.#byte(rest)
  }

  #bigVarint(value: bigint): void {
    let rest = value
    for (; rest >= 0x80n; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80)
    this.#byte(Number(rest))
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#position++] = value
  }

  #reserve(length: number): void {
    if (this.#position + length <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#position + length))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}
