/**
 * Arrow batches of any origin → batches in the table's Arrow schema: columns by name, without a copy where the layout is
 * the table's, else by casts that lose nothing. The first step of an append of Arrow data.
 */
import { Data, DataType, RecordBatch, Struct } from 'apache-arrow'
import type { Field } from 'apache-arrow'
import { InvalidDataError, ValidationError } from '../base/errors.ts'
import { toArrowSchema } from '../format/arrow-schema.ts'
import { takeData } from '../format/arrow-take.ts'
import { defaultRowValue } from '../spec/default-value.ts'
import { printTypeText } from '../spec/type-text.ts'
import type { ListType, MapType, NestedField, PrimitiveType, Schema, Type } from '../spec/types.ts'
import { cellReader, sameLayout, typeText } from './arrow-readers.ts'
import { CellMismatch } from './cell-mismatch.ts'
import { Validity } from './column-builder.ts'
import type { ColumnBuilder } from './column-builder.ts'
import { concatData } from '../format/arrow-concat.ts'
import { createColumnBuilder, createPrimitiveBuilder } from './nested-builders.ts'

/** Whether anyone can see a position: not where a parent is null. Undefined: all can be seen. */
type Seen = ((position: number) => boolean) | undefined

/** Where a column goes: its type in the table and in Arrow. */
interface Target {
  readonly type: Type
  readonly arrowType: DataType
  readonly required: boolean
  /** For messages about the whole column. */
  readonly name: string
}

/** ValidationError for unknown or missing columns, types that don't fit, and values that don't, by row from `firstRow`. */
export function castBatch(batch: RecordBatch, schema: Schema, firstRow = 1): RecordBatch {
  const target = toArrowSchema(schema)
  const children = castMembers(batch.data, schema.fields, target.fields, undefined, '')
  return new RecordBatch(target, new Data(new Struct(target.fields), 0, batch.numRows, 0, undefined, children))

  function castMembers(...[data, fields, arrowFields, seen, prefix]: Parameters<typeof castFields>): Data[] {
    return castFields(data, fields, arrowFields, seen, prefix, (mismatch, name) => {
      throw mismatch.at(firstRow + mismatch.position, name)
    })
  }
}

/** The members of a struct, or columns of a batch, by name. */
function castFields(
  data: Data,
  fields: readonly NestedField[],
  arrowFields: readonly Field[],
  seen: Seen,
  prefix: string,
  rethrow?: (mismatch: CellMismatch, name: string) => never,
): Data[] {
  const given: readonly Field[] = data.type.children
  const stranger = given.find(({ name }) => !fields.some((field) => field.name === name))
  if (stranger !== undefined) {
    const columns = fields.map((field) => prefix + field.name).join(', ')
    throw new ValidationError(`the table has no column "${prefix}${stranger.name}"; its columns are ${columns}`, {
      context: { column: prefix + stranger.name },
    })
  }
  return fields.map((field, i) => {
    const arrowType = (arrowFields[i] as Field).type
    const name = prefix + field.name
    const child = data.children[given.findIndex((candidate) => candidate.name === field.name)]
    if (child === undefined) return missingColumn(field, arrowType, data.length, name)
    const column = child.length === data.length ? child : child.slice(0, data.length)
    try {
      return castColumn(column, { type: field.type, arrowType, required: field.required, name }, seen)
    } catch (error) {
      if (!(error instanceof CellMismatch)) throw error
      return rethrow === undefined ? raise(error.within(`.${field.name}`)) : rethrow(error, field.name)
    }
  })
}

function raise(error: unknown): never {
  throw error
}

function missingColumn(field: NestedField, arrowType: DataType, length: number, name: string): Data {
  const builder = createColumnBuilder(field.type, arrowType)
  const { writeDefault, type } = field
  if (writeDefault !== undefined) {
    const value = defaultRowValue(type, writeDefault)
    for (let i = 0; i < length; i++) builder.append(value)
  } else if (field.required) {
    throw new ValidationError(`column "${name}" is required, but the Arrow data has no such column`, {
      context: { column: name },
    })
  } else {
    for (let i = 0; i < length; i++) builder.appendNull()
  }
  return builder.finish()
}

function castColumn(data: Data, target: Target, seen: Seen): Data {
  const cast = castNullable(data, target, seen)
  if (target.required && cast.nullCount > 0) {
    for (let row = 0; row < cast.length; row++) {
      if (cast.getValid(row) || seen?.(row) === false) continue
      throw new CellMismatch(`${printTypeText(target.type)} (required)`, 'null', '', row)
    }
  }
  return cast
}

