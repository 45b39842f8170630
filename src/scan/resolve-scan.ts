/**
 * The first step of a scan, without I/O: which snapshot, with which schema, filtered by what, and which columns are
 * read and returned. Wrong options fail here, before anything is fetched.
 */
import { UnsupportedError, ValidationError } from '../base/errors.ts'
import { bind } from '../expr/bind.ts'
import { type BoundExpression, referencedFieldIds } from '../expr/bound-expression.ts'
import type { Expression } from '../expr/expression.ts'
import { toExpression } from '../expr/parse-filter.ts'
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

export interface ScanOptions {
  /** Filter, built or as text (`delay > 60 and origin = 'SFO'`). */
  readonly where?: Expression | string | undefined
  /** Columns in the order wanted, `a.b` for a member of a struct; all where undefined, none where empty. */
  readonly select?: readonly string[] | undefined
  /** At most so many rows, of no particular choice. */
  readonly limit?: number | undefined
  readonly asOf?: AsOf | undefined
  /** Whether column names in `where` and `select` must match in case; true unless said. */
  readonly caseSensitive?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ResolvedScan {
  /** Undefined for a table without snapshots. */
  readonly snapshot: Snapshot | undefined
  /** The snapshot's schema. */
  readonly schema: Schema
  readonly where: Expression
  readonly filter: BoundExpression
  /** Columns of the result. */
  readonly selected: Schema
  readonly limit: number | undefined
}

/** Errors: ValidationError for names, values and limits; NotFoundError for `asOf`; UnsupportedError for metadata columns. */
export function resolveScan(metadata: TableMetadata, options: ScanOptions): ResolvedScan {
  const { select, limit, asOf, caseSensitive = true } = options
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 0)) {
    throw new ValidationError(`limit must be a whole number of rows, not ${limit}`, { context: { limit } })
  }
  const snapshot = asOf === undefined ? currentSnapshot(metadata) : resolveAsOf(metadata, asOf)
  const schema = schemaOf(metadata, snapshot, asOf)
  const where = toExpression(options.where)
  for (const name of [...(select ?? []), ...termsOf(where)]) refuseMetadataColumn(schema, name, caseSensitive)
  const filter = bind(schema, where, { caseSensitive })
  const selected = select === undefined ? schema : selectFields(schema, select, { caseSensitive })
  return { snapshot, schema, where, filter, selected, limit }
}

/** What to read for `selected` under a filter: `selected` itself, or with the columns that only the filter needs. */
export function schemaToRead(schema: Schema, selected: Schema, filter: BoundExpression): Schema {
  const filterIds = [...referencedFieldIds(filter)]
  if (filterIds.every((id) => findField(selected, id) !== undefined)) return selected
  return projectFieldIds(schema, new Set([...leafIds(selected.fields), ...filterIds]))
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

/** Reserved names of the specification's metadata columns ("Reserved Field IDs"). */
const METADATA_COLUMNS: ReadonlySet<string> = new Set([
  '_file',
  '_pos',
  '_deleted',
  '_spec_id',
  '_partition',
  '_row_id',
  '_last_updated_sequence_number',
  '_change_type',
  '_change_ordinal',
  '_commit_snapshot_id',
])

function refuseMetadataColumn(schema: Schema, name: string, caseSensitive: boolean): void {
  const known = METADATA_COLUMNS.has(caseSensitive ? name : name.toLowerCase())
  if (!known || findFieldByName(schema, name, { caseSensitive }) !== undefined) return
  throw new UnsupportedError(`metadata column "${name}" cannot be read yet; name columns of the table only`, {
    context: { column: name },
  })
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
