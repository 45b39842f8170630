import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  AlreadyExistsError,
  CommitFailedError,
  InvalidDataError,
  NotFoundError,
  SessionExpiredError,
  UnsupportedError,
  ValidationError,
} from '../../src/base/errors.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import { PointerStore } from '../../src/catalog/pointer-store.ts'
import { nextPointer } from '../../src/catalog/pointer.ts'
import type { Table } from '../../src/table/table.ts'
import { catalogEnvironment } from '../support/catalog-environment.ts'
import { memory, parquetOf } from './external-files.ts'

const schema = { id: 'long', name: 'string' }
let root: string
let catalog: Catalog

beforeEach(async () => {
  root = `memory://${randomUUID()}`
  catalog = await openCatalog(`${root}/lake`)
})

const put = async (path: string, bytes: Uint8Array): Promise<string> => {
  await memory.write(`${root}/${path}`, bytes)
  return `${root}/${path}`
}
const file = async (path: string, rows: readonly object[], columns: Record<string, string> = schema): Promise<string> =>
  put(path, await parquetOf(columns, rows))
const make = (options: Partial<Parameters<Catalog['createTable']>[1]> = {}): Promise<Table> =>
  catalog.createTable('a.t', { schema, ...options })
const rowsOf = async (table: Table): Promise<object[]> => {
  const rows: object[] = []
  for await (const row of (await catalog.loadTable(table.name)).scan().rows()) rows.push(row)
  return rows
}

/** What an orphan removal writes before it lists. */
const fence = async (name: string, gcHorizonMs: number): Promise<void> => {
  const env = catalogEnvironment(memory, { warehouse: `${root}/lake` })
  const pointers = new PointerStore(env)
  const location = env.keys.pointer({ namespace: ['a'], name }, 1)
  const base = await pointers.settle(location)
  if (base === undefined) throw new Error('no pointer')
  const next = nextPointer(base.body, { gcHorizonMs }, { commitId: randomUUID(), u: randomUUID() })
  await pointers.swap({ location, base, next, writesMetadata: false })
}

