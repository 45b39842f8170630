/** Arrow columns of test values, made buffer by buffer: no code of src takes part. */
import { BufferType, Data, type DataType, RecordBatch, Struct, makeData } from 'apache-arrow'
import { toArrowSchema, toArrowType } from '../../src/format/arrow-schema.ts'
import type { NestedField, Schema, Type } from '../../src/spec/types.ts'

/** Values as `Value`s; lists as arrays, structs as arrays of their members, maps as arrays of [key, value], variants as [metadata, value]. */
export type Cell = null | boolean | number | bigint | string | Uint8Array | readonly Cell[]

export function schemaOf(...fields: NestedField[]): Schema {
  return { schemaId: 0, fields, identifierFieldIds: [] }
}

export function fieldOf(id: number, name: string, type: Type, required = false): NestedField {
  return { id, name, type, required }
}

/** A batch with one array of cells a column. */
export function batchOf(schema: Schema, columns: readonly (readonly Cell[])[]): RecordBatch {
  const arrowSchema = toArrowSchema(schema)
  const children = schema.fields.map((field, i) => columnOf(field.type, columns[i] ?? []))
  const length = columns[0]?.length ?? 0
  return new RecordBatch(
    arrowSchema,
    makeData({ type: new Struct(arrowSchema.fields), length, nullCount: 0, children }),
  )
}

export function columnOf(type: Type, cells: readonly Cell[]): Data {
  const arrowType: DataType = toArrowType(type)
  const { length } = cells
  const bitmap = bitsOf(cells.map((cell) => cell !== null))
  const nullCount = cells.filter((cell) => cell === null).length
  const data = (values: unknown, offsets?: Int32Array, children: Data[] = []): Data =>
    new Data(
      arrowType,
      0,
      length,
      nullCount,
      {
        [BufferType.DATA]: values,
        [BufferType.OFFSET]: offsets,
        [BufferType.VALIDITY]: nullCount > 0 ? bitmap : undefined,
      } as never,
      children,
    )
  switch (type.kind) {
    case 'unknown':
      return new Data(arrowType, 0, length, length)
    case 'boolean':
      return data(bitsOf(cells.map((cell) => cell === true)))
    case 'int':
    case 'date':
      return data(Int32Array.from(cells, (cell) => Number(cell ?? 7)))
    case 'float':
      return data(Float32Array.from(cells, (cell) => Number(cell ?? NaN)))
    case 'double':
      return data(Float64Array.from(cells, (cell) => Number(cell ?? NaN)))
    case 'decimal':
      return data(new Uint32Array(BigInt64Array.from(cells.flatMap((cell) => decimalWords(cell))).buffer))
    case 'uuid':
    case 'fixed': {
      const width = type.kind === 'uuid' ? 16 : type.length
      const bytes = new Uint8Array(length * width)
      cells.forEach((cell, i) => {
        if (cell !== null) bytes.set(bytesOf(cell), i * width)
      })
      return data(bytes)
    }
    case 'string':
    case 'binary':
    case 'geometry':
    case 'geography': {
      const values = cells.map((cell) => (cell === null ? new Uint8Array(0) : bytesOf(cell)))
      return data(new Uint8Array(Buffer.concat(values)), offsetsOf(values.map((value) => value.length)))
    }
    case 'variant':
      return data(
        undefined,
        undefined,
        [0, 1].map((member) =>
          columnOf(
            { kind: 'binary' },
            cells.map((cell) => membersOf(cell)[member] ?? new Uint8Array(0)),
          ),
        ),
      )
    case 'struct':
      return data(
        undefined,
        undefined,
        type.fields.map((field, i) =>
          columnOf(
            field.type,
            cells.map((cell) => membersOf(cell)[i] ?? null),
          ),
        ),
      )
    case 'list': {
      const lists: (readonly Cell[])[] = cells.map(membersOf)
      return data(undefined, offsetsOf(lists.map((list) => list.length)), [
        columnOf(type.element, Array<Cell>().concat(...lists)),
      ])
    }
    case 'map': {
      const entries = cells.flatMap((cell) => membersOf(cell))
      const fields = [
        fieldOf(type.keyId, 'key', type.key, true),
        fieldOf(type.valueId, 'value', type.value, type.valueRequired),
      ]
      const child = columnOf({ kind: 'struct', fields }, entries)
      return data(undefined, offsetsOf(cells.map((cell) => membersOf(cell).length)), [child])
    }
    default:
      return data(BigInt64Array.from(cells, (cell) => (typeof cell === 'bigint' ? cell : 5n)))
  }
}

function membersOf(cell: Cell): readonly Cell[] {
  return Array.isArray(cell) ? (cell as readonly Cell[]) : []
}

function decimalWords(cell: Cell): bigint[] {
  const value = (cell as bigint | null) ?? 0n
  return [BigInt.asIntN(64, value), value >> 64n]
}

/** Text that looks like a UUID is one: no other test string does. */
function bytesOf(cell: Cell): Uint8Array {
  if (cell instanceof Uint8Array) return cell
  const text = String(cell)
  return /^[0-9a-f]{8}-[0-9a-f]{4}-/.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : Buffer.from(text)
}

function offsetsOf(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1)
  lengths.forEach((length, i) => {
    offsets[i + 1] = (offsets[i] ?? 0) + length
  })
  return offsets
}

function bitsOf(flags: readonly boolean[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(flags.length / 64) * 8)
  flags.forEach((flag, i) => {
    if (flag) bits[i >> 3] = (bits[i >> 3] ?? 0) | (1 << (i & 7))
  })
  return bits
}
