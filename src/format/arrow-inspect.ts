/**
 * What the Parquet writer asks of Arrow batches before it encodes them: that they have the table's layout, no nulls in
 * required columns, how many NaNs, how many bytes. Arrow's rules for slices: `values` and `valueOffsets` of a slice are
 * already cut, bitmaps are read at `offset`.
 */
import { type Data, DataType, Field, type RecordBatch, type Schema as ArrowSchema } from 'apache-arrow'
import { ValidationError } from '../base/errors.ts'
import type { NestedField, Schema, Type } from '../spec/types.ts'
import { Extent } from './wkb.ts'

type RowTest = (row: number) => boolean

/** Throws ValidationError unless the batch has the columns of `expected`, in order and in the same memory layout. */
export function checkLayout(batch: RecordBatch, expected: ArrowSchema): void {
  const found = batch.schema.fields
  const fits =
    found.length === expected.fields.length &&
    expected.fields.every((field, i) => {
      const other = found[i]
      return other !== undefined && other.name === field.name && sameLayout(other.type, field.type)
    })
  if (fits) return
  throw new ValidationError(
    `the batch has columns (${found.map(describe).join(', ')}), expected (${expected.fields.map(describe).join(', ')})`,
  )
}

function describe(field: { readonly name: string; readonly type: DataType }): string {
  return `${field.name}: ${describeType(field.type)}`
}

/** `Decimal[9e+2]`, `Timestamp<MICROSECOND>`: Arrow prints a type through its field. */
function describeType(type: DataType): string {
  return new Field('', type).toString().slice(2)
}

/** Whether values of `a` may be read as `b`: equal types, names of nested fields and time zones aside. */
function sameLayout(a: DataType, b: DataType): boolean {
  if (a.typeId !== b.typeId || a.children?.length !== b.children?.length) return false
  if (DataType.isTimestamp(a) && DataType.isTimestamp(b)) return a.unit === b.unit
  if (DataType.isDecimal(a) && DataType.isDecimal(b)) return a.scale === b.scale && a.precision <= b.precision
  if ((a.children?.length ?? 0) === 0) return describeType(a) === describeType(b)
  return a.children.every((child, i) => {
    const other: { readonly type: DataType } | undefined = b.children[i]
    return other !== undefined && sameLayout(child.type, other.type)
  })
}

/** Throws ValidationError naming the column where a required field holds a null, at any depth. */
export function checkRequired(batch: RecordBatch, schema: Schema): void {
  schema.fields.forEach((field, i) =>
    checkRequiredField(batch.data.children[i], field.required, field.type, field.name),
  )
}

function checkRequiredField(
  data: Data | undefined,
  required: boolean,
  type: Type,
  name: string,
  isLive?: RowTest,
): void {
  if (data === undefined) return
  if (required && data.nullCount > 0 && type.kind !== 'unknown') {
    for (let row = 0; row < data.length; row++) {
      if (data.getValid(row) || isLive?.(row) === false) continue
      throw new ValidationError(`column "${name}" is required, but row ${row} of the batch is null`, {
        context: { column: name },
      })
    }
  }
  const [first] = data.children
  if (type.kind === 'struct') {
    const inner = liveRows(data, isLive)
    type.fields.forEach((field, i) =>
      checkRequiredField(data.children[i], field.required, field.type, `${name}.${field.name}`, inner),
    )
  } else if (type.kind === 'list') {
    checkRequiredField(first, type.elementRequired, type.element, `${name}.element`, liveElements(data, isLive))
  } else if (type.kind === 'map') {
    const inner = liveElements(data, isLive)
    checkRequiredField(first?.children[0], true, type.key, `${name}.key`, inner)
    checkRequiredField(first?.children[1], type.valueRequired, type.value, `${name}.value`, inner)
  }
}

/** Rows whose parents are not null; undefined where that is all of them. */
function liveRows(data: Data, isLive: RowTest | undefined): RowTest | undefined {
  if (data.nullCount === 0) return isLive
  return (row) => data.getValid(row) && isLive?.(row) !== false
}

/** Elements that a list or map which is not null points at: the child may hold others around them. */
function liveElements(data: Data, isLive: RowTest | undefined): RowTest {
  const mark = (): Uint8Array => {
    const live = new Uint8Array(data.children[0]?.length ?? 0)
    const offsets = data.valueOffsets
    for (let row = 0; row < data.length; row++) {
      if (data.getValid(row) && isLive?.(row) !== false) live.fill(1, offsets[row], offsets[row + 1])
    }
    return live
  }
  // Asked for nulls only, which most lists have none of.
  let marks: Uint8Array | undefined
  return (element) => (marks ??= mark())[element] === 1
}

/** Adds the NaNs of each float and double column outside lists and maps to `counts`, by field id. */
export function countNans(batch: RecordBatch, schema: Schema, counts: Map<number, number>): void {
  visitFields(batch.data.children, schema.fields, (data, { id, type }, isLive) => {
    if (type.kind !== 'float' && type.kind !== 'double') return
    const values = data.values as Float32Array | Float64Array
    let nans = 0
    for (let row = 0; row < data.length; row++) {
      if (Number.isNaN(values[row]) && data.getValid(row) && isLive?.(row) !== false) nans++
    }
    counts.set(id, (counts.get(id) ?? 0) + nans)
  })
}

/** Adds the shapes of each geometry and geography column outside lists and maps to `extents`, by field id. */
export function measureShapes(batch: RecordBatch, schema: Schema, extents: Map<number, Extent>): void {
  visitFields(batch.data.children, schema.fields, (data, { id, type }, isLive) => {
    if (type.kind !== 'geometry' && type.kind !== 'geography') return
    const extent = extents.get(id) ?? new Extent()
    extents.set(id, extent)
    const { valueOffsets: offsets } = data
    const bytes = data.values as Uint8Array
    for (let row = 0; row < data.length; row++) {
      if (data.getValid(row) && isLive?.(row) !== false) extent.include(bytes.subarray(offsets[row], offsets[row + 1]))
    }
  })
}

type Visit = (data: Data, field: NestedField, isLive: RowTest | undefined) => void

/** The columns outside lists and maps, at any depth. */
function visitFields(columns: readonly Data[], fields: readonly NestedField[], visit: Visit, isLive?: RowTest): void {
  fields.forEach((field, i) => {
    const data = columns[i]
    if (data === undefined) return
    if (field.type.kind === 'struct') visitFields(data.children, field.type.fields, visit, liveRows(data, isLive))
    else visit(data, field, isLive)
  })
}

/** Bytes of the rows of `data` in Arrow's layout; of a slice only its own. */
export function arrowBytes(data: Data): number {
  const { length, type } = data
  const bitmap = data.nullCount > 0 ? length / 8 : 0
  const [first] = data.children
  if (DataType.isNull(type)) return 0
  if (DataType.isBool(type)) return bitmap + length / 8
  if (DataType.isStruct(type)) return data.children.reduce((sum, child) => sum + arrowBytes(child), bitmap)
  if (data.valueOffsets !== undefined) {
    const begin = Number(data.valueOffsets[0] ?? 0)
    const end = Number(data.valueOffsets[length] ?? begin)
    return bitmap + length * 4 + (first === undefined ? end - begin : arrowBytes(first.slice(begin, end - begin)))
  }
  return bitmap + length * data.stride * ((data.values as Uint8Array | undefined)?.BYTES_PER_ELEMENT ?? 0)
}
