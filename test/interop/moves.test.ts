/** Tables that firn made of files that were there, and copies of tables, as PyIceberg and DuckDB read them. */
import { afterAll, it } from 'vitest'
import { copyTable } from '../../src/maintenance/copy-table.ts'
import type { Table } from '../../src/table/table.ts'
import { parquetOf } from '../table/external-files.ts'
import { NESTED, SAMPLES, columnsOf } from './samples.ts'
import { Warehouse } from './warehouse.ts'

const warehouse = await Warehouse.open()
afterAll(() => warehouse[Symbol.asyncDispose]())

const schema = { id: 'long', name: 'string', city: 'string' }

it('files without field ids, by name mapping, in partitions of their paths', async () => {
  for (const formatVersion of [2, 3] as const) {
    const table = await warehouse.write({ schema, partitionBy: ['city'], formatVersion })
    const io = table.io
    const folder = `${warehouse.uri}/outside ${formatVersion}`
    const rows = [
      { id: 1n, name: 'a', city: 'Köln' },
      { id: 2n, name: null, city: 'Köln' },
      { id: 3n, name: 'c', city: 'Ulm' },
    ]
    await io.write(`${folder}/city=K%C3%B6ln/1.parquet`, await parquetOf(schema, rows.slice(0, 2)))
    await io.write(`${folder}/city=Ulm/2.parquet`, await parquetOf(schema, rows.slice(2)))
    await table.addFiles(folder)
    await table.append([{ id: 4n, name: 'd', city: 'Ulm' }])
    await warehouse.expectRows(table, [...rows, { id: 4n, name: 'd', city: 'Ulm' }])
  }
})

it('files that lack a column, and the column of their partition', async () => {
  const table = await warehouse.write({ schema, partitionBy: ['city'] })
  const folder = `${warehouse.uri}/lacking`
  await table.io.write(`${folder}/city=Ulm/1.parquet`, await parquetOf({ id: 'long' }, [{ id: 1n }]))
  await table.addFiles(folder)
  await warehouse.expectRows(table, [{ id: 1n, name: null, city: 'Ulm' }], { engines: ['pyiceberg'] })
})

it('the copy of a table, with its history', async () => {
  for (const { schema: columns, rows } of [columnsOf(SAMPLES), NESTED]) {
    const table = await warehouse.write({ schema: columns }, rows, rows)
    await expectCopy(table, [...rows, ...rows])
  }
  const partitioned = await warehouse.write(
    { schema, partitionBy: ['bucket(4, id)', 'city'], formatVersion: 3 },
    [{ id: 1n, name: 'a', city: 'Köln' }],
    [{ id: 2n, name: null, city: null }],
  )
  await expectCopy(partitioned, [
    { id: 1n, name: 'a', city: 'Köln' },
    { id: 2n, name: null, city: null },
  ])
})

async function expectCopy(table: Table, rows: Parameters<Warehouse['expectRows']>[1]): Promise<void> {
  const to = `${warehouse.uri}/copies/${table.metadata.tableUuid}`
  const { metadataLocation } = await copyTable(table, { to, io: table.io })
  const [first] = table.snapshots
  await warehouse.expectRows(table, rows, { location: metadataLocation })
  await warehouse.expectRows(table, rows.slice(0, rows.length / 2), {
    location: metadataLocation,
    snapshotId: String(first?.snapshotId),
  })
}
