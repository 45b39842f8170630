/** Names: namespaces and their properties, listing in pages, rename, drop, undrop, purge. */
import { expect, it } from 'vitest'
import {
  AlreadyExistsError,
  NamespaceNotEmptyError,
  NoSuchNamespaceError,
  NoSuchTableError,
  NotFoundError,
  ValidationError,
} from '../../src/base/errors.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { printIdentifier } from '../../src/spec/identifier.ts'
import { idsOf, schema } from './catalog-fixture.ts'

export function namespaceChangeTests(catalog: () => Catalog): void {
  it('sets and removes properties of a namespace at once', async () => {
    await catalog().createNamespace('props', { owner: 'a', keep: '1' })
    expect(await catalog().namespaceProperties('props')).toEqual({ owner: 'a', keep: '1' })
    const change = { set: { owner: 'b', new: '2' }, remove: ['keep', 'never'] }
    expect(await catalog().updateNamespaceProperties('props', change)).toEqual({
      updated: ['owner', 'new'],
      removed: ['keep'],
      missing: ['never'],
    })
    expect(await catalog().namespaceProperties('props')).toEqual({ owner: 'b', new: '2' })
    const both = { set: { a: '1' }, remove: ['a'] }
    await expect(catalog().updateNamespaceProperties('props', both)).rejects.toThrow(ValidationError)
    await expect(catalog().updateNamespaceProperties('none', { set: { a: '1' } })).rejects.toThrow(NoSuchNamespaceError)
    await expect(catalog().namespaceProperties('none')).rejects.toThrow(NoSuchNamespaceError)
  })

  it('lists namespaces by their parent', async () => {
    for (const levels of [['tree'], ['tree', 'x'], ['tree', 'y'], ['tree', 'x', 'deep'], ['treehouse'], ['wood', 'z']])
      await catalog().createNamespace(levels)
    const below = async (parent: readonly string[]): Promise<string[]> =>
      (await catalog().listNamespaces({ parent })).map((levels) => levels.join('/')).toSorted()
    expect(await below(['tree'])).toEqual(['tree/x', 'tree/y'])
    expect(await below(['tree', 'x'])).toEqual(['tree/x/deep'])
    expect(await below(['treehouse'])).toEqual([])
    expect(await below(['wood'])).toEqual(['wood/z'])
    expect(await below([])).toContain('tree')
    expect(await below([])).not.toContain('tree/x')
    await expect(below(['nowhere'])).rejects.toThrow(NoSuchNamespaceError)
  })

  it('drops an empty namespace, and one of the same name starts empty', async () => {
    await catalog().createTable('gone.t', { schema })
    await expect(catalog().dropNamespace('gone')).rejects.toThrow(NamespaceNotEmptyError)
    await expect(catalog().dropNamespace('gone')).rejects.toThrow(/table t/)
    expect(await catalog().tableExists('gone.t')).toBe(true)
    await catalog().dropTable('gone.t')
    await catalog().createNamespace(['gone', 'child'])
    await expect(catalog().dropNamespace('gone')).rejects.toThrow(NamespaceNotEmptyError)
    await catalog().dropNamespace('gone.child')
    await catalog().dropNamespace('gone')
    expect(await catalog().namespaceExists('gone')).toBe(false)
    expect((await catalog().listNamespaces()).map((levels) => levels[0])).not.toContain('gone')
    await expect(catalog().dropNamespace('gone')).rejects.toThrow(NoSuchNamespaceError)
    await expect(catalog().loadTable('gone.t')).rejects.toThrow(NotFoundError)
    await catalog().createNamespace('gone', { second: 'yes' })
    expect(await catalog().namespaceProperties('gone')).toEqual({ second: 'yes' })
    expect(await catalog().listTables('gone')).toEqual([])
    await expect(catalog().loadTable('gone.t')).rejects.toThrow(NoSuchTableError)
  })

  it('lists tables in pages', async () => {
    const names = ['a', 'b.c', 'ü', 'z', 'Z', '9']
    for (const name of names) await catalog().createTable({ namespace: ['paged'], name }, { schema })
    await catalog().dropTable('paged.z')
    const whole = (await catalog().listTables('paged')).map(({ name }) => name)
    expect(whole.toSorted()).toEqual(names.filter((name) => name !== 'z').toSorted())
    const seen: string[] = []
    let pageToken: string | undefined = ''
    while (pageToken !== undefined) {
      const page: Awaited<ReturnType<Catalog['listTablesPage']>> = await catalog().listTablesPage('paged', {
        pageSize: 2,
        pageToken,
      })
      expect(page.items.length).toBeLessThanOrEqual(2)
      seen.push(...page.items.map(({ name }) => name))
      pageToken = page.nextPageToken
    }
    expect(seen).toEqual(whole)
    expect((await catalog().listTablesPage('paged', { pageSize: 5 })).nextPageToken).toBeUndefined()
    await expect(catalog().listTablesPage('paged', { pageSize: 0 })).rejects.toThrow(ValidationError)
    await expect(catalog().listTablesPage('paged', { pageToken: '§' })).rejects.toThrow(ValidationError)
    await expect(catalog().listTablesPage('unpaged')).rejects.toThrow(NoSuchNamespaceError)
    expect(await catalog().listViews('paged')).toEqual([])
  })
}