describe('addFiles', () => {
  it('makes files without field ids part of the table, by the names of their columns', async () => {
    const table = await make()
    const one = await file('data/one.parquet', [{ id: 1, name: 'a' }])
    const two = await file('data/two.parquet', [
      { id: 2, name: 'b' },
      { id: 3, name: null },
    ])
    const result = await table.addFiles([one, two])
    expect(result).toMatchObject({ rows: 3n, attempts: 1 })
    expect(result.files.map(({ location, rows }) => [location, rows])).toEqual([
      [one, 1],
      [two, 2],
    ])
    expect(await rowsOf(table)).toEqual([
      { id: 1n, name: 'a' },
      { id: 2n, name: 'b' },
      { id: 3n, name: null },
    ])
    expect(table.metadata.properties['schema.name-mapping.default']).toBe(
      '[{"field-id":1,"names":["id"]},{"field-id":2,"names":["name"]}]',
    )
    const [planned] = (await table.scan({ where: 'id = 2' }).plan()).tasks.map((task) => task.file)
    expect(planned).toMatchObject({ filePath: two, recordCount: 2, splitOffsets: [4] })
    expect(planned?.nullValueCounts?.get(2)).toBe(1)
    expect(await table.count('id = 2')).toBe(1n)
    expect(table.currentSnapshot?.summary).toMatchObject({ operation: 'append' })
    expect(table.currentSnapshot?.summary?.properties).toMatchObject({ 'added-records': '3', 'added-data-files': '2' })
  })

  it('takes a folder with all below it, but for what is hidden', async () => {
    const table = await make()
    for (const name of ['x/1.parquet', 'x/y/2.parquet', 'x/_tmp/3.parquet', 'x/.4.parquet', 'xy/5.parquet']) {
      await file(`in/${name}`, [{ id: Number(/\d/.exec(name)?.[0]) }])
    }
    await put('in/x/_SUCCESS', new Uint8Array())
    await table.addFiles(`${root}/in/x`)
    expect((await rowsOf(table)).map((row) => Number((row as { id: bigint }).id))).toEqual([1, 2])
  })

  it('reads partitions from Hive paths, decoded, and keeps them out of the file', async () => {
    const columns = { id: 'long', day: 'date', city: 'string' }
    const table = await make({ schema: columns, partitionBy: ['day', 'city'] })
    const only = { id: 'long' }
    await file('h/day=2001-02-03/city=K%C3%B6ln%20%3D/f.parquet', [{ id: 1 }], only)
    await file('h/DAY=2001-02-04/city=__HIVE_DEFAULT_PARTITION__/f.parquet', [{ id: 2 }], only)
    const { files } = await table.addFiles(`${root}/h`)
    expect(files.map(({ partition }) => partition)).toEqual([
      'day=2001-02-04/city=null',
      'day=2001-02-03/city=K%C3%B6ln+%3D',
    ])
    expect(await rowsOf(table)).toEqual([
      { id: 2n, day: '2001-02-04', city: null },
      { id: 1n, day: '2001-02-03', city: 'Köln =' },
    ])
    expect((await table.scan({ where: "city = 'Köln ='" }).plan()).tasks).toHaveLength(1)
  })

  it('reads the names of transformed partitions as Iceberg writes them', async () => {
    const columns = { id: 'long', at: 'timestamp', name: 'string' }
    const table = await make({ schema: columns, partitionBy: ['month(at)', 'bucket(4, id)', 'truncate(2, name)'] })
    const row = { id: 1, at: '2001-02-03T04:05:06', name: 'abc' }
    const { files } = await table.addFiles([
      await file('p/at_month=2001-02/id_bucket=0/name_trunc=ab/f.parquet', [row], columns),
      await file('q/f.parquet', [row], columns),
    ])
    expect(files[0]?.partition).toMatch(/^at_month=2001-02\/id_bucket=\d\/name_trunc=ab$/)
    expect(new Set(files.map(({ partition }) => partition.replace(/bucket=\d/, ''))).size).toBe(1)
  })

  it('infers a partition where all rows of a file are of one, and refuses where not', async () => {
    const columns = { id: 'long', at: 'date' }
    const table = await make({ schema: columns, partitionBy: ['month(at)'] })
    const within = await file(
      'i/1.parquet',
      [
        { id: 1, at: '2001-02-01' },
        { id: 2, at: '2001-02-28' },
      ],
      columns,
    )
    const empty = await file('i/2.parquet', [{ id: 3, at: null }], columns)
    const { files } = await table.addFiles([within, empty])
    expect(files.map(({ partition }) => partition)).toEqual(['at_month=2001-02', 'at_month=null'])
    const across = await file(
      'i/3.parquet',
      [
        { id: 1, at: '2001-01-31' },
        { id: 2, at: '2001-02-01' },
      ],
      columns,
    )
    await expect(table.addFiles(across)).rejects.toThrow(/field "at_month": the file has rows of several partitions/)
    const mixed = await file(
      'i/4.parquet',
      [
        { id: 1, at: '2001-01-31' },
        { id: 2, at: null },
      ],
      columns,
    )
    await expect(table.addFiles(mixed)).rejects.toThrow(/with and without a value/)
    expect(table.snapshots).toHaveLength(1)
  })

  it('takes a given partition, and refuses one that the file contradicts', async () => {
    const columns = { id: 'long', city: 'string' }
    const table = await make({ schema: columns, partitionBy: ['city'] })
    const bare = await file('g/city=here/1.parquet', [{ id: 1 }], { id: 'long' })
    await table.addFiles(bare, { partition: { city: 'there' } })
    expect(await rowsOf(table)).toEqual([{ id: 1n, city: 'there' }])
    const told = await file('g/city=here/2.parquet', [{ id: 2, city: 'elsewhere' }], columns)
    await expect(table.addFiles(told)).rejects.toThrow(/said to be here, but the file has values from elsewhere/)
    await table.addFiles(told, { hive: false })
    expect(await table.count("city = 'elsewhere'")).toBe(1n)
    await expect(table.addFiles(bare, { partition: { town: 'x' } })).rejects.toThrow(/no partition field "town"/)
  })

  it('refuses columns that do not fit, naming file and column, and commits nothing', async () => {
    const table = await make({ schema: { id: 'long not null', name: 'string' } })
    const refused = async (columns: Record<string, string>, rows: object[], ids = false): Promise<string> => {
      const at = await put(`r/${randomUUID()}.parquet`, await parquetOf(columns, rows, { ids }))
      const error: unknown = await table.addFiles([at]).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(ValidationError)
      expect((error as Error).message.startsWith(`${at}: column `)).toBe(true)
      return (error as Error).message.slice(at.length + 2)
    }
    expect(await refused({ name: 'string' }, [{ name: 'a' }])).toMatch(/^column "id": it is required, but not in/)
    expect(await refused({ id: 'string' }, [{ id: 'x' }])).toMatch(
      /^column "id": it is stored as BYTE_ARRAY \(string\)/,
    )
    expect(await refused({ id: 'long' }, [{ id: null }])).toBe(
      'column "id": it is required, and the file has nulls in it',
    )
    expect(await refused({ id: 'long', more: 'int' }, [{ id: 1 }])).toMatch(/^column "more": the table has no such/)
    expect(await refused({ name: 'string', id: 'long' }, [{ id: 1 }], true)).toMatch(
      /^column "name": its field id 1 is that of "id" in the table/,
    )
    expect(table.snapshots).toEqual([])
    await table.addFiles(await file('r/ok.parquet', [{ id: 1 }], { id: 'int' }))
    expect(await rowsOf(table)).toEqual([{ id: 1n, name: null }])
  })

  it('refuses what is no Parquet file, what is not there, and what lies in another store', async () => {
    const table = await make()
    const text = await put('n/a.csv', new TextEncoder().encode('id,name\n1,a\n'))
    await expect(table.addFiles(text)).rejects.toThrow(InvalidDataError)
    await expect(table.addFiles(`${root}/nothing`)).rejects.toThrow(NotFoundError)
    await expect(table.addFiles('s3://b/x.parquet')).rejects.toThrow(UnsupportedError)
    await expect(table.addFiles([])).rejects.toThrow(ValidationError)
  })

  it('refuses a file that the table has, under any spelling, unless duplicates are allowed', async () => {
    const table = await make()
    const one = await file('d/one.parquet', [{ id: 1 }])
    await table.addFiles([one, one])
    expect(await rowsOf(table)).toHaveLength(1)
    await expect(table.addFiles(one)).rejects.toThrow(AlreadyExistsError)
    const twin = await put('d//one.parquet', (await memory.read(one)).bytes)
    await expect(table.addFiles(twin)).rejects.toThrow(AlreadyExistsError)
    await expect(table.addFiles(one, { dryRun: true })).rejects.toThrow(AlreadyExistsError)
    // Nothing of the file was deleted with the attempts that failed.
    expect(await rowsOf(table)).toHaveLength(1)
    await table.addFiles(one, { allowDuplicates: true })
    expect(await rowsOf(table)).toHaveLength(2)
  })

  it('lets one of two that add the same file at once', async () => {
    const table = await make()
    const one = await file('d/one.parquet', [{ id: 1 }])
    const handles = await Promise.all([1, 2, 3].map(() => catalog.loadTable('a.t')))
    const results = await Promise.allSettled(handles.map((handle) => handle.addFiles(one)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await rowsOf(table)).toHaveLength(1)
  })

  it('checks everything and changes nothing in a dry run', async () => {
    const table = await make()
    const result = await table.addFiles(await file('d/one.parquet', [{ id: 1 }]), { dryRun: true })
    expect(result).toMatchObject({ rows: 1n, snapshotId: undefined })
    expect(result.files).toHaveLength(1)
    expect((await catalog.loadTable('a.t')).snapshots).toEqual([])
  })

  it('makes a staged table of files that were there', async () => {
    const table = await catalog.stageTable('a.new', { schema })
    await table.addFiles(await file('d/one.parquet', [{ id: 1, name: 'x' }]))
    expect(await rowsOf(table)).toEqual([{ id: 1n, name: 'x' }])
    await table.append([{ id: 2 }])
    expect(await rowsOf(table)).toHaveLength(2)
  })

  it('reads by a mapping that is given, which becomes the table’s', async () => {
    const table = await make()
    const old = await file('m/1.parquet', [{ nr: 1 }], { nr: 'long' })
    const nameMapping = '[{"field-id":1,"names":["id","nr"]},{"field-id":2,"names":["name"]}]'
    await table.addFiles(old, { nameMapping })
    expect(await rowsOf(table)).toEqual([{ id: 1n, name: null }])
    await table.addFiles(await file('m/2.parquet', [{ nr: 2, name: 'b' }], { nr: 'long', name: 'string' }))
    expect(await rowsOf(table)).toHaveLength(2)
    await expect(table.addFiles(old, { nameMapping: '[{]' })).rejects.toThrow(
      /^the name mapping cannot be read: not valid JSON/,
    )
  })

  it('reads files with field ids by them', async () => {
    const table = await make()
    const at = await put('f/1.parquet', await parquetOf(schema, [{ id: 4, name: 'd' }], { ids: true }))
    await table.addFiles(at)
    expect(await rowsOf(table)).toEqual([{ id: 4n, name: 'd' }])
    expect(table.metadata.properties['schema.name-mapping.default']).toBeUndefined()
  })

  it('takes part in transactions, and works on tables of version 3', async () => {
    const table = await make({ formatVersion: 3 })
    const one = await file('t/1.parquet', [{ id: 1 }])
    await catalog.transaction(async (tx) => void (await (await tx.table('a.t')).addFiles(one)))
    expect(await rowsOf(table)).toHaveLength(1)
    const rows: unknown[] = []
    const loaded = await catalog.loadTable('a.t')
    for await (const row of loaded.scan({ select: ['_row_id'] }).rows()) rows.push(row['_row_id'])
    expect(rows).toEqual([0n])
    await expect(
      catalog.transaction(async (tx) => {
        await (await tx.table('a.t')).addFiles(await file('t/2.parquet', [{ id: 2 }]))
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await memory.stat(`${root}/t/2.parquet`)).toBeDefined()
  })

  it('refuses files that orphan removal may be about to take, but not those it can’t see', async () => {
    const table = await make()
    const inside = await put(
      `${table.location.slice(root.length + 1)}/data/left.parquet`,
      await parquetOf(schema, [{ id: 1 }]),
    )
    const outside = await file('elsewhere/1.parquet', [{ id: 2 }])
    // Of a removal that began after the file was written.
    await fence('t', Date.now() + 1)
    await expect(table.addFiles(inside)).rejects.toThrow(SessionExpiredError)
    await expect((await catalog.loadTable('a.t')).addFiles(inside)).rejects.toThrow(/in the folder of a\.t are so old/)
    expect(await memory.stat(inside)).toBeDefined()
    await (await catalog.loadTable('a.t')).addFiles(outside)
    expect(await rowsOf(table)).toEqual([{ id: 2n, name: null }])
  })

  it('refuses them too when the table was deregistered and registered again meanwhile', async () => {
    const table = await make()
    const left = `${table.location.slice(root.length + 1)}/data/left.parquet`
    const inside = await put(left, await parquetOf(schema, [{ id: 1 }]))
    await fence('t', Date.now() + 1)
    for (const name of ['a.again', 'a.t']) {
      const metadataLocation = await catalog.deregisterTable(name === 'a.t' ? 'a.again' : 'a.t')
      await catalog.registerTable(name, metadataLocation)
      await expect((await catalog.loadTable(name)).addFiles(inside)).rejects.toThrow(SessionExpiredError)
    }
  })

  it('refuses files in the folder of another table, which deletes them with its own', async () => {
    const table = await make()
    const other = await catalog.createTable('a.other', { schema })
    await other.append([{ id: 1n, name: 'a' }])
    await expect(table.addFiles(`${other.location}/data`)).rejects.toThrow(/in the folder of another table.*copy it/)
    expect(await rowsOf(table)).toEqual([])
  })

  it('does not commit to a table whose columns were changed since it looked', async () => {
    const table = await make()
    const one = await file('c/1.parquet', [{ id: 1 }])
    const other = await catalog.loadTable('a.t')
    const nameMapping = '[{"field-id":1,"names":["nr","id"]},{"field-id":2,"names":["name"]}]'
    await other.addFiles(await file('c/2.parquet', [{ id: 2 }]), { nameMapping })
    await expect(table.addFiles(one)).rejects.toThrow(CommitFailedError)
    await table.refresh()
    await table.addFiles(one)
    expect(await rowsOf(table)).toHaveLength(2)
  })
})
