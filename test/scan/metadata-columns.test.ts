import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import { LAST_UPDATED, ROW_ID, partitionColumn } from '../../src/spec/metadata-columns.ts'
import { type PartitionSpec, buildPartitionSpec, partitionFieldTypes } from '../../src/spec/partition-spec.ts'
import type { Schema } from '../../src/spec/types.ts'
import { deletionVectors, positionDeletes } from './deletes-fixture.ts'
import { SCHEMA, fileOf, flight, range, scan } from './flights-fixture.ts'
import { TableFixture, collect, spyOn } from './table-fixture.ts'

const two = async (formatVersion: 2 | 3 = 2): Promise<TableFixture> => {
  const table = new TableFixture(SCHEMA, { formatVersion })
  await table.append([[fileOf(0, 4, { rowGroupRows: 2 })]])
  await table.append([[fileOf(4, 7)]])
  return table
}

describe('_file, _pos and _spec_id', () => {
  it('are read where they are named, beside columns or alone', async () => {
    const table = await two()
    const rows = await collect(scan(table, { select: ['_pos', 'id', '_file', '_spec_id'] }).rows())
    expect(rows).toEqual(
      [4, 5, 6, 0, 1, 2, 3].map((id) => ({
        _pos: BigInt(id % 4),
        id: BigInt(id),
        _file: `${table.location}/data/${id < 4 ? 0 : 1}.parquet`,
        _spec_id: 0,
      })),
    )
    expect(Object.keys(rows[0] ?? {})).toEqual(['_pos', 'id', '_file', '_spec_id'])
    expect(Object.keys((await collect(scan(table).rows()))[0] ?? {})).toEqual(Object.keys(flight(0)))
    const { io, reads } = spyOn(table.io)
    const alone = await collect(new TableScan(table.source(io), { select: ['_pos'] }).rows())
    expect(alone.map(({ _pos }) => _pos)).toEqual([0n, 1n, 2n, 0n, 1n, 2n, 3n])
    expect(reads.filter((location) => location.endsWith('.parquet'))).toEqual([])
    expect((await scan(table, { select: ['_FILE'], caseSensitive: false }).toArrow()).schema.names).toEqual(['_file'])
  })

  it('are filtered by, which prunes files and not rows of row groups', async () => {
    const table = await two()
    const where = `_file = '${table.location}/data/0.parquet' and _pos > 1`
    const found = scan(table, { where })
    expect(await collect(found.rows())).toEqual(range(2, 4))
    expect(await found.count()).toBe(2n)
    expect(await found.plan()).toMatchObject({ files: { total: 2, planned: 1 } })
    expect(await collect(scan(table, { where: '_pos >= 1 and delay < -95', select: ['id'] }).rows())).toEqual(
      [1n, 2n, 3n].map((id) => ({ id })),
    )
    expect(await scan(table, { where: '_spec_id = 1' }).plan()).toMatchObject({ files: { total: 2, planned: 0 } })
    expect(await scan(table, { where: '_pos is null' }).count()).toBe(0n)
  })
})

describe('_partition', () => {
  it('has the fields of all specs, null where a file knows nothing of them', async () => {
    const table = new TableFixture(SCHEMA, { spec: buildPartitionSpec(SCHEMA, ['origin']) })
    await table.append([[fileOf(0, 1, { partition: ['SFO'] })]])
    const evolved: PartitionSpec = {
      specId: 1,
      fields: [
        { fieldId: 1000, sourceIds: [3], transform: { kind: 'identity' }, name: 'airport' },
        { fieldId: 1001, sourceIds: [1], transform: { kind: 'bucket', buckets: 4 }, name: 'id_bucket' },
      ],
    }
    table.addSpec(evolved)
    await table.append([[fileOf(1, 2, { partition: ['SFO', 3] })]], 1)
    const select = ['_partition', '_spec_id', 'id']
    expect(await collect(scan(table, { select }).rows())).toEqual([
      { _partition: { airport: 'SFO', id_bucket: 3 }, _spec_id: 1, id: 1n },
      { _partition: { airport: 'SFO', id_bucket: null }, _spec_id: 0, id: 0n },
    ])
    const where = '_partition.id_bucket is null'
    const pruned = scan(table, { select: ['_partition.airport'], where })
    expect(await collect(pruned.rows())).toEqual([{ _partition: { airport: 'SFO' } }])
    expect(await pruned.plan()).toMatchObject({ files: { total: 2, planned: 1 } })
  })

  it('is an empty struct without partition fields', async () => {
    expect(await collect(scan(await two(), { select: ['_partition'], limit: 1 }).rows())).toEqual([{ _partition: {} }])
  })

  const column = (...specs: PartitionSpec[]): ReturnType<typeof partitionColumn> =>
    partitionColumn(specs, (spec) => partitionFieldTypes(spec, SCHEMA), SCHEMA)
  const spec = (specId: number, term: string): PartitionSpec => ({ ...buildPartitionSpec(SCHEMA, [term]), specId })

  it('takes the type of a field that is void by now, under its latest name', () => {
    const { field } = column(spec(0, 'bucket(4, id) as old'), spec(1, 'void(id) as new'))
    expect(field.type).toEqual({
      kind: 'struct',
      fields: [{ id: 1000, name: 'new', type: { kind: 'int' }, required: false }],
    })
  })

  it('refuses one id for two fields, and unknown transforms', () => {
    expect(() => column(spec(0, 'origin'), spec(1, 'id'))).toThrow(InvalidDataError)
    const unknown: PartitionSpec = {
      specId: 0,
      fields: [{ fieldId: 1000, sourceIds: [1], transform: { kind: 'unknown', text: 'zorder' } as never, name: 'z' }],
    }
    expect(() => column(unknown)).toThrow(UnsupportedError)
  })

  it('keeps clear of columns with the ids of its fields', async () => {
    const wide: Schema = {
      ...SCHEMA,
      fields: [{ id: 1000, name: 'origin', required: false, type: { kind: 'string' } }],
    }
    const table = new TableFixture(wide, { spec: buildPartitionSpec(wide, ['truncate(1, origin) as o']) })
    await table.append([
      [
        { rows: [{ origin: 'SFO' }], partition: ['S'] },
        { rows: [{ origin: 'OAK' }], partition: ['O'] },
      ],
    ])
    const options = { select: ['_partition.o', 'origin'], where: "_partition.o = 'O'" }
    expect(await collect(scan(table, options).rows())).toEqual([{ _partition: { o: 'O' }, origin: 'OAK' }])
  })
})

