import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/format/arrow-values.ts'
import type { ScanOptions } from '../../src/scan/table-scan.ts'
import { openForeign as open } from './foreign-table.ts'
import { keyOf } from './scan-values.ts'
import { collect } from './table-fixture.ts'

const EVENTS = ['click', 'purchase']
const users = (...cells: readonly unknown[]): unknown[] =>
  cells.map((cell, i) => ({ partition_col: cell, user_id: [12345n, 67890n][i], event_type: EVENTS[i] }))

/** Their data files lack the partition column (a hive layout), and are of another size than their manifests say. */
const HIVE_TABLES: readonly (readonly [string, string, readonly unknown[]])[] = [
  ['partition_bigint', 'v2.metadata.json', users(2n ** 63n - 1n, -(2n ** 63n))],
  ['partition_binary', 'v2.metadata.json', users(Uint8Array.of(1, 2, 3), Uint8Array.of(0xaa, 0xbb, 0xcc))],
  [
    'partition_decimal_integer',
    'v2.metadata.json',
    [...users('42.5630', '1.2300'), { partition_col: '1234.5432', user_id: 111213n, event_type: 'delete' }],
  ],
  ['partition_time', '00001-44546aa6-1ee5-48c5-9e3b-bc6c0bc0a60c.metadata.json', users('12:34:56', '08:21:09')],
  [
    'partition_timestamp',
    '00001-0c9938a5-103e-4185-b46d-331368ae4db7.metadata.json',
    users('2023-05-15T14:30:45', '2023-08-22T09:15:20'),
  ],
]

const byKey = (rows: readonly unknown[]): unknown[] => rows.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))

describe('tables of other writers', () => {
  it.each(HIVE_TABLES)('%s: columns that only the partition knows', async (folder, metadataFile, rows) => {
    const scan = await open(folder, metadataFile)
    expect(byKey(await collect(scan.rows()))).toEqual(byKey(rows))
    expect(await scan.count()).toBe(BigInt(rows.length))
    const where = "event_type = 'click' and partition_col is not null"
    const filtered = await open(folder, metadataFile, { where, select: ['user_id'] })
    expect(await collect(filtered.rows())).toEqual([{ user_id: 12345n }])
  })

  it('a partition spec that changed: each file by its own', async () => {
    const where = "event_date >= '2024-01-02' and event_type <> 'click'"
    const scan = await open('hive_partitioned_table', 'v4.metadata.json', { where })
    expect(byKey(await collect(scan.rows()))).toEqual(
      byKey([
        { event_date: '2024-01-02', user_id: 67890n, event_type: 'purchase' },
        { event_date: '2024-01-03', user_id: 13579n, event_type: 'view' },
        { event_date: '2024-01-04', user_id: 97531n, event_type: 'purchase' },
        { event_date: '2024-01-04', user_id: 86420n, event_type: 'view' },
      ]),
    )
    expect(await scan.plan()).toMatchObject({ files: { total: 6, planned: 4 } })
  })

  it('format version 1', async () => {
    const where = "category = 'alpha' and (amount > 5 or amount is null)"
    const scan = await open('iceberg_v1_deprecated', 'v2.metadata.json', { where })
    expect(await collect(scan.rows())).toEqual([
      { id: 1, category: 'alpha', amount: 10 },
      { id: 3, category: 'alpha', amount: null },
    ])
    expect(await scan.plan()).toMatchObject({ files: { total: 2, planned: 1 } })
  })

  it('format version 3 with initial defaults', async () => {
    const metadataFile = '00003-3f1801a5-7dfb-4072-b14a-39cd12f9279b.metadata.json'
    const select = ['col1', 'col_long', 'col_decimal', 'col_timestamptz', 'col_uuid']
    const defaults = {
      col_long: -(2n ** 63n),
      col_decimal: '12345.00',
      col_timestamptz: '1970-01-01T00:00:00.012345+00:00',
      col_uuid: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    }
    const old = await open('add_columns_with_defaults', metadataFile, { select, where: "col_string = 'HELLO'" })
    expect(await collect(old.rows())).toEqual([
      { col1: 'click', ...defaults },
      { col1: 'purchase', ...defaults },
    ])
    expect(await old.count()).toBe(2n)
    const all = await open('add_columns_with_defaults', metadataFile, { select: ['col1'] })
    expect(await collect(all.rows())).toHaveLength(3)
  })

  it.each([
    ['v1', 60_175n, 1_802_759_573n, 215_218_976_047n, 1_598_371],
    ['v2', 51_793n, 1_553_321_902n, 210_724_448_254n, 1_377_076],
  ] as const)(
    'sixteen columns of lineitem, %s: sums as DuckDB has them',
    async (version, count, keys, cents, length) => {
      const scan = await open('iceberg/lineitem_iceberg', `${version}.metadata.json`)
      const sums = { count: 0n, keys: 0n, cents: 0n, length: 0 }
      const shipped: string[] = []
      for await (const row of scan.rows()) {
        sums.count++
        sums.keys += row['l_orderkey'] as bigint
        sums.cents += BigInt((row['l_extendedprice'] as string).replace('.', ''))
        sums.length += (row['l_comment'] as string).length
        shipped.push(row['l_shipdate'] as string)
      }
      expect(sums).toEqual({ count, keys, cents, length })
      const dates = shipped.toSorted()
      expect([dates[0], dates.at(-1)]).toEqual(['1992-01-04', '1998-11-29'])
    },
  )

  it('files by PyIceberg', async () => {
    const metadataFile = '00001-19739cda-f528-4429-84cc-377ffdd24c75.metadata.json'
    const scan = await open('expression_filter', metadataFile, { where: "value like 'ba%'" })
    expect(await collect(scan.rows())).toEqual([
      { id: 2n, value: 'bar' },
      { id: 3n, value: 'baz' },
    ])
  })
})

