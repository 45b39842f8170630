/** Avro files read and written by avsc: a witness that shares no code with ours. Longs are bigints. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import avro from 'avsc'
import type { JsonObject } from '../../src/base/json.ts'

const HEADER = avro.Type.forSchema({
  type: 'record',
  name: 'Header',
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'Sync', size: 16 } },
  ],
})
const BLOCK = avro.Type.forSchema({
  type: 'record',
  name: 'Block',
  fields: [
    { name: 'count', type: 'long' },
    { name: 'data', type: 'bytes' },
    { name: 'sync', type: { type: 'fixed', name: 'Sync', size: 16 } },
  ],
})

const bigintLong = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => Number(a > b) - Number(a < b),
})

export interface AvscFile {
  readonly metadata: Readonly<Record<string, string>>
  readonly schema: JsonObject
  readonly records: readonly Record<string, unknown>[]
}

export function avscType(schema: JsonObject): avro.Type {
  // The hook, unlike a registry, also sees longs with a logical type.
  return avro.Type.forSchema(schema as unknown as avro.Schema, { typeHook: hookLong, wrapUnions: false })
}

function hookLong(schema: avro.Schema): avro.Type | undefined {
  const isLong = schema === 'long' || (typeof schema === 'object' && 'type' in schema && schema.type === 'long')
  return isLong ? bigintLong : undefined
}

export function readWithAvsc(bytes: Uint8Array): AvscFile {
  const buffer = Buffer.from(bytes)
  const header = HEADER.decode(buffer, 0)
  const meta = header.value as { readonly meta: Readonly<Record<string, Buffer>>; readonly sync: Buffer }
  const metadata = Object.fromEntries(Object.entries(meta.meta).map(([key, value]) => [key, value.toString()]))
  const schema = JSON.parse(metadata['avro.schema'] ?? '') as JsonObject
  const type = avscType(schema)
  const records: Record<string, unknown>[] = []
  for (let { offset } = header; offset < buffer.length;) {
    const block = BLOCK.decode(buffer, offset)
    const { count, data, sync } = block.value as {
      readonly count: number
      readonly data: Buffer
      readonly sync: Buffer
    }
    if (!sync.equals(meta.sync)) throw new Error('sync marker')
    const plain = metadata['avro.codec'] === 'deflate' ? inflateRawSync(data) : data
    let at = 0
    for (let i = 0; i < count; i += 1) {
      const record = type.decode(plain, at)
      records.push(record.value as Record<string, unknown>)
      at = record.offset
    }
    if (at !== plain.length) throw new Error('bytes after the last record')
    offset = block.offset
  }
  return { metadata, schema, records }
}

export interface AvscWriteOptions {
  readonly codec?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Records in a block; all of them in one otherwise. */
  readonly blockRecords?: number | undefined
}

/** Field ids and other attributes stay in the schema that is written. */
export function writeWithAvsc(
  schema: JsonObject,
  records: readonly unknown[],
  { codec = 'null', metadata = {}, blockRecords = Infinity }: AvscWriteOptions = {},
): Uint8Array {
  const type = avscType(schema)
  const sync = Buffer.from('0123456789abcdef')
  const meta = { ...metadata, 'avro.schema': JSON.stringify(schema), 'avro.codec': codec }
  const bytes = Object.fromEntries(Object.entries(meta).map(([key, value]) => [key, Buffer.from(value)]))
  const parts = [HEADER.toBuffer({ magic: Buffer.from('Obj\u0001'), meta: bytes, sync })]
  for (let i = 0; i < records.length; i += blockRecords) {
    const block = records.slice(i, i + blockRecords)
    const plain = Buffer.concat(block.map((record) => type.toBuffer(record)))
    parts.push(BLOCK.toBuffer({ count: block.length, data: codec === 'deflate' ? deflateRawSync(plain) : plain, sync }))
  }
  return new Uint8Array(Buffer.concat(parts))
}
