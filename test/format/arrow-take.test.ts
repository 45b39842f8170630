import {
  Binary,
  Bool,
  Data,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float64,
  Int32,
  Int64,
  LargeUtf8,
  List,
  Map_,
  Null,
  RecordBatch,
  Schema,
  Struct,
  TimestampMicrosecond,
  Utf8,
  Vector,
  makeData,
  vectorFromArray,
} from 'apache-arrow'
import type { DataType } from 'apache-arrow'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnsupportedError } from '../../src/base/errors.ts'
import { selectColumns, takeData, takeRows } from '../../src/format/arrow-take.ts'

const ROWS = 40

/** Values of a column as plain JS, by Arrow's own getters. */
function plain(data: Data): unknown[] {
  return [...new Vector([data])].map(simplify)
}

function simplify(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array || value instanceof Uint32Array) return [...value]
  const json = (value as { toJSON?: () => unknown }).toJSON?.() ?? value
  if (Array.isArray(json)) return json.map(simplify)
  return Object.fromEntries(Object.entries(json).map(([key, member]) => [key, simplify(member)]))
}

const everyThird = <T>(make: (row: number) => T): (T | null)[] =>
  Array.from({ length: ROWS }, (_, row) => (row % 3 === 1 ? null : make(row)))

function column(type: DataType, make: (row: number) => unknown): Data {
  return vectorFromArray(everyThird(make), type).data[0] as Data
}

function fixed(width: number, type: DataType): Data {
  const data = Uint8Array.from({ length: ROWS * width }, (_, i) => (i * 31) & 255)
  const nullBitmap = Uint8Array.from({ length: 8 }, (_, i) => (i * 57) & 255)
  return makeData({ type: type as FixedSizeBinary, length: ROWS, nullBitmap, data })
}

const point = new Struct([new Field('x', new Int32(), true), new Field('name', new Utf8(), true)])
const entries = new Struct<{ key: Utf8; value: DataType }>([
  new Field('key', new Utf8(), false),
  new Field('value', new Int64(), true),
])

const columns: Record<string, Data> = {
  nothing: makeData({ type: new Null(), length: ROWS }),
  bool: column(new Bool(), (row) => row % 2 === 0),
  int: column(new Int32(), (row) => row * 7 - 50),
  long: column(new Int64(), (row) => BigInt(row) * 0x1_0000_0001n - 5n),
  double: column(new Float64(), (row) => row / 7),
  date: column(new DateDay(), (row) => new Date(row * 86_400_000)),
  timestamp: column(new TimestampMicrosecond(), (row) => row),
  decimal: makeData({
    type: new Decimal(2, 38, 128),
    length: ROWS,
    data: Uint32Array.from({ length: ROWS * 4 }, (_, i) => i * 0x01010101),
  }),
  string: column(new Utf8(), (row) => 'ü'.repeat(row) + row),
  largeString: column(new LargeUtf8(), (row) => `large ${row}`),
  binary: column(new Binary(), (row) => Uint8Array.from({ length: row % 5 }, (_, i) => row + i)),
  uuid: fixed(16, new FixedSizeBinary(16)),
  fixed3: fixed(3, new FixedSizeBinary(3)),
  required: makeData({ type: new Int32(), data: Int32Array.from({ length: ROWS }, (_, i) => i) }),
  list: column(new List(new Field('element', new Utf8(), true)), (row) =>
    Array.from({ length: row % 4 }, (_, i) => (i === 2 ? null : `${row}/${i}`)),
  ),
  lists: column(new List(new Field('element', new List(new Field('element', new Int32(), true)), true)), (row) => [
    [row],
    [],
    [row, row + 1],
  ]),
  fixedList: column(new FixedSizeList(2, new Field('item', new Int32(), true)), (row) => [row, -row]),
  struct: column(point, (row) => ({ x: row, name: row % 2 === 0 ? null : `n${row}` })),
  structs: column(new List(new Field('element', point, true)), (row) => [{ x: row, name: `a${row}` }]),
  map: column(new Map_(new Field('entries', entries, false)), (row) => new Map([[`k${row}`, BigInt(row)]])),
}

