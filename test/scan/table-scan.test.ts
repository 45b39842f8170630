import { DateDay, Int32, Int64, Utf8 } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { NotFoundError, UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { lessThan } from '../../src/expr/expression.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import { buildPartitionSpec } from '../../src/spec/partition-spec.ts'
import type { Schema } from '../../src/spec/types.ts'
import { SCHEMA, fileOf, flight, flights, range, scan } from './flights-fixture.ts'
import { TableFixture, collect, gate, spyOn, withMethods } from './table-fixture.ts'
import type { FileInput } from './table-fixture.ts'

describe('rows', () => {
  it('reads all columns of all files in the order of the manifests', async () => {
    const table = await flights()
    expect(await collect(scan(table).rows())).toEqual(range(0, 300))
  })

  it('filters by expression and by text', async () => {
    const table = await flights()
    const expected = range(0, 300).filter(({ delay }) => delay !== null && delay < -60)
    expect(await collect(scan(table, { where: lessThan('delay', -60) }).rows())).toEqual(expected)
    expect(await collect(scan(table, { where: 'delay < -60' }).rows())).toEqual(expected)
  })

  it('selects columns in the order named, with columns that only the filter reads', async () => {
    const table = await flights()
    const rows = await collect(scan(table, { select: ['origin', 'id'], where: 'delay = 5' }).rows())
    expect(rows).toEqual([{ origin: 'OAK', id: 105n }])
    expect(Object.keys(rows[0] ?? {})).toEqual(['origin', 'id'])
  })

  it('selects members of structs, filtered by others', async () => {
    const table = await flights()
    const options = { select: ['place.name', 'tags'], where: 'place.lat >= 2 and place.lat < 3 and id < 30' }
    const expected = range(16, 24).filter(({ place }) => place !== null)
    expect(await collect(scan(table, options).rows())).toEqual(
      expected.map(({ place, tags }) => ({ place: { name: place?.name }, tags })),
    )
  })

  it('ignores case where asked', async () => {
    const table = await flights()
    const options = { select: ['ORIGIN'], where: 'ID = 7', caseSensitive: false }
    expect(await collect(scan(table, options).rows())).toEqual([{ origin: 'SFO' }])
    expect(() => scan(table, { select: ['ORIGIN'] })).toThrow(ValidationError)
  })

  it('yields rows without columns for an empty selection', async () => {
    const table = await flights()
    const { io, reads } = spyOn(table.io)
    const all = new TableScan(table.source(io), { select: [] })
    expect((await all.toArrow()).numRows).toBe(300)
    expect(reads.filter((location) => location.endsWith('.parquet'))).toEqual([])
    const some = await scan(table, { select: [], where: 'delay is null' }).toArrow()
    expect([some.numRows, some.numCols]).toEqual([30, 0])
  })
})

describe('options', () => {
  it.each([
    [{ select: ['orign'] }, ValidationError, /no column "orign": did you mean "origin"/],
    [{ where: 'dely > 1' }, ValidationError, /no column "dely": did you mean "delay"/],
    [{ where: 'delay > ' }, ValidationError, /./],
    [{ where: "id > 'abc'" }, ValidationError, /./],
    [{ select: ['_change_type'] }, UnsupportedError, /metadata column "_change_type" belongs to changelog scans/],
    [{ where: '_commit_snapshot_id = 5' }, UnsupportedError, /changelog scans/],
    [{ select: ['_file.name'] }, ValidationError, /no column "_file.name"/],
    [{ deleteMemoryBytes: -1 }, ValidationError, /deleteMemoryBytes must be/],
    [{ limit: -1 }, ValidationError, /limit must be a whole number/],
    [{ limit: 1.5 }, ValidationError, /limit must be a whole number/],
    [{ asOf: '7' }, NotFoundError, /no snapshot 7/],
  ])('refuses %j at once', async (options, type, message) => {
    const table = await flights()
    expect(() => scan(table, options)).toThrow(type)
    expect(() => scan(table, options)).toThrow(message)
  })

  it('has a column named like a metadata column where the table has', async () => {
    const schema: Schema = { ...SCHEMA, fields: [{ id: 1, name: '_file', required: true, type: { kind: 'int' } }] }
    const table = new TableFixture(schema)
    await table.append([[{ rows: [{ _file: 1 }] }]])
    expect(await collect(scan(table, { select: ['_file'] }).rows())).toEqual([{ _file: 1 }])
  })
})

describe('empty tables', () => {
  it('have no rows and the right schema', async () => {
    const table = new TableFixture(SCHEMA)
    const result = await scan(table, { select: ['id', 'date', 'origin', 'delay'] }).toArrow()
    expect(result.numRows).toBe(0)
    expect(result.schema.fields.map(({ name, type, nullable }) => [name, type, nullable])).toEqual([
      ['id', new Int64(), false],
      ['date', new DateDay(), true],
      ['origin', new Utf8(), true],
      ['delay', new Int32(), true],
    ])
    expect(await scan(table).count()).toBe(0n)
    expect(await scan(table).plan()).toMatchObject({
      manifests: { total: 0, read: 0 },
      files: { total: 0 },
      requests: 0,
    })
  })

  it('may have a snapshot without manifests', async () => {
    const table = new TableFixture(SCHEMA)
    await table.commit([])
    expect((await scan(table).toArrow()).numRows).toBe(0)
    expect(await scan(table).plan()).toMatchObject({ requests: 1, tasks: [] })
  })

  it('may have a filter that nothing matches', async () => {
    const table = await flights()
    const result = await scan(table, { where: 'id < 0', select: ['id'] }).toArrow()
    expect([result.numRows, result.schema.fields[0]?.name]).toEqual([0, 'id'])
  })
})

describe('planning', () => {
  it('skips manifests by partition, files by partition and metrics', async () => {
    const spec = buildPartitionSpec(SCHEMA, ['origin'])
    const table = new TableFixture(SCHEMA, { spec })
    const part = (from: number): FileInput => fileOf(from, from + 100, { partition: [flight(from).origin] })
    await table.append([[part(0), part(100)], [part(200)], [part(300), part(400)]])
    const { io, reads } = spyOn(table.io)
    const plan = await new TableScan(table.source(io), { where: "origin = 'OAK' and id < 150" }).plan()
    expect(plan.manifests).toEqual({ total: 3, read: 2 })
    expect(plan.files).toEqual({ total: 5, planned: 1 })
    expect(plan.tasks.map(({ file }) => file.partition)).toEqual([['OAK']])
    expect(plan.tasks[0]?.residual).toMatchObject({ type: 'lt' })
    expect(plan.bytes).toBe(plan.tasks[0]?.sizeBytes)
    expect(reads).toHaveLength(3)
    expect(plan.planningRequests).toBe(3)
    expect(plan.requests).toBe(4)
  })

  it('reports', async () => {
    const table = await flights()
    await collect(scan(table, { where: 'id >= 250' }).rows())
    expect(table.events).toEqual([
      {
        type: 'scan-report',
        table: 'db.table',
        snapshotId: 101n,
        filter: 'id >= 250',
        totalDataManifests: 2,
        scannedDataManifests: 2,
        skippedDataManifests: 0,
        resultDataFiles: 1,
        skippedDataFiles: 2,
        totalDeleteManifests: 0,
        scannedDeleteManifests: 0,
        skippedDeleteManifests: 0,
        resultDeleteFiles: 0,
        totalFileSizeInBytes: expect.any(Number),
        planningDurationMs: expect.any(Number),
      },
      {
        type: 'read-report',
        table: 'db.table',
        snapshotId: 101n,
        files: 1,
        totalRowGroups: 4,
        skippedRowGroups: 2,
        totalRows: 50,
        decodedRows: 50,
      },
    ])
  })

  it('streams the first task before the last manifest is there', async () => {
    const table = await flights()
    const [first] = table.manifests
    const { opened, open } = gate()
    const io = withMethods(table.io, {
      read: async (location) => {
        if (location.includes('-m') && location !== first?.manifestPath) await opened
        return table.io.read(location)
      },
    })
    const tasks = new TableScan(table.source(io)).planFiles()
    expect((await tasks.next()).value?.file.recordCount).toBe(100)
    open()
    expect(await collect(tasks)).toHaveLength(2)
  })

  it('leaves out manifests without live entries', async () => {
    const table = await flights()
    const [first, second] = table.manifests
    if (first === undefined || second === undefined) throw new Error('no manifests')
    await table.commitManifests([first, { ...second, addedFilesCount: 0, existingFilesCount: 0, deletedFilesCount: 1 }])
    expect((await scan(table).plan()).manifests).toEqual({ total: 1, read: 1 })
    expect(await scan(table).count()).toBe(200n)
  })

  it.each([
    [{ fileFormat: 'avro' }, /its format is avro/],
    [{ keyMetadata: Uint8Array.of(1) }, /encrypted/],
  ] as const)('refuses data files with %j', async (override, message) => {
    const table = new TableFixture(SCHEMA)
    await table.append([[fileOf(0, 1, { override })]])
    await expect(collect(scan(table))).rejects.toThrow(message)
  })
})

describe('time travel', () => {
  it('reads a snapshot with its schema', async () => {
    const table = new TableFixture(SCHEMA)
    await table.append([[fileOf(0, 10)]])
    const [id, delay, ...rest] = SCHEMA.fields
    if (id === undefined || delay === undefined) throw new Error('no fields')
    const evolved: Schema = { ...SCHEMA, schemaId: 1, fields: [id, { ...delay, name: 'late', type: { kind: 'long' } }] }
    table.evolve(evolved)
    await table.append([[{ rows: [{ id: 10n, late: 5n }], schema: evolved }]])
    expect(rest).toHaveLength(4)
    expect(await collect(scan(table, { where: 'id > 8' }).rows())).toEqual([
      { id: 10n, late: 5n },
      { id: 9n, late: null },
    ])
    expect(await collect(scan(table, { where: 'late = -95' }).rows())).toEqual([{ id: 5n, late: -95n }])
    for (const asOf of [101n, '101', { snapshotId: 101n }, 1500, new Date(1500), '1970-01-01T00:00:01Z'] as const) {
      expect(await collect(scan(table, { asOf, where: 'delay = -95', select: ['origin'] }).rows())).toEqual([
        { origin: 'SFO' },
      ])
    }
    expect(scan(table, { asOf: 'main' }).schema).toBe(evolved)
    expect(scan(table, { asOf: 101n }).schema).toBe(SCHEMA)
  })

  it('fills columns that a file lacks from its identity partition', async () => {
    const table = new TableFixture(SCHEMA, { spec: buildPartitionSpec(SCHEMA, ['origin']) })
    const stored: Schema = { ...SCHEMA, fields: SCHEMA.fields.filter(({ name }) => name === 'id' || name === 'delay') }
    const part = (origin: string, id: bigint): FileInput => ({
      rows: [{ id, delay: 1 }],
      partition: [origin],
      schema: stored,
    })
    await table.append([[part('SFO', 1n), part('OAK', 2n)]])
    expect(await collect(scan(table, { select: ['origin', 'id'] }).rows())).toEqual([
      { origin: 'SFO', id: 1n },
      { origin: 'OAK', id: 2n },
    ])
    expect(await collect(scan(table, { where: "origin = 'OAK' or id = 7", select: ['id'] }).rows())).toEqual([
      { id: 2n },
    ])
  })
})

describe('count', () => {
  it('comes from metadata where that is exact', async () => {
    const table = await flights()
    const { io, reads } = spyOn(table.io)
    const count = (where?: string): Promise<bigint> => new TableScan(table.source(io), { where }).count()
    expect(await count()).toBe(300n)
    expect(await count('id >= 100')).toBe(200n)
    expect(await count('id >= 0 and id < 100')).toBe(100n)
    expect(await count('id < 0')).toBe(0n)
    expect(reads.filter((location) => location.endsWith('.parquet'))).toEqual([])
  })

  it('reads the files that metadata leaves open', async () => {
    const table = await flights()
    const { io, reads } = spyOn(table.io)
    expect(await new TableScan(table.source(io), { where: 'id >= 150' }).count()).toBe(150n)
    expect(reads.filter((location) => location.endsWith('.parquet'))).toHaveLength(1)
    expect(await scan(table, { where: 'delay is null' }).count()).toBe(30n)
    expect(await scan(table, { where: 'delay <> 0' }).count()).toBe(269n)
  })

  it('stops at the limit', async () => {
    const table = await flights()
    expect(await scan(table, { limit: 120 }).count()).toBe(120n)
    expect(await scan(table, { limit: 1000 }).count()).toBe(300n)
    expect(await scan(table, { limit: 0 }).count()).toBe(0n)
  })
})

describe('format version 3', () => {
  it('reads tables without deletes', async () => {
    const table = new TableFixture(SCHEMA, { formatVersion: 3 })
    await table.append([[fileOf(0, 10)], [fileOf(10, 20)]])
    expect(await collect(scan(table).rows())).toEqual(range(0, 20))
  })
})