export function nameTests(catalog: () => Catalog): void {
  const make = async (name: string, id: bigint): Promise<string> => {
    const table = await catalog().createTable(name, { schema })
    await table.append([{ id }])
    return table.metadata.tableUuid
  }

  it('renames a table, within and across namespaces, with all its rows', async () => {
    const uuid = await make('here.a', 1n)
    await catalog().createNamespace('there')
    await catalog().renameTable('here.a', 'here.b')
    await catalog().renameTable('here.b', 'there.c')
    const table = await catalog().loadTable('there.c')
    expect(table.metadata.tableUuid).toBe(uuid)
    await table.append([{ id: 2n }])
    expect(await idsOf(catalog(), 'there.c')).toEqual([1n, 2n])
    expect(await catalog().listTables('here')).toEqual([])
    expect((await catalog().listTables('there')).map(printIdentifier)).toEqual(['there.c'])
    await expect(catalog().loadTable('here.a')).rejects.toThrow(/renamed to here\.b/)
  })

  it('refuses renames that cannot be', async () => {
    await make('rn.a', 1n)
    await make('rn.b', 2n)
    await expect(catalog().renameTable('rn.a', 'rn.b')).rejects.toThrow(AlreadyExistsError)
    await expect(catalog().renameTable('rn.a', 'rn.a')).rejects.toThrow(AlreadyExistsError)
    await expect(catalog().renameTable('rn.none', 'rn.c')).rejects.toThrow(NoSuchTableError)
    await expect(catalog().renameTable('rn.a', 'nowhere.c')).rejects.toThrow(NoSuchNamespaceError)
    expect(await idsOf(catalog(), 'rn.a')).toEqual([1n])
    expect(await idsOf(catalog(), 'rn.b')).toEqual([2n])
  })

  it('renames onto the name of a dropped table, which can still be brought back under another', async () => {
    const old = await make('onto.a', 1n)
    await catalog().dropTable('onto.a')
    await make('onto.b', 2n)
    await catalog().renameTable('onto.b', 'onto.a')
    expect(await idsOf(catalog(), 'onto.a')).toEqual([2n])
    await expect(catalog().undropTable('onto.a')).rejects.toThrow(AlreadyExistsError)
    const back = await catalog().undropTable('onto.a', { to: 'onto.c' })
    expect(back.metadata.tableUuid).toBe(old)
    expect(await idsOf(catalog(), 'onto.c')).toEqual([1n])
    expect(await idsOf(catalog(), 'onto.a')).toEqual([2n])
    expect(await catalog().listDropped('onto')).toEqual([])
  })

  it('a handle of a renamed table is told the new name', async () => {
    await make('told.a', 1n)
    const handle = await catalog().loadTable('told.a')
    await catalog().renameTable('told.a', 'told.b')
    await expect(handle.append([{ id: 9n }])).rejects.toThrow(/renamed to told\.b/)
    expect(await idsOf(catalog(), 'told.b')).toEqual([1n])
  })

  it('brings a dropped table back in place', async () => {
    const uuid = await make('ud.a', 1n)
    await catalog().dropTable('ud.a')
    const [dropped] = await catalog().listDropped('ud')
    expect(dropped).toMatchObject({ identifier: { namespace: ['ud'], name: 'a' }, uuid })
    expect(Math.abs((dropped?.droppedAtMs ?? 0) - Date.now())).toBeLessThan(60_000)
    await expect(catalog().loadTable('ud.a')).rejects.toThrow(/dropped at \d{4}-.*undrop it, or make it anew/)
    const table = await catalog().undropTable('ud.a')
    expect(table.metadata.tableUuid).toBe(uuid)
    await table.append([{ id: 2n }])
    expect(await idsOf(catalog(), 'ud.a')).toEqual([1n, 2n])
    expect(await catalog().listDropped('ud')).toEqual([])
    await expect(catalog().undropTable('ud.a')).rejects.toThrow(NotFoundError)
    await expect(catalog().undropTable('ud.never')).rejects.toThrow(NoSuchTableError)
  })

  it('brings back any of several tables dropped under one name', async () => {
    const first = await make('many.a', 1n)
    await catalog().dropTable('many.a')
    const second = await make('many.a', 2n)
    await catalog().dropTable('many.a')
    await make('many.a', 3n)
    expect((await catalog().listDropped('many')).map(({ uuid }) => uuid).toSorted()).toEqual([first, second].toSorted())
    await catalog().undropTable('many.a', { uuid: first, to: 'many.first' })
    await catalog().undropTable('many.a', { to: 'many.second' })
    expect(await idsOf(catalog(), 'many.first')).toEqual([1n])
    expect(await idsOf(catalog(), 'many.second')).toEqual([2n])
    expect(await idsOf(catalog(), 'many.a')).toEqual([3n])
    await expect(catalog().undropTable('many.a', { uuid: first, to: 'many.x' })).rejects.toThrow(NoSuchTableError)
  })

  it('brings a table back from a dropped namespace', async () => {
    await make('dead.a', 1n)
    await catalog().dropTable('dead.a')
    await catalog().dropNamespace('dead')
    await expect(catalog().undropTable('dead.a')).rejects.toThrow(NoSuchNamespaceError)
    expect((await catalog().listDropped('dead')).map(({ identifier }) => printIdentifier(identifier))).toEqual([
      'dead.a',
    ])
    await catalog().createNamespace('dead')
    await catalog().undropTable('dead.a')
    expect(await idsOf(catalog(), 'dead.a')).toEqual([1n])
    await catalog().createNamespace('alive')
    await catalog().dropTable('dead.a')
    await catalog().dropNamespace('dead')
    await catalog().undropTable('dead.a', { to: 'alive.b' })
    expect(await idsOf(catalog(), 'alive.b')).toEqual([1n])
    expect(await catalog().listDropped('dead')).toEqual([])
  })

  it('purges a dropped table for good, and the name can be used again', async () => {
    await make('purge.a', 1n)
    await expect(catalog().purgeTable('purge.a')).rejects.toThrow(NoSuchTableError)
    await catalog().dropTable('purge.a')
    await catalog().purgeTable('purge.a')
    await catalog().purgeTable('purge.a')
    await expect(catalog().undropTable('purge.a')).rejects.toThrow(NoSuchTableError)
    await expect(catalog().loadTable('purge.a')).rejects.toThrow(/files are deleted; make it anew/)
    expect(await catalog().listDropped('purge')).toEqual([])
    await make('purge.a', 2n)
    expect(await idsOf(catalog(), 'purge.a')).toEqual([2n])
    const table = await catalog().loadTable('purge.a')
    await catalog().dropTable('purge.a', { purge: true })
    await expect(table.scan().toArrow()).rejects.toThrow()
    await expect(catalog().undropTable('purge.a')).rejects.toThrow(NoSuchTableError)
  })
}
