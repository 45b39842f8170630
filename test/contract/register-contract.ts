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
