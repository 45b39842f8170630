/** Which columns the reader gives: promotions, projection by field id, columns that the file lacks. */
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { toArrowSchema } from '../../src/format/arrow-schema.ts'
import { parseParquetFooter } from '../../src/format/parquet-footer.ts'
import type { DefaultValue, NestedField, Type } from '../../src/spec/types.ts'
import { type Cell, batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, memorySource, readBatches, readRows, rowsOf } from './parquet-file.ts'

const string: Type = { kind: 'string' }
const int: Type = { kind: 'int' }

async function readAs(stored: Type, cells: readonly Cell[], wanted: Type): Promise<unknown[]> {
  const written = schemaOf(fieldOf(1, 'c', stored))
  const bytes = encode([batchOf(written, [cells])], { schema: written }).bytes
  const schema = schemaOf(fieldOf(1, 'c', wanted))
  const [batch, ...others] = await readBatches(memorySource(bytes), { schema })
  expect(others).toEqual([])
  expect(String(batch?.schema)).toBe(String(toArrowSchema(schema)))
  return batch === undefined ? [] : rowsOf(batch, schema).map((row) => row['c'])
}

describe('promotions', () => {
  it.each<[Type, Type, readonly Cell[], readonly unknown[]]>([
    [int, { kind: 'long' }, [-1, null, 2 ** 31 - 1, -(2 ** 31), 0], [-1n, null, 2n ** 31n - 1n, -(2n ** 31n), 0n]],
    [{ kind: 'float' }, { kind: 'double' }, [1.5, null, NaN, -0], [1.5, null, NaN, -0]],
    [
      { kind: 'decimal', precision: 9, scale: 2 },
      { kind: 'decimal', precision: 20, scale: 2 },
      [-12_345n, null],
      ['-123.45', null],
    ],
    [
      { kind: 'decimal', precision: 20, scale: 2 },
      { kind: 'decimal', precision: 38, scale: 2 },
      [-(10n ** 20n) + 1n],
      ['-999999999999999999.99'],
    ],
    [{ kind: 'date' }, { kind: 'timestamp' }, [-1, null, 20_484], ['1969-12-31T00:00:00', null, '2026-01-31T00:00:00']],
    [{ kind: 'date' }, { kind: 'timestamp_ns' }, [-1], ['1969-12-31T00:00:00']],
  ])('reads %j as %j', async (stored, wanted, cells, expected) => {
    expect(await readAs(stored, cells, wanted)).toEqual(expected)
  })

  it.each<[Type, Type]>([
    [{ kind: 'long' }, int],
    [{ kind: 'double' }, { kind: 'float' }],
    [string, int],
    [int, string],
    [int, { kind: 'date' }],
    [
      { kind: 'decimal', precision: 9, scale: 2 },
      { kind: 'decimal', precision: 9, scale: 3 },
    ],
    [
      { kind: 'decimal', precision: 20, scale: 2 },
      { kind: 'decimal', precision: 10, scale: 2 },
    ],
    [{ kind: 'time' }, { kind: 'timestamp' }],
    [
      { kind: 'fixed', length: 3 },
      { kind: 'fixed', length: 4 },
    ],
    [int, { kind: 'list', elementId: 2, element: int, elementRequired: false }],
    [{ kind: 'struct', fields: [fieldOf(2, 'a', int)] }, int],
  ])('refuses to read %j as %j', async (stored, wanted) => {
    const reading = readAs(stored, [null], wanted)
    await expect(reading).rejects.toThrow(InvalidDataError)
    await expect(reading).rejects.toThrow(/column "c": it is stored as/)
  })
})

