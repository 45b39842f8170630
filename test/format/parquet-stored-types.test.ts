/** What writers store for a type: annotations and legacy layouts that the file of another writer may have. */
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { type LogicalType, type ParquetField, type ParquetGroup, isLeaf } from '../../src/format/parquet-schema.ts'
import type { Type } from '../../src/spec/types.ts'
import { type Cell, batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, mapFields, readRows, withSchema } from './parquet-file.ts'

const int: Type = { kind: 'int' }
const string: Type = { kind: 'string' }
const binary: Type = { kind: 'binary' }
const fixed = (length: number): Type => ({ kind: 'fixed', length })
const decimal: Type = { kind: 'decimal', precision: 9, scale: 2 }
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const UUID = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'
const uuidBytes = new Uint8Array(Buffer.from(UUID.replaceAll('-', ''), 'hex'))

/** Cells stored as one type, annotated as something else (null: not at all), read as another type. */
async function readAs(
  stored: Type,
  logicalType: LogicalType | null,
  wanted: Type,
  cells: readonly Cell[],
): Promise<unknown[]> {
  const written = schemaOf(fieldOf(1, 'c', stored))
  const file = withSchema(encode([batchOf(written, [cells])], { schema: written }).bytes, (root) =>
    mapFields(root, (field) => ({ ...field, logicalType: logicalType ?? undefined })),
  )
  return (await readRows(file, { schema: schemaOf(fieldOf(1, 'c', wanted)) })).map((row) => row['c'])
}

const integer = (bits: number, signed = true): LogicalType => ({ kind: 'integer', bits, signed })
const timestamp = (unit: 'ms' | 'us' | 'ns', utc = false): LogicalType => ({ kind: 'timestamp', unit, utc })
const time = (unit: 'ms' | 'us' | 'ns'): LogicalType => ({ kind: 'time', unit, utc: true })
const long: Type = { kind: 'long' }

describe('stored types', () => {
  it.each<[Type, LogicalType | null, Type, readonly Cell[], readonly unknown[]]>([
    [string, { kind: 'enum' }, string, ['RED', null], ['RED', null]],
    [string, { kind: 'json' }, string, ['{"a": 1}'], ['{"a": 1}']],
    [string, { kind: 'bson' }, binary, ['x'], [bytes('x')]],
    [binary, null, string, [bytes('é')], ['é']],
    [fixed(16), { kind: 'uuid' }, { kind: 'uuid' }, [uuidBytes, null], [UUID, null]],
    [fixed(16), null, { kind: 'uuid' }, [uuidBytes], [UUID]],
    [{ kind: 'uuid' }, { kind: 'uuid' }, binary, [UUID, null], [uuidBytes, null]],
    [fixed(3), null, binary, [bytes('abc'), null, bytes('def')], [bytes('abc'), null, bytes('def')]],
    [int, integer(8), int, [-128, null], [-128, null]],
    [int, integer(16, false), int, [65_535], [65_535]],
    [int, integer(32, false), long, [-1, null], [4_294_967_295n, null]],
    [int, integer(16), long, [-3], [-3n]],
    [long, integer(64), long, [-(2n ** 63n)], [-(2n ** 63n)]],
    [int, time('ms'), { kind: 'time' }, [1], ['00:00:00.001000']],
    [long, time('us'), { kind: 'time' }, [1n, null], ['00:00:00.000001', null]],
    [long, time('ns'), { kind: 'time' }, [1999n], ['00:00:00.000001']],
    [long, timestamp('ms'), { kind: 'timestamp' }, [-1n], ['1969-12-31T23:59:59.999000']],
    [long, timestamp('us', true), { kind: 'timestamptz' }, [-1n], ['1969-12-31T23:59:59.999999+00:00']],
    [
      long,
      timestamp('ns'),
      { kind: 'timestamp' },
      [-1n, 1999n],
      ['1969-12-31T23:59:59.999999', '1970-01-01T00:00:00.000001'],
    ],
    [long, timestamp('us'), { kind: 'timestamp_ns' }, [1n], ['1970-01-01T00:00:00.000001000']],
    [int, { kind: 'unknown' }, string, [null, null], [null, null]],
  ])('%j annotated %j is read as %j', async (stored, logicalType, wanted, cells, expected) => {
    expect(await readAs(stored, logicalType, wanted, cells)).toEqual(expected)
  })

  it.each<[Type, LogicalType | null, Type]>([
    [int, integer(32, false), int],
    [long, integer(64, false), long],
    [binary, { kind: 'decimal', precision: 9, scale: 2 }, string],
    [binary, { kind: 'decimal', precision: 9, scale: 2 }, binary],
    [fixed(12), { kind: 'interval' }, binary],
    [fixed(2), { kind: 'float16' }, fixed(2)],
    [fixed(2), { kind: 'float16' }, { kind: 'float' }],
    [fixed(15), null, { kind: 'uuid' }],
    [int, { kind: 'date' }, int],
    [long, null, { kind: 'timestamp' }],
    [long, null, decimal],
    [long, time('us'), { kind: 'timestamp' }],
    [long, timestamp('us'), { kind: 'time' }],
  ])('%j annotated %j is no %j', async (stored, logicalType, wanted) => {
    const reading = readAs(stored, logicalType, wanted, [])
    await expect(reading).rejects.toThrow(InvalidDataError)
    await expect(reading).rejects.toThrow(
      /column "c": it is stored as [A-Z0-9_]+( \([a-z0-9]+\))?, which can't be read as/,
    )
  })

  it.each<[Type, LogicalType, Type, readonly Cell[]]>([
    [int, { kind: 'date' }, { kind: 'timestamp_ns' }, [2 ** 31 - 1]],
    [long, timestamp('ms'), { kind: 'timestamp' }, [2n ** 62n]],
  ])('%j annotated %j beyond what %j holds is refused', async (stored, logicalType, wanted, cells) => {
    await expect(readAs(stored, logicalType, wanted, cells)).rejects.toThrow(/column "c": a time of \d+ units is more/)
    expect(await readAs(stored, logicalType, wanted, [null])).toEqual([null])
  })
})

