/** Deletes as scans apply them; which apply to what is delete-index.test.ts's. */
import { RecordBatch, Table as ArrowTable, tableFromArrays } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { encodeParquet } from '../../src/format/parquet-wasm.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import type { ScanOptions } from '../../src/scan/table-scan.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { projectFieldIds } from '../../src/spec/select-fields.ts'
import type { NestedField, Schema } from '../../src/spec/types.ts'
import { DELETE_SCHEMA, deletionVectors, equalityDeletes, positionDeletes } from './deletes-fixture.ts'
import { SCHEMA, fileOf, range, scan } from './flights-fixture.ts'
import { TableFixture, collect, spyOn } from './table-fixture.ts'

/** Files of ten flights each, in one manifest. */
async function flightFiles(
  count: number,
  formatVersion: 2 | 3 = 2,
): Promise<{ table: TableFixture; files: DataFile[] }> {
  const table = new TableFixture(SCHEMA, { formatVersion })
  const files: DataFile[] = []
  for (let i = 0; i < count; i++) files.push(await table.writeFile(fileOf(10 * i, 10 * i + 10, { rowGroupRows: 4 })))
  await table.commit([files])
  return { table, files }
}

const UNPARTITIONED = { specId: 0, partition: [] }
const idsOf = async (table: TableFixture, options: ScanOptions = {}): Promise<number[]> =>
  (await collect(scan(table, { select: ['id'], ...options }).rows())).map(({ id }) => Number(id))
const without = (count: number, ...deleted: number[]): number[] =>
  Array.from({ length: count }, (_, id) => id).filter((id) => !deleted.includes(id))

describe('position deletes', () => {
  it('delete rows of several files by one file, unsorted and repeated', async () => {
    const { table, files } = await flightFiles(3)
    const [a = '', b = '', c = ''] = files.map(({ filePath }) => filePath)
    const rows = [
      [c, 9],
      [a, 3],
      [b, 0],
      [a, 0],
      [a, 3],
    ] as const
    await table.commit([[await positionDeletes(table, UNPARTITIONED, rows, { rowGroupRows: 2 })]])
    expect(await idsOf(table)).toEqual(without(30, 0, 3, 10, 29))
    expect(await scan(table).count()).toBe(26n)
    expect(await collect(scan(table, { where: 'id > 8 and id < 12' }).rows())).toEqual([
      ...range(9, 10),
      ...range(11, 12),
    ])
    expect((await scan(table, { select: [] }).toArrow()).numRows).toBe(26)
    expect(await scan(table, { where: 'delay is null' }).count()).toBe(2n)
  })

  it('are read once for all files, as long as memory lasts', async () => {
    const { table, files } = await flightFiles(5)
    const rows = files.map(({ filePath }, i) => [filePath, i] as const)
    const deletes = await positionDeletes(table, UNPARTITIONED, rows)
    await table.commit([[deletes]])
    const read = async (options: ScanOptions): Promise<number> => {
      const { io, reads } = spyOn(table.io)
      const found = await collect(new TableScan(table.source(io), options).rows())
      expect(found.map(({ id }) => Number(id))).toEqual(without(50, 0, 11, 22, 33, 44))
      return reads.filter((location) => location === deletes.filePath).length
    }
    expect(await read({})).toBe(1)
    expect(await read({ deleteMemoryBytes: 0 })).toBeGreaterThan(0)
  })

  it('are not read for what metadata rules out', async () => {
    const { table, files } = await flightFiles(2)
    const deletes = await positionDeletes(table, UNPARTITIONED, [[files[0]?.filePath ?? '', 1]])
    await table.commit([[deletes]])
    const { io, reads } = spyOn(table.io)
    await collect(new TableScan(table.source(io), { where: 'id >= 10' }))
    expect(reads).not.toContain(deletes.filePath)
    expect(await scan(table, { where: 'id >= 10' }).plan()).toMatchObject({ deleteFiles: { total: 1, planned: 0 } })
    expect(await scan(table).plan()).toMatchObject({
      deleteFiles: { total: 1, planned: 1 },
      requests: 6,
      planningRequests: 3,
    })
  })

  it('are found by name where their file has no field ids', async () => {
    const { table, files } = await flightFiles(1)
    const path = files[0]?.filePath ?? ''
    const arrow = tableFromArrays({ file_path: [path, path], pos: BigInt64Array.of(2n, 4n) })
    // Plain strings: arrow's own columns would be dictionaries.
    const plain = new ArrowTable({
      file_path: arrow.getChild('file_path')?.memoize() ?? [],
      pos: arrow.getChild('pos') ?? [],
    } as never)
    const bytes = encodeParquet(plain.schema, plain.batches as RecordBatch[], 'snappy')
    const filePath = `${table.location}/data/no-ids.parquet`
    await table.io.write(filePath, bytes)
    const deletes = {
      ...UNPARTITIONED,
      content: 'position-deletes',
      fileFormat: 'parquet',
      filePath,
      recordCount: 2,
    } as const
    await table.commit([[{ ...deletes, fileSizeInBytes: bytes.length }]])
    expect(await idsOf(table)).toEqual(without(10, 2, 4))
  })

  it('beyond the end of the file delete nothing, as in Java', async () => {
    const { table, files } = await flightFiles(1)
    const path = files[0]?.filePath ?? ''
    await table.commit([
      [
        await positionDeletes(table, UNPARTITIONED, [
          [path, 10],
          [path, 2n ** 52n],
          [path, 9],
        ]),
      ],
    ])
    expect(await idsOf(table)).toEqual(without(10, 9))
    expect(await scan(table).count()).toBe(9n)
  })

  it.each<[string, (table: TableFixture, path: string) => Promise<DataFile>, RegExp]>([
    ['negative', (table, path) => positionDeletes(table, UNPARTITIONED, [[path, -1]]), /-1 is not a row number/],
    [
      'no positions',
      (table, path) => table.writeFile({ rows: [{ file_path: path }], schema: onlyField(0) }),
      /column "pos": it is required/,
    ],
    [
      'no paths',
      (table) => table.writeFile({ rows: [{ pos: 1n }], schema: onlyField(1) }),
      /column "file_path": it is required/,
    ],
    ['null paths', (table) => table.writeFile({ rows: [{ file_path: null, pos: 1n }], schema: OPTIONAL }), /has nulls/],
  ])('refuses files with %s', async (_, write, message) => {
    const { table, files } = await flightFiles(1)
    await table.commit([
      [
        {
          ...(await write(table, files[0]?.filePath ?? '')),
          content: 'position-deletes',
          lowerBounds: undefined,
          upperBounds: undefined,
        },
      ],
    ])
    await expect(idsOf(table)).rejects.toThrow(InvalidDataError)
    await expect(idsOf(table)).rejects.toThrow(message)
  })

  it.each(['avro', 'orc'] as const)('refuses %s by name', async (fileFormat) => {
    const { table, files } = await flightFiles(1)
    const deletes = await positionDeletes(table, UNPARTITIONED, [[files[0]?.filePath ?? '', 1]])
    await table.commit([[{ ...deletes, fileFormat }]])
    await expect(idsOf(table)).rejects.toThrow(UnsupportedError)
    await expect(scan(table).count()).rejects.toThrow(`${deletes.filePath} cannot be read: its format is ${fileFormat}`)
  })
})

