/**
 * Dictionary-encodes the results of a transform over a column: each row gets the number of its result, each distinct
 * result is computed about once. The partitioner groups rows by these numbers, the sorter ranks them.
 */
import { valueGetter } from '../format/arrow-values.ts'
import type { PrimitiveType, Value } from '../spec/types.ts'
import type { Transform } from '../spec/transform.ts'
import { applyTransform } from '../spec/transform.ts'
import { keyReader, nullRows } from './leaf-column.ts'
import type { LeafColumn, ValueKey } from './leaf-column.ts'

/** Source values remembered before the memory is started anew; results are all kept. */
const MAX_REMEMBERED = 65_536
const MICROS_PER_HOUR = 3_600_000_000
const MICROS_PER_DAY = 24 * MICROS_PER_HOUR

export class TransformEncoder {
  readonly #type: PrimitiveType
  readonly #transform: Transform
  readonly #unit: number | undefined
  readonly #results: (Value | null)[] = []
  readonly #resultIds = new Map<ValueKey | null, number>()
  readonly #remembered = new Map<ValueKey, number>()

  constructor(type: PrimitiveType, transform: Transform) {
    this.#type = type
    this.#transform = transform
    this.#unit = coarseUnit(type, transform)
  }

  /** The distinct results so far, by number. */
  get results(): readonly (Value | null)[] {
    return this.#results
  }

  /** The number of each row's result. */
  encode(column: LeafColumn): Uint32Array {
    const { length } = column.data
    const ids = new Uint32Array(length)
    const nulls = this.#transform.kind === 'void' ? new Uint8Array(length).fill(1) : nullRows(column)
    const keyOf = this.#keys(column)
    const valueOf = valueGetter(column.data, this.#type)
    for (let row = 0; row < length; row++) {
      if (nulls !== undefined && nulls[row] === 1) {
        ids[row] = this.#resultId(null)
        continue
      }
      const key = keyOf(row)
      const known = this.#remembered.get(key)
      ids[row] = known ?? this.#learn(key, valueOf(row))
    }
    return ids
  }

  /** Keys may be coarser than values where all values of a key have one result: timestamps of a day. */
  #keys(column: LeafColumn): (row: number) => ValueKey {
    const keyOf = keyReader(this.#type, column.data)
    const unit = this.#unit
    if (unit === undefined) return keyOf
    return (row) => {
      const key = keyOf(row)
      return typeof key === 'number' ? Math.floor(key / unit) : `${key}`
    }
  }

  #learn(key: ValueKey, value: Value | null): number {
    const id = this.#resultId(applyTransform(this.#transform, this.#type, value))
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.set(key, id)
    return id
  }

  #resultId(result: Value | null): number {
    const key = resultKey(result)
    let id = this.#resultIds.get(key)
    if (id === undefined) {
      // A view would keep its whole batch alive.
      id = this.#results.push(result instanceof Uint8Array ? Uint8Array.from(result) : result) - 1
      this.#resultIds.set(key, id)
    }
    return id
  }
}

function resultKey(result: Value | null): ValueKey | null {
  if (typeof result === 'boolean') return Number(result)
  if (result instanceof Uint8Array) return Buffer.from(result).toString('latin1')
  return Object.is(result, -0) ? '-0' : result
}

/** Microseconds within which all timestamps have one result; undefined where values must be looked at. */
function coarseUnit(type: PrimitiveType, { kind }: Transform): number | undefined {
  if (type.kind !== 'timestamp' && type.kind !== 'timestamptz') return undefined
  if (kind === 'hour') return MICROS_PER_HOUR
  return kind === 'day' || kind === 'month' || kind === 'year' ? MICROS_PER_DAY : undefined
}
