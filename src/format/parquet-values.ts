/**
 * The values of data pages, nulls left out, moved to where Arrow wants them: numbers as bytes of a fixed width, booleans
 * as a byte each, text and binary in two steps: offsets first, so that memory is taken once. Behind parquet-flat.ts. What
 * does not fit its bytes is a RangeError.
 */
import { copyFixed } from './arrow-take.ts'
import { HybridReader } from './parquet-hybrid.ts'

/** Values of one page, in order. */
export interface PageValues<T> {
  /** Appends the next ones. */
  read(target: T, count: number): void
  /** Appends those of the next `count` that are at `places`, which ascend; the others are skipped. */
  take(target: T, places: Int32Array, count: number): void
  skip(count: number): void
}

/** Values of a fixed width, one behind the other. */
export class FixedValues {
  readonly width: number
  readonly bytes: Uint8Array<ArrayBuffer>
  count = 0

  constructor(width: number, capacity: number) {
    this.width = width
    this.bytes = new Uint8Array(width * capacity)
  }
}

/** Values of their own lengths: `offsets` of those that were read, and how to get their bytes. */
export class BytesValues {
  readonly offsets: Int32Array<ArrayBuffer>
  readonly #copies: ((to: DataView) => void)[] = []
  count = 0

  constructor(capacity: number) {
    this.offsets = new Int32Array(capacity + 1)
  }

  /** `copy` brings the bytes of the `count` values whose offsets were just set; it may write 7 bytes behind them. */
  append(count: number, copy: (to: DataView) => void): void {
    this.count += count
    if (count > 0) this.#copies.push(copy)
  }

  finish(): Uint8Array<ArrayBuffer> {
    const length = this.offsets[this.count] as number
    const bytes = new ArrayBuffer(length + SLACK_BYTES)
    for (const copy of this.#copies) copy(new DataView(bytes))
    return new Uint8Array(bytes, 0, length)
  }
}

/** Bytes are moved by eights. */
const SLACK_BYTES = 8
const MAX_OFFSET = 2 ** 31 - 1

export function plainFixed(bytes: Uint8Array, width: number): PageValues<FixedValues> {
  let at = 0
  const next = (count: number): Uint8Array => {
    const end = at + count * width
    if (end > bytes.length) throw new RangeError(`${count} values end after its last byte`)
    const values = bytes.subarray(at, end)
    at = end
    return values
  }
  return {
    skip: next,
    read: (target, count) => {
      target.bytes.set(next(count), target.count * width)
      target.count += count
    },
    take: (target, places, count) => appendFixed(target, next(count), places),
  }
}

/** Values by their places among `bytes`. */
function appendFixed(target: FixedValues, bytes: Uint8Array, places: Int32Array): void {
  const { width, count } = target
  copyFixed(bytes, width, places, target.bytes.subarray(count * width))
  target.count += places.length
}

/** Booleans, a bit each. */
export function plainBits(bytes: Uint8Array): PageValues<FixedValues> {
  let bit = 0
  const skip = (count: number): void => {
    bit += count
    if (bit > bytes.length * 8) throw new RangeError(`${count} values end after its last byte`)
  }
  return {
    skip,
    read: (target, count) => {
      const first = bit
      skip(count)
      const to = target.bytes
      for (let i = 0, out = target.count; i < count; i++)
        to[out++] = ((bytes[(first + i) >> 3] as number) >> ((first + i) & 7)) & 1
      target.count += count
    },
    take: (target, places, count) => {
      const first = bit
      skip(count)
      for (const place of places)
        target.bytes[target.count++] = ((bytes[(first + place) >> 3] as number) >> ((first + place) & 7)) & 1
    },
  }
}

/** Booleans in runs, behind their length. */
export function hybridBits(bytes: Uint8Array): PageValues<FixedValues> {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true)
  const reader = new HybridReader(bytes.subarray(4, 4 + length), 1)
  return {
    skip: (count) => reader.read(new Uint8Array(count), 0, count),
    read: (target, count) => {
      reader.read(target.bytes, target.count, target.count + count)
      target.count += count
    },
    take: (target, places, count) => {
      const all = new Uint8Array(count)
      reader.read(all, 0, count)
      appendFixed(target, all, places)
    },
  }
}