describe('projection by field id', () => {
  const written = schemaOf(
    fieldOf(1, 'a', int),
    fieldOf(2, 's', {
      kind: 'struct',
      fields: [fieldOf(3, 'x', int), fieldOf(4, 'y', string), fieldOf(5, 'z', { kind: 'boolean' })],
    }),
    fieldOf(6, 'l', {
      kind: 'list',
      elementId: 7,
      elementRequired: false,
      element: { kind: 'struct', fields: [fieldOf(8, 'p', int), fieldOf(9, 'q', string)] },
    }),
    fieldOf(10, 'm', {
      kind: 'map',
      keyId: 11,
      key: string,
      valueId: 12,
      value: { kind: 'struct', fields: [fieldOf(13, 'v', int), fieldOf(14, 'w', { kind: 'float' })] },
      valueRequired: false,
    }),
  )
  const batch = batchOf(written, [
    [1, null, 3],
    [[10, 'y', true], null, [null, null, null]],
    [[[1, 'q'], null], null, []],
    [[['k', [5, 1.5]]], [], null],
  ])
  const { bytes } = encode([batch], { schema: written })
  const read = (...fields: NestedField[]): Promise<unknown[]> => readRows(bytes, { schema: schemaOf(...fields) })

  it('finds renamed and reordered columns at every level', async () => {
    const rows = await read(
      fieldOf(10, 'MAP', {
        kind: 'map',
        keyId: 11,
        key: string,
        valueId: 12,
        value: { kind: 'struct', fields: [fieldOf(14, 'W', { kind: 'double' }), fieldOf(13, 'V', { kind: 'long' })] },
        valueRequired: false,
      }),
      fieldOf(6, 'LIST', {
        kind: 'list',
        elementId: 7,
        elementRequired: false,
        element: { kind: 'struct', fields: [fieldOf(9, 'Q', string), fieldOf(8, 'P', int)] },
      }),
      fieldOf(2, 'S', {
        kind: 'struct',
        fields: [fieldOf(5, 'Z', { kind: 'boolean' }), fieldOf(3, 'X', { kind: 'long' })],
      }),
      fieldOf(1, 's', int),
    )
    expect(rows).toEqual([
      { MAP: new Map([['k', { W: 1.5, V: 5n }]]), LIST: [{ Q: 'q', P: 1 }, null], S: { Z: true, X: 10n }, s: 1 },
      { MAP: new Map(), LIST: null, S: null, s: null },
      { MAP: null, LIST: [], S: { Z: null, X: null }, s: 3 },
    ])
  })

  it('narrows what lists and maps hold', async () => {
    const element: Type = { kind: 'struct', fields: [fieldOf(9, 'q', string)] }
    expect(await read(fieldOf(6, 'l', { kind: 'list', elementId: 7, elementRequired: false, element }))).toEqual([
      { l: [{ q: 'q' }, null] },
      { l: null },
      { l: [] },
    ])
  })

  it('keeps the nulls of a struct of which no member is there', async () => {
    const fields = [{ ...fieldOf(90, 'new', string), initialDefault: 'd' }, fieldOf(91, 'other', int)]
    expect(await read(fieldOf(2, 's', { kind: 'struct', fields }))).toEqual([
      { s: { new: 'd', other: null } },
      { s: null },
      { s: { new: 'd', other: null } },
    ])
    const element: Type = { kind: 'struct', fields: [fieldOf(92, 'new', int)] }
    expect(await read(fieldOf(6, 'l', { kind: 'list', elementId: 7, elementRequired: false, element }))).toEqual([
      { l: [{ new: null }, null] },
      { l: null },
      { l: [] },
    ])
  })

  it('fetches only the chunks that it needs', async () => {
    const source = { ...memorySource(bytes), footer: parseParquetFooter(bytes, bytes.length, 'f') }
    await readBatches(source, {
      schema: schemaOf(fieldOf(2, 's', { kind: 'struct', fields: [fieldOf(4, 'y', string)] })),
    })
    const chunk = source.footer.rowGroups[0]?.columns[2]
    expect(source.ranges).toEqual([{ offset: chunk?.offset, length: chunk?.compressedSizeBytes }])
  })

  it('reads nothing where no column is in the file', async () => {
    const source = { ...memorySource(bytes), footer: parseParquetFooter(bytes, bytes.length, 'f') }
    const batches = await readBatches(source, { schema: schemaOf(fieldOf(99, 'new', int)), batchRows: 2 })
    expect(batches.map((each) => each.numRows)).toEqual([2, 1])
    expect((await readBatches(source, { schema: schemaOf() })).map((each) => each.numRows)).toEqual([3])
    expect(source.ranges).toEqual([])
  })

  it('is not confused by names', async () => {
    expect(await read(fieldOf(99, 'a', int), fieldOf(1, 'b', int))).toMatchObject([
      { a: null, b: 1 },
      { b: null },
      { b: 3 },
    ])
  })
})

function withZero(id: number): NestedField {
  return { ...fieldOf(id, `c${id}`, int), initialDefault: 0 }
}