function castNullable(data: Data, target: Target, seen: Seen): Data {
  const { type, arrowType } = target
  if (DataType.isDictionary(data.type)) return castDictionary(data, target, seen)
  if (DataType.isNull(data.type)) return allNull(data.length, type, arrowType)
  switch (type.kind) {
    case 'struct': {
      if (!DataType.isStruct(data.type)) throw misfit(data, target)
      const inner = seenBelow(data, seen)
      const children = castFields(data, type.fields, arrowType.children, inner, `${target.name}.`)
      return new Data(arrowType, data.offset, data.length, data.nullCount, data, children)
    }
    case 'list':
      return castList(data, type, target, seen)
    case 'map':
      return castMap(data, type, target, seen)
    case 'variant':
      return castVariant(data, target, seen)
    default:
      return castPrimitive(data, type, target, seen)
  }
}

function castPrimitive(data: Data, type: PrimitiveType, target: Target, seen: Seen): Data {
  // Bytes may be no shapes: those are looked at one by one.
  const isShape = type.kind === 'geometry' || type.kind === 'geography'
  if (!isShape && sameLayout(data.type, target.arrowType)) return data.clone(target.arrowType)
  const reader = cellReader(data, type)
  if (reader === undefined) throw misfit(data, target)
  const builder = createPrimitiveBuilder(type, target.arrowType)
  return castRows(data, seen, builder, (row) => {
    if (reader.exact) builder.appendValue(reader.read(row) as Parameters<typeof builder.appendValue>[0])
    else builder.append(reader.read(row))
  })
}

/** Two binaries, as Arrow's extension type has them; each variant is checked. */
function castVariant(data: Data, target: Target, seen: Seen): Data {
  const names = (data.type.children as readonly Field[] | null)?.map(({ name }) => name) ?? []
  const [metadata, value] = ['metadata', 'value'].map((name) => {
    const child = data.children[names.indexOf(name)]
    return child === undefined ? undefined : cellReader(child, { kind: 'binary' })
  })
  if (metadata === undefined || value === undefined || names.length > 2) throw misfit(data, target)
  const builder = createColumnBuilder(target.type, target.arrowType)
  return castRows(data, seen, builder, (row) => {
    builder.append({ metadata: metadata.read(row), value: value.read(row) })
  })
}

/** Fills a builder, `append` for the rows that have a value which can be seen. */
function castRows(data: Data, seen: Seen, builder: ColumnBuilder, append: (row: number) => void): Data {
  const { nullCount } = data
  let row = 0
  try {
    for (; row < data.length; row++) {
      if (nullCount > 0 && !data.getValid(row)) builder.appendNull()
      else if (seen?.(row) === false) builder.appendFiller()
      else append(row)
    }
  } catch (error) {
    throw error instanceof CellMismatch ? error.within('', row) : error
  }
  return builder.finish()
}

function castList(data: Data, type: ListType, target: Target, seen: Seen): Data {
  const { type: from } = data
  if (!DataType.isList(from) && !DataType.isLargeList(from) && !DataType.isFixedSizeList(from))
    throw misfit(data, target)
  const [field] = target.arrowType.children as readonly Field[]
  const element: Target = {
    type: type.element,
    arrowType: (field as Field).type,
    required: type.elementRequired,
    name: `${target.name}.element`,
  }
  return castSlots(data, target, seen, (slots, inner) => castColumn(slots, element, inner))
}

function castMap(data: Data, type: MapType, target: Target, seen: Seen): Data {
  if (!DataType.isMap(data.type)) throw misfit(data, target)
  const [entry] = target.arrowType.children as readonly Field[]
  const [keyField, valueField] = (entry as Field).type.children as readonly Field[]
  const members: readonly Target[] = [
    { type: type.key, arrowType: (keyField as Field).type, required: true, name: `${target.name}.key` },
    {
      type: type.value,
      arrowType: (valueField as Field).type,
      required: type.valueRequired,
      name: `${target.name}.value`,
    },
  ]
  return castSlots(data, target, seen, (slots, inner) => {
    const children = members.map((member, i) => {
      try {
        return castColumn(slots.children[i] as Data, member, inner)
      } catch (error) {
        throw error instanceof CellMismatch ? error.within(i === 0 ? '.key' : '.value') : error
      }
    })
    return new Data((entry as Field).type, 0, slots.length, 0, undefined, children)
  })
}

