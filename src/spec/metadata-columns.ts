/**
 * Columns that no table has and every table can be asked for (spec, "Reserved Field IDs"): where a row lies, whether it
 * is deleted, its lineage; and the columns of position delete files. Scans bind names to these; scan/metadata-values.ts
 * fills them.
 */
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'
import { printTransform } from './transform.ts'
import type { PartitionField, PartitionSpec } from './partition-spec.ts'
import { highestFieldId } from './schema.ts'
import type { NestedField, PrimitiveType, Schema } from './types.ts'

const LONG = { kind: 'long' } as const

/** `_file`: location of the row's data file. */
export const FILE: NestedField = { id: 2147483646, name: '_file', type: { kind: 'string' }, required: true }
/** `_pos`: the row's number in its data file, from 0. */
export const POS: NestedField = { id: 2147483645, name: '_pos', type: LONG, required: true }
/** `_deleted`: whether a delete file applies to the row. */
export const DELETED: NestedField = { id: 2147483644, name: '_deleted', type: { kind: 'boolean' }, required: true }
/** `_spec_id`: partition spec of the row's data file. */
export const SPEC_ID: NestedField = { id: 2147483643, name: '_spec_id', type: { kind: 'int' }, required: true }
/** Id of `_partition`, whose type depends on the table: `partitionColumn`. */
const PARTITION_ID = 2147483642
export const ROW_ID: NestedField = { id: 2147483540, name: '_row_id', type: LONG, required: false }
export const LAST_UPDATED: NestedField = {
  id: 2147483539,
  name: '_last_updated_sequence_number',
  type: LONG,
  required: false,
}

/** Columns of position delete files. */
export const DELETE_FILE_PATH: NestedField = {
  id: 2147483546,
  name: 'file_path',
  type: { kind: 'string' },
  required: true,
}
export const DELETE_POS: NestedField = { id: 2147483545, name: 'pos', type: LONG, required: true }

const PARTITION = '_partition'
const PLAIN_COLUMNS: readonly NestedField[] = [FILE, POS, DELETED, SPEC_ID, ROW_ID, LAST_UPDATED]
/** Columns of changelog scans. */
const CHANGELOG_NAMES: ReadonlySet<string> = new Set(['_change_type', '_change_ordinal', '_commit_snapshot_id'])
/** Field ids above belong to the specification. */
const LAST_TABLE_FIELD_ID = 2147483447

export function isMetadataField({ id }: NestedField): boolean {
  return id > LAST_TABLE_FIELD_ID
}

/**
 * The metadata column of a name, without its members where it is `_partition`; undefined for other names.
 * UnsupportedError for columns of changelog scans.
 */
export function findMetadataColumn(name: string, partition: () => NestedField): NestedField | undefined {
  if (CHANGELOG_NAMES.has(name)) {
    throw new UnsupportedError(`metadata column "${name}" belongs to changelog scans, which firn does not do yet`, {
      context: { column: name },
    })
  }
  return name === PARTITION ? partition() : PLAIN_COLUMNS.find((column) => column.name === name)
}

/**
 * `_partition`: a struct of the partition fields of all specs, by field id, under the names of the latest spec. Members
 * have the ids of the partition fields, unless columns of the table (which may have a thousand) have them too.
 */
export function partitionColumn(
  specs: readonly PartitionSpec[],
  typesOf: (spec: PartitionSpec) => readonly PrimitiveType[],
  schema: Schema,
): PartitionColumn {
  const found = new Map<number, { field: PartitionField; readonly name: string; type: PrimitiveType }>()
  for (const spec of specs.toSorted((a, b) => b.specId - a.specId)) {
    const types = typesOf(spec)
    spec.fields.forEach((field, i) => {
      checkKnown(field)
      const type = types[i] ?? { kind: 'unknown' }
      const known = found.get(field.fieldId)
      if (known === undefined) found.set(field.fieldId, { field, name: field.name, type })
      else {
        checkCompatible(known.field, field)
        // v1 drops a field by making it void: its values in older files have the type that it had.
        if (known.field.transform.kind === 'void') Object.assign(known, { field, type })
      }
    })
  }
  const shift = highestFieldId(schema) >= Math.min(...found.keys()) ? highestFieldId(schema) : 0
  const sorted = [...found].toSorted(([a], [b]) => a - b)
  const fields = sorted.map(([id, { name, type }]) => ({ id: id + shift, name, type, required: false }))
  const sources = new Map(sorted.map(([id]) => [id + shift, id]))
  return { field: { id: PARTITION_ID, name: PARTITION, type: { kind: 'struct', fields }, required: false }, sources }
}

export interface PartitionColumn {
  readonly field: NestedField
  /** Partition field ids by the ids of the column's members. */
  readonly sources: ReadonlyMap<number, number>
}

function checkKnown({ transform, name }: PartitionField): void {
  if (transform.kind !== 'unknown') return
  throw new UnsupportedError(`column "${PARTITION}" can't be read: the transform of "${name}" is unknown`, {
    context: { field: name },
  })
}

/** As in Java's Partitioning, an id is one field; v1 made some of them void since. */
function checkCompatible(a: PartitionField, b: PartitionField): void {
  const isVoid = a.transform.kind === 'void' || b.transform.kind === 'void'
  const same = a.sourceIds.join() === b.sourceIds.join()
  if (same && (isVoid || printTransform(a.transform) === printTransform(b.transform))) return
  throw new InvalidDataError(
    `column "${PARTITION}" can't be read: partition field id ${a.fieldId} is both "${a.name}" and "${b.name}"`,
    { context: { fieldId: a.fieldId } },
  )
}