function batchOf(members: Record<string, Data>): RecordBatch {
  const fields = Object.entries(members).map(([name, data]) => new Field(name, data.type, true))
  const type = new Struct(fields)
  return new RecordBatch(
    new Schema(fields),
    makeData({ type, length: ROWS, nullCount: 0, children: Object.values(members) }),
  )
}

const indexLists = fc.array(fc.nat(ROWS - 6), { maxLength: 60 })

describe('takeData', () => {
  it.each(Object.keys(columns))('takes rows of %s in any order, from slices too', (name) => {
    const whole = columns[name] as Data
    fc.assert(
      fc.property(indexLists, fc.nat(5), (rows, start) => {
        const source = whole.slice(start, ROWS - 5)
        const have = plain(source)
        const taken = takeData(source, Uint32Array.from(rows))
        expect(taken.length).toBe(rows.length)
        expect(plain(taken)).toEqual(rows.map((row) => have[row]))
        expect(taken.nullCount).toBe(name === 'nothing' ? rows.length : rows.filter((row) => have[row] === null).length)
      }),
      { numRuns: 60 },
    )
  })

  it('copies long neighbouring runs of strings as well as short ones', () => {
    const source = vectorFromArray(['a'.repeat(100), 'b', 'c'.repeat(60), 'd'], new Utf8()).data[0] as Data
    expect(plain(takeData(source, Int32Array.of(0, 1, 2, 3, 3, 0)))).toEqual([
      'a'.repeat(100),
      'b',
      'c'.repeat(60),
      'd',
      'd',
      'a'.repeat(100),
    ])
  })

  it('refuses dictionaries', () => {
    const source = vectorFromArray(['a', 'b'], new Dictionary(new Utf8(), new Int32())).data[0] as Data
    expect(() => takeData(source, Int32Array.of(0))).toThrow(UnsupportedError)
  })
})

describe('takeRows', () => {
  it('keeps the schema and takes all columns', () => {
    const batch = batchOf(columns)
    const taken = takeRows(batch.slice(5), Int32Array.of(3, 1, 30))
    expect(taken.schema.fields).toEqual(batch.schema.fields)
    expect(taken.numRows).toBe(3)
    expect(plain(taken.data)).toEqual([8, 6, 35].map((row) => plain(batch.data)[row]))
  })

  it('takes nothing', () => {
    const taken = takeRows(batchOf(columns), new Int32Array(0))
    expect(taken.numRows).toBe(0)
    expect(taken.numCols).toBe(Object.keys(columns).length)
  })

  it('counts the rows of a batch without columns', () => {
    expect(takeRows(batchOf({}), Int32Array.of(0, 2)).numRows).toBe(2)
  })
})

describe('selectColumns', () => {
  it('orders columns by the schema and narrows nested ones', () => {
    const batch = batchOf(columns)
    const name = new Struct([new Field('name', new Utf8(), true)])
    const wanted = new Schema([
      new Field('structs', new List(new Field('element', name, true)), true),
      new Field('struct', name, true),
      new Field('int', new Int32(), true),
    ])
    const selected = selectColumns(batch.slice(2), wanted)
    expect(selected.schema.fields).toEqual(wanted.fields)
    expect(plain(selected.data).slice(0, 2)).toEqual([
      { structs: [{ name: 'a2' }], struct: { name: null }, int: -36 },
      { structs: [{ name: 'a3' }], struct: { name: 'n3' }, int: -29 },
    ])
    expect(selected.getChild('int')?.data[0]?.values.buffer).toBe(columns['int']?.values.buffer)
  })

  it('keeps the row count when no column is left', () => {
    expect(selectColumns(batchOf(columns), new Schema([])).numRows).toBe(ROWS)
  })
})
