/** What every catalog must do with tables that are made by their first commit: part of the catalog contract. */
import { expect, it } from 'vitest'
import { AlreadyExistsError, NoSuchNamespaceError, NotFoundError, ValidationError } from '../../src/base/errors.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { idsOf } from './catalog-fixture.ts'

const schema = { id: 'long' }

export function stagedTests(catalog: () => Catalog, open: () => Promise<Catalog>): void {
  it('makes a staged table with its first commit, and goes on with it', async () => {
    const staged = await catalog().stageTable('staged.t', { schema, partitionBy: ['bucket(2, id)'] })
    expect(await catalog().namespaceExists('staged')).toBe(false)
    await expect(catalog().loadTable('staged.t')).rejects.toThrow(NotFoundError)
    expect(await staged.scan().count()).toBe(0n)
    await staged.refresh()
    await staged.append([{ id: 1 }])
    const other = await open()
    expect(await idsOf(other, 'staged.t')).toEqual([1n])
    await Promise.all([staged.append([{ id: 2 }]), (await other.loadTable('staged.t')).append([{ id: 3 }])])
    expect(await idsOf(other, 'staged.t')).toEqual([1n, 2n, 3n])
    const { metadata } = await staged.refresh()
    expect(metadata.snapshots).toHaveLength(3)
    expect(metadata.metadataLog).toHaveLength(2)
    await other.close()
  })

  it('lets one of several staged creations make the table, and the others leave nothing', async () => {
    const rivals = await Promise.all([1, 2, 3].map(() => open()))
    const staged = await Promise.all(rivals.map((rival) => rival.stageTable('staged.race', { schema })))
    const results = await Promise.allSettled(staged.map((table, i) => table.append([{ id: i }])))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(AlreadyExistsError)
    expect(await idsOf(catalog(), 'staged.race')).toEqual([
      BigInt(results.findIndex(({ status }) => status === 'fulfilled')),
    ])
    await Promise.all(rivals.map((rival) => rival.close()))
  })

  it('refuses to stage what cannot be made', async () => {
    await catalog().createTable('staged.taken', { schema })
    await expect(catalog().stageTable('staged.taken', { schema })).rejects.toThrow(AlreadyExistsError)
    await expect(catalog().stageTable('nameless', { schema })).rejects.toThrow(ValidationError)
    await expect(catalog().stageTable('staged.x', { schema: { id: 'lnog' } })).rejects.toThrow(ValidationError)
    await expect(catalog().loadTable('staged.x')).rejects.toThrow(NotFoundError)
  })

  it('makes a staged table over a dropped one, and in a namespace made anew', async () => {
    await catalog().createTable('staged-anew.t', { schema })
    const staged = await catalog().stageTable('staged-anew.u', { schema })
    await catalog().dropTable('staged-anew.t')
    await catalog().dropNamespace('staged-anew')
    await expect(catalog().listTables('staged-anew')).rejects.toThrow(NoSuchNamespaceError)
    await staged.append([{ id: 5 }])
    expect(await idsOf(catalog(), 'staged-anew.u')).toEqual([5n])
    await catalog().dropTable('staged-anew.u')
    await (await catalog().stageTable('staged-anew.u', { schema })).append([{ id: 6 }])
    expect(await idsOf(catalog(), 'staged-anew.u')).toEqual([6n])
  })
}
