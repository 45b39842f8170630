/**
 * From the columns that a file has to the columns that are asked for (spec, "Column Projection"): which column chunks to
 * fetch, what to show the decoder, and how its batches become batches of the expected schema. Columns are found by
 * field id at every level, whatever they are called and in whatever order; missing ones are filled.
 */
import { Data, RecordBatch, Struct, makeData } from 'apache-arrow'
import { InvalidDataError } from '../base/errors.ts'
import { printTypeText } from '../spec/type-text.ts'
import {
  type ListType,
  type MapType,
  type NestedField,
  type Schema,
  type StructType,
  type Type,
  isPrimitive,
} from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import { constantColumn } from './arrow-fill.ts'
import { toArrowSchema, toArrowType } from './arrow-schema.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { listElementOf, mapEntriesOf } from './parquet-nesting.ts'
import { readLeafAs } from './parquet-promote.ts'
import { type ParquetField, type ParquetGroup, type ParquetLeaf, isLeaf, leavesOf } from './parquet-schema.ts'
import { readVariant } from './variant-shredding.ts'

export interface Projection {
  /** The schema to show the decoder: the chosen columns in the file's order. */
  readonly schema: ParquetGroup
  /** Their places among `footer.leaves`. */
  readonly columnIndexes: readonly number[]
  /** A batch of the expected schema from the decoded columns; `columns` is empty where none is read. */
  convert(columns: readonly Data[], rows: number): RecordBatch
}

interface ProjectionOptions {
  readonly location: string
  /** Values of columns that the file lacks, before initial defaults. */
  readonly constants?: ((field: NestedField) => Value | null | undefined) | undefined
  readonly exact?: boolean | undefined
}

/** A field of the file, narrowed to what is read, and the way from its decoded data to the expected column. */
interface Reading {
  readonly field: ParquetField
  readonly leaves: readonly ParquetLeaf[]
  readonly convert: (data: Data) => Data
}

/** Throws InvalidDataError where the file's columns do not fit the schema. */
export function planProjection(footer: ParquetFooter, expected: Schema, options: ProjectionOptions): Projection {
  const planner = new Planner(footer, options)
  const { children, leaves, convert } = planner.children(footer.schema.children, expected.fields, '')
  const wanted = new Set(leaves)
  const arrowSchema = toArrowSchema(expected)
  return {
    schema: { ...footer.schema, fieldId: undefined, children },
    columnIndexes: footer.leaves.flatMap((leaf, index) => (wanted.has(leaf) ? [index] : [])),
    convert: (columns, rows) => {
      const data = makeData({
        type: new Struct(arrowSchema.fields),
        length: rows,
        nullCount: 0,
        children: convert(columns, rows),
      })
      return new RecordBatch(arrowSchema, data)
    },
  }
}

interface ChildrenReading {
  readonly children: readonly ParquetField[]
  readonly leaves: readonly ParquetLeaf[]
  readonly convert: (columns: readonly Data[], rows: number) => Data[]
}

class Planner {
  readonly #options: ProjectionOptions
  readonly #isMapped: boolean

  constructor({ fieldIds }: ParquetFooter, options: ProjectionOptions) {
    this.#options = options
    this.#isMapped = fieldIds === 'mapped'
  }

  /** Matches the fields of a struct, or of the table, with the children of a group of the file. */
  children(found: readonly ParquetField[], expected: readonly NestedField[], path: string): ChildrenReading {
    const byId = new Map(found.map((field) => [field.fieldId, field]))
    const readings = new Map<ParquetField, Reading>()
    const sources = expected.map((field) => {
      const stored = field.type.kind === 'unknown' || this.#isConstant(field) ? undefined : byId.get(field.id)
      const name = path === '' ? field.name : `${path}.${field.name}`
      if (stored === undefined) return { fill: this.#filler(field, name) }
      if (stored.repetition === 'repeated' && field.type.kind !== 'list') this.#mismatch(stored, field.type, name)
      readings.set(stored, this.#field(stored, field.type, name))
      return { stored }
    })
    // The decoder gives columns in the file's order.
    const kept = found.filter((field) => readings.has(field))
    const ordered = kept.flatMap((field) => readings.get(field) ?? [])
    const columns = sources.map(({ stored, fill }) => {
      const index = stored === undefined ? -1 : kept.indexOf(stored)
      return { index, convert: ordered[index]?.convert, fill }
    })
    return {
      children: ordered.map((reading) => reading.field),
      leaves: ordered.flatMap((reading) => reading.leaves),
      convert: (data, rows) =>
        columns.map(({ index, convert, fill }) => {
          const column = data[index]
          if (column !== undefined && convert !== undefined) return convert(column)
          return fill === undefined ? this.#fail(path, 'the decoder left out a column') : fill(rows)
        }),
    }
  }

  /** A partition value comes before a name mapping, though not before a column whose id is in the file. */
  #isConstant(field: NestedField): boolean {
    return this.#isMapped && this.#options.constants?.(field) !== undefined
  }

  #field(stored: ParquetField, type: Type, path: string, isElement = false): Reading {
    if (type.kind === 'struct') return this.#struct(stored, type, path)
    if (type.kind === 'list') return this.#list(stored, type, path, isElement)
    if (type.kind === 'map') return this.#map(stored, type, path)
    if (type.kind === 'variant') return this.#variant(stored, type, path)
    if (!isLeaf(stored) || !isPrimitive(type)) return this.#mismatch(stored, type, path)
    const { exact } = this.#options
    const reading = readLeafAs(stored, type, { exact, fail: (what) => this.#fail(path, what) })
    if (reading === undefined) return this.#mismatch(stored, type, path)
    return { field: reading.leaf, leaves: [stored], convert: reading.convert }
  }

  #struct(stored: ParquetField, type: StructType, path: string): Reading {
    if (isLeaf(stored) || stored.logicalType !== undefined) return this.#mismatch(stored, type, path)
    const { children, leaves, convert } = this.children(stored.children, type.fields, path)
    const arrowType = toArrowType(type)
    const struct = (data: Data, inner: Data[]): Data =>
      new Data(arrowType, data.offset, data.length, data.nullCount, data, inner)
    if (children.length > 0) {
      return {
        field: { ...stored, fieldId: undefined, children },
        leaves,
        convert: (data) => struct(data, convert(data.children, data.length)),
      }
    }
    // None of the members asked for is in the file: one of its own is read for the struct's nulls.
    const witness = narrowToFirstLeaf(stored)
    return { ...witness, convert: (data) => struct(data, convert([], data.length)) }
  }

  #list(stored: ParquetField, type: ListType, path: string, isElement: boolean): Reading {
    const list = listElementOf(stored, isElement)
    if (list === undefined) return this.#mismatch(stored, type, path)
    const element = this.#field(list.element, type.element, `${path}.element`, true)
    return this.#nested(type, list.withElement(element.field), element)
  }

