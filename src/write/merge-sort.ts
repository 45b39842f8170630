/**
 * Orders rows by their keys, stably. Rows that lie in order already are merged as the runs that they are: several sorted
 * batches one behind another cost a comparison or two a row, whatever their sizes.
 */
import type { SortKey } from './sort-keys.ts'

/** Row numbers in order; undefined where the rows are in order already. */
export function orderRows(keys: readonly SortKey[], length: number): Uint32Array | undefined {
  let ends = runEnds(keys, length)
  if (ends.length <= 1) return undefined
  let rows = new Uint32Array(length).map((_, row) => row)
  let merged = new Uint32Array(length)
  while (ends.length > 1) {
    const halved = new Uint32Array((ends.length + 1) >> 1)
    for (let run = 0, begin = 0; run < ends.length; run += 2) {
      const middle = ends[run] as number
      const end = ends[run + 1] ?? middle
      mergeRuns(keys, { rows, merged, begin, middle, end })
      halved[run >> 1] = end
      begin = end
    }
    ends = halved
    ;[rows, merged] = [merged, rows]
  }
  return rows
}

function runEnds(keys: readonly SortKey[], length: number): Uint32Array {
  const ends = new Uint32Array(length)
  let runs = 0
  for (let row = 1; row <= length; row++) {
    if (row === length || isBefore(keys, row, row - 1)) ends[runs++] = row
  }
  return ends.subarray(0, runs)
}

interface Merge {
  readonly rows: Uint32Array
  readonly merged: Uint32Array
  readonly begin: number
  readonly middle: number
  readonly end: number
}

function mergeRuns(keys: readonly SortKey[], { rows, merged, begin, middle, end }: Merge): void {
  const areInOrder = middle === end || !isBefore(keys, rows[middle] as number, rows[middle - 1] as number)
  if (areInOrder) {
    merged.set(rows.subarray(begin, end), begin)
    return
  }
  let left = begin
  let right = middle
  let out = begin
  while (left < middle && right < end) {
    const takesRight = isBefore(keys, rows[right] as number, rows[left] as number)
    merged[out++] = rows[takesRight ? right++ : left++] as number
  }
  merged.set(rows.subarray(left, middle), out)
  merged.set(rows.subarray(right, end), out + middle - left)
}

function isBefore(keys: readonly SortKey[], a: number, b: number): boolean {
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as SortKey
    const x = key[a] as number
    const y = key[b] as number
    if (x !== y) return x < y
  }
  return false
}
