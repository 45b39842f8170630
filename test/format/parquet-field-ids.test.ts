/** Files without field ids: the table's name mapping stands in (spec, "Column Projection", rule 2). */
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { type ParquetField, isLeaf } from '../../src/format/parquet-schema.ts'
import { openParquet } from '../../src/format/parquet-source.ts'
import { rowGroupStats } from '../../src/format/parquet-stats.ts'
import { type NameMapping, printNameMapping } from '../../src/spec/name-mapping.ts'
import type { NestedField, Schema, Type } from '../../src/spec/types.ts'
import { batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, mapFields, memorySource, readRows, withSchema } from './parquet-file.ts'

const int: Type = { kind: 'int' }
const string: Type = { kind: 'string' }
const point: Type = { kind: 'struct', fields: [fieldOf(3, 'x', int), fieldOf(4, 'y', string)] }
const list = (id: number, element: Type): Type => ({ kind: 'list', elementId: id, element, elementRequired: false })

const withoutIds = (bytes: Uint8Array, keep: (field: ParquetField) => boolean = () => false): Uint8Array =>
  withSchema(bytes, (root) =>
    mapFields(root, (field) => ({ ...field, fieldId: keep(field) ? field.fieldId : undefined })),
  )

function read(bytes: Uint8Array, schema: Schema, mapping?: NameMapping, constants?: Constants): Promise<unknown[]> {
  const nameMapping = mapping === undefined ? undefined : printNameMapping(mapping)
  return readRows(bytes, { schema, nameMapping, constants })
}
type Constants = (field: NestedField) => number | undefined

const written = schemaOf(
  fieldOf(1, 'a', int),
  fieldOf(2, 'p', point),
  fieldOf(5, 'ps', list(6, point)),
  fieldOf(7, 'm', { kind: 'map', keyId: 8, key: string, valueId: 9, value: point, valueRequired: false }),
  fieldOf(10, 'b.c', int),
)
const cells = [
  [1, null],
  [[2, 'two'], null],
  [[[3, 'three'], null], []],
  [[['k', [4, 'four']]], null],
  [5, 6],
] as const
const { bytes } = encode([batchOf(written, cells)], { schema: written })
const bare = withoutIds(bytes)

/** Ids that the file never had. */
const wanted = schemaOf(
  fieldOf(105, 'points', list(106, { kind: 'struct', fields: [fieldOf(116, 'Y', string)] })),
  fieldOf(101, 'A', int),
  fieldOf(110, 'bc', { kind: 'long' }),
  fieldOf(102, 'P', { kind: 'struct', fields: [fieldOf(115, 'X', int), fieldOf(119, 'new', int)] }),
  fieldOf(107, 'M', {
    kind: 'map',
    keyId: 108,
    key: string,
    valueId: 109,
    value: { kind: 'struct', fields: [fieldOf(117, 'X', int)] },
    valueRequired: false,
  }),
)
const mapping: NameMapping = [
  { fieldId: 101, names: ['A', 'a'] },
  { fieldId: 102, names: ['p'], fields: [{ fieldId: 115, names: ['x'] }] },
  {
    fieldId: 105,
    names: ['ps'],
    fields: [{ fieldId: 106, names: ['element'], fields: [{ fieldId: 116, names: ['y'] }] }],
  },
  {
    fieldId: 107,
    names: ['m'],
    fields: [
      { fieldId: 108, names: ['key'] },
      { fieldId: 109, names: ['value'], fields: [{ fieldId: 117, names: ['x'] }] },
    ],
  },
  { fieldId: 110, names: ['b.c'] },
]
const rows = [
  { points: [{ Y: 'three' }, null], A: 1, bc: 5n, P: { X: 2, new: null }, M: new Map([['k', { X: 4 }]]) },
  { points: [], A: null, bc: 6n, P: null, M: null },
]

