/**
 * The partition of a file that firn did not write: given by the caller, told by its path, or, where all rows are of one,
 * by its statistics. What the statistics contradict is refused: readers would find rows, or miss them, by chance.
 */
import { ValidationError } from '../base/errors.ts'
import type { DataFile } from '../spec/data-file.ts'
import { parsePartitionText, pathParts } from '../spec/partition-text.ts'
import type { PathPart } from '../spec/partition-text.ts'
import type { PartitionField, PartitionSpec } from '../spec/partition-spec.ts'
import { columnName, findField } from '../spec/schema.ts'
import { decodeSingleValue } from '../spec/single-value.ts'
import { transformHumanString } from '../spec/transform-text.ts'
import { applyTransform, transformResultType } from '../spec/transform.ts'
import { isPrimitive } from '../spec/types.ts'
import type { NestedField, PrimitiveType, Schema, Value } from '../spec/types.ts'
import { fromRowValue, valuesEqual } from '../spec/value.ts'

/** Values by the name of a partition field, or of the column that it takes as it is. */
export type GivenPartition = Readonly<Record<string, unknown>>

export interface PartitionSource {
  readonly spec: PartitionSpec
  readonly schema: Schema
  readonly given: GivenPartition
  /** Whether `key=value` folders tell partitions. */
  readonly readsPath: boolean
}

/** What statistics tell of a file; bounds are whole. */
export type FileStats = Pick<
  DataFile,
  'recordCount' | 'valueCounts' | 'nullValueCounts' | 'lowerBounds' | 'upperBounds'
>

/** Refuses names that are none of a partition field. */
export function checkGiven({ spec, schema, given }: PartitionSource): void {
  const known = spec.fields.flatMap((field) => namesOf(field, schema))
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const hint = known.length === 0 ? 'the table is not partitioned' : `there are ${[...new Set(known)].join(', ')}`
  throw new ValidationError(`no partition field "${unknown}": ${hint}`, { context: { field: unknown } })
}

/**
 * One value a field of the spec. `stats` has nothing of a column that the file lacks. Errors: ValidationError naming file
 * and field.
 */
export function externalPartition(location: string, stats: FileStats, source: PartitionSource): (Value | null)[] {
  const parts = source.readsPath ? pathParts(location) : []
  const { schema, spec } = source
  if (source.readsPath) checkParts(location, parts, { stats, source })
  return spec.fields.map((field) => {
    const column = findField(schema, field.sourceIds[0] ?? 0)
    const refuse = (why: string): never => {
      throw new ValidationError(`${location}: partition field "${field.name}": ${why}`, {
        context: { location, field: field.name },
      })
    }
    if (column === undefined || !isPrimitive(column.type)) return refuse('its column was dropped')
    const told = tellValue(field, { column, type: column.type, parts, source, refuse })
    const reader = new StatsReader(field, column, column.type, stats)
    if (told === undefined) return reader.infer(refuse)
    reader.check(told, refuse)
    return told
  })
}

interface Telling {
  readonly column: NestedField
  readonly type: PrimitiveType
  readonly parts: readonly PathPart[]
  readonly source: PartitionSource
  readonly refuse: (why: string) => never
}

/** Undefined where neither the caller nor the path says anything. */
function tellValue(field: PartitionField, { type, parts, source, refuse }: Telling): Value | null | undefined {
  const names = namesOf(field, source.schema)
  const key = names.find((name) => Object.hasOwn(source.given, name))
  const part = partOf(parts, names)
  try {
    if (key !== undefined) return givenValue(field, type, source.given[key])
    if (part === undefined) return undefined
    return part.text === null ? null : parsePartitionText(field.transform, type, part.text)
  } catch (error) {
    if (error instanceof ValidationError) return refuse(error.message)
    throw error
  }
}

function givenValue({ transform }: PartitionField, type: PrimitiveType, given: unknown): Value | null {
  if (given === null || given === undefined) return null
  if (typeof given === 'string') return parsePartitionText(transform, type, given)
  return fromRowValue(transformResultType(transform, type), given)
}

/** Hive writes names in lower case. */
function partOf(parts: readonly PathPart[], names: readonly string[]): PathPart | undefined {
  const exact = parts.findLast(({ key }) => names.includes(key))
  return exact ?? parts.findLast(({ key }) => names.some((name) => name.toLowerCase() === key.toLowerCase()))
}

