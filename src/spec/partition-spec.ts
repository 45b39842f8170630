/**
 * Partition specs (spec, "Partition Specs"): how rows are divided among files. The writer derives partitions from them,
 * manifests store partitions by them, and expr/project.ts turns filters on columns into filters on partitions.
 */
import { ValidationError } from '../base/errors.ts'
import type { JsonCursor, JsonObject, JsonValue } from '../base/json.ts'
import type { PartitionData } from './data-file.ts'
import { columnName, findField, findFieldByName } from './schema.ts'
import type { NameOptions } from './schema.ts'
import { parseSourceIds, printSourceIds } from './source-ids-json.ts'
import { transformHumanString } from './transform-text.ts'
import { bindTransformTerm, failTerm } from './transform-term.ts'
import type { BoundTerm } from './transform-term.ts'
import { parseTransform, printTransform, transformResultType } from './transform.ts'
import type { Transform } from './transform.ts'
import { isPrimitive } from './types.ts'
import type { NestedField, PrimitiveType, Schema, StructType, Value } from './types.ts'

export interface PartitionField {
  readonly fieldId: number
  /** One source column, but for transforms of several (v3). */
  readonly sourceIds: readonly number[]
  readonly transform: Transform
  readonly name: string
}

export interface PartitionSpec {
  readonly specId: number
  readonly fields: readonly PartitionField[]
}

export const UNPARTITIONED: PartitionSpec = { specId: 0, fields: [] }
/** Partition field ids begin here; a table without partition fields has this less one as its last partition id. */
export const FIRST_PARTITION_FIELD_ID = 1000
/** What a transform adds to its column's name, as in Java. */
const NAME_SUFFIXES: Readonly<Record<Transform['kind'], string>> = {
  identity: '',
  year: '_year',
  month: '_month',
  day: '_day',
  hour: '_hour',
  bucket: '_bucket',
  truncate: '_trunc',
  void: '_null',
  unknown: '_unknown',
}
const TIME_TRANSFORMS: ReadonlySet<string> = new Set(['year', 'month', 'day', 'hour'])

/**
 * A spec with id 0 from terms such as `month(date)`, `bucket(16, id)`, `truncate(4, name)`, `origin` and
 * `day(ts) as event_day`; field ids from 1000, names as Java gives them. ValidationError as Java's builder has it.
 */
export function buildPartitionSpec(schema: Schema, terms: readonly string[], options: NameOptions = {}): PartitionSpec {
  const fields: PartitionField[] = []
  for (const [i, text] of terms.entries()) {
    const term = bindTransformTerm(schema, text, options)
    const name = nameOf(schema, text, term)
    const field = {
      fieldId: FIRST_PARTITION_FIELD_ID + i,
      sourceIds: [term.source.id],
      transform: term.transform,
      name,
    }
    checkName(schema, field, options)
    checkNew(fields, field)
    fields.push(field)
  }
  return { specId: 0, fields }
}

/** Reads `{"spec-id": 0, "fields": […]}`. */
export function parsePartitionSpec(cursor: JsonCursor): PartitionSpec {
  return { specId: cursor.get('spec-id').integer(), fields: parsePartitionFields(cursor.get('fields')) }
}

/** Reads the fields alone, as v1's `partition-spec` and manifests have them; v1 may leave out their ids. */
export function parsePartitionFields(cursor: JsonCursor): PartitionField[] {
  return cursor.array().map((field, i) => ({
    fieldId: field.optional('field-id', (id) => id.integer()) ?? FIRST_PARTITION_FIELD_ID + i,
    sourceIds: parseSourceIds(field),
    transform: parseTransform(field.get('transform').string()),
    name: field.get('name').string(),
  }))
}

export function printPartitionSpec(spec: PartitionSpec): JsonObject {
  return { 'spec-id': spec.specId, fields: printPartitionFields(spec) }
}

export function printPartitionFields(spec: PartitionSpec): JsonValue {
  return spec.fields.map((field) => ({
    name: field.name,
    transform: printTransform(field.transform),
    ...printSourceIds(field.sourceIds),
    'field-id': field.fieldId,
  }))
}

