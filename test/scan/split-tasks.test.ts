import { describe, expect, it } from 'vitest'
import { InvalidDataError, ValidationError } from '../../src/base/errors.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import { fileOf, flights, range, scan, SCHEMA } from './flights-fixture.ts'
import { TableFixture, collect, collectSplits } from './table-fixture.ts'

async function oneFile(): Promise<TableFixture> {
  const table = new TableFixture(SCHEMA)
  await table.append([[fileOf(0, 100, { rowGroupRows: 10 })]])
  return table
}

describe('splits', () => {
  it('cut a file between row groups', async () => {
    const table = await oneFile()
    const splits = await collect(scan(table).planSplits({ splitSizeBytes: 1 }))
    expect(splits).toHaveLength(10)
    const [third] = splits.slice(2, 3)
    if (third === undefined) throw new Error('no split')
    const ids: unknown[] = []
    for await (const batch of scan(table, { select: ['id', '_pos'] }).readSplit(third)) {
      for (const row of batch) ids.push([row?.['id'], row?.['_pos']])
    }
    expect(ids).toEqual(range(20, 30).map(({ id }) => [id, id]))
    expect(await collectSplits(table.source(), {}, 1)).toEqual(range(0, 100))
  })

  it('cut files whose row groups no metadata tells', async () => {
    const table = new TableFixture(SCHEMA)
    await table.append([[fileOf(0, 100, { rowGroupRows: 10, override: { splitOffsets: undefined } })]])
    const splits = await collect(scan(table).planSplits({ splitSizeBytes: 3000 }))
    expect(splits.length).toBeGreaterThan(1)
    expect(await collectSplits(table.source(), {}, 3000)).toEqual(range(0, 100))
  })

  it('have the positions of rows where no column is read', async () => {
    const table = await oneFile()
    const rows = await collectSplits(table.source(), { select: ['_pos'] }, 1)
    expect(rows).toEqual(Array.from({ length: 100 }, (_, position) => ({ _pos: BigInt(position) })))
  })

  it('take small files together, each for what opening it costs', async () => {
    const table = await flights()
    expect(await collect(scan(table).planSplits())).toMatchObject([{ files: 3 }])
    table.metadata = { ...table.metadata, properties: { 'read.split.target-size': '9000000' } }
    expect(await collect(scan(table).planSplits())).toMatchObject([{ files: 2 }, { files: 1 }])
  })

  it('are of one snapshot, and of scans without a limit', async () => {
    const table = await oneFile()
    const [split] = await collect(scan(table).planSplits())
    if (split === undefined) throw new Error('no split')
    const { snapshot } = scan(table)
    await table.append([[fileOf(100, 101)]])
    expect(() => scan(table).readSplit(split)).toThrow(ValidationError)
    const pinned = new TableScan(table.source(), { asOf: { snapshotId: snapshot?.snapshotId ?? 0n } })
    let rows = 0
    for await (const batch of pinned.readSplit(split)) rows += batch.numRows
    expect(rows).toBe(100)
    await expect(collect(scan(table, { limit: 3 }).planSplits())).rejects.toThrow(ValidationError)
    await expect(collect(scan(table).planSplits({ splitSizeBytes: 0 }))).rejects.toThrow(ValidationError)
    for (const text of [
      '',
      '{}',
      split.text.replace('"version":1', '"version":2'),
      split.text.replace('"parquet"', '"csv"'),
    ])
      expect(() => pinned.readSplit({ text })).toThrow(InvalidDataError)
  })
})