describe('_deleted', () => {
  it('brings deleted rows back, flagged', async () => {
    const table = await two(3)
    const [later, first] = (await collect(scan(table).planFiles())).map(({ file }) => file)
    if (later === undefined || first === undefined) throw new Error('no files')
    await table.commit([await deletionVectors(table, [[first, [1, 3]]])])
    const select = ['id', '_deleted']
    const flags = (options: object = {}): Promise<unknown[]> => collect(scan(table, { select, ...options }).rows())
    expect(await flags()).toEqual(
      [4, 5, 6, 0, 1, 2, 3].map((id) => ({ id: BigInt(id), _deleted: id === 1 || id === 3 })),
    )
    expect(await flags({ where: '_deleted = true', select: ['id'] })).toEqual([{ id: 1n }, { id: 3n }])
    expect(await flags({ where: '_deleted = false and id < 5' })).toHaveLength(3)
    expect(await flags({ where: 'id < 2' })).toEqual([
      { id: 0n, _deleted: false },
      { id: 1n, _deleted: true },
    ])
    expect(await flags({ limit: 5 })).toHaveLength(5)
    expect(await scan(table, { select }).count()).toBe(7n)
    expect(await scan(table, { where: '_deleted = true' }).count()).toBe(2n)
    expect(await scan(table, { where: '_deleted = true' }).plan()).toMatchObject({ files: { planned: 1 } })
  })

  it('is false for all rows of tables without deletes', async () => {
    const table = await two()
    expect(await scan(table, { where: '_deleted = true' }).plan()).toMatchObject({ files: { total: 2, planned: 0 } })
    expect(await scan(table, { where: '_deleted = false' }).count()).toBe(7n)
  })

  it('comes with position deletes too', async () => {
    const table = await two()
    const [later] = (await collect(scan(table).planFiles())).map(({ file }) => file.filePath)
    await table.commit([[await positionDeletes(table, { specId: 0, partition: [] }, [[later ?? '', 0]])]])
    expect(await collect(scan(table, { select: ['_pos', '_deleted'], limit: 2 }).rows())).toEqual([
      { _pos: 0n, _deleted: true },
      { _pos: 1n, _deleted: false },
    ])
  })
})

describe('row lineage', () => {
  const select = ['id', '_row_id', '_last_updated_sequence_number']

  it('follows from the file', async () => {
    const table = await two(3)
    const [later, first] = (await collect(scan(table).planFiles())).map(({ file }) => file)
    expect([first?.firstRowId, later?.firstRowId]).toEqual([0n, 4n])
    const expected = [4, 5, 6, 0, 1, 2, 3].map((id) => ({
      id: BigInt(id),
      _row_id: BigInt(id),
      _last_updated_sequence_number: id < 4 ? 1n : 2n,
    }))
    expect(await collect(scan(table, { select }).rows())).toEqual(expected)
    expect(await collect(scan(table, { select, where: '_row_id in (2, 5)' }).rows())).toEqual(
      expected.filter(({ id }) => id === 2n || id === 5n),
    )
    const where = '_last_updated_sequence_number > 1 and _row_id < 6'
    expect(await scan(table, { where }).count()).toBe(2n)
  })

  it('is what a file stores, where that is not null, whatever its metrics say', async () => {
    const stored: Schema = { ...SCHEMA, fields: [...SCHEMA.fields.slice(0, 1), ROW_ID, LAST_UPDATED] }
    const table = new TableFixture(SCHEMA, { formatVersion: 3 })
    await table.append([[fileOf(0, 3)]])
    const rows = [
      { id: 10n, _row_id: 100n, _last_updated_sequence_number: 1n },
      { id: 11n, _row_id: 1n, _last_updated_sequence_number: null },
      { id: 12n },
    ]
    await table.append([[{ rows, schema: stored }]])
    const expected = [
      { id: 10n, _row_id: 100n, _last_updated_sequence_number: 1n },
      { id: 11n, _row_id: 1n, _last_updated_sequence_number: 2n },
      { id: 12n, _row_id: 5n, _last_updated_sequence_number: 2n },
    ]
    expect(await collect(scan(table, { select, where: 'id >= 10' }).rows())).toEqual(expected)
    expect(await collect(scan(table, { select, where: '_row_id = 5' }).rows())).toEqual(expected.slice(2))
    expect(await scan(table, { where: '_last_updated_sequence_number = 2 and _row_id is not null' }).count()).toBe(2n)
  })

  it('is null where files have no row ids, as in tables of version 2', async () => {
    const table = await two()
    const rows = await collect(scan(table, { select, limit: 1 }).rows())
    expect(rows).toEqual([{ id: 4n, _row_id: null, _last_updated_sequence_number: null }])
    expect(await scan(table, { where: '_row_id is null' }).count()).toBe(7n)
    expect(await scan(table, { where: '_row_id = 1' }).plan()).toMatchObject({ files: { planned: 0 } })
  })
})
