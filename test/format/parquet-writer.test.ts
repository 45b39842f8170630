import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { parseParquetFooter } from '../../src/format/parquet-footer.ts'
import { CREATED_BY } from '../../src/format/parquet-wasm.ts'
import { createParquetWriter } from '../../src/format/parquet-writer.ts'
import { parseThrift } from '../../src/format/thrift.ts'
import { ThriftCursor } from '../../src/format/thrift-fields.ts'
import type { Schema, Type } from '../../src/spec/types.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { type Cell, batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, readRows, rowsOf } from './parquet-file.ts'

const int: Type = { kind: 'int' }
const string: Type = { kind: 'string' }

it('says who wrote the file', () => {
  const versionIn = (path: string): string => (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
  const wasm = createRequire(import.meta.url)
    .resolve('parquet-wasm')
    .replace(/node\/[^/]*$/, 'package.json')
  expect(CREATED_BY).toBe(`firn version ${versionIn('package.json')} (build parquet-wasm ${versionIn(wasm)})`)
  expect(encode([], { schema: schemaOf(fieldOf(1, 'a', int)) }).footer.createdBy).toBe(CREATED_BY)
})

describe('row groups', () => {
  const schema = schemaOf(fieldOf(1, 'n', { kind: 'long' }), fieldOf(2, 't', string))
  const count = 10_000
  const batch = batchOf(schema, [
    Array.from({ length: count }, (_, i) => BigInt(i)),
    Array.from({ length: count }, (_, i) => `${i}`.padStart(20, '0')),
  ])

  it('hold at most so much data', () => {
    const rowGroupSizeBytes = 40_000
    const batches = [batch.slice(0, 1), batch.slice(1, 777), batch.slice(777)]
    const { footer } = encode(batches, { schema, rowGroupSizeBytes, codec: 'uncompressed' })
    const sizes = footer.rowGroups.map((group) =>
      group.columns.reduce((sum, chunk) => sum + chunk.uncompressedSizeBytes, 0),
    )
    expect(Math.max(...sizes)).toBeLessThanOrEqual(rowGroupSizeBytes)
    expect(footer.rowGroups.length).toBeLessThan((count * 32) / (rowGroupSizeBytes / 2) + 4)
  })

  it('keep page indexes and offsets true after splicing', async () => {
    const { bytes, footer } = encode([batch], { schema, rowGroupRows: 3000 })
    expect(footer.rowGroups.map((group) => group.rows)).toEqual([3000, 3000, 3000, 1000])
    expect(await readRows(bytes, { schema, rowGroups: [2] })).toEqual(rowsOf(batch.slice(6000, 9000), schema))
    for (const group of footer.rowGroups) {
      for (const chunk of group.columns) {
        const cursor = new ThriftCursor(chunk.thrift, 'f', 'chunk')
        const indexAt = (id: number): ThriftCursor => {
          const start = cursor.count(id)
          return new ThriftCursor(parseThrift(bytes.subarray(start, start + cursor.count(id + 1)), 'f'), 'f', 'index')
        }
        const pages = indexAt(4).cursors(1, 'page_locations')
        expect(indexAt(6).has(1)).toBe(true)
        const [first] = pages
        const metadata = cursor.cursor(3, 'meta_data')
        expect(first?.count(1)).toBe(metadata?.count(9))
        // Each page location points at a page header of data: type 0, with sizes as compressed.
        for (const page of pages) {
          const header = new ThriftCursor(parseThrift(bytes.subarray(page.count(1)), 'f'), 'f', 'page')
          expect([0, 3]).toContain(header.integer(1))
          expect(page.count(1) + page.count(2)).toBeLessThanOrEqual(chunk.offset + chunk.compressedSizeBytes)
        }
      }
    }
  })

  it('can be taken as they are encoded, and are the same file', () => {
    const options = { schema, rowGroupRows: 3000 }
    const whole = encode([batch], options)
    const writer = createParquetWriter(options)
    const taken: Uint8Array[] = []
    for (let i = 0; i < count; i += 1000) {
      writer.write(batch.slice(i, i + 1000))
      taken.push(...writer.take())
    }
    const { bytes, footer } = writer.finish()
    expect(taken.length).toBeGreaterThan(3)
    expect(bytes.length).toBeLessThan(whole.bytes.length / 2)
    expect(Buffer.compare(Buffer.concat([...taken, bytes]), whole.bytes)).toBe(0)
    expect(footer).toEqual(whole.footer)
  })

  it('carry the sort order that was asked for', () => {
    const sortedBy = [{ fieldId: 2, descending: true, nullsFirst: false }]
    const { footer } = encode([batch], { schema, rowGroupRows: 5000, sortedBy })
    for (const group of footer.rowGroups) {
      const [column] = new ThriftCursor(group.thrift, 'f', 'f').cursors(4, 'sorting_columns')
      expect([column?.integer(1), column?.boolean(2), column?.boolean(3)]).toEqual([1, true, false])
    }
    expect(() =>
      createParquetWriter({ schema, sortedBy: [{ fieldId: 9, descending: false, nullsFirst: true }] }),
    ).toThrow(ValidationError)
  })

  it('are estimated while rows wait', () => {
    const writer = createParquetWriter({ schema, rowGroupRows: 4000 })
    expect(writer.estimatedBytes).toBe(4)
    writer.write(batch.slice(0, 3999))
    const waiting = writer.estimatedBytes
    expect(waiting).toBeGreaterThan(20_000)
    writer.write(batch.slice(3999))
    expect(writer.rows).toBe(count)
    const estimated = writer.estimatedBytes
    const { bytes } = writer.finish()
    expect(estimated / bytes.length).toBeGreaterThan(0.7)
    expect(estimated / bytes.length).toBeLessThan(1.3)
  })

  it('are none in a file without rows', async () => {
    for (const batches of [[], [batch.slice(0, 0)]]) {
      const { bytes, footer } = encode(batches, { schema })
      expect([footer.rows, footer.rowGroups.length, footer.leaves.length]).toEqual([0, 0, 2])
      expect(await readRows(bytes, { schema })).toEqual([])
    }
  })

  // What each does to the file shows in its size: no dictionary, more page headers, other headers.
  it.each([
    ['smaller dictionaries', {}, { dictionarySizeBytes: 100 }],
    ['smaller pages', { dictionarySizeBytes: 100 }, { dictionarySizeBytes: 100, pageSizeBytes: 100 }],
    ['pages of version 2', { pageVersion: 'v1' }, { pageVersion: 'v2' }],
  ] as const)('have %s where asked', async (_, before, encoding) => {
    const repeating = schemaOf(fieldOf(1, 'k', string))
    const rows = Array.from({ length: 10_000 }, (__, i) => ({
      k: `key ${(Math.imul(i ^ (i >>> 5), 0x9e37_79b1) >>> 7) % 300}`,
    }))
    const keys = rowsToBatch(rows, repeating)
    const plain = encode([keys], { schema: repeating, ...before })
    const { bytes } = encode([keys], { schema: repeating, ...encoding })
    expect(bytes.length).not.toBe(plain.bytes.length)
    expect(await readRows(bytes, { schema: repeating })).toEqual(rowsOf(keys, repeating))
  })

  it('refuse rows after the end', () => {
    const writer = createParquetWriter({ schema })
    writer.finish()
    expect(() => writer.write(batch)).toThrow(ValidationError)
    expect(() => writer.finish()).toThrow(ValidationError)
    expect(() => createParquetWriter({ schema, rowGroupSizeBytes: 0 })).toThrow(ValidationError)
  })
})

describe('batches that do not fit', () => {
  const schema = schemaOf(fieldOf(1, 'a', int), fieldOf(2, 'b', string))
  it.each<[string, Schema, Cell[][]]>([
    ['another type', schemaOf(fieldOf(1, 'a', { kind: 'long' }), fieldOf(2, 'b', string)), [[1n], ['x']]],
    ['another order', schemaOf(fieldOf(2, 'b', string), fieldOf(1, 'a', int)), [['x'], [1]]],
    ['a column less', schemaOf(fieldOf(1, 'a', int)), [[1]]],
    ['a column more', schemaOf(fieldOf(1, 'a', int), fieldOf(2, 'b', string), fieldOf(3, 'c', int)), [[1], ['x'], [1]]],
  ])('are refused: %s', (_, other, columns) => {
    expect(() => encode([batchOf(other, columns)], { schema })).toThrow(
      /the batch has columns .*, expected \(a: Int32, b: Utf8\)/,
    )
  })

  const inner = (required: boolean): Type => ({ kind: 'struct', fields: [fieldOf(2, 'x', int, required)] })
  const list = (required: boolean, element: Type): Type => ({
    kind: 'list',
    elementId: 10,
    element,
    elementRequired: required,
  })
  const map = (required: boolean): Type => ({
    kind: 'map',
    keyId: 11,
    key: string,
    valueId: 12,
    value: int,
    valueRequired: required,
  })
  it.each<[string, Type, boolean, Cell[], string | undefined]>([
    ['a required column', int, true, [1, null], 'c'],
    ['a required member', inner(true), false, [[1], [null]], 'c.x'],
    ['a required member of null structs', inner(true), false, [[1], null], undefined],
    ['a required element', list(true, int), false, [[1], [2, null]], 'c.element'],
    ['no element of a null list', list(true, int), false, [[1], null, []], undefined],
    ['a member of an element', list(false, inner(true)), false, [[[1], null], [[null]]], 'c.element.x'],
    ['a required value', map(true), false, [[['a', null]]], 'c.value'],
    ['an optional value', map(false), false, [[['a', null]]], undefined],
    ['a key', map(false), false, [[[null, 1]]], 'c.key'],
  ])('are refused for nulls: %s', (_, type, required, cells, column) => {
    const table = schemaOf(fieldOf(1, 'c', type, required))
    const write = (): unknown => encode([batchOf(table, [cells])], { schema: table })
    if (column === undefined) write()
    else {
      expect(write).toThrow(ValidationError)
      expect(write).toThrow(`column "${column}" is required`)
    }
  })
})

describe('columns of type unknown', () => {
  const schema = schemaOf(
    fieldOf(1, 'u', { kind: 'unknown' }),
    fieldOf(2, 'a', int),
    fieldOf(3, 's', { kind: 'struct', fields: [fieldOf(4, 'v', { kind: 'unknown' }), fieldOf(5, 'w', string)] }),
  )

  it('are not stored, and read as null', async () => {
    const batch = batchOf(schema, [
      [null, null],
      [1, 2],
      [[null, 'x'], null],
    ])
    const { bytes } = encode([batch.slice(0, 1), batch.slice(1)], { schema })
    expect(parseParquetFooter(bytes, bytes.length, 'f').leaves.map((leaf) => leaf.fieldId)).toEqual([2, 5])
    expect(await readRows(bytes, { schema })).toEqual([
      { u: null, a: 1, s: { v: null, w: 'x' } },
      { u: null, a: 2, s: null },
    ])
  })

  it.each<[Type]>([
    [{ kind: 'unknown' }],
    [{ kind: 'struct', fields: [fieldOf(2, 'v', { kind: 'unknown' })] }],
    [{ kind: 'list', elementId: 2, element: { kind: 'unknown' }, elementRequired: false }],
  ])('can not be all there is: %j', (type) => {
    expect(() => createParquetWriter({ schema: schemaOf(fieldOf(1, 'c', type)) })).toThrow(UnsupportedError)
  })
})

it('stores types as Java does, with ids at every level', () => {
  const types: Type[] = [
    { kind: 'decimal', precision: 9, scale: 2 },
    { kind: 'decimal', precision: 18, scale: 2 },
    { kind: 'decimal', precision: 19, scale: 2 },
    { kind: 'decimal', precision: 38, scale: 2 },
    { kind: 'timestamptz' },
    { kind: 'timestamp_ns' },
    { kind: 'uuid' },
    {
      kind: 'list',
      elementId: 100,
      element: { kind: 'map', keyId: 101, key: string, valueId: 102, value: int, valueRequired: true },
      elementRequired: true,
    },
  ]
  const { footer } = encode([], {
    schema: schemaOf(...types.map((type, i) => fieldOf(i + 1, `c${i + 1}`, type, i % 2 === 0))),
  })
  expect(footer.schema.children.slice(0, 7)).toEqual([
    {
      name: 'c1',
      fieldId: 1,
      repetition: 'required',
      physicalType: 'INT32',
      logicalType: { kind: 'decimal', precision: 9, scale: 2 },
    },
    {
      name: 'c2',
      fieldId: 2,
      repetition: 'optional',
      physicalType: 'INT64',
      logicalType: { kind: 'decimal', precision: 18, scale: 2 },
    },
    {
      name: 'c3',
      fieldId: 3,
      repetition: 'required',
      physicalType: 'FIXED_LEN_BYTE_ARRAY',
      typeLength: 9,
      logicalType: { kind: 'decimal', precision: 19, scale: 2 },
    },
    {
      name: 'c4',
      fieldId: 4,
      repetition: 'optional',
      physicalType: 'FIXED_LEN_BYTE_ARRAY',
      typeLength: 16,
      logicalType: { kind: 'decimal', precision: 38, scale: 2 },
    },
    {
      name: 'c5',
      fieldId: 5,
      repetition: 'required',
      physicalType: 'INT64',
      logicalType: { kind: 'timestamp', utc: true, unit: 'us' },
    },
    {
      name: 'c6',
      fieldId: 6,
      repetition: 'optional',
      physicalType: 'INT64',
      logicalType: { kind: 'timestamp', utc: false, unit: 'ns' },
    },
    {
      name: 'c7',
      fieldId: 7,
      repetition: 'required',
      physicalType: 'FIXED_LEN_BYTE_ARRAY',
      typeLength: 16,
      logicalType: { kind: 'uuid' },
    },
  ])
  expect(footer.schema.children[7]).toEqual({
    name: 'c8',
    fieldId: 8,
    repetition: 'optional',
    logicalType: { kind: 'list' },
    children: [
      {
        name: 'list',
        repetition: 'repeated',
        children: [
          {
            name: 'element',
            fieldId: 100,
            repetition: 'required',
            logicalType: { kind: 'map' },
            children: [
              {
                name: 'key_value',
                repetition: 'repeated',
                children: [
                  {
                    name: 'key',
                    fieldId: 101,
                    repetition: 'required',
                    physicalType: 'BYTE_ARRAY',
                    logicalType: { kind: 'string' },
                  },
                  { name: 'value', fieldId: 102, repetition: 'required', physicalType: 'INT32' },
                ],
              },
            ],
          },
        ],
      },
    ],
  })
})

it('gives all decimals the fewest bytes that hold them', () => {
  for (let precision = 1; precision <= 38; precision++) {
    const largest = 10n ** BigInt(precision) - 1n
    const schema = schemaOf(fieldOf(1, 'd', { kind: 'decimal', precision, scale: 0 }))
    const { footer } = encode([batchOf(schema, [[largest, -largest]])], { schema })
    const [leaf] = footer.leaves
    expect(leaf?.physicalType).toBe(precision <= 9 ? 'INT32' : precision <= 18 ? 'INT64' : 'FIXED_LEN_BYTE_ARRAY')
    const bits = 8 * (leaf?.physicalType === 'INT32' ? 4 : leaf?.physicalType === 'INT64' ? 8 : (leaf?.typeLength ?? 0))
    expect(BigInt.asIntN(bits, largest)).toBe(largest)
    if (precision > 18) expect(BigInt.asIntN(bits - 8, largest)).not.toBe(largest)
  }
})

it('annotates variants as VARIANT(1), whose members are required and have no ids', () => {
  const schema = schemaOf(fieldOf(7, 'v', { kind: 'variant' }))
  const { footer } = encode([batchOf(schema, [[[Uint8Array.of(1, 0, 0), Uint8Array.of(4)], null]])], { schema })
  const [, group, metadata, value] = new ThriftCursor(footer.thrift, 'x', 'footer').cursors(2, 'schema')
  expect([group?.string(4), group?.integer(3), group?.integer(9)]).toEqual(['v', 1, 7])
  expect(group?.cursor(10, 'logicalType')?.cursor(16, 'VARIANT')?.integer(1)).toBe(1)
  for (const [name, member] of Object.entries({ metadata, value })) {
    expect([member?.string(4), member?.integer(1), member?.integer(3), member?.integer(9)]).toEqual([
      name,
      6,
      0,
      undefined,
    ])
  }
})
