/**
 * What metadata columns hold: in filters, where a file's are all the same (planning folds those predicates away), and as
 * Arrow columns beside the columns that were read (read-task.ts).
 */
import { BufferType, Data } from 'apache-arrow'
import { InvalidDataError } from '../base/errors.ts'
import { BOUND_FALSE, BOUND_TRUE, type BoundExpression, mapPredicates } from '../expr/bound-expression.ts'
import { evaluate } from '../expr/evaluate.ts'
import { constantColumn } from '../format/arrow-fill.ts'
import { toArrowType } from '../format/arrow-schema.ts'
import { DELETED, FILE, LAST_UPDATED, POS, type PartitionColumn, ROW_ID, SPEC_ID } from '../spec/metadata-columns.ts'
import type { NestedField } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import type { FileScanTask } from './scan-task.ts'

type MetadataTask = Omit<FileScanTask, 'residual'>

/** The filter for one file: predicates on what is the same in all of its rows are decided. */
export function foldMetadata(
  filter: BoundExpression,
  task: MetadataTask,
  partition: PartitionColumn | undefined,
): BoundExpression {
  return mapPredicates(filter, (predicate) => {
    const value = constantOf(predicate.ref.fieldId, task, partition)
    if (value === undefined) return predicate
    return evaluate(predicate, () => value) ? BOUND_TRUE : BOUND_FALSE
  })
}

/** Columns of lineage that a file may store: what they lack follows from the file (spec, "Row Lineage"). */
export function isStoredLineage({ id }: NestedField, { file }: MetadataTask): boolean {
  return (id === ROW_ID.id || id === LAST_UPDATED.id) && file.firstRowId !== undefined
}

/** Rows of a file that follow one another, of which a column is to be made. */
export interface RowRange {
  readonly position: number
  readonly rows: number
  /** One byte a row, 0 where it is deleted; undefined where none is. */
  readonly live: Uint8Array | undefined
  /** The column as the file stores it, where `isStoredLineage`. */
  readonly stored: Data | undefined
}

/** Makes a metadata column of a file, range by range. */
export function metadataColumn(
  field: NestedField,
  task: MetadataTask,
  partition: PartitionColumn | undefined,
): (range: RowRange) => Data {
  const { id, type } = field
  const constant = constantOf(id, task, partition)
  if (constant !== undefined) {
    const fill = constantColumn(type, constant)
    return ({ rows }) => fill(rows)
  }
  if (id === POS.id) return ({ position, rows }) => longColumn(ascending(BigInt(position), rows))
  if (id === DELETED.id) return ({ rows, live }) => deletedColumn(rows, live)
  const { firstRowId = 0n } = task.file
  if (id === ROW_ID.id)
    return ({ position, rows, stored }) => inherited(stored, ascending(firstRowId + BigInt(position), rows))
  if (id === LAST_UPDATED.id)
    return ({ rows, stored }) => inherited(stored, new BigInt64Array(rows).fill(task.sequenceNumber))
  if (type.kind !== 'struct') throw new InvalidDataError(`no metadata column has field id ${id}`)
  const members = type.fields.map((member) => metadataColumn(member, task, partition))
  const arrowType = toArrowType(type)
  return (range) => {
    const children = members.map((member) => member(range))
    return new Data(arrowType, 0, range.rows, 0, undefined, children)
  }
}

/** The value of a column in all rows of the file; undefined where rows differ. */
function constantOf(
  fieldId: number,
  task: MetadataTask,
  partition: PartitionColumn | undefined,
): Value | null | undefined {
  const { file, spec, deletes } = task
  switch (fieldId) {
    case FILE.id:
      return file.filePath
    case SPEC_ID.id:
      return file.specId
    case DELETED.id:
      return deletes.length === 0 ? false : undefined
    case ROW_ID.id:
    case LAST_UPDATED.id:
      return file.firstRowId === undefined ? null : undefined
    default: {
      const source = partition?.sources.get(fieldId)
      if (source === undefined) return undefined
      return file.partition[spec.fields.findIndex((field) => field.fieldId === source)] ?? null
    }
  }
}

function ascending(first: bigint, rows: number): BigInt64Array {
  const values = new BigInt64Array(rows)
  for (let row = 0, value = first; row < rows; row++, value++) values[row] = value
  return values
}

/** Stored values, and those of `values` where none is stored. */
function inherited(stored: Data | undefined, values: BigInt64Array): Data {
  if (stored !== undefined && stored.nullCount < stored.length) {
    const known = stored.values as BigInt64Array
    for (let row = 0; row < values.length; row++) if (stored.getValid(row)) values[row] = known[row] ?? 0n
  }
  return longColumn(values)
}

function longColumn(values: BigInt64Array): Data {
  return new Data(toArrowType({ kind: 'long' }), 0, values.length, 0, { [BufferType.DATA]: values })
}

function deletedColumn(rows: number, live: Uint8Array | undefined): Data {
  const bits = new Uint8Array(((rows + 63) >> 6) << 3)
  if (live !== undefined) {
    for (let row = 0; row < rows; row++) if (live[row] === 0) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7))
  }
  return new Data(toArrowType({ kind: 'boolean' }), 0, rows, 0, { [BufferType.DATA]: bits })
}
