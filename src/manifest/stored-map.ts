/**
 * Metrics of data files as they lie in a manifest. Most of its bytes are these, and a scan looks at few of them: they are
 * checked and passed over when their entry is read, and decoded when looked into.
 */
import type { AvroCursor } from '../format/avro-cursor.ts'

export function readCounts(cursor: AvroCursor): ReadonlyMap<number, number> {
  const start = cursor.offset
  // Few writers cut a map into blocks: such a map is decoded at once.
  return skipCounts(cursor) > 1 ? decodeAt(cursor, start, count) : new StoredMap(cursor.lookup, start, count)
}

export function readBounds(cursor: AvroCursor): ReadonlyMap<number, Uint8Array> {
  const start = cursor.offset
  return skipBounds(cursor) > 1 ? decodeAt(cursor, start, bound) : new StoredMap(cursor.lookup, start, bound)
}

/** Past a map of longs; tells in how many blocks it is. */
export function skipCounts(cursor: AvroCursor): number {
  const { bytes, offset } = cursor
  const twice = bytes[offset] ?? 0
  if (isShortBlock(twice)) {
    const at = pastLongs(cursor, offset + 1, twice)
    if (bytes[at] === 0) return endAt(cursor, at)
  }
  let blocks = 0
  for (let size = cursor.blockCount(); size > 0; size = cursor.blockCount()) {
    cursor.skip(pastLongs(cursor, cursor.offset, 2 * size) - cursor.offset)
    blocks += 1
  }
  return blocks
}

/** Past a map of length-prefixed bytes; tells in how many blocks it is. */
export function skipBounds(cursor: AvroCursor): number {
  const { bytes, offset } = cursor
  const twice = bytes[offset] ?? 0
  if (isShortBlock(twice)) {
    const at = pastBounds(cursor, offset + 1, twice >>> 1)
    if (bytes[at] === 0) return endAt(cursor, at)
  }
  let blocks = 0
  cursor.offset = offset
  for (let size = cursor.blockCount(); size > 0; size = cursor.blockCount()) {
    cursor.skip(pastBounds(cursor, cursor.offset, size) - cursor.offset)
    blocks += 1
  }
  return blocks
}

/** Nearly all maps are one block of fewer than 64 pairs, whose count is an even byte, and the empty block that ends them. */
function isShortBlock(byte: number): boolean {
  return byte > 0 && (byte & 0x81) === 0
}

function endAt(cursor: AvroCursor, lastByte: number): 1 {
  cursor.offset = lastByte + 1
  return 1
}

/** Where `count` longs end that begin at `start`. A byte below 0x80 ends each: in four together, as many as lack their highest bit. */
function pastLongs({ bytes, view }: AvroCursor, start: number, count: number): number {
  let at = start
  let left = count
  for (const end = bytes.length - 4; left >= 4 && at <= end; at += 4) {
    const ends = (~view.getUint32(at) >>> 7) & 0x01010101
    left -= Math.imul(ends, 0x01010101) >>> 24
  }
  // Without branches, which processors guess wrong too often here.
  for (; left > 0; at += 1) left -= 1 - ((bytes[at] ?? 0) >>> 7)
  return at
}

/** Where `count` pairs of an integer and length-prefixed bytes end. */
function pastBounds(cursor: AvroCursor, start: number, count: number): number {
  const { bytes } = cursor
  let at = start
  for (let left = count; left > 0; left -= 1) {
    while ((bytes[at] ?? 0) >= 0x80) at += 1
    const length = bytes[at + 1] ?? 0
    // Nearly all are shorter than 64 bytes: an even number below 0x80.
    if ((length & 0x81) === 0) at += 2 + (length >>> 1)
    else {
      cursor.offset = at + 1
      cursor.skip(cursor.number())
      at = cursor.offset
    }
  }
  return at
}

type ReadValue<T> = (cursor: AvroCursor) => T
const count: ReadValue<number> = (cursor) => cursor.number()
const bound: ReadValue<Uint8Array> = (cursor) => cursor.byteString()

function decodeAt<T>(cursor: AvroCursor, offset: number, readValue: ReadValue<T>): Map<number, T> {
  cursor.offset = offset
  const map = new Map<number, T>()
  for (let size = cursor.blockCount(); size > 0; size = cursor.blockCount()) {
    for (let i = 0; i < size; i += 1) {
      const key = cursor.int()
      map.set(key, readValue(cursor))
    }
  }
  return map
}

/** A map of at most one block that stays encoded: `get` searches it, all else decodes it into a Map for the occasion. */
class StoredMap<T> implements ReadonlyMap<number, T> {
  /** Over the bytes that the map lies in; all maps of a block share it, and nothing else moves it. */
  readonly #cursor: AvroCursor
  readonly #start: number
  readonly #readValue: ReadValue<T>

  constructor(cursor: AvroCursor, start: number, readValue: ReadValue<T>) {
    this.#cursor = cursor
    this.#start = start
    this.#readValue = readValue
  }

  get size(): number {
    this.#cursor.offset = this.#start
    return this.#cursor.blockCount()
  }

  get(key: number): T | undefined {
    const cursor = this.#cursor
    for (let left = this.size; left > 0; left -= 1) {
      const found = cursor.int() === key
      const value = this.#readValue(cursor)
      if (found) return value
    }
    return undefined
  }

  has(key: number): boolean {
    return this.get(key) !== undefined
  }

  entries(): MapIterator<[number, T]> {
    return this.#decode().entries()
  }

  keys(): MapIterator<number> {
    return this.#decode().keys()
  }

  values(): MapIterator<T> {
    return this.#decode().values()
  }

  forEach(callback: (value: T, key: number, map: ReadonlyMap<number, T>) => void): void {
    for (const [key, value] of this.#decode()) callback(value, key, this)
  }

  [Symbol.iterator](): MapIterator<[number, T]> {
    return this.entries()
  }

  #decode(): Map<number, T> {
    return decodeAt(this.#cursor, this.#start, this.#readValue)
  }
}