/** Lists and maps: only the slots that rows point to are cast, and offsets start at 0 again. */
function castSlots(data: Data, target: Target, seen: Seen, cast: (slots: Data, seen: Seen) => Data): Data {
  const offsets = rebasedOffsets(data)
  const start = offsetAt(data, 0)
  const [child] = data.children
  if (child === undefined) throw new InvalidDataError(`column "${target.name}": an Arrow list without child data`)
  const slots = child.slice(start, offsets[data.length] as number)
  try {
    const values = cast(slots, seenSlots(data, offsets, seen))
    const validity = new Validity()
    if (data.nullCount > 0) for (let row = 0; row < data.length; row++) if (!data.getValid(row)) validity.markNull(row)
    return validity.build(target.arrowType, data.length, { offsets }, [values])
  } catch (error) {
    if (!(error instanceof CellMismatch)) throw error
    const { position } = error
    const row = offsets.findIndex((_, i) => (offsets[i + 1] as number) > position)
    throw error.within(`[${position - (offsets[row] as number)}]`, row)
  }
}

function rebasedOffsets(data: Data): Int32Array {
  const offsets = new Int32Array(data.length + 1)
  const start = offsetAt(data, 0)
  for (let row = 0; row <= data.length; row++) offsets[row] = offsetAt(data, row) - start
  return offsets
}

/** Where a row's slots begin in the child. */
function offsetAt(data: Data, row: number): number {
  return DataType.isFixedSizeList(data.type) ? row * data.type.listSize : Number(data.valueOffsets?.[row] ?? 0)
}

function seenBelow(data: Data, seen: Seen): Seen {
  if (data.nullCount === 0) return seen
  return (row) => data.getValid(row) && seen?.(row) !== false
}

function seenSlots(data: Data, offsets: Int32Array, seen: Seen): Seen {
  const below = seenBelow(data, seen)
  if (below === undefined) return undefined
  const visible = new Uint8Array(offsets[data.length] as number)
  for (let row = 0; row < data.length; row++) if (below(row)) visible.fill(1, offsets[row], offsets[row + 1])
  return (slot) => visible[slot] === 1
}

/** Casts the dictionary's values that rows refer to, then spreads them over the rows. */
function castDictionary(data: Data, target: Target, seen: Seen): Data {
  const dictionary: readonly Data[] = data.dictionary?.data ?? []
  const size = dictionary.reduce((sum, chunk) => sum + chunk.length, 0)
  const keys = data.values as ArrayLike<number | bigint>
  const rows = new Int32Array(data.length)
  const firstRows = new Int32Array(size).fill(-1)
  const validity = new Validity()
  const isNull = new Uint8Array(data.length)
  for (let row = 0; row < data.length; row++) {
    if (data.nullCount > 0 && !data.getValid(row)) isNull[row] = 1
    else {
      const slot = Number(keys[row])
      rows[row] = slot
      if (seen?.(row) !== false && firstRows[slot] === -1) firstRows[slot] = row
    }
  }
  if (size === 0) return allNull(data.length, target.type, target.arrowType)
  const values = castDictionaryValues(dictionary, target, firstRows)
  const taken = takeData(values, rows)
  for (let row = 0; row < data.length; row++) if (isNull[row] === 1 || !taken.getValid(row)) validity.markNull(row)
  const buffers = {
    values: taken.values as ArrayBufferView | undefined,
    offsets: taken.valueOffsets as Int32Array | undefined,
  }
  return validity.build(target.arrowType, data.length, buffers, taken.children)
}

function castDictionaryValues(dictionary: readonly Data[], target: Target, firstRows: Int32Array): Data {
  let start = 0
  const chunks = dictionary.map((chunk) => {
    const from = start
    start += chunk.length
    try {
      return castNullable(chunk, target, (slot) => firstRows[from + slot] !== -1)
    } catch (error) {
      throw error instanceof CellMismatch ? error.within('', firstRows[from + error.position]) : error
    }
  })
  return concatData(chunks)
}

function allNull(length: number, type: Type, arrowType: DataType): Data {
  const builder = createColumnBuilder(type, arrowType)
  for (let i = 0; i < length; i++) builder.appendNull()
  return builder.finish()
}

function misfit(data: Data, { type, name }: Target): ValidationError {
  const text = printTypeText(type)
  return new ValidationError(
    `column "${name}": Arrow data of type ${typeText(data.type)} can't be written as ${text} without loss; cast it first`,
    { context: { column: name, expected: text, found: typeText(data.type) } },
  )
}
