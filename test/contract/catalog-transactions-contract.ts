/** Multi-table transactions and reads of several tables together. */
import { expect, it } from 'vitest'
import { NoSuchTableError, ValidationError } from '../../src/base/errors.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Table } from '../../src/table/table.ts'
import { idsOf, schema } from './catalog-fixture.ts'

export function transactionTests(catalog: () => Catalog, open: () => Promise<Catalog>): void {
  const make = async (...names: string[]): Promise<void> => {
    for (const name of names) await catalog().createTable(name, { schema })
  }
  const rows = async (table: Table): Promise<bigint[]> => {
    const ids: bigint[] = []
    for await (const row of table.scan().rows()) ids.push(row['id'] as bigint)
    return ids.toSorted((a, b) => Number(a - b))
  }

  it('commits to several tables at once', async () => {
    await make('tx.a', 'tx.b', 'tx.c')
    const result = await catalog().transaction(async (tx) => {
      const [a, b] = [await tx.table('tx.a'), await tx.table('tx.b')]
      await a.append([{ id: 1n }])
      await Promise.all([b.append([{ id: 2n }]), b.append([{ id: 3n }]), a.append([{ id: 4n }])])
      expect(await tx.table('tx.c').then((c) => c.name)).toBe('tx.c')
      expect(await rows(await tx.table('tx.b'))).toEqual([2n, 3n])
      expect(await idsOf(catalog(), 'tx.b')).toEqual([])
      return 'done'
    })
    expect(result).toBe('done')
    expect(await idsOf(catalog(), 'tx.a')).toEqual([1n, 4n])
    expect(await idsOf(catalog(), 'tx.b')).toEqual([2n, 3n])
    const { metadata } = await catalog().loadTable('tx.b')
    expect(metadata.metadataLog).toHaveLength(1)
    expect(metadata.snapshots.map((s) => s.sequenceNumber)).toEqual([1n, 2n])
    await (await catalog().loadTable('tx.a')).append([{ id: 5n }])
    expect(await idsOf(catalog(), 'tx.a')).toEqual([1n, 4n, 5n])
  })

  it('commits to one table, or to none', async () => {
    await make('tx.single')
    await catalog().transaction(async (tx) => {
      await (await tx.table('tx.single')).append([{ id: 1n }])
    })
    await catalog().transaction(async (tx) => void (await tx.table('tx.single')))
    expect(await idsOf(catalog(), 'tx.single')).toEqual([1n])
  })

  it('changes nothing where the work fails', async () => {
    await make('tx.d', 'tx.e')
    const failure = new Error('mine')
    let leaked: Table | undefined
    const work = catalog().transaction(async (tx) => {
      leaked = await tx.table('tx.d')
      await leaked.append([{ id: 1n }])
      throw failure
    })
    await expect(work).rejects.toBe(failure)
    expect(await idsOf(catalog(), 'tx.d')).toEqual([])
    await expect(leaked?.append([{ id: 2n }])).rejects.toThrow(ValidationError)
    await expect(catalog().transaction((tx) => tx.table('tx.none'))).rejects.toThrow(NoSuchTableError)
  })

  it('stages again with the same files where others commit first', async () => {
    await make('tx.f', 'tx.g')
    const other = await open()
    await catalog().transaction(async (tx) => {
      const [f, g] = [await tx.table('tx.f'), await tx.table('tx.g')]
      await f.append([{ id: 1n }])
      await g.append([{ id: 1n }])
      await (await other.loadTable('tx.g')).append([{ id: 2n }])
    })
    expect(await idsOf(catalog(), 'tx.f')).toEqual([1n])
    expect(await idsOf(catalog(), 'tx.g')).toEqual([1n, 2n])
    await other.close()
  })

  it('refuses where a table was dropped meanwhile', async () => {
    await make('tx.h', 'tx.i')
    const work = catalog().transaction(async (tx) => {
      await (await tx.table('tx.h')).append([{ id: 1n }])
      await (await tx.table('tx.i')).append([{ id: 1n }])
      await catalog().dropTable('tx.i')
    })
    await expect(work).rejects.toThrow(NoSuchTableError)
    expect(await idsOf(catalog(), 'tx.h')).toEqual([])
  })

  it('is seen whole by readers of several tables, whatever goes on', async () => {
    await make('cut.a', 'cut.b')
    const [writer, rival] = [await open(), await open()]
    const write = async (handle: Catalog, from: bigint): Promise<void> => {
      for (let id = from; id < from + 4n; id++) {
        await handle.transaction(async (tx) => {
          await (await tx.table('cut.a')).append([{ id }])
          await (await tx.table('cut.b')).append([{ id }])
        })
      }
    }
    const progress = { isOver: false }
    const writing = Promise.all([write(writer, 0n), write(rival, 100n)]).finally(() => (progress.isOver = true))
    while (!progress.isOver) {
      const [a, b] = await catalog().loadTables(['cut.a', 'cut.b'])
      if (a === undefined || b === undefined) throw new Error('a table is missing')
      expect(await rows(a)).toEqual(await rows(b))
      // A store in memory answers without ever yielding to the writers' timers.
      await new Promise((resolve) => setImmediate(resolve))
    }
    await writing
    expect(await idsOf(catalog(), 'cut.a')).toEqual([0n, 1n, 2n, 3n, 100n, 101n, 102n, 103n])
    await Promise.all([writer.close(), rival.close()])
  }, 60_000)

  it('loads no tables, and refuses names nobody has', async () => {
    expect(await catalog().loadTables([])).toEqual([])
    await expect(catalog().loadTables(['tx.a', 'tx.none'])).rejects.toThrow(NoSuchTableError)
  })

  it('keeps records of transactions that others may ask for', async () => {
    expect(await catalog().sweepRecords()).toBe(0)
  })
}