describe('a name mapping', () => {
  it('finds columns at every level, whatever the table calls them', async () => {
    expect(await read(bare, wanted, mapping)).toEqual(rows)
  })

  it('is that of lists and maps however a writer names what is in them', async () => {
    const names = new Map([
      ['element', 'array_element'],
      ['list', 'bag'],
      ['key_value', 'map'],
      ['key', 'k'],
      ['value', 'v'],
    ])
    const hive = withSchema(bare, (root) =>
      mapFields(root, (field) => ({ ...field, name: names.get(field.name) ?? field.name })),
    )
    expect(await read(hive, wanted, mapping)).toEqual(rows)
  })

  it('takes a dot literally', async () => {
    const nested = [{ fieldId: 1, names: ['b'], fields: [{ fieldId: 2, names: ['c'] }] }]
    const path = [{ fieldId: 3, names: ['p.x'] }]
    const schema = schemaOf(fieldOf(2, 'c', int), fieldOf(3, 'x', int))
    expect(await read(bare, schema, [...nested, ...path])).toEqual([
      { c: null, x: null },
      { c: null, x: null },
    ])
  })

  it('leaves out columns that it does not name or gives no id', async () => {
    const schema = schemaOf(fieldOf(1, 'a', int), { ...fieldOf(10, 'b.c', int), initialDefault: 7 })
    const missing = [
      { a: null, 'b.c': 7 },
      { a: null, 'b.c': 7 },
    ]
    expect(await read(bare, schema, [])).toEqual(missing)
    expect(await read(bare, schema, [{ names: ['a', 'b.c'] }])).toEqual(missing)
  })

  it('comes after partition values, and before initial defaults', async () => {
    const schema = schemaOf(
      { ...fieldOf(101, 'a', int), initialDefault: 70 },
      { ...fieldOf(110, 'b', int), initialDefault: 71 },
    )
    const constants: Constants = ({ id }) => (id === 110 ? 99 : undefined)
    expect(await read(bare, schema, mapping, constants)).toEqual([
      { a: 1, b: 99 },
      { a: null, b: 99 },
    ])
    const stored = schemaOf(fieldOf(1, 'a', int), fieldOf(10, 'b', int))
    expect(await read(bytes, stored, mapping, ({ id }) => (id === 10 ? 99 : undefined))).toEqual([
      { a: 1, b: 5 },
      { a: null, b: 6 },
    ])
  })

  it('is not looked at for a file that has any id at any level', async () => {
    const partly = withoutIds(bytes, (field) => field.name === 'y')
    const schema = schemaOf(fieldOf(101, 'A', int), fieldOf(2, 'p', point))
    expect(await read(partly, schema, mapping)).toEqual([
      { A: null, p: null },
      { A: null, p: null },
    ])
    const columns = withoutIds(bytes, (field) => field.name === 'p' || field.name === 'x')
    expect(await read(columns, schemaOf(fieldOf(2, 'p', point)), mapping)).toEqual([
      { p: { x: 2, y: null } },
      { p: null },
    ])
    expect(await readRows(columns, { schema: schemaOf(fieldOf(2, 'p', point)), nameMapping: 'no JSON' })).toHaveLength(
      2,
    )
  })

  it('reaches into the lists of old writers', async () => {
    const table = schemaOf(
      fieldOf(5, 'ps', { ...list(6, point), elementRequired: true } as Type),
      fieldOf(10, 'bare', int),
    )
    const old = encode(
      [
        batchOf(table, [
          [
            [
              [1, 'a'],
              [2, 'b'],
            ],
            null,
          ],
          [5, 6],
        ]),
      ],
      { schema: table },
    ).bytes
    const twoLevels = withSchema(withoutIds(old), (root) => mapFields(root, toTwoLevels))
    const fields = [{ fieldId: 106, names: ['element'], fields: [{ fieldId: 116, names: ['y'] }] }]
    const schema = schemaOf(fieldOf(105, 'ps', list(106, { kind: 'struct', fields: [fieldOf(116, 'y', string)] })))
    expect(await read(twoLevels, schema, [{ fieldId: 105, names: ['ps'], fields }])).toEqual([
      { ps: [{ y: 'a' }, { y: 'b' }] },
      { ps: null },
    ])
  })

  it('serves pruning by row groups', async () => {
    const source = memorySource(bare)
    const { footer } = await openParquet(source, { nameMapping: printNameMapping(mapping) })
    const stats = rowGroupStats(footer, 0, wanted)
    expect(stats(110)).toMatchObject({ lower: 5n, upper: 6n, nullCount: 0 })
    expect(stats(115)).toMatchObject({ lower: 2, upper: 2 })
    expect(stats(10)).toBeUndefined()
    expect(source.ranges).toHaveLength(1)
  })

  it('must be readable where it is needed', async () => {
    const reading = readRows(bare, { schema: wanted, nameMapping: '{}' })
    await expect(reading).rejects.toThrow(InvalidDataError)
    await expect(reading).rejects.toThrow('schema.name-mapping.default: expected an array')
  })
})

it('files without ids are refused where no mapping is set, with what to set', async () => {
  await expect(read(bare, wanted)).rejects.toThrow(UnsupportedError)
  await expect(read(bare, wanted)).rejects.toThrow(
    /file.parquet: its columns have no field ids: set .*schema.name-mapping.default/,
  )
})

function toTwoLevels(field: ParquetField): ParquetField {
  if (isLeaf(field) || field.logicalType?.kind !== 'list') return field
  const [wrapper] = field.children
  const [element] = wrapper === undefined || isLeaf(wrapper) ? [] : wrapper.children
  return element === undefined ? field : { ...field, children: [{ ...element, name: 'array', repetition: 'repeated' }] }
}