const onlyField = (index: number): Schema => ({
  ...DELETE_SCHEMA,
  fields: DELETE_SCHEMA.fields.slice(index, index + 1),
})
const OPTIONAL: Schema = {
  ...DELETE_SCHEMA,
  fields: DELETE_SCHEMA.fields.map((field) => Object.assign({}, field, { required: false })),
}

describe('deletion vectors', () => {
  it('delete rows, and tell their number without being read', async () => {
    const { table, files } = await flightFiles(3, 3)
    const [a, b] = files as [DataFile, DataFile]
    const vectors = await deletionVectors(table, [
      [b, [0, 9]],
      [a, [5]],
    ])
    await table.commit([vectors])
    expect(await idsOf(table)).toEqual(without(30, 5, 10, 19))
    const { io, reads } = spyOn(table.io)
    expect(await new TableScan(table.source(io)).count()).toBe(27n)
    expect(await new TableScan(table.source(io), { where: 'id >= 10 and id < 20' }).count()).toBe(8n)
    expect(reads.filter((location) => /\/data\//.test(location))).toEqual([])
    expect(await scan(table, { where: 'id = 5 or id = 6' }).count()).toBe(1n)
  })

  it('that lie side by side come in one request', async () => {
    const { table, files } = await flightFiles(4, 3)
    await table.commit([
      await deletionVectors(
        table,
        files.map((file) => [file, [1]] as const),
      ),
    ])
    const { io, reads } = spyOn(table.io)
    expect(await collect(new TableScan(table.source(io)).rows())).toHaveLength(36)
    expect(reads.filter((location) => location.endsWith('.puffin'))).toHaveLength(1)
  })

  it('count against a limit', async () => {
    const { table, files } = await flightFiles(3, 3)
    const [a] = files as [DataFile]
    await table.commit([await deletionVectors(table, [[a, [0, 1, 2]]])])
    expect(await idsOf(table, { limit: 9 })).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11])
    const { io, reads } = spyOn(table.io)
    expect(await collect(new TableScan(table.source(io), { limit: 7 }).rows())).toHaveLength(7)
    expect(reads.filter((location) => /data\/\d/.test(location))).toHaveLength(1)
  })

  it.each<[string, Partial<DataFile>, RegExp]>([
    ['another cardinality', { recordCount: 2 }, /has 1 positions, its manifest says 2/],
    ['another place', { contentOffset: 0 }, /not a deletion vector/],
    ['fewer bytes', { contentSizeInBytes: 20 }, /not a deletion vector/],
    ['bytes beyond the file', { contentSizeInBytes: 2 ** 40 }, /lies at 4/],
  ])('refuses those listed with %s', async (_, lie, message) => {
    const { table, files } = await flightFiles(1, 3)
    const [vector] = await deletionVectors(table, [[files[0] as DataFile, [3]]])
    await table.commit([[{ ...(vector as DataFile), ...lie }]])
    await expect(idsOf(table)).rejects.toThrow(InvalidDataError)
    await expect(idsOf(table)).rejects.toThrow(message)
  })

  it('listed for another file than they were made for are taken at their word, as in Java', async () => {
    const { table, files } = await flightFiles(2, 3)
    const [a, b] = files as [DataFile, DataFile]
    const [vector] = await deletionVectors(table, [[a, [3, 2 ** 40]]])
    await table.commit([[{ ...(vector as DataFile), referencedDataFile: b.filePath }]])
    expect(await idsOf(table)).toEqual(without(20, 13))
  })
})

