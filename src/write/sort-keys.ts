/**
 * A column as numbers that order as its values do: what the sorter compares. Direction and the place of nulls are in
 * the numbers too, so that sorting is one kind of comparison whatever the types.
 */
import type { RecordBatch } from 'apache-arrow'
import type { SortField } from '../spec/sort-order.ts'
import { transformResultType } from '../spec/transform.ts'
import type { PrimitiveType, Schema, Value } from '../spec/types.ts'
import { comparatorOf } from '../spec/value.ts'
import { leafColumn, leafPath, nullRows } from './leaf-column.ts'
import type { LeafColumn } from './leaf-column.ts'
import { TransformEncoder } from './transform-encoder.ts'

/** One number a row, compared by `<`. */
export type SortKey = Float64Array

/** The keys of a sort field, most significant first: two where a number can't tell all 64 bits apart, none for void. */
export function sortKeys(batch: RecordBatch, schema: Schema, field: SortField): readonly SortKey[] {
  if (field.transform.kind === 'void') return []
  const path = leafPath(schema, field.sourceIds)
  const column = leafColumn(batch, path)
  const keys = ascendingKeys(path.type, column, field)
  if (field.direction === 'desc') for (const key of keys) negate(key)
  placeNulls(keys, nullRows(column), field.nullOrder === 'nulls-first' ? -Infinity : Infinity)
  return keys
}

function negate(key: SortKey): void {
  for (let row = 0; row < key.length; row++) key[row] = -(key[row] as number)
}

/** No transform but void makes null of a value. */
function placeNulls(keys: readonly SortKey[], nulls: Uint8Array | undefined, sentinel: number): void {
  if (nulls === undefined) return
  for (const key of keys) {
    for (let row = 0; row < key.length; row++) if (nulls[row] === 1) key[row] = sentinel
  }
}

function ascendingKeys(type: PrimitiveType, column: LeafColumn, field: SortField): readonly SortKey[] {
  if (field.transform.kind !== 'identity') return [rankKey(type, column, field)]
  switch (type.kind) {
    case 'int':
    case 'date':
      return [new Float64Array(column.data.values as Int32Array)]
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return int64Keys(column.data.values as BigInt64Array)
    case 'float':
    case 'double':
      return floatKeys(new Float64Array(column.data.values as Float32Array | Float64Array))
    default:
      return [rankKey(type, column, field)]
  }
}

/** Ranks among the distinct results. */
function rankKey(type: PrimitiveType, column: LeafColumn, { transform }: SortField): SortKey {
  const encoder = new TransformEncoder(type, transform)
  const ids = encoder.encode(column)
  const { results } = encoder
  const compare = comparatorOf(transformResultType(transform, type))
  const order = results.map((_, id) => id).filter((id) => results[id] !== null)
  order.sort((a, b) => compare(results[a] as Value, results[b] as Value))
  const ranks = new Float64Array(results.length)
  for (const [rank, id] of order.entries()) ranks[id] = rank
  const key = new Float64Array(ids.length)
  for (let row = 0; row < ids.length; row++) key[row] = ranks[ids[row] as number] as number
  return key
}

const TWO_TO_32 = 4_294_967_296
const SAFE_HIGH = 0x1f_ffff

function int64Keys(values: BigInt64Array): readonly SortKey[] {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  const high = new Float64Array(values.length)
  const low = new Float64Array(values.length)
  let safe = true
  for (let row = 0; row < values.length; row++) {
    const top = words[2 * row + 1] as number
    high[row] = top
    low[row] = (words[2 * row] as number) >>> 0
    if (top > SAFE_HIGH || top < -SAFE_HIGH) safe = false
  }
  if (!safe) return [high, low]
  for (let row = 0; row < values.length; row++) high[row] = (high[row] as number) * TWO_TO_32 + (low[row] as number)
  return [high]
}

/** Infinities would pass for nulls, and `<` knows neither NaN nor -0: with any of them the bits are the keys. */
function floatKeys(values: Float64Array): readonly SortKey[] {
  if (values.every((value) => Number.isFinite(value) && !Object.is(value, -0))) return [values]
  const words = new Int32Array(values.buffer)
  const high = new Float64Array(values.length)
  const low = new Float64Array(values.length)
  for (let row = 0; row < values.length; row++) {
    if (Number.isNaN(values[row])) {
      // Beyond every number; all NaNs are one.
      high[row] = TWO_TO_32
      continue
    }
    const top = words[2 * row + 1] as number
    const bottom = (words[2 * row] as number) >>> 0
    // Magnitude with sign: negative numbers count down from -1, so that -0 is just below 0.
    high[row] = top >= 0 ? top : -1 - (top & 0x7fff_ffff)
    low[row] = top >= 0 ? bottom : -bottom
  }
  return [high, low]
}