/** Each behind its length, of 32 bits. `isText` promises that what is not valid UTF-8 is refused afterwards. */
export function plainBytes(bytes: Uint8Array, isText: boolean): PageValues<BytesValues> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  return {
    skip: (count) => void (at = walkPlain(view, at, new Int32Array(count + 1), count)),
    read: (target, count) => {
      const { offsets, count: first } = target
      const start = at
      at = walkPlain(view, at, offsets.subarray(first), count)
      target.append(count, (to) => copyPlain(view, start, to, offsets.subarray(first, first + count + 1), isText))
    },
    take: (target, places, count) => {
      const { offsets, count: first } = target
      const own = offsets.subarray(first, first + places.length + 1)
      const starts = new Int32Array(places.length)
      at = walkSome(view, at, { places, starts, offsets: own, count })
      target.append(places.length, (to) => copySome(view, starts, to, own, isText))
    },
  }
}

/** Sets the offsets behind the first; gives where the values end. */
function walkPlain(view: DataView, start: number, offsets: Int32Array, count: number): number {
  const end = view.byteLength
  let at = start
  let offset = offsets[0] as number
  for (let i = 1; i <= count; i++) {
    const length = view.getUint32(at, true)
    at += 4 + length
    offset += length
    offsets[i] = offset
    if (at > end || offset > MAX_OFFSET)
      throw new RangeError('a value is longer than its page, or more than fits a batch')
  }
  return at
}

interface SomeValues {
  readonly places: Int32Array
  /** Where in the page the bytes of each begin: these are set. */
  readonly starts: Int32Array
  readonly offsets: Int32Array
  readonly count: number
}

/** As walkPlain, of `count` values for those at `places`. */
function walkSome(view: DataView, first: number, { places, starts, offsets, count }: SomeValues): number {
  const end = view.byteLength
  let at = first
  let offset = offsets[0] as number
  for (let i = 0, taken = 0; i < count; i++) {
    const length = view.getUint32(at, true)
    if (i === places[taken]) {
      starts[taken++] = at + 4
      offset += length
      offsets[taken] = offset
    }
    at += 4 + length
    if (at > end || offset > MAX_OFFSET)
      throw new RangeError('a value is longer than its page, or more than fits a batch')
  }
  return at
}

/**
 * By doubles, which are several times as fast as anything else, and then by words: kinds of NaN may change on the way, but
 * none is made of bytes that UTF-8 can have. So only whole values go this way, and only text.
 */
function copyText(from: DataView, start: number, to: DataView, begin: number, end: number): void {
  let at = start
  let out = begin
  for (; out + 8 <= end; out += 8, at += 8) to.setFloat64(out, from.getFloat64(at, true), true)
  for (; out < end; out += 4, at += 4) to.setInt32(out, from.getInt32(at, true), true)
}

function copyBytes(from: DataView, start: number, to: DataView, begin: number, end: number): void {
  let at = start
  for (let out = begin; out < end; out += 4, at += 4) to.setInt32(out, from.getInt32(at, true), true)
}

function copyPlain(from: DataView, start: number, to: DataView, offsets: Int32Array, isText: boolean): void {
  const safe = from.byteLength - SLACK_BYTES
  let at = start
  let begin = offsets[0] as number
  for (let i = 1; i < offsets.length; i++) {
    const end = offsets[i] as number
    at += 4
    const next = at + end - begin
    if (next > safe) copySlowly(from, at, to, begin, end)
    else if (isText) copyText(from, at, to, begin, end)
    else copyBytes(from, at, to, begin, end)
    begin = end
    at = next
  }
}

/** At the end of the data, behind which nothing may be read. */
function copySlowly(from: DataView, start: number, to: DataView, begin: number, end: number): void {
  for (let at = start, out = begin; out < end; out++, at++) to.setUint8(out, from.getUint8(at))
}

