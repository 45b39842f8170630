/** What every catalog must do, whatever it stands on: run by the object catalog on s3, file and memory. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AlreadyExistsError,
  NoSuchNamespaceError,
  NoSuchTableError,
  NotFoundError,
  ValidationError,
} from '../../src/base/errors.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { printIdentifier } from '../../src/spec/identifier.ts'
import { idsOf, schema } from './catalog-fixture.ts'
import type { CatalogFixture } from './catalog-fixture.ts'
import { idempotencyTests } from './catalog-idempotency-contract.ts'
import { nameTests, namespaceChangeTests } from './catalog-names-contract.ts'
import { transactionTests } from './catalog-transactions-contract.ts'
import { registerTests } from './register-contract.ts'
import { stagedTests } from './staged-contract.ts'

export function catalogContract(name: string, setUp: () => Promise<CatalogFixture>): void {
  describe(`catalog on ${name}`, () => {
    let fixture: CatalogFixture
    let catalog: Catalog
    beforeAll(async () => {
      fixture = await setUp()
      catalog = await fixture.open()
    })
    afterAll(() => catalog.close())

    namespaceTests(() => catalog)
    namespaceChangeTests(() => catalog)
    tableTests(() => catalog)
    registerTests(
      () => catalog,
      () => fixture,
    )
    stagedTests(
      () => catalog,
      () => fixture.open(),
    )
    nameTests(() => catalog)
    transactionTests(
      () => catalog,
      () => fixture.open(),
    )
    idempotencyTests(() => catalog)
    concurrencyTests(
      () => catalog,
      () => fixture.open(),
    )
  })
}

function namespaceTests(catalog: () => Catalog): void {
  it('is empty before the first write, and reading writes nothing', async () => {
    expect(await catalog().listNamespaces()).toEqual([])
    expect(await catalog().namespaceExists('nowhere')).toBe(false)
    expect(await catalog().tableExists('nowhere.t')).toBe(false)
    await expect(catalog().listTables('nowhere')).rejects.toThrow(NoSuchNamespaceError)
    await expect(catalog().loadTable('nowhere.t')).rejects.toThrow(NoSuchNamespaceError)
    expect(await catalog().listNamespaces()).toEqual([])
  })

  it('makes and lists namespaces, nested and with odd names', async () => {
    const names = [['plain'], ['a', 'b'], ['with.dot'], ['Größe %/ü'], ['ns']]
    for (const levels of names) await catalog().createNamespace(levels, { owner: 'tests' })
    const listed = await catalog().listNamespaces()
    expect(listed.map((levels) => levels.join('|')).toSorted()).toEqual(names.map((n) => n.join('|')).toSorted())
    await expect(catalog().createNamespace(['plain'])).rejects.toThrow(AlreadyExistsError)
    expect(await catalog().namespaceExists('a.b')).toBe(true)
    expect(await catalog().namespaceExists('a')).toBe(false)
  })

  it.each(['', 'a..b', 'x\u001Fy', '.'])('refuses the name %j', async (name) => {
    await expect(catalog().createNamespace(name)).rejects.toThrow(ValidationError)
  })

  it('refuses names that no key can hold', async () => {
    await expect(catalog().createNamespace(['x'.repeat(1_100)])).rejects.toThrow(ValidationError)
  })
}

function tableTests(catalog: () => Catalog): void {
  it('creates, loads, lists and describes a table', async () => {
    const made = await catalog().createTable('shop.orders', { schema, partitionBy: ['day(ts)'], sortBy: ['id desc'] })
    const loaded = await catalog().loadTable('shop.orders')
    expect(loaded.metadata).toEqual(made.metadata)
    expect(loaded.schema.fields.map((field) => field.id)).toEqual([1, 2, 3])
    expect(loaded.partitionSpec.fields).toMatchObject([{ fieldId: 1000, name: 'ts_day', sourceIds: [3] }])
    expect(loaded.currentSnapshot).toBeUndefined()
    expect((await catalog().listTables('shop')).map(printIdentifier)).toEqual(['shop.orders'])
    expect(await catalog().tableExists('shop.orders')).toBe(true)
    expect(await catalog().tableExists('shop.other')).toBe(false)
  })

  it('refuses a name that is taken, and names nobody has', async () => {
    await expect(catalog().createTable('shop.orders', { schema })).rejects.toThrow(AlreadyExistsError)
    await expect(catalog().loadTable('shop.missing')).rejects.toThrow(NoSuchTableError)
    await expect(catalog().dropTable('shop.missing')).rejects.toThrow(NoSuchTableError)
    await expect(catalog().dropTable('missing.orders')).rejects.toThrow(NotFoundError)
    await expect(catalog().createTable('orders', { schema })).rejects.toThrow(ValidationError)
  })

  it('makes nothing of a table that is wrong', async () => {
    const wrong = [
      { schema: { id: 'lung' } },
      { schema, partitionBy: ['month(nope)'] },
      { schema, partitionBy: ['bucket(0, id)'] },
      { schema, sortBy: ['id sideways'] },
      { schema: { g: 'geometry' }, formatVersion: 2 as const },
    ]
    for (const options of wrong) await expect(catalog().createTable('shop.wrong', options)).rejects.toThrow()
    expect(await catalog().tableExists('shop.wrong')).toBe(false)
  })

  it('appends and reads back, seen by another handle', async () => {
    const table = await catalog().createTable('shop.rows', { schema })
    const first = await table.append([{ id: 1n, name: 'a', ts: '2026-01-01T00:00:00Z' }, { id: 2n }])
    expect(first).toMatchObject({ rows: 2n, files: 1, attempts: 1 })
    await table.append([{ id: 3 }])
    expect(await idsOf(catalog(), 'shop.rows')).toEqual([1n, 2n, 3n])
    expect(table.snapshots).toHaveLength(2)
    expect(table.snapshots[1]?.parentSnapshotId).toBe(first.snapshotId)
    expect(table.currentSnapshot?.summary?.properties).toMatchObject({ 'added-records': '1', 'total-records': '3' })
  })

  it('appends nothing without a snapshot', async () => {
    const table = await catalog().createTable('shop.nothing', { schema })
    expect(await table.append([])).toMatchObject({ rows: 0n, files: 0, snapshotId: undefined })
    expect(table.snapshots).toEqual([])
  })

  it('drops a table, and a new one of its name starts empty', async () => {
    const old = await catalog().createTable('shop.again', { schema })
    await old.append([{ id: 1n }])
    await catalog().dropTable('shop.again')
    expect(await catalog().tableExists('shop.again')).toBe(false)
    expect((await catalog().listTables('shop')).map(({ name }) => name)).not.toContain('again')
    await expect(old.append([{ id: 2n }])).rejects.toThrow()
    const made = await catalog().createTable('shop.again', { schema })
    expect(made.metadata.tableUuid).not.toBe(old.metadata.tableUuid)
    await expect(old.append([{ id: 3n }])).rejects.toThrow(/dropped|no table/)
    await made.append([{ id: 9n }])
    expect(await idsOf(catalog(), 'shop.again')).toEqual([9n])
  })

  it('keeps the time monotonic and the logs sorted', async () => {
    const { metadata } = await catalog().loadTable('shop.rows')
    const times = metadata.metadataLog.map((entry) => entry.timestampMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(metadata.lastUpdatedMs).toBeGreaterThanOrEqual(times.at(-1) ?? 0)
    expect(metadata.snapshotLog.map((entry) => entry.snapshotId)).toEqual(metadata.snapshots.map((s) => s.snapshotId))
  })
}

function concurrencyTests(catalog: () => Catalog, open: () => Promise<Catalog>): void {
  it('lets exactly one of many creators have a name', async () => {
    const rivals = await Promise.all(Array.from({ length: 6 }, open))
    const results = await Promise.allSettled(rivals.map((rival) => rival.createTable('race.t', { schema })))
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(AlreadyExistsError)
    await Promise.all(rivals.map((rival) => rival.close()))
  })

  it('loses no append of many handles, and doubles none', async () => {
    await catalog().createTable('race.rows', { schema })
    const handles = await Promise.all(Array.from({ length: 4 }, open))
    const writing = handles.map(async (handle, h) => {
      const table = await handle.loadTable('race.rows')
      for (let i = 0; i < 5; i++) await table.append([{ id: BigInt(h * 100 + i) }])
    })
    await Promise.all(writing)
    const expected = [0, 1, 2, 3].flatMap((h) => [0, 1, 2, 3, 4].map((i) => BigInt(h * 100 + i)))
    expect(await idsOf(catalog(), 'race.rows')).toEqual(expected)
    await Promise.all(handles.map((handle) => handle.close()))
  })

  it('goes on from what others committed', async () => {
    const [mine, other] = [await catalog().loadTable('race.rows'), await (await open()).loadTable('race.rows')]
    await mine.append([{ id: 1_000n }])
    const late = await other.append([{ id: 1_001n }])
    expect(late.attempts).toBeGreaterThan(1)
    expect((await idsOf(catalog(), 'race.rows')).slice(-2)).toEqual([1_000n, 1_001n])
  })
}
