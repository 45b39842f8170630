/** What a table is made of, on the command line: of tables in a warehouse, and of tables of other engines in place. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fakeCli, run } from './fake-host.ts'
import type { FakeCli } from './fake-host.ts'
import { input } from './fake-host.ts'

const FOREIGN = join(import.meta.dirname, '../fixtures/duckdb/equality_deletes/warehouse/mydb/mytable_partitioned')

async function flights(): Promise<FakeCli> {
  const cli = await fakeCli()
  const layout = ['--create', '--schema', 'id long not null, at timestamp', '--partition-by', 'month(at)']
  for (const month of ['01', '02', '02']) {
    const row = input(`{"id":1,"at":"2026-${month}-05T00:00:00"}\n`)
    expect(await cli.run(['append', 'a.t', ...layout], row)).toMatchObject({ code: 0, stderr: '' })
  }
  return cli
}

describe('partitions', () => {
  it('are counted', async () => {
    const cli = await flights()
    const [first] = (await cli.run(['snapshots', 'a.t', '--json'])).json
    const none = { positionDeleteFiles: 0, deletionVectors: 0, equalityDeleteFiles: 0 }
    const january = { partition: { at_month: '2026-01' }, specId: 0, dataFiles: 1, rows: '1', ...none }
    const february = { partition: { at_month: '2026-02' }, specId: 0, dataFiles: 2, rows: '2', ...none }
    const all = (await cli.run(['partitions', 'a.t', '--json'])).json
    expect(all).toHaveLength(2)
    expect(all).toEqual(expect.arrayContaining([january, february].map((each) => expect.objectContaining(each))))
    const old = await cli.run(['partitions', 'a.t', '--as-of', String(first?.['snapshotId']), '--json'])
    expect(old.json).toMatchObject([january])
  })

  it('of a table of Spark have their deletes', async () => {
    const { json } = await run(['partitions', FOREIGN, '--json'])
    const deletes = json.filter((each) => each['equalityDeleteFiles'] !== 0)
    expect(deletes.map((each) => each['partition'])).toEqual(
      expect.arrayContaining([{ name: 'b' }, { name: 'c' }, { name: 'f' }]),
    )
  })
})

describe('manifests', () => {
  it('are listed with what they hold', async () => {
    const cli = await flights()
    const { json } = await cli.run(['manifests', 'a.t', '--json'])
    expect(json).toHaveLength(3)
    const counts = { files: { added: 1, existing: 0, deleted: 0 }, rows: { added: '1', existing: '0', deleted: '0' } }
    for (const manifest of json) expect(manifest).toMatchObject({ content: 'data', specId: 0, ...counts })
    expect((await cli.run(['manifests', 'a.t'])).stdout).toMatch(/^data +0 +1 +0 +0 +1 .* metadata\/.*-m0\.avro$/m)
  })
})

describe('history and refs', () => {
  it('tell what was current when, and what is kept', async () => {
    const cli = await flights()
    const { json } = await cli.run(['history', 'a.t', '--json'])
    expect(json.map((entry) => entry['isCurrentAncestor'])).toEqual([true, true, true])
    expect(json[1]).toMatchObject({ parentSnapshotId: json[0]?.['snapshotId'], operation: 'append' })
    expect((await cli.run(['refs', 'a.t', '--json'])).json).toEqual([
      expect.objectContaining({ name: 'main', type: 'branch', snapshotId: json[2]?.['snapshotId'] }),
    ])
  })
})

describe('schema', () => {
  it('is text, or the JSON that create takes', async () => {
    const cli = await flights()
    expect((await cli.run(['schema', 'a.t'])).stdout).toMatch(/^ 1 {2}id {6}long not null$/m)
    const { json, stdout } = await cli.run(['schema', 'a.t', '--json'])
    expect(json[0]).toMatchObject({ type: 'struct', 'schema-id': 0 })
    expect(await cli.run(['create', 'a.u', '--schema', stdout])).toMatchObject({ code: 0 })
    expect((await cli.run(['schema', 'a.u', '--json'])).json).toEqual(json)
  })

  it('of every state of a table', async () => {
    const spark = join(import.meta.dirname, '../fixtures/duckdb/name_mapping/warehouse_1/mydb/t1')
    const all = await run(['schema', spark, '--all', '--json'])
    expect(new Set(all.json.map((each) => each['schema-id'])).size).toBe(all.json.length)
    expect(all.json.length).toBeGreaterThan(1)
    expect(await run(['schema', spark, '--all', '--as-of', 'main'])).toMatchObject({ code: 2 })
  })
})

describe('files --hist', () => {
  it('counts files by size', async () => {
    const cli = await flights()
    const [hist] = (await cli.run(['files', 'a.t', '--hist', '--json'])).json
    expect(hist).toMatchObject({ files: 3, smallFiles: 3, targetFileSizeBytes: 512 * 2 ** 20 })
    const buckets = (hist?.['buckets'] ?? []) as { files: number; rows: string }[]
    expect(buckets[0]).toMatchObject({ files: 3, rows: '3', fromBytes: 0, toBytes: 2 ** 20 })
    expect(buckets.at(-1)).toMatchObject({ files: 0, toBytes: null })
    expect((await cli.run(['files', 'a.t', '--hist'])).stdout).toMatch(/3 smaller than ¾ of the target of 512 MiB\n$/)
  })
})
