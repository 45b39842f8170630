/**
 * Which columns of a row group are better written without a dictionary: those whose values hardly repeat. There the
 * encoder hashes every value in vain, and the file is larger too. Told from a sample; parquet-writer.ts asks.
 */
import { type Data, DataType, type RecordBatch } from 'apache-arrow'

const SAMPLE_ROWS = 512
/** A dictionary pays where each of its values comes this often. */
const LEAST_REPEATS = 3
/** More distinct values are dear to look up, and soon fill a dictionary page. */
const MOST_DISTINCT = 20_000
const HASHED_BYTES = 64

/** The names of these columns, top-level ones only: the encoder's settings reach no others. */
export function dictionariesInVain(batches: readonly RecordBatch[]): string[] {
  const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0)
  const names = batches[0]?.schema.fields.map((field) => field.name) ?? []
  return names.filter((_, column) => {
    const parts = batches.flatMap((batch) => batch.data.children[column] ?? [])
    return isInVain(parts, rows)
  })
}

function isInVain(parts: readonly Data[], rows: number): boolean {
  const step = Math.max(1, Math.floor(rows / SAMPLE_ROWS))
  const seen = new Set<number>()
  let looked = 0
  let values = 0
  let next = 0
  for (const part of parts) {
    const hash = hasher(part)
    if (hash === undefined) return false
    for (; next < part.length; next += step) {
      looked += 1
      if (part.nullCount > 0 && !part.getValid(next)) continue
      values += 1
      seen.add(hash(next))
    }
    next -= part.length
  }
  if (values === 0) return false
  const distinct = step === 1 ? seen.size : estimateDistinct(values, seen.size)
  return distinct > MOST_DISTINCT || distinct * LEAST_REPEATS > (rows * values) / looked
}

/** Of how many values a sample is, where so many of it differ: values meet by twos as birthdays do. */
function estimateDistinct(sampled: number, distinct: number): number {
  return distinct < sampled / 2 ? distinct : sampled ** 2 / (2 * (sampled - distinct))
}

/** A number a value, the same for equal ones; undefined for types without dictionaries of their own. */
function hasher(data: Data): ((row: number) => number) | undefined {
  const { type } = data
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const offsets = data.valueOffsets as Int32Array
    const bytes = data.values as Uint8Array
    return (row) => hashBytes(bytes, offsets[row] as number, offsets[row + 1] as number)
  }
  const isNumber =
    DataType.isInt(type) ||
    DataType.isFloat(type) ||
    DataType.isDate(type) ||
    DataType.isTime(type) ||
    DataType.isTimestamp(type)
  if (!isNumber && !DataType.isDecimal(type) && !DataType.isFixedSizeBinary(type)) return undefined
  const array = data.values as Exclude<ArrayBufferView, DataView> & { readonly length: number }
  const width = array.byteLength / data.length
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  return (row) => hashBytes(bytes, row * width, (row + 1) * width)
}

/** Of long values both ends. */
function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = to - from
  for (let i = from; i < to; i++) {
    if (i === from + HASHED_BYTES) i = Math.max(i, to - HASHED_BYTES)
    hash = Math.imul(hash ^ (bytes[i] as number), 0x0100_0193)
  }
  return hash ^ (hash >>> 15)
}