/** The struct of partition values: fields with the spec's field ids, all optional. */
export function partitionType(spec: PartitionSpec, schema: Schema): StructType {
  const types = partitionFieldTypes(spec, schema)
  const fields = spec.fields.map(({ fieldId, name }, i): NestedField => ({
    id: fieldId,
    name,
    type: types[i] ?? UNKNOWN,
    required: false,
  }))
  return { kind: 'struct', fields }
}

/** The types of partition values, one per field; unknown where they were those of a column dropped since. */
export function partitionFieldTypes(spec: PartitionSpec, schema: Schema): readonly PrimitiveType[] {
  return spec.fields.map((field) => transformResultType(field.transform, sourceType(field, schema)))
}

/** `date_month=2001-01/origin=SFO`, names and values form-encoded as by Java's URLEncoder; '' when unpartitioned. */
export function partitionPath(spec: PartitionSpec, schema: Schema, partition: PartitionData): string {
  return spec.fields
    .map((field, i) => {
      const value = transformHumanString(field.transform, sourceType(field, schema), partition[i] ?? null)
      return `${formEncode(field.name)}=${formEncode(value)}`
    })
    .join('/')
}

/** The same text for equal partitions of one spec and for no others: NaN equals NaN, -0 is not 0. */
export function partitionKey(spec: Pick<PartitionSpec, 'specId'>, partition: PartitionData): string {
  return `${spec.specId}/${partition.map(valueKey).join('/')}`
}

const UNKNOWN: PrimitiveType = { kind: 'unknown' }

function nameOf(schema: Schema, text: string, { transform, source, suffix }: BoundTerm): string {
  const [keyword, name, ...rest] = suffix
  if (keyword === undefined) return `${columnName(schema, source.id)}${NAME_SUFFIXES[transform.kind]}`
  if (keyword.toLowerCase() === 'as' && name !== undefined && name !== '' && rest.length === 0) return name
  return failTerm(text, 'only "as" and a name may follow')
}

/** A partition field may have the name of a column only where its values are that column's. */
function checkName(schema: Schema, { name, transform, sourceIds }: PartitionField, options: NameOptions): void {
  const column = findFieldByName(schema, name, options)
  if (column === undefined) return
  if ((transform.kind === 'identity' || transform.kind === 'void') && sourceIds.includes(column.id)) return
  throw new ValidationError(`partition field "${name}" has the name of a column: give it another by "as"`, {
    context: { field: name },
  })
}

function checkNew(fields: readonly PartitionField[], field: PartitionField): void {
  const context = { field: field.name }
  if (fields.some(({ name }) => name === field.name)) {
    throw new ValidationError(`two partition fields are named "${field.name}": name one by "as"`, { context })
  }
  const redundant = fields.find((other) => redundancyKey(other) === redundancyKey(field))
  if (redundant !== undefined) {
    throw new ValidationError(`partition field "${field.name}" is redundant beside "${redundant.name}": remove one`, {
      context,
    })
  }
}

/** Of one column, the finest of year, month, day and hour serves for all. */
function redundancyKey({ sourceIds, transform }: PartitionField): string {
  return `${sourceIds.join()}:${TIME_TRANSFORMS.has(transform.kind) ? 'time' : printTransform(transform)}`
}

function sourceType(field: PartitionField, schema: Schema): PrimitiveType {
  const type = findField(schema, field.sourceIds[0] ?? 0)?.type
  return type !== undefined && isPrimitive(type) ? type : UNKNOWN
}

function formEncode(text: string): string {
  // Lone surrogates, which no UTF-8 can hold, become U+FFFD rather than an error.
  const encoded = encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd'))
  return encoded.replaceAll('%20', '+').replaceAll(/[!~'()]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function valueKey(value: Value | null): string {
  if (value === null) return '~'
  if (typeof value === 'string') return JSON.stringify(value)
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('hex')}`
  return Object.is(value, -0) ? '-0' : String(value)
}