function copySome(from: DataView, starts: Int32Array, to: DataView, offsets: Int32Array, isText: boolean): void {
  const safe = from.byteLength - SLACK_BYTES
  for (let i = 0; i < starts.length; i++) {
    const [at, begin, end] = [starts[i] as number, offsets[i] as number, offsets[i + 1] as number]
    if (at + end - begin > safe) copySlowly(from, at, to, begin, end)
    else if (isText) copyText(from, at, to, begin, end)
    else copyBytes(from, at, to, begin, end)
  }
}

/** The indices of a page into its dictionary. */
class Indices {
  readonly #reader: HybridReader
  readonly #size: number

  constructor(bytes: Uint8Array, size: number) {
    this.#reader = new HybridReader(bytes.subarray(1), bytes[0] ?? 0)
    this.#size = size
  }

  next(count: number): Int32Array {
    const indices = new Int32Array(count)
    this.#reader.read(indices, 0, count)
    for (const index of indices)
      if (index >>> 0 >= this.#size) throw new RangeError(`index ${index >>> 0} into a dictionary of ${this.#size}`)
    return indices
  }

  take(places: Int32Array, count: number): Int32Array {
    const all = this.next(count)
    return places.map((place) => all[place] as number)
  }
}

export interface FixedDictionary {
  readonly bytes: Uint8Array
  readonly size: number
}

export function fixedDictionary(bytes: Uint8Array, width: number, size: number): FixedDictionary {
  const values = new FixedValues(width, Math.min(size, Math.floor(bytes.length / Math.max(width, 1)) + 1))
  plainFixed(bytes, width).read(values, size)
  return { bytes: values.bytes, size }
}

export function indexedFixed(bytes: Uint8Array, dictionary: FixedDictionary): PageValues<FixedValues> {
  const indices = new Indices(bytes, dictionary.size)
  return {
    skip: (count) => void indices.next(count),
    read: (target, count) => appendFixed(target, dictionary.bytes, indices.next(count)),
    take: (target, places, count) => appendFixed(target, dictionary.bytes, indices.take(places, count)),
  }
}

export interface BytesDictionary {
  readonly offsets: Int32Array
  /** With slack behind its end. */
  readonly view: DataView
  readonly size: number
  readonly isText: boolean
}

export function bytesDictionary(bytes: Uint8Array, size: number, isText: boolean): BytesDictionary {
  const values = new BytesValues(Math.min(size, bytes.length))
  plainBytes(bytes, isText).read(values, size)
  const { buffer } = values.finish()
  return { offsets: values.offsets, view: new DataView(buffer), size, isText }
}

export function indexedBytes(bytes: Uint8Array, dictionary: BytesDictionary): PageValues<BytesValues> {
  const indices = new Indices(bytes, dictionary.size)
  return {
    skip: (count) => void indices.next(count),
    read: (target, count) => appendIndexed(target, dictionary, indices.next(count)),
    take: (target, places, count) => appendIndexed(target, dictionary, indices.take(places, count)),
  }
}

function appendIndexed(target: BytesValues, dictionary: BytesDictionary, indices: Int32Array): void {
  const { offsets, count: first } = target
  let offset = offsets[first] as number
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number
    offset += (dictionary.offsets[index + 1] as number) - (dictionary.offsets[index] as number)
    if (offset > MAX_OFFSET) throw new RangeError('its values are more than fits a batch')
    offsets[first + i + 1] = offset
  }
  const start = offsets[first] as number
  target.append(indices.length, (to) => copyIndexed(dictionary, indices, to, start))
}

function copyIndexed(
  { view, offsets, isText }: BytesDictionary,
  indices: Int32Array,
  to: DataView,
  start: number,
): void {
  let out = start
  for (let i = 0; i < indices.length; i++) {
    const at = offsets[indices[i] as number] as number
    const next = out + (offsets[(indices[i] as number) + 1] as number) - at
    if (isText) copyText(view, at, to, out, next)
    else copyBytes(view, at, to, out, next)
    out = next
  }
}
