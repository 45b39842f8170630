/**
 * Divides batches by the table's partition spec: between the rows of an append and the files they go to. Numbers of
 * partitions are stable over the batches of one writer, so that it finds an open file by them.
 */
import type { RecordBatch } from 'apache-arrow'
import { takeRows } from '../format/arrow-take.ts'
import type { PartitionData } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import type { Schema } from '../spec/types.ts'
import { leafColumn, leafPath } from './leaf-column.ts'
import type { LeafPath } from './leaf-column.ts'
import { TransformEncoder } from './transform-encoder.ts'

export interface PartitionedRows {
  /** Number of the partition, from 0 in order of appearance. */
  readonly index: number
  readonly partition: PartitionData
  /** Positions in the batch, ascending; undefined: all of its rows. */
  readonly rowIndices: Uint32Array | undefined
}

interface PartitionKeyField {
  readonly path: LeafPath
  readonly encoder: TransformEncoder
  /** Numbers of the combinations of this and all earlier fields' results; unused for the first field. */
  readonly combinations: Map<number, number>
}

const UNPARTITIONED_DATA: PartitionData = []

/** Results of one field that a number can tell apart beside combinations of others: 2^26 of each. */
const COMBINATION_BASE = 67_108_864

export class Partitioner {
  readonly #fields: readonly PartitionKeyField[]
  readonly #partitions: PartitionData[] = []

  /** Errors: UnsupportedError for transforms that can't be written. */
  constructor(schema: Schema, spec: PartitionSpec) {
    this.#fields = spec.fields.map(({ sourceIds, transform }) => {
      const path = leafPath(schema, sourceIds)
      return { path, encoder: new TransformEncoder(path.type, transform), combinations: new Map<number, number>() }
    })
  }

  /** Which rows of a batch belong to which partition, in order of first appearance. */
  split(batch: RecordBatch): PartitionedRows[] {
    if (batch.numRows === 0) return []
    const [first, ...others] = this.#fields
    if (first === undefined) return [{ index: 0, partition: UNPARTITIONED_DATA, rowIndices: undefined }]
    const ids = first.encoder.encode(leafColumn(batch, first.path))
    const parts: Uint32Array[] = [ids]
    let combined = ids
    for (const field of others) {
      const own = field.encoder.encode(leafColumn(batch, field.path))
      parts.push(own)
      combined = combine(combined, own, field.combinations)
    }
    return groupRows(combined).map(({ index, rowIndices }) => {
      const row = rowIndices === undefined ? 0 : (rowIndices[0] as number)
      this.#partitions[index] ??= this.#fields.map(({ encoder }, i) => encoder.results[parts[i]?.[row] ?? 0] ?? null)
      return { index, partition: this.#partitions[index], rowIndices }
    })
  }
}

/** The rows of one partition, copied; the batch itself where it has no others. */
export function rowsOf(batch: RecordBatch, { rowIndices }: PartitionedRows): RecordBatch {
  return rowIndices === undefined ? batch : takeRows(batch, rowIndices)
}

function combine(left: Uint32Array, right: Uint32Array, known: Map<number, number>): Uint32Array {
  const combined = new Uint32Array(left.length)
  for (let row = 0; row < left.length; row++) {
    const pair = (left[row] as number) * COMBINATION_BASE + (right[row] as number)
    let id = known.get(pair)
    if (id === undefined) {
      id = known.size
      known.set(pair, id)
    }
    combined[row] = id
  }
  return combined
}

interface RowGroup {
  readonly index: number
  readonly rowIndices: Uint32Array | undefined
}

/** Rows by number, by counting: one pass to count, one to place. */
function groupRows(ids: Uint32Array): RowGroup[] {
  const order: number[] = []
  const counts = new Uint32Array(ids.reduce((highest, id) => Math.max(highest, id), 0) + 1)
  for (const id of ids) {
    if (counts[id] === 0) order.push(id)
    counts[id] = (counts[id] as number) + 1
  }
  if (order.length === 1) return order.map((index) => ({ index, rowIndices: undefined }))
  const rows = new Uint32Array(ids.length)
  const ends = new Uint32Array(counts.length)
  let end = 0
  for (const id of order) {
    ends[id] = end
    end += counts[id] as number
  }
  for (let row = 0; row < ids.length; row++) {
    const id = ids[row] as number
    const place = ends[id] as number
    rows[place] = row
    ends[id] = place + 1
  }
  return order.map((index) => {
    const to = ends[index] as number
    return { index, rowIndices: rows.subarray(to - (counts[index] as number), to) }
  })
}