  #map(stored: ParquetField, type: MapType, path: string): Reading {
    const map = mapEntriesOf(stored)
    if (map === undefined) return this.#mismatch(stored, type, path)
    const key = this.#field(map.key, type.key, `${path}.key`)
    const value = this.#field(map.value, type.value, `${path}.value`)
    const entries = toArrowType(type).children[0]?.type
    return this.#nested(type, map.withEntries(key.field, value.field), {
      leaves: [...key.leaves, ...value.leaves],
      convert: (data) => {
        const [keys, values] = data.children
        if (keys === undefined || values === undefined || entries === undefined)
          return this.#fail(path, 'a map without keys or values')
        return new Data(entries, data.offset, data.length, 0, undefined, [key.convert(keys), value.convert(values)])
      },
    })
  }

  #variant(stored: ParquetField, type: Type, path: string): Reading {
    if (isLeaf(stored)) return this.#mismatch(stored, type, path)
    const reading = readVariant(stored, (problem) => this.#fail(path, problem))
    return { ...reading, convert: (data) => this.#guard(path, () => reading.convert(data)) }
  }

  /** A list or map around `inner`, the reading of its elements or entries. */
  #nested(type: Type, field: ParquetField, inner: Pick<Reading, 'leaves' | 'convert'>): Reading {
    const arrowType = toArrowType(type)
    return {
      field,
      leaves: inner.leaves,
      convert: (data) =>
        new Data(arrowType, data.offset, data.length, data.nullCount, data, data.children.map(inner.convert)),
    }
  }

  #filler(field: NestedField, path: string): (length: number) => Data {
    const constant = this.#options.constants?.(field)
    const value = constant === undefined ? (field.initialDefault ?? null) : constant
    if (value === null && field.required && field.type.kind !== 'unknown')
      this.#fail(path, 'it is required, but not in the file')
    return constantColumn(field.type, value)
  }

  #mismatch(stored: ParquetField, type: Type, path: string): never {
    const kind = isLeaf(stored) ? stored.physicalType : 'a group'
    const annotation = stored.logicalType === undefined ? '' : ` (${stored.logicalType.kind})`
    return this.#fail(path, `it is stored as ${kind}${annotation}, which can't be read as ${printTypeText(type)}`)
  }

  /** Tells where the bytes lie that `read` finds broken. */
  #guard<T>(path: string, read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof InvalidDataError) || error.context['location'] !== undefined) throw error
      return this.#fail(path, error.message)
    }
  }

  #fail(path: string, what: string): never {
    const { location } = this.#options
    throw new InvalidDataError(`${location}: column "${path}": ${what}`, { context: { location, column: path } })
  }
}

function narrowToFirstLeaf(field: ParquetField): Pick<Reading, 'field' | 'leaves'> {
  if (isLeaf(field)) return { field: { ...field, fieldId: undefined, logicalType: undefined }, leaves: [field] }
  const [first, ...others] = field.children
  // A repeated member would be taken for a list that has elements: better one that is not.
  const child = [first, ...others].find((each) => each !== undefined && each.repetition !== 'repeated') ?? first
  if (child === undefined) return { field, leaves: leavesOf(field) }
  const narrowed = narrowToFirstLeaf(child)
  // What is left of a list or map is none any more.
  return {
    field: { ...field, fieldId: undefined, logicalType: undefined, children: [narrowed.field] },
    leaves: narrowed.leaves,
  }
}