/** A column that only the path holds and no partition field keeps would be lost. */
function checkParts(
  location: string,
  parts: readonly PathPart[],
  { stats, source: { spec, schema } }: { stats: FileStats; source: PartitionSource },
): void {
  for (const { key } of parts) {
    const column = schema.fields.find(({ name }) => name.toLowerCase() === key.toLowerCase())
    if (column === undefined || stats.valueCounts?.has(column.id) === true) continue
    if (spec.fields.some(({ sourceIds, transform }) => sourceIds.includes(column.id) && transform.kind === 'identity'))
      continue
    throw new ValidationError(
      `${location}: column "${column.name}" is only in its path, and the table is not partitioned by it`,
      { context: { location, column: column.name } },
    )
  }
}

function namesOf({ name, transform, sourceIds }: PartitionField, schema: Schema): string[] {
  const column = columnName(schema, sourceIds[0] ?? 0)
  return transform.kind === 'identity' && column !== undefined && column !== name ? [name, column] : [name]
}

/** What the statistics of a column say of a partition field on it. */
class StatsReader {
  readonly #field: PartitionField
  readonly #column: NestedField
  readonly #type: PrimitiveType
  readonly #isStored: boolean
  readonly #nulls: number | undefined
  readonly #values: number | undefined
  readonly #lower: Value | undefined
  readonly #upper: Value | undefined

  constructor(field: PartitionField, column: NestedField, type: PrimitiveType, stats: FileStats) {
    this.#field = field
    this.#column = column
    this.#type = type
    this.#isStored = stats.valueCounts?.has(column.id) === true
    this.#nulls = stats.nullValueCounts?.get(column.id)
    this.#values = stats.valueCounts?.get(column.id)
    const [lower, upper] = [stats.lowerBounds?.get(column.id), stats.upperBounds?.get(column.id)]
    this.#lower = lower && decodeSingleValue(type, lower)
    this.#upper = upper && decodeSingleValue(type, upper)
  }

  /** Errors: what `refuse` throws, where rows may be of several partitions or nothing tells. */
  infer(refuse: (why: string) => never): Value | null {
    const { transform } = this.#field
    if (transform.kind === 'void') return null
    if (!this.#isStored) return this.#transformed(initialValue(this.#column))
    if (this.#values === this.#nulls) return null
    if (this.#nulls === undefined || this.#lower === undefined || this.#upper === undefined)
      return refuse('the file has no statistics to tell it from: give it, or put it into the path')
    if (this.#nulls > 0) return refuse('the file has rows with and without a value: give the rows to import instead')
    if (this.#type.kind === 'float' || this.#type.kind === 'double')
      return refuse('statistics say nothing of NaN: give it, or put it into the path')
    const { isOne, from, to } = this.#range(this.#lower, this.#upper)
    if (isOne) return from
    return refuse(
      `the file has rows of several partitions, ${this.#text(from)} to ${this.#text(to)}: give the rows to import instead`,
    )
  }

  check(told: Value | null, refuse: (why: string) => never): void {
    const { transform } = this.#field
    if (!this.#isStored || transform.kind === 'void') return
    const isAllNull = this.#values !== undefined && this.#values === this.#nulls
    if (isAllNull && told !== null) return refuse(`it is said to be ${this.#text(told)}, but the file has nulls only`)
    if (isAllNull || this.#lower === undefined || this.#upper === undefined) return
    if (told === null) return refuse('it is said to be null, but the file has values')
    if (this.#nulls !== undefined && this.#nulls > 0)
      return refuse(`it is said to be ${this.#text(told)}, but the file has nulls`)
    const { isOne, from, to } = this.#range(this.#lower, this.#upper)
    const isLoose = transform.kind === 'bucket' && !isOne
    if (isLoose || (isOne && valuesEqual(this.#result, told, from))) return
    refuse(
      `it is said to be ${this.#text(told)}, but the file has values from ${this.#text(from)} to ${this.#text(to)}`,
    )
  }

  get #result(): PrimitiveType {
    return transformResultType(this.#field.transform, this.#type)
  }

  /** Transforms keep the order of values, buckets apart: what is between is told by the ends. */
  #range(lower: Value, upper: Value): { isOne: boolean; from: Value | null; to: Value | null } {
    const [from, to] = [this.#transformed(lower), this.#transformed(upper)]
    const isOne =
      this.#field.transform.kind === 'bucket'
        ? valuesEqual(this.#type, lower, upper)
        : valuesEqual(this.#result, from, to)
    return { isOne, from, to }
  }

  #text(value: Value | null): string {
    return transformHumanString(this.#field.transform, this.#type, value)
  }

  #transformed(value: Value | null): Value | null {
    return applyTransform(this.#field.transform, this.#type, value)
  }
}

/** Of a primitive column. */
function initialValue({ initialDefault }: NestedField): Value | null {
  const isNestedDefault = typeof initialDefault === 'object' && !(initialDefault instanceof Uint8Array)
  return isNestedDefault ? null : (initialDefault ?? null)
}
