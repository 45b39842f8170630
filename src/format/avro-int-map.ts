/**
 * Iceberg's maps with int keys, an array of key-value records of the logical type `map`: the metrics of data files. Most
 * of a manifest's bytes are these, and a scan looks at few of them, so they are checked and skipped when read and
 * decoded when looked into.
 */
import { avroInt, resolveUnion, writeBlock } from './avro-codec.ts'
import type { AvroCodec, AvroDecode } from './avro-codec.ts'
import type { AvroCursor } from './avro-cursor.ts'
import { avroRecord } from './avro-record.ts'
import type { AvroFields } from './avro-record.ts'
import type { AvroRecordNode } from './avro-schema.ts'
import { avroSkip, avroSkipMany, forEachItem } from './avro-skip.ts'

interface Entry<T> {
  readonly key: number
  readonly value: T
}

/** How one map of a file is encoded. */
interface Layout<T> {
  readonly readKey: AvroDecode<number>
  readonly readValue: AvroDecode<T>
  readonly skipValue: (cursor: AvroCursor) => void
  readonly skipEntries: (cursor: AvroCursor, count: number) => void
}

export function avroIntMap<T>(keyId: number, valueId: number, values: AvroCodec<T>): AvroCodec<ReadonlyMap<number, T>> {
  const fields: AvroFields<Entry<T>> = {
    key: { id: keyId, name: 'key', codec: avroInt },
    value: { id: valueId, name: 'value', codec: values },
  }
  const { schema } = avroRecord(`k${keyId}_v${valueId}`, fields)
  return {
    schema: { type: 'array', items: schema, logicalType: 'map' },
    write(sink, map) {
      writeBlock(sink, map.size, map, (_, [key, value]) => {
        avroInt.write(sink, key)
        values.write(sink, value)
      })
    },
    resolve(writer, location) {
      if (writer.kind !== 'array' || writer.items.kind !== 'record') return undefined
      const layout = resolveLayout(writer.items, fields, location)
      return layout === undefined ? undefined : (cursor) => readMap(cursor, layout)
    },
  }
}

/** All writers put the key first, and nothing after the value. */
function resolveLayout<T>(
  items: AvroRecordNode,
  { key, value }: AvroFields<Entry<T>>,
  location: string,
): Layout<T> | undefined {
  const [first, second, ...more] = items.fields
  if (first === undefined || second === undefined || more.length > 0) return undefined
  if ((first.id ?? key.id) !== key.id || (second.id ?? value.id) !== value.id) return undefined
  const readKey = resolveUnion(key.codec, first.type, location)
  const readValue = resolveUnion(value.codec, second.type, location)
  if (readKey === undefined || readValue === undefined) return undefined
  return { readKey, readValue, skipValue: avroSkip(second.type), skipEntries: avroSkipMany(items) }
}

function readMap<T>(cursor: AvroCursor, layout: Layout<T>): ReadonlyMap<number, T> {
  const size = cursor.blockCount()
  const start = cursor.offset
  layout.skipEntries(cursor, size)
  // Maps are looked into while records behind them are still to be read.
  const lazy = new AvroIntMap(cursor.lookup, start, size, layout)
  const end = cursor.offset
  if (size === 0 || cursor.blockCount() === 0) return lazy
  cursor.offset = end
  return readRest(cursor, new Map(lazy), layout)
}

/** Few writers cut a map into blocks: such a map is decoded at once. */
function readRest<T>(cursor: AvroCursor, map: Map<number, T>, { readKey, readValue }: Layout<T>): Map<number, T> {
  forEachItem(cursor, () => {
    const key = readKey(cursor)
    map.set(key, readValue(cursor))
  })
  return map
}

/** A map that stays encoded: `get` searches it, everything else decodes it into a Map for the occasion. */
class AvroIntMap<T> implements ReadonlyMap<number, T> {
  readonly size: number
  /** Over the block that the map lies in, and for nothing else; all maps of a block share it. */
  readonly #cursor: AvroCursor
  readonly #start: number
  readonly #layout: Layout<T>

  constructor(cursor: AvroCursor, start: number, size: number, layout: Layout<T>) {
    this.#cursor = cursor
    this.#start = start
    this.size = size
    this.#layout = layout
  }

  get(key: number): T | undefined {
    return this.#seek(key) ? this.#layout.readValue(this.#cursor) : undefined
  }

  has(key: number): boolean {
    return this.#seek(key)
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

  /** Moves the cursor to the value of a key. */
  #seek(key: number): boolean {
    const cursor = this.#cursor
    const { readKey, skipValue } = this.#layout
    cursor.offset = this.#start
    for (let i = 0; i < this.size; i += 1) {
      if (readKey(cursor) === key) return true
      skipValue(cursor)
    }
    return false
  }

  #decode(): Map<number, T> {
    const cursor = this.#cursor
    const { readKey, readValue } = this.#layout
    const map = new Map<number, T>()
    cursor.offset = this.#start
    for (let i = 0; i < this.size; i += 1) {
      const key = readKey(cursor)
      map.set(key, readValue(cursor))
    }
    return map
  }
}
