/**
 * The first step of a scan, without I/O: which snapshot, with which schema, filtered by what, and which columns are
 * read and returned. Wrong options fail here, before anything is fetched.
 */
import { ValidationError } from '../base/errors.ts'
import { bind } from '../expr/bind.ts'
import { type BoundExpression, referencedFieldIds } from '../expr/bound-expression.ts'
import type { Expression } from '../expr/expression.ts'
import { toExpression } from '../expr/parse-filter.ts'
import { partitionTypes } from '../manifest/manifest-reader.ts'
import { DELETED, type PartitionColumn, findMetadataColumn, partitionColumn } from '../spec/metadata-columns.ts'
import { findField, findFieldByName } from '../spec/schema.ts'
import { projectFieldIds, selectFields } from '../spec/select-fields.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import {
  type AsOf,
  currentSchema,
  currentSnapshot,
  findRef,
  resolveAsOf,
  schemaById,
} from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { type NestedField, type Schema, type Type } from '../spec/types.ts'
import { mergeFields } from './merge-fields.ts'

export interface ScanOptions {
  /** Filter, built or as text (`delay > 60 and origin = 'SFO'`); on metadata columns too (`_file = 's3://…'`). */
  readonly where?: Expression | string | undefined
  /**
   * Columns in the order wanted, `a.b` for a member of a struct; all where undefined, none where empty. Metadata columns
   * only where named: `_file`, `_pos`, `_spec_id`, `_partition`, `_row_id`, `_last_updated_sequence_number`, and
   * `_deleted`, with which deleted rows are returned too.
   */
  readonly select?: readonly string[] | undefined
  /** At most so many rows, of no particular choice. */
  readonly limit?: number | undefined
  readonly asOf?: AsOf | undefined
  /** Whether column names in `where` and `select` must match in case; true unless said. */
  readonly caseSensitive?: boolean | undefined
  /**
   * Memory for delete files, 256 MiB unless said: keys of equality deletes that don't fit are an error, positions of
   * others are read again.
   */
  readonly deleteMemoryBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ResolvedScan {
  /** Undefined for a table without snapshots. */
  readonly snapshot: Snapshot | undefined
  /** The snapshot's schema. */
  readonly schema: Schema
  /** `schema` and the metadata columns that the scan names: what `filter` and `selected` are of. */
  readonly named: Schema
  /** Where the scan names `_partition`. */
  readonly partition: PartitionColumn | undefined
  /** Whether deleted rows are returned too: those of scans that name `_deleted`, as in Java. */
  readonly includesDeleted: boolean
  readonly deleteMemoryBytes: number
  readonly where: Expression
  readonly filter: BoundExpression
  /** Columns of the result. */
  readonly selected: Schema
  readonly limit: number | undefined
}

const DELETE_MEMORY_BYTES = 256 * 2 ** 20

/** Errors: ValidationError for names, values and limits; NotFoundError for `asOf`; UnsupportedError for changelog columns. */
export function resolveScan(metadata: TableMetadata, options: ScanOptions): ResolvedScan {
  const { select, limit, asOf, caseSensitive = true, deleteMemoryBytes = DELETE_MEMORY_BYTES } = options
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 0)) {
    throw new ValidationError(`limit must be a whole number of rows, not ${limit}`, { context: { limit } })
  }
  if (!(deleteMemoryBytes >= 0)) {
    throw new ValidationError(`deleteMemoryBytes must be a number of bytes, not ${deleteMemoryBytes}`)
  }
  const snapshot = asOf === undefined ? currentSnapshot(metadata) : resolveAsOf(metadata, asOf)
  const schema = schemaOf(metadata, snapshot, asOf)
  const where = toExpression(options.where)
  const names = [...(select ?? []), ...termsOf(where)]
  let partition: PartitionColumn | undefined
  const named = withMetadataColumns(schema, names, caseSensitive, () => {
    partition ??= partitionColumn(metadata.partitionSpecs, (spec) => partitionTypes(spec, metadata), schema)
    return partition.field
  })
  return {
    snapshot,
    schema,
    named,
    partition,
    includesDeleted: findField(named, DELETED.id) !== undefined,
    deleteMemoryBytes,
    where,
    filter: bind(named, where, { caseSensitive }),
    selected: select === undefined ? schema : selectFields(named, select, { caseSensitive }),
    limit,
  }
}

/** What to read for `selected` under a filter: `selected` itself, or with the columns that the filter and `more` need. */
export function schemaToRead(
  { named, selected }: Pick<ResolvedScan, 'named' | 'selected'>,
  filter: BoundExpression,
  more: readonly NestedField[] = [],
): Schema {
  const filterIds = referencedFieldIds(filter)
  const filtered = filterIds.size === 0 ? [] : projectFieldIds(named, filterIds).fields
  const fields = mergeFields(mergeFields(selected.fields, filtered), more)
  return fields === selected.fields ? selected : { ...selected, fields, identifierFieldIds: [] }
}

/** Time travel shows a snapshot with the schema it was written with; a branch goes by the table's current one. */
function schemaOf(metadata: TableMetadata, snapshot: Snapshot | undefined, asOf: AsOf | undefined): Schema {
  const refName = typeof asOf === 'string' ? asOf : typeof asOf === 'object' && 'ref' in asOf ? asOf.ref : undefined
  const isBranch = refName !== undefined && findRef(metadata, refName)?.type === 'branch'
  if (asOf === undefined || isBranch || snapshot?.schemaId === undefined) return currentSchema(metadata)
  return schemaById(metadata, snapshot.schemaId)
}

/** Ids of all fields without members: what a file stores of these columns. */
export function leafIds(fields: readonly NestedField[]): number[] {
  return fields.flatMap((field) => leavesOf(field.id, field.type))
}

function leavesOf(id: number, type: Type): number[] {
  switch (type.kind) {
    case 'struct':
      return type.fields.length === 0 ? [id] : leafIds(type.fields)
    case 'list':
      return leavesOf(type.elementId, type.element)
    case 'map':
      return [...leavesOf(type.keyId, type.key), ...leavesOf(type.valueId, type.value)]
    default:
      return [id]
  }
}

/** The schema with the metadata columns that `names` mean; a column of the table has its name to itself. */
function withMetadataColumns(
  schema: Schema,
  names: readonly string[],
  caseSensitive: boolean,
  partition: () => NestedField,
): Schema {
  const found = new Map<number, NestedField>()
  for (const name of names) {
    if (findFieldByName(schema, name, { caseSensitive }) !== undefined) continue
    const [column = ''] = name.split('.')
    const metadataColumn = findMetadataColumn(caseSensitive ? column : column.toLowerCase(), partition)
    if (metadataColumn !== undefined) found.set(metadataColumn.id, metadataColumn)
  }
  return found.size === 0 ? schema : { ...schema, fields: [...schema.fields, ...found.values()] }
}

/** Column names of a filter; chains may be deep, so this does not recurse. */
function termsOf(expression: Expression): Set<string> {
  const terms = new Set<string>()
  const todo: Expression[] = [expression]
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if ('left' in next) todo.push(next.left, next.right)
    else if ('child' in next) todo.push(next.child)
    else if ('term' in next) terms.add(next.term)
  }
  return terms
}
