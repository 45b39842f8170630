/**
 * Column builders of string, binary and the other types that are bytes of any length. Strings are gathered into chunks
 * of text, each encoded by one call of TextEncoder: more than twice as fast as a call for every value.
 */
import { InvalidDataError } from '../base/errors.ts'
import { checkWkb } from '../format/wkb.ts'
import type { Value } from '../spec/types.ts'
import { CellMismatch, LateMismatch } from './cell-mismatch.ts'
import { PrimitiveBuilder } from './column-builder.ts'
import type { ColumnBuffers } from './column-builder.ts'

const MAX_COLUMN_BYTES = 0x7fff_ffff
const CHUNK_CHARS = 32_768

const encoder = new TextEncoder()

/** Offsets and bytes of a variable-width column. */
abstract class VariableBuilder extends PrimitiveBuilder {
  protected offsets: Int32Array = new Int32Array(0)
  protected bytes: Uint8Array = new Uint8Array(0)
  /** Bytes up to the last value, those still waiting to be encoded included. */
  protected end = 0
  #bytesHint = 0

  get sizeBytes(): number {
    return this.end + this.length * 4
  }

  appendFiller(): void {
    this.pushOffset()
  }

  protected pushOffset(): void {
    if (this.length + 1 >= this.offsets.length) {
      const grown = new Int32Array(Math.max(this.capacity + 1, 2 * this.offsets.length))
      grown.set(this.offsets)
      this.offsets = grown
    }
    this.offsets[++this.length] = this.end
  }

  protected reserve(sizeBytes: number): void {
    if (sizeBytes > MAX_COLUMN_BYTES) throw new CellMismatch('at most 2 GiB of values in one batch', 'more')
    if (sizeBytes <= this.bytes.length) return
    const doubled = Math.min(MAX_COLUMN_BYTES, 2 * this.bytes.length)
    const grown = new Uint8Array(Math.max(sizeBytes, doubled, this.#bytesHint))
    grown.set(this.bytes)
    this.bytes = grown
  }

  protected takeBuffers(): ColumnBuffers {
    const offsets = this.length === 0 ? new Int32Array(1) : this.offsets.subarray(0, this.length + 1)
    const values = this.bytes.subarray(0, this.end)
    this.#bytesHint = this.end
    this.offsets = new Int32Array(0)
    this.bytes = new Uint8Array(0)
    this.end = 0
    return { offsets, values }
  }
}

export class BinaryBuilder extends VariableBuilder {
  append(input: unknown): void {
    this.appendConverted(input)
  }

  appendValue(value: Value): void {
    const bytes = value as Uint8Array
    if (this.type.kind !== 'binary') checkShape(bytes, this.type.kind)
    this.reserve(this.end + bytes.length)
    this.bytes.set(bytes, this.end)
    this.end += bytes.length
    this.pushOffset()
  }
}

function checkShape(bytes: Uint8Array, kind: string): void {
  try {
    checkWkb(bytes)
  } catch (error) {
    if (!(error instanceof InvalidDataError)) throw error
    throw new CellMismatch(kind, `${bytes.length} bytes that are ${error.message}`)
  }
}

export class StringBuilder extends VariableBuilder {
  #text = ''
  /** Row and byte where the waiting text begins. */
  #textRow = 0
  #textStart = 0

  append(input: unknown): void {
    this.appendValue(typeof input === 'string' ? input : this.convert(input))
  }

  /** Offsets are guessed as for ASCII; `settle` mends them where that was wrong. */
  appendValue(value: Value): void {
    const text = value as string
    this.#text += text
    this.end += text.length
    this.pushOffset()
    if (this.#text.length > CHUNK_CHARS) this.settle()
  }

  /** Encodes the waiting text. A lone surrogate in it is found here, not when it was added: LateMismatch. */
  override settle(): void {
    const text = this.#text
    if (text === '') return
    const start = this.#textStart
    this.reserve(start + text.length)
    let { read, written } = encoder.encodeInto(text, this.bytes.subarray(start))
    if (read < text.length) {
      // A UTF-16 unit takes at most three bytes.
      this.reserve(start + 3 * text.length)
      ;({ written } = encoder.encodeInto(text, this.bytes.subarray(start)))
    }
    if (written !== text.length) this.#mendOffsets(text)
    this.#text = ''
    this.#textRow = this.length
    this.#textStart = this.end = start + written
  }

  protected override takeBuffers(): ColumnBuffers {
    this.settle()
    this.#textRow = 0
    this.#textStart = 0
    return super.takeBuffers()
  }

  #mendOffsets(text: string): void {
    let from = 0
    let guessed = this.#textStart
    let end = this.#textStart
    for (let row = this.#textRow + 1; row <= this.length; row++) {
      const guess = this.offsets[row] as number
      const to = from + guess - guessed
      end += utf8Length(text, from, to)
      this.offsets[row] = end
      from = to
      guessed = guess
    }
  }
}

function utf8Length(text: string, from: number, to: number): number {
  let bytes = 0
  for (let i = from; i < to; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdfff) bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3
    else if (unit < 0xdc00 && i + 1 < to && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 4
      i++
    } else throw new LateMismatch('well-formed text', 'a lone surrogate')
  }
  return bytes
}
