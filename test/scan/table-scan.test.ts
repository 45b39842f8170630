import { DateDay, Int32, Int64, Utf8 } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { NotFoundError, SnapshotExpiredError, UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { lessThan } from '../../src/expr/expression.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import type { ScanOptions } from '../../src/scan/table-scan.ts'
import { buildPartitionSpec } from '../../src/spec/partition-spec.ts'
import type { Schema } from '../../src/spec/types.ts'
import { TableFixture, collect, gate, override, spyOn } from './table-fixture.ts'
import type { FileInput } from './table-fixture.ts'

const SCHEMA: Schema = {
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    { id: 1, name: 'id', required: true, type: { kind: 'long' } },
    { id: 2, name: 'delay', required: false, type: { kind: 'int' } },
    { id: 3, name: 'origin', required: false, type: { kind: 'string' } },
    { id: 4, name: 'date', required: false, type: { kind: 'date' } },
    {
      id: 5,
      name: 'place',
      required: false,
      type: {
        kind: 'struct',
        fields: [
          { id: 6, name: 'lat', required: false, type: { kind: 'double' } },
          { id: 7, name: 'name', required: false, type: { kind: 'string' } },
        ],
      },
    },
    {
      id: 8,
      name: 'tags',
      required: false,
      type: { kind: 'list', elementId: 9, element: { kind: 'string' }, elementRequired: false },
    },
  ],
}

interface Flight {
  readonly id: bigint
  readonly delay: number | null
  readonly origin: string
  readonly date: string
  readonly place: { readonly lat: number; readonly name: string | null } | null
  readonly tags: readonly string[] | null
}

/** Row `n`: delay n - 100 (null for every tenth), origin by thousand, one day a row from 2001-01-01. */
function flight(n: number): Flight {
  return {
    id: BigInt(n),
    delay: n % 10 === 9 ? null : n - 100,
    origin: ['SFO', 'OAK', 'JFK'][Math.trunc(n / 100) % 3] ?? '',
    date: new Date(Date.UTC(2001, 0, 1 + n)).toISOString().slice(0, 10),
    place: n % 4 === 3 ? null : { lat: n / 8, name: n % 2 === 0 ? `p${n}` : null },
    tags: n % 5 === 4 ? null : Array.from({ length: n % 3 }, (_, i) => `${n}.${i}`),
  }
}

const range = (from: number, to: number): Flight[] => Array.from({ length: to - from }, (_, i) => flight(from + i))
const fileOf = (from: number, to: number, more: Partial<FileInput> = {}): FileInput => ({
  rows: range(from, to),
  ...more,
})

/** 300 rows in 3 files of 100 (row groups of 25), the first two in one manifest. */
async function flights(): Promise<TableFixture> {
  const table = new TableFixture(SCHEMA)
  const parts = [0, 100, 200].map((from) => fileOf(from, from + 100, { rowGroupRows: 25 }))
  await table.append([parts.slice(0, 2), parts.slice(2)])
  return table
}

const scan = (table: TableFixture, options?: ScanOptions): TableScan => new TableScan(table.source(), options)

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
    [{ select: ['_file'] }, UnsupportedError, /metadata column "_file"/],
    [{ where: '_pos < 5' }, UnsupportedError, /metadata column "_pos"/],
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
        totalFileSizeInBytes: expect.any(Number),
        planningDurationMs: expect.any(Number),
      },
    ])
  })

  it('streams the first task before the last manifest is there', async () => {
    const table = await flights()
    const [first] = table.manifests
    const { opened, open } = gate()
    const io = override(table.io, {
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

  it('refuses snapshots with delete files by name', async () => {
    const table = await flights()
    const deletes = await table.writeFile(fileOf(0, 1), 0)
    await table.commit([[{ ...deletes, content: 'position-deletes' }]])
    const read = collect(scan(table))
    await expect(read).rejects.toThrow(UnsupportedError)
    await expect(read).rejects.toThrow(`position-deletes ${deletes.filePath}`)
    await expect(scan(table).count()).rejects.toThrow(UnsupportedError)
    expect(await scan(table, { asOf: 101n }).count()).toBe(300n)
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

describe('limit', () => {
  it('stops reading early', async () => {
    const table = await flights()
    const { io, reads } = spyOn(table.io)
    const rows = await collect(new TableScan(table.source(io), { limit: 30 }).rows())
    expect(rows).toEqual(range(0, 30))
    expect(new Set(reads.filter((location) => location.endsWith('.parquet')))).toHaveProperty('size', 1)
  })

  it('reads nothing for none', async () => {
    const table = await flights()
    const { io, reads } = spyOn(table.io)
    expect(await collect(new TableScan(table.source(io), { limit: 0 }))).toEqual([])
    expect(reads).toEqual([])
  })

  it('holds under a filter', async () => {
    const table = await flights()
    const { io, reads } = spyOn(table.io)
    const rows = await collect(new TableScan(table.source(io), { limit: 3, where: 'delay is null' }).rows())
    expect(rows.map(({ id }) => id)).toEqual([9n, 19n, 29n])
    expect(new Set(reads.filter((location) => location.endsWith('.parquet')))).toHaveProperty('size', 1)
  })
})

describe('leaving early', () => {
  it('aborts reads in flight', async () => {
    const table = await flights()
    const signals: AbortSignal[] = []
    const io = override(table.io, {
      readRange: async (location, byteRange, options = {}) => {
        const { signal } = options
        if (location.endsWith('/0.parquet')) return table.io.readRange(location, byteRange, options)
        return new Promise((_resolve, reject) => {
          if (signal === undefined) return
          signals.push(signal)
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      },
    })
    for await (const batch of new TableScan(table.source(io))) {
      expect(batch.numRows).toBeGreaterThan(0)
      break
    }
    expect(signals.length).toBeGreaterThan(0)
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
  })

  it('stops when the signal of the caller aborts', async () => {
    const table = await flights()
    const controller = new AbortController()
    const rows = scan(table, { signal: controller.signal }).rows()
    await rows.next()
    controller.abort(new Error('enough'))
    await expect(collect(rows)).rejects.toThrow('enough')
    await expect(collect(scan(table, { signal: controller.signal }))).rejects.toThrow('enough')
    await expect(scan(table, { signal: controller.signal }).count()).rejects.toThrow('enough')
    await expect(scan(table, { signal: controller.signal }).plan()).rejects.toThrow('enough')
  })
})

describe('missing files', () => {
  it('raise what the hook says', async () => {
    const table = await flights()
    const [task] = await collect(scan(table).planFiles())
    await table.io.delete([task?.file.filePath ?? ''])
    await expect(collect(scan(table))).rejects.toThrow(NotFoundError)
    const causes: NotFoundError[] = []
    const onMissing = async (cause: NotFoundError): Promise<Error> => {
      causes.push(cause)
      return new SnapshotExpiredError('expired')
    }
    const source = { ...table.source(), onMissing }
    await expect(collect(new TableScan(source))).rejects.toThrow(SnapshotExpiredError)
    await expect(new TableScan(source, { where: 'delay is null' }).count()).rejects.toThrow('expired')
    expect(causes[0]?.context['location']).toBe(task?.file.filePath)
    await table.io.delete([scan(table).snapshot?.manifestList ?? ''])
    await expect(new TableScan(source).plan()).rejects.toThrow('expired')
  })
})

describe('format version 3', () => {
  it('reads tables without deletes', async () => {
    const table = new TableFixture(SCHEMA, { formatVersion: 3 })
    await table.append([[fileOf(0, 10)], [fileOf(10, 20)]])
    expect(await collect(scan(table).rows())).toEqual(range(0, 20))
  })
})