const only = (...ids: number[]): Schema => projectFieldIds(SCHEMA, new Set(ids))

describe('equality deletes', () => {
  it('by several sets of columns, nulls and members of structs too', async () => {
    const { table } = await flightFiles(2)
    const deletes = [
      await equalityDeletes(table, only(1), [1], [{ id: 3n }, { id: 100n }]),
      await equalityDeletes(table, only(2), [2], [{ delay: null }, { delay: -88 }]),
      await equalityDeletes(
        table,
        only(3, 7),
        [3, 7],
        [
          { origin: 'SFO', place: { name: 'p4' } },
          { origin: 'SFO', place: null },
          { origin: 'OAK', place: { name: 'p0' } },
        ],
      ),
      await equalityDeletes(table, only(1), [1], [{ id: 14n }]),
    ]
    await table.commit([deletes])
    const gone = [3, 9, 19, 12, 4, 14, ...[1, 3, 5, 7, 9, 11, 13, 15, 17, 19]]
    expect(await idsOf(table)).toEqual(without(20, ...gone))
    expect(await idsOf(table, { where: "origin = 'SFO' and id < 6" })).toEqual([0, 2])
    expect(await collect(scan(table, { select: ['tags'], limit: 2 }).rows())).toEqual([
      { tags: [] },
      { tags: ['2.0', '2.1'] },
    ])
    expect(await scan(table).count()).toBe(BigInt(without(20, ...gone).length))
    expect((await scan(table, { select: [] }).toArrow()).numRows).toBe(without(20, ...gone).length)
  })

  it('leave rows written in the same snapshot or later', async () => {
    const { table } = await flightFiles(1)
    const deletes = await equalityDeletes(table, only(1), [1], [{ id: 3n }])
    await table.commit([[await table.writeFile(fileOf(0, 5))], [deletes]])
    await table.append([[fileOf(2, 4)]])
    expect(await idsOf(table)).toEqual([2, 3, 0, 1, 2, 3, 4, 0, 1, 2, 4, 5, 6, 7, 8, 9])
  })

  it('by columns renamed, promoted, and dropped since', async () => {
    const { table } = await flightFiles(2)
    await table.commit([
      [
        await equalityDeletes(table, only(2), [2], [{ delay: -95 }]),
        await equalityDeletes(table, only(3, 7), [7], [{ place: { name: 'p2' } }]),
        await equalityDeletes(table, only(4), [4], [{ date: '2001-01-08' }]),
      ],
    ])
    const [id, delay, , , place] = SCHEMA.fields as [NestedField, NestedField, NestedField, NestedField, NestedField]
    const evolved: Schema = {
      schemaId: 1,
      identifierFieldIds: [],
      fields: [
        id,
        { ...delay, name: 'late', type: { kind: 'long' } },
        {
          ...place,
          type: { kind: 'struct', fields: [{ id: 6, name: 'lat', required: false, type: { kind: 'double' } }] },
        },
        // Takes the name of a column that is gone, and is none of its.
        { id: 20, name: 'date', required: false, type: { kind: 'int' } },
      ],
    }
    table.evolve(evolved)
    await table.commit([[await equalityDeletes(table, projectFieldIds(evolved, new Set([2])), [2], [{ late: -90n }])]])
    expect(await idsOf(table)).toEqual(without(20, 5, 2, 7, 10))
    const rows = await collect(scan(table, { where: 'id < 4' }).rows())
    expect(rows[0]).toEqual({ id: 0n, late: -100n, place: { lat: 0 }, date: null })
    expect(await idsOf(table, { select: ['date', 'id'], where: 'date is null and place.lat < 1' })).toEqual([
      0, 1, 4, 6,
    ])
  })

  it('of partitions, by a column that only the partition knows', async () => {
    const spec = {
      specId: 0,
      fields: [{ fieldId: 1000, sourceIds: [3], transform: { kind: 'identity' as const }, name: 'origin' }],
    }
    const table = new TableFixture(SCHEMA, { spec })
    const [sfo, oak] = [['SFO'], ['OAK']]
    await table.append([
      [
        { rows: [{ id: 1n }, { id: 2n }], partition: sfo, schema: only(1) },
        { rows: [{ id: 1n }, { id: 2n }], partition: oak, schema: only(1) },
      ],
    ])
    const both = [
      { id: 1n, origin: 'SFO' },
      { id: 2n, origin: 'OAK' },
    ]
    await table.commit([[await equalityDeletes(table, only(1, 3), [1, 3], both, { partition: sfo })]])
    expect(await collect(scan(table, { select: ['origin', 'id'] }).rows())).toEqual([
      { origin: 'SFO', id: 2n },
      { origin: 'OAK', id: 1n },
      { origin: 'OAK', id: 2n },
    ])
  })

  it('are read once, and within the memory given', async () => {
    const { table } = await flightFiles(4)
    const rows = range(0, 2000).map(({ id }) => ({ id: id * 3n }))
    const deletes = await equalityDeletes(table, only(1), [1], rows)
    await table.commit([[deletes]])
    const { io, reads } = spyOn(table.io)
    const found = await collect(new TableScan(table.source(io)).rows())
    expect(found.map(({ id }) => Number(id))).toEqual(without(40).filter((id) => id % 3 !== 0))
    expect(reads.filter((location) => location === deletes.filePath)).toHaveLength(1)
    await expect(idsOf(table, { deleteMemoryBytes: 10_000 })).rejects.toThrow(UnsupportedError)
    await expect(idsOf(table, { deleteMemoryBytes: 10_000 })).rejects.toThrow(/raise deleteMemoryBytes, or compact/)
  })

  it('give room to each other where no task needs them any more', async () => {
    const spec = {
      specId: 0,
      fields: [{ fieldId: 1000, sourceIds: [3], transform: { kind: 'identity' as const }, name: 'origin' }],
    }
    const table = new TableFixture(SCHEMA, { spec })
    const partitions = Array.from({ length: 30 }, (_, i) => [`p${i}`])
    await table.append([partitions.map((partition) => fileOf(0, 10, { partition }))])
    const rows = range(0, 200).map(({ id }) => ({ id: id * 2n }))
    const deletes: DataFile[] = []
    for (const partition of partitions) deletes.push(await equalityDeletes(table, only(1), [1], rows, { partition }))
    await table.commit([deletes])
    expect(await idsOf(table, { deleteMemoryBytes: 400_000 })).toHaveLength(150)
    await expect(idsOf(table, { deleteMemoryBytes: 10_000 })).rejects.toThrow(UnsupportedError)
  })

  it.each<[string, Partial<DataFile>, unknown, RegExp]>([
    ['no ids', { equalityIds: undefined }, InvalidDataError, /names no columns to delete by/],
    ['an unknown id', { equalityIds: [77] }, InvalidDataError, /field id 77, which no schema/],
    ['an id that it has not', { equalityIds: [2] }, InvalidDataError, /field id 2, but has no such column/],
    ['a list', { equalityIds: [8] }, UnsupportedError, /column "tags" of type list|no such column/],
    ['another format', { fileFormat: 'avro' }, UnsupportedError, /its format is avro/],
    ['a key', { keyMetadata: Uint8Array.of(1) }, UnsupportedError, /encrypted/],
  ])('refuses files with %s', async (_, lie, type, message) => {
    const { table } = await flightFiles(1)
    const deletes = await equalityDeletes(table, only(1), [1], [{ id: 3n }])
    await table.commit([[{ ...deletes, ...lie }]])
    await expect(idsOf(table)).rejects.toThrow(message)
    if (!/list/.test(_)) await expect(idsOf(table)).rejects.toThrow(type as typeof InvalidDataError)
  })
})
