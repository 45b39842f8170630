/** What every catalog must do with tables that others made: part of the catalog contract. */
import { expect, it } from 'vitest'
import {
  AlreadyExistsError,
  InvalidDataError,
  NotFoundError,
  UnsupportedError,
  ValidationError,
} from '../../src/base/errors.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { lastSegment } from '../../src/io/location.ts'
import type { Table } from '../../src/table/table.ts'
import type { CatalogFixture } from './catalog-fixture.ts'

async function idsOf(table: Table): Promise<number[]> {
  const ids: number[] = []
  for await (const { id } of table.scan().rows()) ids.push(Number(id))
  return ids.toSorted((a, b) => a - b)
}

export function registerTests(catalog: () => Catalog, fixture: () => CatalogFixture): void {
  let made = 0
  /** A table of the other warehouse, with one row a number. */
  async function foreign(...ids: number[]): Promise<Table> {
    const other = await fixture().openOther()
    const table = await other.createTable(`src.t${(made += 1)}`, { schema: { id: 'int' } })
    for (const id of ids) await table.append([{ id }])
    return table
  }
  const read = async (location: string): Promise<string> =>
    Buffer.from((await fixture().io.read(location)).bytes).toString()
  const write = (location: string, text: string): Promise<unknown> =>
    fixture().io.write(location, new TextEncoder().encode(text))
  const uuid = (digit: number): string => `00000000-0000-4000-8000-${String(digit).padStart(12, '0')}`

  it('registers a table of another catalog, and goes on with it', async () => {
    const source = await foreign(1, 2)
    const table = await catalog().registerTable('reg.t', source.metadataLocation)
    expect(table.metadata).toEqual(source.metadata)
    expect(await idsOf(table)).toEqual([1, 2])
    await table.append([{ id: 3 }])
    const seen = await (await fixture().open()).loadTable('reg.t')
    expect(await idsOf(seen)).toEqual([1, 2, 3])
    expect(seen.metadata.tableUuid).toBe(source.metadata.tableUuid)
    expect(seen.metadataLocation.startsWith(`${source.location}/metadata/`)).toBe(true)
    expect((await catalog().listTables('reg')).map(({ name }) => name)).toContain('t')
    const versions = [source, seen].map(({ metadataLocation }) => Number.parseInt(lastSegment(metadataLocation)))
    expect(versions[1]).toBe((versions[0] ?? 0) + 1)
  })

  it('refuses a name, a uuid and a location that are taken', async () => {
    const [source, later] = [await foreign(1), await foreign(2)]
    await catalog().registerTable('reg.taken', source.metadataLocation)
    await expect(catalog().registerTable('reg.taken', later.metadataLocation)).rejects.toThrow(AlreadyExistsError)
    await expect(catalog().registerTable('reg.twice', source.metadataLocation)).rejects.toThrow(/as reg\.taken$/)
    // What the refused ones had claimed is free again.
    expect(await idsOf(await catalog().registerTable('reg.later', later.metadataLocation))).toEqual([2])
    const text = await read(source.metadataLocation)
    const twin = source.metadataLocation.replace(/[^/]+$/, 'v9.metadata.json')
    await write(twin, text.replace(source.metadata.tableUuid, uuid(1)))
    await expect(catalog().registerTable('reg.twin', twin)).rejects.toThrow(/is registered already, as reg\.taken/)
    expect(await catalog().tableExists('reg.twin')).toBe(false)
  })

  it('keeps the files of a dropped table its own', async () => {
    const source = await foreign(1)
    await catalog().registerTable('reg.dropped', source.metadataLocation)
    await catalog().dropTable('reg.dropped')
    await expect(catalog().registerTable('reg.dropped', source.metadataLocation)).rejects.toThrow(/was dropped/)
    await catalog().createTable('reg.dropped', { schema: { id: 'int' } })
    await expect(catalog().registerTable('reg.again', source.metadataLocation)).rejects.toThrow(/was dropped/)
    await catalog().dropTable('reg.dropped')
    await catalog().createTable('reg.dropped', { schema: { id: 'int' } })
    await expect(catalog().registerTable('reg.again', source.metadataLocation)).rejects.toThrow(/was dropped/)
  })

  it('refuses tables of its own, live or dropped', async () => {
    const own = await catalog().createTable('reg.own', { schema: { id: 'int' } })
    await expect(catalog().registerTable('reg.alias', own.metadataLocation)).rejects.toThrow(AlreadyExistsError)
    await catalog().dropTable('reg.own')
    await expect(catalog().registerTable('reg.alias', own.metadataLocation)).rejects.toThrow(/of this warehouse/)
    // Its uuid at another place is the same table again.
    const source = await foreign(1)
    const stolen = source.metadataLocation.replace(/[^/]+$/, 'v8.metadata.json')
    await write(
      stolen,
      (await read(source.metadataLocation)).replace(source.metadata.tableUuid, own.metadata.tableUuid),
    )
    await expect(catalog().registerTable('reg.alias', stolen)).rejects.toThrow(/uuid .* of a table of this warehouse/)
  })

  it('refuses what it could not commit to', async () => {
    const source = await foreign(1)
    const text = await read(source.metadataLocation)
    const refused = async (name: string, edited: string): Promise<unknown> => {
      const location = `${fixture().other}/odd/metadata/${name}.metadata.json`
      await write(location, edited)
      return catalog()
        .registerTable('reg.odd', location)
        .catch((error: unknown) => error)
    }
    const at = (location: string): string =>
      text
        .replace(`"location":"${source.location}"`, `"location":"${location}"`)
        .replace(source.metadata.tableUuid, uuid(2))
    const odd = `${fixture().other}/odd`
    expect(await refused('v1', text)).toMatchObject({
      name: 'ValidationError',
      message: expect.stringMatching(/copied table/) as string,
    })
    expect(await refused('v2', at('hdfs://nn/t'))).toBeInstanceOf(ValidationError)
    expect(await refused('v3', at('w/t'))).toBeInstanceOf(ValidationError)
    const data = at(odd).replace('"properties":{', '"properties":{"write.data.path":"gs://b/data",')
    expect(await refused('v4', data)).toMatchObject({
      name: 'UnsupportedError',
      message: expect.stringMatching(/no store for "gs:"/) as string,
    })
    expect(await refused('v5', at(odd).replace(uuid(2), 'no-uuid'))).toBeInstanceOf(InvalidDataError)
    expect(await refused('v6', '{"format-version":2}')).toBeInstanceOf(InvalidDataError)
    await expect(catalog().registerTable('reg.odd', source.location)).rejects.toThrow(
      /give the location of a metadata file/,
    )
    await expect(catalog().registerTable('reg.odd', `${odd}/metadata/v7.metadata.json`)).rejects.toThrow(NotFoundError)
    await expect(catalog().registerTable('odd', `${odd}/metadata/v6.metadata.json`)).rejects.toThrow(ValidationError)
    await expect(catalog().registerTable('reg.odd', 'gs://b/t/metadata/v1.metadata.json')).rejects.toThrow(
      UnsupportedError,
    )
    expect(await catalog().tableExists('reg.odd')).toBe(false)
    await write(`${odd}/metadata/v8.metadata.json`, at(odd))
    expect(await idsOf(await catalog().registerTable('reg.odd', `${odd}/metadata/v8.metadata.json`))).toEqual([1])
  })

  it('reads tables of format version 1 and does not write them', async () => {
    const folder = `${fixture().other}/v1`
    const columns = { type: 'struct', fields: [{ id: 1, name: 'id', required: false, type: 'int' }] }
    const metadata = {
      'format-version': 1,
      'table-uuid': uuid(3),
      location: folder,
      'last-updated-ms': 1,
      'last-column-id': 1,
      schema: columns,
      'partition-spec': [],
    }
    await write(`${folder}/metadata/v1.metadata.json`, JSON.stringify(metadata))
    const table = await catalog().registerTable('reg.v1', `${folder}/metadata/v1.metadata.json`)
    expect(await idsOf(table)).toEqual([])
    await expect(table.append([{ id: 1 }])).rejects.toThrow(/format version 1 is read only: upgrade/)
  })

  it('refuses a table within another, and around it', async () => {
    const outer = await foreign()
    const text = await read(outer.metadataLocation)
    const nest = async (location: string, digit: number): Promise<string> => {
      const file = `${location}/metadata/v1.metadata.json`
      await write(file, text.replaceAll(outer.location, location).replace(outer.metadata.tableUuid, uuid(digit)))
      return file
    }
    await catalog().registerTable('reg.outer', outer.metadataLocation)
    await expect(catalog().registerTable('reg.in', await nest(`${outer.location}/data/x`, 20))).rejects.toThrow(
      /registered already, as reg\.outer$/,
    )
    const [below, around] = [`${fixture().other}/deep/er/t`, `${fixture().other}/deep`]
    await catalog().registerTable('reg.below', await nest(below, 21))
    await expect(catalog().registerTable('reg.around', await nest(around, 22))).rejects.toThrow(/as reg\.below$/)
    await catalog().registerTable('reg.beside', await nest(`${around}er`, 23))
    // Free again where nothing came of it.
    await catalog().deregisterTable('reg.below')
    expect(await idsOf(await catalog().registerTable('reg.around', await nest(around, 22)))).toEqual([])
  })

  it('lets one of two tables within each other be registered at once', async () => {
    const source = await foreign()
    const text = await read(source.metadataLocation)
    const files = await Promise.all(
      [0, 1].map(async (i) => {
        const location = `${fixture().other}/at-once${'/in'.repeat(i)}`
        const file = `${location}/metadata/v1.metadata.json`
        await write(file, text.replaceAll(source.location, location).replace(source.metadata.tableUuid, uuid(30 + i)))
        return file
      }),
    )
    const rivals = await Promise.all(files.map(() => fixture().open()))
    const results = await Promise.allSettled(
      rivals.map((rival, i) => rival.registerTable(`reg.once${i}`, files[i] ?? '')),
    )
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await Promise.all(rivals.map((rival) => rival.close()))
  })

  it('deregisters a table, which leaves its files and can be registered again', async () => {
    const source = await foreign(1)
    const table = await catalog().registerTable('reg.away', source.metadataLocation)
    await table.append([{ id: 2 }])
    const left = await catalog().deregisterTable('reg.away')
    expect(left).toBe(table.metadataLocation)
    await expect(catalog().loadTable('reg.away')).rejects.toThrow(/no table reg\.away/)
    await expect(table.append([{ id: 3 }])).rejects.toThrow(NotFoundError)
    expect((await catalog().listDropped('reg')).map(({ identifier }) => identifier.name)).not.toContain('away')
    await expect(catalog().undropTable('reg.away')).rejects.toThrow(NotFoundError)
    await expect(catalog().deregisterTable('reg.away')).rejects.toThrow(NotFoundError)
    expect(await idsOf(await catalog().registerTable('reg.back', left))).toEqual([1, 2])
    await catalog().createTable('reg.away', { schema: { id: 'int' } })
    await expect(catalog().registerTable('reg.third', left)).rejects.toThrow(/as reg\.back$/)
  })

  it('deregisters a table that it made, and takes it back', async () => {
    const ours = await catalog().createTable('reg.made', { schema: { id: 'int' } })
    await ours.append([{ id: 7 }])
    const left = await catalog().deregisterTable('reg.made')
    const back = await catalog().registerTable('reg.made', left)
    await back.append([{ id: 8 }])
    expect(await idsOf(await (await fixture().open()).loadTable('reg.made'))).toEqual([7, 8])
    await expect(catalog().registerTable('reg.twice', left)).rejects.toThrow(AlreadyExistsError)
    await catalog().dropTable('reg.made', { purge: true })
    await expect(catalog().registerTable('reg.gone', left)).rejects.toThrow(NotFoundError)
  })

  it('names the table that owns a location by the name it has now', async () => {
    const source = await foreign(1)
    await catalog().registerTable('reg.first', source.metadataLocation)
    await catalog().renameTable('reg.first', 'reg.second')
    await expect(catalog().registerTable('reg.x', source.metadataLocation)).rejects.toThrow(/as reg\.second$/)
    await catalog().dropTable('reg.second')
    await expect(catalog().registerTable('reg.x', source.metadataLocation)).rejects.toThrow(/was dropped/)
    await catalog().undropTable('reg.second')
    await catalog().dropTable('reg.second')
    await expect(catalog().deregisterTable('reg.second')).rejects.toThrow(NotFoundError)
    await expect(catalog().deregisterTable('reg.second', { dropped: true, uuid: uuid(9) })).rejects.toThrow(
      NotFoundError,
    )
    const left = await catalog().deregisterTable('reg.second', { dropped: true })
    await expect(catalog().undropTable('reg.second')).rejects.toThrow(NotFoundError)
    expect(await idsOf(await catalog().registerTable('reg.x', left))).toEqual([1])
  })

  it('deregisters what was dropped and whose name was taken again', async () => {
    const source = await foreign(1)
    await catalog().registerTable('reg.old', source.metadataLocation)
    await catalog().dropTable('reg.old')
    const young = await catalog().createTable('reg.old', { schema: { id: 'int' } })
    const left = await catalog().deregisterTable('reg.old', { dropped: true })
    expect(left).toBe(source.metadataLocation)
    await young.append([{ id: 5 }])
    expect(await idsOf(await catalog().loadTable('reg.old'))).toEqual([5])
    await expect(catalog().undropTable('reg.old', { to: 'reg.undropped' })).rejects.toThrow(NotFoundError)
    expect(await idsOf(await catalog().registerTable('reg.free', left))).toEqual([1])
  })

  it('registers once for one idempotency key', async () => {
    const source = await foreign(1)
    const idempotencyKey = '00000000-0000-4000-8000-0000000000aa'
    for (const _ of [1, 2]) {
      expect(
        await idsOf(await catalog().registerTable('reg.key', source.metadataLocation, { idempotencyKey })),
      ).toEqual([1])
    }
  })

  it('lets exactly one of many names have a table', async () => {
    const source = await foreign(1)
    const rivals = await Promise.all([1, 2, 3, 4].map(() => fixture().open()))
    const registering = rivals.map((rival, i) => rival.registerTable(`reg.race${i}`, source.metadataLocation))
    const results = await Promise.allSettled(registering)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(AlreadyExistsError)
    const live = await Promise.all([0, 1, 2, 3].map((i) => catalog().tableExists(`reg.race${i}`)))
    expect(live.filter(Boolean)).toHaveLength(1)
    await Promise.all(rivals.map((rival) => rival.close()))
  })
}
