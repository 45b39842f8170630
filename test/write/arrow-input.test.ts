import {
  Binary,
  BinaryView,
  Bool,
  DateMillisecond,
  Decimal,
  Dictionary,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float32,
  Int16,
  Int32,
  Int64,
  Int8,
  LargeBinary,
  LargeUtf8,
  List,
  Map_,
  RecordBatch,
  Schema as ArrowSchema,
  Struct,
  Table,
  TimeMillisecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  Uint32,
  Uint64,
  Utf8,
  Utf8View,
  makeData,
  tableFromArrays,
  vectorFromArray,
} from 'apache-arrow'
import type { Data, DataType } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { toArrowSchema } from '../../src/format/arrow-schema.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import type { Schema } from '../../src/spec/types.ts'
import { toBatches } from '../../src/write/append-input.ts'
import type { AppendInput } from '../../src/write/append-input.ts'
import { castBatch } from '../../src/write/arrow-input.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { SHAPES, readRows } from './columns.ts'

/** A batch of one column `c`. */
function batchOf(data: Data, nullable = true): RecordBatch {
  const schema = new ArrowSchema([new Field('c', data.type, nullable)])
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: data.length, children: [data] }))
}
const column = (type: DataType, values: readonly unknown[]): RecordBatch =>
  batchOf(vectorFromArray([...values], type).data[0] as Data)
const cast = (type: string, batch: RecordBatch, firstRow?: number): unknown[] => {
  const schema = defineSchema({ c: type })
  const result = castBatch(batch, schema, firstRow)
  expect(result.schema.fields.map(String)).toEqual(toArrowSchema(schema).fields.map(String))
  return readRows(result, schema).map(({ c }) => c)
}
const micros = (...values: bigint[]): BigInt64Array => BigInt64Array.from(values)