describe('legacy layouts', () => {
  const point: Type = { kind: 'struct', fields: [fieldOf(3, 'x', int), fieldOf(4, 'y', string)] }
  const changed = (
    type: Type,
    cells: readonly Cell[],
    change: (field: ParquetField) => ParquetField,
    wanted = type,
  ): Promise<unknown[]> => {
    const written = schemaOf(fieldOf(1, 'c', type))
    const file = withSchema(encode([batchOf(written, [cells])], { schema: written }).bytes, (root) =>
      mapFields(root, change),
    )
    return readRows(file, { schema: schemaOf(fieldOf(1, 'c', wanted)) }).then((rows) => rows.map((row) => row['c']))
  }
  const group = (field: ParquetField): ParquetGroup | undefined => (isLeaf(field) ? undefined : field)

  const map = (value: Type): Type => ({ kind: 'map', keyId: 8, key: string, valueId: 9, value, valueRequired: false })
  const entries: readonly Cell[] = [
    [
      ['a', [1, 'x']],
      ['b', null],
    ],
    null,
    [],
  ]
  const maps = [
    new Map<string, unknown>([
      ['a', { x: 1, y: 'x' }],
      ['b', null],
    ]),
    null,
    new Map(),
  ]

  it.each<[string, (field: ParquetField) => ParquetField]>([
    // MAP_KEY_VALUE of old writers is read as the annotation of a map, on the map or on its entries.
    [
      'annotated entries',
      (field) => (field.name === 'key_value' ? { ...field, name: 'map', logicalType: { kind: 'map' } } : field),
    ],
    [
      'other names',
      (field) => ({ ...field, name: { key_value: 'entries', key: 'k', value: 'v' }[field.name] ?? field.name }),
    ],
  ])('maps with %s', async (_, change) => {
    expect(await changed(map(point), entries, change)).toEqual(maps)
    const y: Type = { kind: 'struct', fields: [fieldOf(4, 'y', string)] }
    expect(await changed(map(point), entries, change, map(y))).toEqual([
      new Map<string, unknown>([
        ['a', { y: 'x' }],
        ['b', null],
      ]),
      null,
      new Map(),
    ])
  })

  it('lists in a bag of array_elements (Hive)', async () => {
    const list: Type = { kind: 'list', elementId: 2, element: point, elementRequired: false }
    const hive = (field: ParquetField): ParquetField => ({
      ...field,
      name: { list: 'bag', element: 'array_element' }[field.name] ?? field.name,
    })
    expect(await changed(list, [[[1, 'a'], null], null, []], hive)).toEqual([[{ x: 1, y: 'a' }, null], null, []])
  })

  it('a single column within a group that repeats is its element, unless the group is called "array"', async () => {
    const one: Type = { kind: 'struct', fields: [fieldOf(3, 'x', int, true)] }
    const list = (element: Type): Type => ({ kind: 'list', elementId: 2, element, elementRequired: true })
    const twoLevels = (name: string) => (field: ParquetField) => {
      const element = group(group(field)?.children[0] ?? field)?.children[0]
      if (field.logicalType?.kind !== 'list' || element === undefined) return field
      return { ...field, children: [{ ...element, name, repetition: 'repeated' as const }] }
    }
    const cells: readonly Cell[] = [[[1], [2]], null]
    expect(await changed(list(one), cells, twoLevels('array'))).toEqual([[{ x: 1 }, { x: 2 }], null])
    expect(await changed(list(one), cells, twoLevels('c_tuple'))).toEqual([[{ x: 1 }, { x: 2 }], null])
    expect(await changed(list(one), cells, twoLevels('list'), list(int))).toEqual([[1, 2], null])
  })

  it('lists of lists, one level short each', async () => {
    const inner: Type = { kind: 'list', elementId: 3, element: int, elementRequired: true }
    const outer: Type = { kind: 'list', elementId: 2, element: inner, elementRequired: true }
    const twoLevels = (field: ParquetField): ParquetField => {
      const element = group(group(field)?.children[0] ?? field)?.children[0]
      if (field.logicalType?.kind !== 'list' || element === undefined) return field
      return { ...group(field), ...field, children: [{ ...element, name: 'item', repetition: 'repeated' }] }
    }
    expect(await changed(outer, [[[1, 2], []], [], null], twoLevels)).toEqual([[[1, 2], []], [], null])
  })

  it('nulls of a struct of which only lists and maps are in the file', async () => {
    const members = [
      fieldOf(5, 'm', map(int)),
      fieldOf(6, 'l', { kind: 'list', elementId: 7, element: int, elementRequired: false }),
    ]
    const stored: Type = { kind: 'struct', fields: members }
    const wanted: Type = { kind: 'struct', fields: [fieldOf(60, 'new', int)] }
    const cells: readonly Cell[] = [
      [
        [
          ['a', 1],
          ['b', 2],
        ],
        [1, 2, 3],
      ],
      null,
      [null, null],
      [[], []],
    ]
    const expected = [{ new: null }, null, { new: null }, { new: null }]
    expect(await changed(stored, cells, (field) => field, wanted)).toEqual(expected)
  })
})
