/**
 * Metrics of data files as they lie in a manifest. Most of its bytes are these, and a scan looks at few of them: they are
 * checked and passed over when their entry is read, and decoded when looked into.
 */
import type { AvroCursor } from '../format/avro-cursor.ts'
import { UNUSUAL, pastBounds, pastCounts } from './pass-over.ts'

export function readCounts(cursor: AvroCursor): ReadonlyMap<number, number> {
  const start = cursor.offset
  // Few writers cut a map into blocks: such a map is decoded at once.
  return skipCounts(cursor) > 1 ? decodeAt(cursor, start, count) : new StoredMap(cursor.lookup, start, count)
}

export function readBounds(cursor: AvroCursor): ReadonlyMap<number, Uint8Array> {
  const start = cursor.offset
  return skipBounds(cursor) > 1 ? decodeAt(cursor, start, bound) : new StoredMap(cursor.lookup, start, bound)
}

/** Past a map of longs; tells in how many blocks it is, at least one. */
function skipCounts(cursor: AvroCursor): number {
  return skipMap(cursor, pastCounts(cursor), skipLong)
}

/** Past a map of length-prefixed bytes; tells in how many blocks it is, at least one. */
function skipBounds(cursor: AvroCursor): number {
  return skipMap(cursor, pastBounds(cursor), skipBytes)
}

/** Past a map that ends at `end`, where that is known. */
function skipMap(cursor: AvroCursor, end: number, skipValue: (cursor: AvroCursor) => void): number {
  if (end !== UNUSUAL) {
    cursor.offset = end
    return 1
  }
  let blocks = 0
  for (let size = cursor.blockCount(); size > 0; size = cursor.blockCount()) {
    for (let i = 0; i < size; i += 1) {
      cursor.skipLong()
      skipValue(cursor)
    }
    blocks += 1
  }
  return blocks
}

const skipLong = (cursor: AvroCursor): void => cursor.skipLong()
const skipBytes = (cursor: AvroCursor): void => cursor.skipBytes()

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
