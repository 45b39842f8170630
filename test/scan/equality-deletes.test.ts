/** Deletes by value as scans apply them; which apply to what is delete-index.test.ts's. */
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { projectFieldIds } from '../../src/spec/select-fields.ts'
import type { NestedField, Schema } from '../../src/spec/types.ts'
import { equalityDeletes, flightFiles, idsOf, without } from './deletes-fixture.ts'
import { SCHEMA, fileOf, range, scan } from './flights-fixture.ts'
import { TableFixture, collect, spyOn } from './table-fixture.ts'

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
    const gone = [1, 3, 4, 5, 7, 9, 11, 12, 13, 14, 15, 17, 19]
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

  it('leave rows as young as they are, though others are read for older files', async () => {
    const { table } = await flightFiles(1)
    const first = await equalityDeletes(table, only(1), [1], [{ id: 3n }])
    await table.commit([[await table.writeFile(fileOf(0, 10))], [first]])
    await table.commit([[await equalityDeletes(table, only(1), [1], [{ id: 7n }])]])
    // The older data file comes first, so that its deletes are known when the younger is read.
    await table.commitManifests(table.manifests.toReversed())
    expect(await idsOf(table)).toEqual([...without(10, 3, 7), ...without(10, 7)])
  })

  it('tell null from zero and from nothing', async () => {
    const table = new TableFixture(SCHEMA)
    const rows = [
      { id: 1n, delay: null, origin: '' },
      { id: 2n, delay: 0, origin: null },
      { id: 3n, delay: 0, origin: '' },
      { id: 4n, delay: null, origin: null },
    ]
    await table.append([[{ rows }]])
    await table.commit([[await equalityDeletes(table, only(2, 3), [3, 2], rows.slice(0, 2))]])
    expect(await idsOf(table)).toEqual([3, 4])
  })

  it('count for nothing against a limit: one of their rows may delete many', async () => {
    const { table } = await flightFiles(2)
    await table.commit([[await equalityDeletes(table, only(7), [7], [{ place: null }])]])
    expect(await idsOf(table, { limit: 5 })).toEqual([0, 2, 4, 6, 8])
    expect(await idsOf(table, { limit: 9 })).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16])
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

  it.each<[string, Partial<DataFile>, typeof InvalidDataError | typeof UnsupportedError, RegExp]>([
    ['no ids', { equalityIds: undefined }, InvalidDataError, /names no columns to delete by/],
    ['an unknown id', { equalityIds: [77] }, InvalidDataError, /field id 77, which no schema/],
    ['an id that it has not', { equalityIds: [2] }, InvalidDataError, /field id 2, but has no such column/],
    ['a list', { equalityIds: [8] }, UnsupportedError, /column "tags" of type list/],
    ['another format', { fileFormat: 'avro' }, UnsupportedError, /its format is avro/],
    ['a key', { keyMetadata: Uint8Array.of(1) }, UnsupportedError, /encrypted/],
  ])('refuses files with %s', async (_, lie, type, message) => {
    const { table } = await flightFiles(1)
    const deletes = await equalityDeletes(table, only(1), [1], [{ id: 3n }])
    await table.commit([[{ ...deletes, ...lie }]])
    await expect(idsOf(table)).rejects.toThrow(message)
    await expect(idsOf(table)).rejects.toThrow(type)
  })
})
