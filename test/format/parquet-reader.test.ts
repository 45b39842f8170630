import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import type { ColumnChunk } from '../../src/format/parquet-footer.ts'
import { readParquet } from '../../src/format/parquet-reader.ts'
import { type ParquetField, isLeaf } from '../../src/format/parquet-schema.ts'
import { openParquet } from '../../src/format/parquet-source.ts'
import type { Schema, Type } from '../../src/spec/types.ts'
import { batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, mapFields, memorySource, readBatches, readRows, rowsOf, withSchema } from './parquet-file.ts'

const string: Type = { kind: 'string' }
const int: Type = { kind: 'int' }

describe('row groups and batches', () => {
  const schema = schemaOf(fieldOf(1, 'n', int), fieldOf(2, 't', string))
  const rows = Array.from({ length: 1000 }, (_, i) => i)
  const batch = batchOf(schema, [rows, rows.map((i) => `text ${i}`)])
  const { bytes, footer } = encode([batch], { schema, rowGroupRows: 300 })
  const numbers = async (options: Partial<Parameters<typeof readBatches>[1]>): Promise<number[]> => {
    const batches = await readBatches(memorySource(bytes), { schema, ...options })
    return batches.flatMap((each) => rowsOf(each, schema).map((row) => Number(row['n'])))
  }

  it('come in order, whatever the size of batches', async () => {
    for (const batchRows of [1, 7, 64, 299, 300, 5000]) expect(await numbers({ batchRows })).toEqual(rows)
  })

  it('are those that were chosen', async () => {
    expect(await numbers({ rowGroups: [3, 1] })).toEqual([...rows.slice(900), ...rows.slice(300, 600)])
    expect(await numbers({ rowGroups: [] })).toEqual([])
    await expect(numbers({ rowGroups: [4] })).rejects.toThrow(ValidationError)
  })

  it('take a request for a small file, and one a row group and column for a large one', async () => {
    const small = memorySource(bytes)
    await readBatches(small, { schema })
    expect(small.ranges).toEqual([{ offset: 0, length: bytes.length }])

    const wide = schemaOf(
      fieldOf(1, 'a', { kind: 'binary' }),
      fieldOf(2, 'b', { kind: 'binary' }),
      fieldOf(3, 'c', int),
    )
    const cells = Array.from({ length: 40 }, (_, row) =>
      Uint8Array.from({ length: 20_000 }, (__, i) => (i * (row + 7) * 2_654_435_761) >>> 13),
    )
    const wideBatch = batchOf(wide, [cells, cells.toReversed(), cells.map((_, i) => i)])
    const large = encode([wideBatch], { schema: wide, rowGroupRows: 20, codec: 'uncompressed' })
    const source = memorySource(large.bytes)
    const read = await readBatches(source, {
      schema: { ...wide, fields: [fieldOf(3, 'c', int), fieldOf(1, 'a', { kind: 'binary' })] },
    })
    expect(read.flatMap((each) => rowsOf(each, schemaOf(fieldOf(3, 'c', int))).map((row) => row['c']))).toEqual(
      cells.map((_, i) => i),
    )
    const [tail, ...chunks] = source.ranges
    expect(tail).toEqual({ offset: large.bytes.length - 65_536, length: 65_536 })
    const wanted = large.footer.rowGroups.flatMap((group) => [group.columns[0], group.columns[2]])
    const isOutsideTail = (chunk: ColumnChunk | undefined): boolean =>
      (chunk?.offset ?? 0) < large.bytes.length - 65_536
    // The two row groups are asked for at once.
    expect(chunks.toSorted((a, b) => a.offset - b.offset)).toEqual(
      wanted.filter(isOutsideTail).map((chunk) => ({ offset: chunk?.offset, length: chunk?.compressedSizeBytes })),
    )
  })

  it('tell the number of their first row in the file, whichever row groups are read', async () => {
    const table = schemaOf(fieldOf(1, 'n', int))
    const values = Array.from({ length: 25 }, (_, i) => i)
    const file = encode([batchOf(table, [values])], { schema: table, rowGroupRows: 10 })
    const read = readParquet(memorySource(file.bytes), { schema: table, rowGroups: [2, 0], batchRows: 4 })
    const seen: [position: number, values: unknown[]][] = []
    for await (const each of read) {
      seen.push([each.position, rowsOf(each.batch, table).map((row) => row['n'])])
    }
    expect(seen.map(([position]) => position)).toEqual([20, 24, 0, 4, 8])
    expect(seen.every(([position, [first]]) => first === position)).toBe(true)
  })

  it('are smaller where rows are large once decoded', async () => {
    const table = schemaOf(fieldOf(1, 't', string))
    const repeated = batchOf(table, [Array.from({ length: 300 }, () => 'x'.repeat(500_000))])
    const file = encode([repeated], { schema: table })
    expect(
      file.footer.rowGroups.flatMap((group) => group.columns.map((chunk) => chunk.uncompressedSizeBytes < 10_000_000)),
    ).not.toContain(false)
    const batches = await readBatches(memorySource(file.bytes), { schema: table })
    expect(Math.max(...batches.map((each) => each.numRows))).toBeLessThan(100)
    expect(batches.reduce((sum, each) => sum + each.numRows, 0)).toBe(300)
  })

  it('stop on a failed or short read, and on abort', async () => {
    const failing = { ...memorySource(bytes), footer, read: () => Promise.reject(new Error('connection reset')) }
    await expect(readBatches(failing, { schema })).rejects.toThrow('connection reset')
    const short = { ...memorySource(bytes), footer, read: () => Promise.resolve(new Uint8Array(3)) }
    await expect(readBatches(short, { schema })).rejects.toThrow(/were asked for, got 3/)
    await expect(
      readBatches(memorySource(bytes), { schema, signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop')
    const controller = new AbortController()
    const seen: number[] = []
    const reading = (async () => {
      for await (const each of readParquet(memorySource(bytes), {
        schema,
        batchRows: 100,
        signal: controller.signal,
      })) {
        seen.push(each.batch.numRows)
        if (seen.length === 2) controller.abort(new Error('enough'))
      }
    })()
    await expect(reading).rejects.toThrow('enough')
    expect(seen).toEqual([100, 100])
  })

  it('give the footer to callers who prune', async () => {
    const source = memorySource(bytes)
    const open = await openParquet(source)
    await readBatches(open, { schema, rowGroups: [1] })
    expect(source.ranges).toHaveLength(1)
  })
})

describe('files of other writers', () => {
  const list: Type = { kind: 'list', elementId: 2, element: int, elementRequired: true }
  const structs: Type = {
    ...list,
    element: { kind: 'struct', fields: [fieldOf(3, 'x', int), fieldOf(4, 'y', string)] },
  }
  /** Three levels to two: a required element has the same repetition and definition levels in both. */
  const twoLevels =
    (name: string) =>
    (field: ParquetField): ParquetField => {
      if (isLeaf(field) || field.logicalType?.kind !== 'list') return field
      const [wrapper] = field.children
      const [element] = wrapper === undefined || isLeaf(wrapper) ? [] : wrapper.children
      return element === undefined ? field : { ...field, children: [{ ...element, name, repetition: 'repeated' }] }
    }

  it.each([
    ['array', list, [[1, 2], null, []], [[1, 2], null, []]],
    ['element', list, [[1, 2], null, []], [[1, 2], null, []]],
    [
      'array',
      structs,
      [
        [
          [1, 'a'],
          [2, null],
        ],
        null,
        [],
      ],
      [
        [
          { x: 1, y: 'a' },
          { x: 2, y: null },
        ],
        null,
        [],
      ],
    ],
    ['c_tuple', structs, [[[1, 'a']], null], [[{ x: 1, y: 'a' }], null]],
    ['anything', structs, [[[1, 'a']], null], [[{ x: 1, y: 'a' }], null]],
  ] as const)('may have two-level lists of "%s"', async (name, type, cells, expected) => {
    const schema: Schema = schemaOf(fieldOf(1, 'c', type))
    const { bytes } = encode([batchOf(schema, [cells])], { schema })
    const old = withSchema(bytes, (root) => mapFields(root, twoLevels(name)))
    expect((await readRows(old, { schema })).map((row) => row['c'])).toEqual(expected)
    if (type.element.kind !== 'struct') return
    const narrow = schemaOf(
      fieldOf(1, 'c', { ...list, element: { kind: 'struct', fields: [fieldOf(4, 'y', string)] } }),
    )
    const narrowed = expected.map((value) => value?.map((element) => ({ y: (element as { y: unknown }).y })) ?? null)
    expect((await readRows(old, { schema: narrow })).map((row) => row['c'])).toEqual(narrowed)
  })
})
