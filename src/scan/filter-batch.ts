/**
 * The residual filter of a scan on decoded batches: a bound expression is compiled once per scan into a function from
 * batch to mask, evaluated column by column over Arrow's buffers. Results equal `evaluate` (expr) row by row: a
 * comparison with null is false, NaN satisfies only `is-nan`, `not-eq` and `not-in`, null and all but NaN `not-nan`.
 */
import type { Data, RecordBatch } from 'apache-arrow'
import { InvalidDataError } from '../base/errors.ts'
import type { BoundExpression, BoundReference } from '../expr/bound-expression.ts'
import { keepRuns, rowsIn, runsOf } from '../format/arrow-runs.ts'
import { takeRows } from '../format/arrow-take.ts'
import type { NestedField, Schema } from '../spec/types.ts'
import { type ColumnTest, compileColumnTest, testNan } from './column-test.ts'

/** One byte a row: 1 where the row matches. */
export type RowMask = Uint8Array

/** Clears the rows of `mask` that do not match, all of them set where none is given, and returns it. */
export type BatchFilter = (batch: RecordBatch, mask?: RowMask) => RowMask

/** Compiles `filter` for batches laid out as `schema`, which must hold every column that the filter names. */
export function compileFilter(filter: BoundExpression, schema: Schema): BatchFilter {
  const narrow = compileNode(filter, schema)
  return (batch, mask = new Uint8Array(batch.numRows).fill(1)) => {
    narrow(batch, mask)
    return mask
  }
}

export function countRows(mask: RowMask): number {
  let count = 0
  for (let row = 0; row < mask.length; row++) count += mask[row] as number
  return count
}

/** Runs of fewer rows than this on average are gathered row by row. */
const MIN_RUN_ROWS = 8

/**
 * The rows of `batch` that `mask` keeps: the batch itself, a slice of it where they are neighbours, else a copy or, where
 * most are kept, the same memory with the others moved out: `batch` is not to be used any more.
 */
export function filterRows(batch: RecordBatch, mask: RowMask): RecordBatch {
  const runs = runsOf(mask)
  const count = rowsIn(runs)
  if (count === batch.numRows) return batch
  if (count === 0) return batch.slice(0, 0)
  const [first = 0] = runs
  if (runs.length === 2) return batch.slice(first, first + count)
  if (count >= MIN_RUN_ROWS * (runs.length / 2)) return keepRuns(batch, runs)
  const indices = new Int32Array(count)
  for (let row = first, at = 0; at < count; row++) if (mask[row] === 1) indices[at++] = row
  return takeRows(batch, indices)
}

/** Clears the rows of a mask that do not match. */
type Narrow = (batch: RecordBatch, mask: RowMask) => void

function compileNode(node: BoundExpression, schema: Schema): Narrow {
  switch (node.type) {
    case 'true':
      return () => {}
    case 'false':
      return (_batch, mask) => mask.fill(0)
    case 'and': {
      const all = node.children.map((child) => compileNode(child, schema))
      return (batch, mask) => {
        for (const narrow of all) narrow(batch, mask)
      }
    }
    case 'or':
      return narrowToAny(node.children.map((child) => compileNode(child, schema)))
    case 'not-null': {
      const path = columnPath(schema, node.ref)
      return (batch, mask) => {
        for (const data of columnsAlong(batch, path)) clearNulls(data, mask)
      }
    }
    case 'is-null':
      return complement(compileNode({ type: 'not-null', ref: node.ref }, schema))
    // Of a null, `not nan` is true: the only test of a value that is.
    case 'not-nan':
      return complement(compileNode({ type: 'is-nan', ref: node.ref }, schema))
    case 'is-nan':
      return narrowByColumn(columnPath(schema, node.ref), testNan)
    default:
      return narrowByColumn(columnPath(schema, node.ref), compileColumnTest(node))
  }
}

/** Each child sees only the rows that none before it kept. */
function narrowToAny(any: readonly Narrow[]): Narrow {
  return (batch, mask) => {
    const open = mask.slice()
    mask.fill(0)
    for (const narrow of any) {
      const kept = open.slice()
      narrow(batch, kept)
      for (let row = 0; row < mask.length; row++) {
        mask[row] = (mask[row] as number) | (kept[row] as number)
        open[row] = (open[row] as number) & ~(kept[row] as number)
      }
    }
  }
}

function complement(narrow: Narrow): Narrow {
  return (batch, mask) => {
    const kept = mask.slice()
    narrow(batch, kept)
    for (let row = 0; row < mask.length; row++) mask[row] = (mask[row] as number) & ~(kept[row] as number)
  }
}

/** Keeps the rows whose value is not null and passes the test. */
function narrowByColumn(path: readonly number[], columnTest: ColumnTest): Narrow {
  return (batch, mask) => {
    const columns = columnsAlong(batch, path)
    for (const data of columns) clearNulls(data, mask)
    const test = columnTest(columns.at(-1) ?? batch.data)
    for (let row = 0; row < mask.length; row++) if (mask[row] === 1 && !test(row)) mask[row] = 0
  }
}

/** A null struct makes its members null, whatever their own bitmaps say. */
function clearNulls(data: Data, mask: RowMask): void {
  const { nullBitmap, offset } = data
  if (data.nullCount === 0) return
  if (data.nullCount === data.length) {
    mask.fill(0)
    return
  }
  for (let row = 0; row < mask.length; row++) {
    const bit = offset + row
    mask[row] = (mask[row] as number) & ((nullBitmap[bit >> 3] as number) >> (bit & 7))
  }
}

/** Child positions from the batch down to the column; filters never reach into lists and maps. */
export function columnPath(schema: Schema, ref: Pick<BoundReference, 'fieldId' | 'name'>): readonly number[] {
  const path = findPath(schema.fields, ref.fieldId)
  if (path === undefined) throw new InvalidDataError(`column "${ref.name}" is not among the columns read`)
  return path
}

function findPath(fields: readonly NestedField[], fieldId: number): readonly number[] | undefined {
  for (const [index, field] of fields.entries()) {
    if (field.id === fieldId) return [index]
    const below = field.type.kind === 'struct' ? findPath(field.type.fields, fieldId) : undefined
    if (below !== undefined) return [index, ...below]
  }
  return undefined
}

/** The column at the end of a path, and before it the structs that it lies in. */
export function columnsAlong(batch: RecordBatch, path: readonly number[]): readonly Data[] {
  const columns: Data[] = []
  let parent: Data = batch.data
  for (const index of path) {
    const child = parent.children[index]
    if (child === undefined) throw new InvalidDataError('batch does not have the layout that the filter was made for')
    columns.push(child)
    parent = child
  }
  return columns
}
