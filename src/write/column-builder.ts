/**
 * What packs one column: values in, Arrow data out, by preallocated typed arrays that double. Apache Arrow's own builders
 * are five times slower. The kinds are in fixed-builders.ts, bytes-builders.ts and nested-builders.ts; rows-to-arrow.ts
 * and arrow-input.ts drive them.
 */
import { BufferType, Data } from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import type { PrimitiveType, Value } from '../spec/types.ts'
import { fromRowValue } from '../spec/value.ts'
import { asMismatch } from './cell-mismatch.ts'

export interface ColumnBuilder {
  readonly length: number
  /** Bytes that the values take so far. */
  readonly sizeBytes: number
  /** Adds a value as users give it, not null. Throws CellMismatch, after which the builder is not to be used. */
  append(input: unknown): void
  appendNull(): void
  /** A value that nobody sees: a required member below a struct that is null. */
  appendFiller(): void
  /** Finishes what was put off for speed. Called after each run of rows, so that late failures lie within it. */
  settle(): void
  /** The column so far; the builder starts again empty. */
  finish(): Data
}

/** Arrow's buffers of a column that is not nested. */
export interface ColumnBuffers {
  readonly values?: ArrayBufferView | undefined
  readonly offsets?: Int32Array | undefined
}

const INITIAL_CAPACITY = 256

/** Null bits, kept inverted in cost: columns without nulls never touch them. */
export class Validity {
  nullCount = 0
  #bits: Uint8Array = new Uint8Array(0)

  markNull(row: number): void {
    const byte = row >> 3
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(64, 2 * byte + 2)).fill(255)
      grown.set(this.#bits)
      this.#bits = grown
    }
    this.#bits[byte] = (this.#bits[byte] as number) & ~(1 << (row & 7))
    this.nullCount++
  }

  /** Arrow data of `length` rows over these bits, which start again all valid. */
  build(type: DataType, length: number, buffers: ColumnBuffers, children?: Data[]): Data {
    const { nullCount } = this
    const bits = nullCount > 0 ? this.#paddedBits(length) : undefined
    this.nullCount = 0
    this.#bits = new Uint8Array(0)
    return new Data(
      type,
      0,
      length,
      nullCount,
      {
        ...(buffers.offsets && { [BufferType.OFFSET]: buffers.offsets }),
        ...(buffers.values && { [BufferType.DATA]: buffers.values }),
        ...(bits && { [BufferType.VALIDITY]: bits }),
      },
      children,
    )
  }

  #paddedBits(length: number): Uint8Array {
    const padded = new Uint8Array(((length + 63) >> 6) << 3).fill(255)
    padded.set(this.#bits.subarray(0, padded.length))
    return padded
  }
}

/** A column of a primitive type. `append` takes the usual input fast and leaves the rest to `fromRowValue`. */
export abstract class PrimitiveBuilder implements ColumnBuilder {
  length = 0
  protected readonly type: PrimitiveType
  protected readonly arrowType: DataType
  protected readonly validity: Validity = new Validity()
  protected capacity: number = INITIAL_CAPACITY

  constructor(type: PrimitiveType, arrowType: DataType) {
    this.type = type
    this.arrowType = arrowType
  }

  abstract get sizeBytes(): number
  abstract append(input: unknown): void
  /** Adds a value in the internal representation of the column's type. */
  abstract appendValue(value: Value): void
  abstract appendFiller(): void
  protected abstract takeBuffers(): ColumnBuffers

  appendNull(): void {
    this.validity.markNull(this.length)
    this.appendFiller()
  }

  settle(): void {}

  finish(): Data {
    const { length } = this
    const data = this.validity.build(this.arrowType, length, this.takeBuffers())
    this.length = 0
    this.capacity = Math.max(INITIAL_CAPACITY, length)
    return data
  }

  protected appendConverted(input: unknown): void {
    this.appendValue(this.convert(input))
  }

  protected convert(input: unknown): Value {
    try {
      return fromRowValue(this.type, input)
    } catch (error) {
      throw asMismatch(error)
    }
  }
}
