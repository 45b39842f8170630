/** Deletes by position as scans apply them; which apply to what is delete-index.test.ts's. */
import { Table as ArrowTable, tableFromArrays } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { encodeParquet } from '../../src/format/parquet-wasm.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import type { ScanOptions } from '../../src/scan/table-scan.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import type { Schema } from '../../src/spec/types.ts'
import {
  DELETE_SCHEMA,
  UNPARTITIONED,
  deletionVectors,
  flightFiles,
  idsOf,
  positionDeletes,
  without,
} from './deletes-fixture.ts'
import { range, scan } from './flights-fixture.ts'
import { type TableFixture, collect, gate, spyOn, withMethods } from './table-fixture.ts'

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

  it('are read by row groups where their file is large', async () => {
    const { table, files } = await flightFiles(4)
    const noise = Array.from({ length: 400_000 }, (_, i) => Math.imul(i, 2654435761) >>> 1)
    const rows = noise.map((position, i) => [files[Math.floor(i / 100_000)]?.filePath ?? '', position + 10] as const)
    const last = files[3] as DataFile
    const deletes = await positionDeletes(table, UNPARTITIONED, [...rows, [last.filePath, 7]], {
      rowGroupRows: 100_000,
    })
    expect(deletes.fileSizeInBytes).toBeGreaterThan(2 ** 20)
    await table.commit([[deletes]])
    let bytes = 0
    const io = withMethods(table.io, {
      readRange: (location, byteRange, options) => {
        if (location === deletes.filePath) bytes += byteRange.length
        return table.io.readRange(location, byteRange, options)
      },
    })
    const where = `_file = '${last.filePath}'`
    const found = await collect(new TableScan(table.source(io), { where, select: ['id'] }).rows())
    expect(found.map(({ id }) => Number(id))).toEqual(without(40, 37).slice(30))
    expect(bytes).toBeLessThan(deletes.fileSizeInBytes / 2)
  })

  it('are read beside the data file', async () => {
    const { table, files } = await flightFiles(1)
    const path = files[0]?.filePath ?? ''
    const deletes = await positionDeletes(table, UNPARTITIONED, [[path, 1]])
    await table.commit([[deletes]])
    const { opened, open } = gate()
    const io = withMethods(table.io, {
      readRange: async (location, byteRange, options) => {
        if (location === path) open()
        else await opened
        return table.io.readRange(location, byteRange, options)
      },
    })
    expect(await collect(new TableScan(table.source(io)).rows())).toHaveLength(9)
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
    const bytes = encodeParquet(plain.schema, plain.batches, { codec: 'snappy' })
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
    expect(reads.filter((location) => location.endsWith('.parquet'))).toEqual([a.filePath])
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