describe('files without field ids (name_mapping)', () => {
  const read = async (version: string, options?: ScanOptions): Promise<Row[]> =>
    collect((await open('name_mapping', `${version}.metadata.json`, options)).rows())

  it('are read by the names of the mapping, and pruned by it', async () => {
    expect(await read('v3', { where: 'a >= 0 and a < 3 and b > 240' })).toEqual([
      { a: 0, b: 250n },
      { a: 2, b: 656n },
    ])
    const all = await open('name_mapping', 'v7.metadata.json')
    expect(await all.count()).toBe(10_000n)
    const numbers = (await collect(all.rows())).map((row) => Number(row['a']))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
    // Field 3 has the name that the dropped field 2 had, and the mapping says that it is the same column.
    expect(await read('v5', { where: 'a = 0' })).toEqual([{ a: 0, b: 250n }])
    const none = await open('name_mapping', 'v3.metadata.json', { where: 'a > 1000000' })
    const { tasks } = await none.plan({ rowGroups: true })
    expect(tasks.flatMap((task) => task.rowGroups)).toEqual([])
  })

  it('have nulls in columns that the mapping leaves out', async () => {
    expect(await read('v3.1', { where: 'a < 2' })).toEqual([
      { a: 0, b: null },
      { a: 1, b: null },
    ])
    expect(await read('v3.2', { select: ['b'], limit: 1 })).toEqual([{ b: null }])
    await expect(read('v3.2')).rejects.toThrow('column "a": it is required, but not in the file')
  })

  it('ask for a readable mapping', async () => {
    await expect(read('v2')).rejects.toThrow('schema.name-mapping.default: expected an array, found an object')
  })
})

describe('deletes by other writers', () => {
  const people = (...ids: readonly number[]): unknown[] =>
    ids.map((id) => ({ id, name: String.fromCodePoint(96 + id), bir: `2025-01-0${id}` }))

  it('equality deletes, snapshot by snapshot', async () => {
    const read = async (asOf?: bigint): Promise<unknown[]> => {
      const scan = await open('equality_deletes/warehouse/mydb/mytable', 'v7.metadata.json', { asOf })
      const rows = await collect(scan.rows())
      expect(await scan.count()).toBe(BigInt(rows.length))
      return byKey(rows)
    }
    expect(await read(853766660775201079n)).toEqual(people(1, 2, 3, 4))
    expect(await read(3340507003387467420n)).toEqual(people(4, 5, 6))
    expect(await read()).toEqual(people(4, 5))
  })

  it('equality deletes of partitions', async () => {
    const folder = 'equality_deletes/warehouse/mydb/mytable_partitioned'
    const scan = await open(folder, 'v6.metadata.json')
    expect(byKey(await collect(scan.rows()))).toEqual(people(1, 4, 5))
    expect(await scan.plan()).toMatchObject({ files: { planned: 6 }, deleteFiles: { total: 3, planned: 3 } })
    const one = await open(folder, 'v6.metadata.json', { where: "name = 'b'", select: ['id', '_deleted'] })
    expect(await collect(one.rows())).toEqual([{ id: 2, _deleted: true }])
    expect(await one.plan()).toMatchObject({
      deleteManifests: { total: 3, read: 1 },
      deleteFiles: { total: 3, planned: 1 },
    })
  })

  it('a deletion vector outside of a Puffin file', async () => {
    const scan = await open('legacy_bare_deletion_vector', '00002-legacy-bare-dv.metadata.json')
    const rows = [1n, 3n].map((id) => ({ id, source: 'legacy' }))
    expect(await collect(scan.rows())).toEqual(rows)
    expect(await scan.count()).toBe(2n)
  })
})