describe('missing columns', () => {
  const written = schemaOf(fieldOf(1, 'a', int))
  const { bytes } = encode([batchOf(written, [[1, 2]])], { schema: written })

  const point: Type = {
    kind: 'struct',
    fields: [{ ...fieldOf(10, 'x', int, true), initialDefault: 5 }, fieldOf(11, 'y', string)],
  }
  it.each<[Type, DefaultValue, unknown]>([
    [point, new Map(), { x: 5, y: null }],
    [
      { kind: 'list', elementId: 12, element: point, elementRequired: false },
      [new Map(), null, new Map<DefaultValue, DefaultValue>([[10, 1]]).set(11, 'y')],
      [{ x: 5, y: null }, null, { x: 1, y: 'y' }],
    ],
    [{ kind: 'list', elementId: 12, element: string, elementRequired: true }, [], []],
    [
      { kind: 'map', keyId: 13, key: string, valueId: 14, value: int, valueRequired: false },
      new Map<DefaultValue, DefaultValue | null>([['a', 1]]).set('b', null),
      new Map<unknown, unknown>([['a', 1]]).set('b', null),
    ],
    [{ kind: 'boolean' }, true, true],
    [int, -7, -7],
    [{ kind: 'long' }, 7n, 7n],
    [{ kind: 'float' }, 1.5, 1.5],
    [{ kind: 'double' }, -0, -0],
    [{ kind: 'decimal', precision: 38, scale: 2 }, -(10n ** 30n), `-1${'0'.repeat(28)}.00`],
    [{ kind: 'date' }, 20_484, '2026-01-31'],
    [{ kind: 'time' }, 1n, '00:00:00.000001'],
    [{ kind: 'timestamptz' }, 0n, '1970-01-01T00:00:00+00:00'],
    [{ kind: 'timestamp_ns' }, 1n, '1970-01-01T00:00:00.000000001'],
    [string, 'é', 'é'],
    [string, '', ''],
    [{ kind: 'uuid' }, 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    [{ kind: 'fixed', length: 2 }, Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
    [{ kind: 'binary' }, Uint8Array.of(9), Uint8Array.of(9)],
  ])('of type %j hold the initial default', async (type, initialDefault, expected) => {
    const schema = schemaOf({ ...fieldOf(2, 'new', type, true), initialDefault }, fieldOf(1, 'a', int))
    expect(await readRows(bytes, { schema })).toEqual([
      { new: expected, a: 1 },
      { new: expected, a: 2 },
    ])
    // What was filled can be written again.
    const [batch] = await readBatches(memorySource(bytes), { schema })
    expect(await readRows(encode(batch === undefined ? [] : [batch], { schema }).bytes, { schema })).toMatchObject([
      { new: expected },
      { new: expected },
    ])
  })

  it.each<[Type]>([
    [{ kind: 'boolean' }],
    [string],
    [{ kind: 'decimal', precision: 38, scale: 2 }],
    [{ kind: 'fixed', length: 2 }],
    [{ kind: 'unknown' }],
    [
      {
        kind: 'list',
        elementId: 3,
        element: { kind: 'list', elementId: 4, element: string, elementRequired: false },
        elementRequired: true,
      },
    ],
    [{ kind: 'map', keyId: 3, key: string, valueId: 4, value: int, valueRequired: false }],
    [{ kind: 'struct', fields: [fieldOf(3, 'x', int, true), fieldOf(4, 'y', { kind: 'uuid' })] }],
  ])('of type %j are null without one', async (type) => {
    const schema = schemaOf(fieldOf(1, 'a', int), fieldOf(2, 'new', type))
    const rows = await readRows(bytes, { schema })
    expect(rows).toEqual([
      { a: 1, new: null },
      { a: 2, new: null },
    ])
    const [batch] = await readBatches(memorySource(bytes), { schema })
    expect(await readRows(encode(batch === undefined ? [] : [batch], { schema }).bytes, { schema })).toEqual(rows)
  })

  it('take a constant before the initial default, also a null', async () => {
    const schema = schemaOf(withZero(2), withZero(3), withZero(4))
    const constants = ({ id }: NestedField): number | null | undefined => (id === 2 ? 22 : id === 3 ? null : undefined)
    expect(await readRows(bytes, { schema, constants })).toEqual([
      { c2: 22, c3: null, c4: 0 },
      { c2: 22, c3: null, c4: 0 },
    ])
    expect(await readRows(bytes, { schema: written, constants: () => 9 })).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('may not be required without one', async () => {
    await expect(readRows(bytes, { schema: schemaOf(fieldOf(2, 'new', int, true)) })).rejects.toThrow(
      /"new": it is required, but not in the file/,
    )
  })
})