describe('arrow input', () => {
  it('passes batches of the table layout without a copy, sliced or not', () => {
    fc.assert(
      fc.property(SHAPES, fc.nat(30), fc.nat(30), ({ schema, rows }, a, b) => {
        const [from, to] = [Math.min(a, b, rows.length), Math.min(Math.max(a, b), rows.length)]
        const batch = rowsToBatch(rows, schema)
        expect(readRows(castBatch(batch.slice(from, to), schema), schema)).toEqual(rows.slice(from, to))
      }),
      { numRuns: 200 },
    )
    const schema = defineSchema({ n: 'long' })
    const batch = rowsToBatch([{ n: 1 }, { n: null }], schema)
    expect(castBatch(batch, schema).data.children[0]?.values).toBe(batch.data.children[0]?.values)
  })

  it.each<[string, RecordBatch, unknown[]]>([
    ['int', column(new Int8(), [1, null, -128]), [1, null, -128]],
    ['long', column(new Int16(), [1, null]), [1n, null]],
    ['int', column(new Int64(), [2n ** 31n - 1n, null]), [2 ** 31 - 1, null]],
    ['long', column(new Uint64(), [2n ** 63n - 1n]), [2n ** 63n - 1n]],
    ['long', column(new Uint32(), [2 ** 32 - 1]), [2n ** 32n - 1n]],
    ['double', column(new Int32(), [5]), [5]],
    ['double', column(new Float32(), [1.5, null]), [1.5, null]],
    ['boolean', column(new Bool(), [true, null, false]), [true, null, false]],
    ['string', column(new Dictionary(new Utf8(), new Int8()), ['a', null, 'b', 'a']), ['a', null, 'b', 'a']],
    ['decimal(9,2)', column(new Int32(), [7]), ['7.00']],
    ['fixed(2)', column(new FixedSizeBinary(2), [Uint8Array.of(1, 2)]), [Uint8Array.of(1, 2)]],
    ['uuid', column(new FixedSizeBinary(16), [new Uint8Array(16)]), ['00000000-0000-0000-0000-000000000000']],
    ['uuid', column(new Utf8(), ['F79C3E09-677C-4BBD-A479-3F349CB785E7']), ['f79c3e09-677c-4bbd-a479-3f349cb785e7']],
    ['binary', column(new FixedSizeBinary(1), [Uint8Array.of(7)]), [Uint8Array.of(7)]],
    ['fixed(1)', column(new Binary(), [Uint8Array.of(7)]), [Uint8Array.of(7)]],
    [
      'date',
      batchOf(makeData({ type: new DateMillisecond(), data: micros(86_400_000n, -86_400_000n) })),
      ['1970-01-02', '1969-12-31'],
    ],
    ['time', batchOf(makeData({ type: new TimeMillisecond(), data: Int32Array.of(1) })), ['00:00:00.001000']],
    ['timestamp', batchOf(makeData({ type: new TimestampSecond(), data: micros(1n) })), ['1970-01-01T00:00:01']],
    [
      'timestamp',
      batchOf(makeData({ type: new TimestampNanosecond(), data: micros(-1000n) })),
      ['1969-12-31T23:59:59.999999'],
    ],
    [
      'timestamptz',
      batchOf(makeData({ type: new TimestampMillisecond('Europe/Berlin'), data: micros(1n) })),
      ['1970-01-01T00:00:00.001000+00:00'],
    ],
    [
      'timestamp_ns',
      batchOf(makeData({ type: new TimestampMillisecond(), data: micros(1n) })),
      ['1970-01-01T00:00:00.001000000'],
    ],
    [
      'decimal(9,3)',
      batchOf(makeData({ type: new Decimal(2, 9, 128), data: Uint32Array.of(-150, -1, -1, -1) })),
      ['-1.500'],
    ],
    [
      'list<long>',
      column(new List(new Field('item', new Int8(), true)), [[1, 2], null, [], [3]]),
      [[1n, 2n], null, [], [3n]],
    ],
    [
      'struct<b: long, a: string>',
      column(new Struct([new Field('a', new Utf8(), true)]), [{ a: 'x' }, null]),
      [{ a: 'x', b: null }, null],
    ],
  ])('%s takes its kin (%#)', (type, batch, expected) => {
    expect(cast(type, batch)).toEqual(expected)
  })

  it.each<[string, RecordBatch, string]>([
    ['int', column(new Int64(), [1n, 2n ** 31n]), 'row 12, column "c": expected int, found 2147483648'],
    ['long', column(new Uint64(), [1n, 2n ** 63n]), 'row 12, column "c": expected long, found 9223372036854775808'],
    [
      'date',
      batchOf(makeData({ type: new DateMillisecond(), data: micros(0n, 5n) })),
      'row 12, column "c": expected date (whole days), found 5 ms',
    ],
    [
      'timestamp',
      batchOf(makeData({ type: new TimestampNanosecond(), data: micros(0n, 1n) })),
      'row 12, column "c": expected whole µs, found 1 ns',
    ],
    [
      'timestamp',
      batchOf(makeData({ type: new TimestampSecond(), data: micros(0n, 2n ** 60n) })),
      'row 12, column "c": expected 64-bit µs',
    ],
    [
      'list<int>',
      column(new List(new Field('item', new Int64(), true)), [[1n], [2n, 2n ** 40n]]),
      'row 12, column "c[1]": expected int',
    ],
    [
      'list<int not null>',
      column(new List(new Field('item', new Int64(), true)), [[1n], [2n, null]]),
      'row 12, column "c[1]": expected int (required), found null',
    ],
    ['int not null', column(new Int32(), [1, null]), 'row 12, column "c": expected int (required), found null'],
    [
      'struct<a: int not null>',
      column(new Struct([new Field('a', new Int32(), true)]), [{ a: 1 }, { a: null }]),
      'row 12, column "c.a": expected int (required), found null',
    ],
    [
      'uuid',
      column(new Dictionary(new Utf8(), new Int8()), ['f79c3e09-677c-4bbd-a479-3f349cb785e7', 'x']),
      'row 12, column "c": expected uuid, found "x"',
    ],
  ])('%s refuses a value (%#)', (type, batch, message) => {
    expect(() => cast(type, batch, 11)).toThrow(message)
    expect(() => cast(type, batch, 11)).toThrow(ValidationError)
  })

  it.each<[string, RecordBatch]>([
    ['int', column(new Utf8(), ['1'])],
    ['string', column(new Int32(), [1])],
    ['float', column(new Int32(), [1])],
    ['timestamp', batchOf(makeData({ type: new TimestampMillisecond('UTC'), data: micros(1n) }))],
    ['timestamptz', batchOf(makeData({ type: new TimestampMillisecond(), data: micros(1n) }))],
    ['uuid', column(new FixedSizeBinary(8), [new Uint8Array(8)])],
    ['list<int>', column(new Int32(), [1])],
    ['struct<a: int>', column(new Int32(), [1])],
  ])('%s refuses a column (%#)', (type, batch) => {
    expect(() => cast(type, batch)).toThrow(/column "c": Arrow data of type .* without loss/)
  })

  it('matches columns by name, fills missing ones with null, refuses strangers', () => {
    const schema = defineSchema({ a: 'long', b: 'string', d: 'double' })
    const table = tableFromArrays({ d: Float64Array.of(1.5), a: BigInt64Array.of(5n) })
    const [batch] = table.batches
    expect(batch && readRows(castBatch(batch, schema), schema)).toEqual([{ a: 5n, b: null, d: 1.5 }])
    expect(() => batch && castBatch(batch, defineSchema({ a: 'long' }))).toThrow(
      'the table has no column "d"; its columns are a',
    )
    expect(() => batch && castBatch(batch, defineSchema({ a: 'long', d: 'double', e: 'int not null' }))).toThrow(
      '"e" is required',
    )
  })

  it.each<[string, DataType]>([
    ['string', new LargeUtf8()],
    ['string', new Utf8View()],
    ['binary', new LargeBinary()],
    ['binary', new BinaryView()],
  ])('%s takes other layouts of its bytes (%#), slices too', (type, arrowType) => {
    const texts = ['', 'a', null, 'longer than the twelve bytes of a view', 'ä😀']
    const values =
      type === 'string' ? texts : texts.map((text) => (text === null ? null : Uint8Array.from(Buffer.from(text))))
    const [data] = vectorFromArray(values, arrowType).data
    expect(data && cast(type, batchOf(data))).toEqual(values)
    expect(data && cast(type, batchOf(data.slice(2, 2)))).toEqual(values.slice(2, 4))
  })

  it('takes lists of one size and maps', () => {
    const lists = vectorFromArray([[1, 2], null, [3, 4]], new FixedSizeList(2, new Field('item', new Int32(), true)))
    expect(cast('list<long>', batchOf(lists.data[0] as Data))).toEqual([[1n, 2n], null, [3n, 4n]])
    expect(cast('list<long>', batchOf((lists.data[0] as Data).slice(2, 1)))).toEqual([[3n, 4n]])
    const entry = new Struct<{ key: Utf8; value: Int32 }>([
      new Field('key', new Utf8(), false),
      new Field('value', new Int32(), true),
    ])
    const maps = vectorFromArray([{ a: 1, b: 2 }, null, { c: null }], new Map_(new Field('entries', entry, false)))
    const expected = [
      new Map([
        ['a', 1n],
        ['b', 2n],
      ]),
      null,
      new Map([['c', null]]),
    ]
    expect(cast('map<string, long>', batchOf(maps.data[0] as Data))).toEqual(expected)
    expect(() => cast('map<string, long not null>', batchOf(maps.data[0] as Data), 1)).toThrow(
      'row 3, column "c[0].value": expected long (required), found null',
    )
  })

  it('does not look at values that no row points to', () => {
    const list = vectorFromArray([[2n ** 40n], [1n], [2n ** 41n]], new List(new Field('item', new Int64(), true)))
    expect(cast('list<int>', batchOf((list.data[0] as Data).slice(1, 1)))).toEqual([[1]])
    const dictionary = vectorFromArray(
      ['bad', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
      new Dictionary(new Utf8(), new Int8()),
    )
    expect(cast('uuid', batchOf((dictionary.data[0] as Data).slice(1, 1)))).toEqual([
      'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    ])
  })
})

async function collect(
  input: AppendInput,
  schema: Schema,
  batchRows?: number,
): Promise<{ rows: unknown[]; sizes: number[] }> {
  const rows: unknown[] = []
  const sizes: number[] = []
  for await (const batch of toBatches(input, schema, { batchRows })) {
    rows.push(...readRows(batch, schema))
    sizes.push(batch.numRows)
  }
  return { rows, sizes }
}

describe('toBatches', () => {
  const schema = defineSchema({ id: 'long' })
  const rows = Array.from({ length: 3000 }, (_, i) => ({ id: BigInt(i) }))
  const batch = rowsToBatch(rows, schema)
  async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
    for (const item of items) yield item
  }

  it.each<[string, () => AppendInput]>([
    ['an array', () => rows],
    ['an iterable', () => new Set(rows)],
    ['an async iterable', () => each(rows)],
    ['a table', () => new Table([batch.slice(0, 10), batch.slice(10)])],
    ['a batch', () => batch],
    ['batches', () => [batch.slice(0, 1500), batch.slice(1500)]],
    ['rows and batches in an array', () => [...rows.slice(0, 1100), batch.slice(1100, 2000), ...rows.slice(2000)]],
    [
      'rows, tables and batches',
      () => each([...rows.slice(0, 5), new Table([batch.slice(5, 10)]), batch.slice(10, 2000), ...rows.slice(2000)]),
    ],
  ])('takes %s', async (_, input) => {
    expect((await collect(input(), schema)).rows).toEqual(rows)
    const small = await collect(input(), schema, 1100)
    expect(small.rows).toEqual(rows)
    expect(Math.max(...small.sizes)).toBeLessThan(1100 + 1024)
  })

  it('counts rows over the whole input', async () => {
    const input = [...rows.slice(0, 5), batch.slice(0, 10), { id: 'x' }]
    await expect(collect(input, schema)).rejects.toThrow('row 16, column "id": expected long, found "x"')
    const wrong = [...rows.slice(0, 5), column(new Utf8(), ['x'])]
    await expect(collect(wrong, schema)).rejects.toThrow('the table has no column "c"')
  })

  it('bounds batches by bytes', async () => {
    const wide = defineSchema({ s: 'string' })
    const input = Array.from({ length: 4096 }, () => ({ s: 'x'.repeat(40_000) }))
    const sizes: number[] = []
    for await (const piece of toBatches(input, wide)) sizes.push(piece.numRows)
    expect(sizes).toEqual([1024, 1024, 1024, 1024])
  })

  it.each([null, undefined, 5, 'rows', { id: 1 }])('refuses %o', async (input) => {
    await expect(collect(input as never, schema)).rejects.toThrow(ValidationError)
  })

  it('stops at an abort', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(toBatches(rows, schema, { signal }).next()).rejects.toThrow('enough')
  })
})
