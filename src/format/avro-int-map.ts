/** Iceberg's maps with int keys, an array of key-value records of the logical type `map`: the metrics of data files. */
import { avroInt, writeBlock } from './avro-codec.ts'
import type { AvroCodec } from './avro-codec.ts'
import { avroRecord } from './avro-record.ts'
import { forEachItem } from './avro-skip.ts'

interface Entry<T> {
  readonly key: number
  readonly value: T
}

export function avroIntMap<T>(keyId: number, valueId: number, values: AvroCodec<T>): AvroCodec<ReadonlyMap<number, T>> {
  const entries = avroRecord<Entry<T>>(`k${keyId}_v${valueId}`, {
    key: { id: keyId, name: 'key', codec: avroInt },
    value: { id: valueId, name: 'value', codec: values },
  })
  return {
    schema: { type: 'array', items: entries.schema, logicalType: 'map' },
    write(sink, map) {
      writeBlock(sink, map.size, map, (_, [key, value]) => {
        avroInt.write(sink, key)
        values.write(sink, value)
      })
    },
    resolve(writer, location) {
      const read = writer.kind === 'array' ? entries.resolve(writer.items, location) : undefined
      if (read === undefined) return undefined
      return (cursor) => {
        const map = new Map<number, T>()
        forEachItem(cursor, () => {
          const { key, value } = read(cursor)
          map.set(key, value)
        })
        return map
      }
    },
  }
}
