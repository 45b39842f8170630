/** TABLE as a location: what is read without a warehouse, and what needs a name. */
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fakeCli, run } from './fake-host.ts'
import type { Ran } from './fake-host.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/duckdb')
const HIVE = join(FIXTURES, 'hive_partitioned_table')
const firn = (...argv: string[]): Promise<Ran> => run(argv, { cwd: FIXTURES })

describe('a location in place of a name', () => {
  it.each([
    ['hive_partitioned_table/metadata/v4.metadata.json', '6'],
    ['./hive_partitioned_table/metadata/v3.metadata.json', '2'],
    [`${HIVE}/metadata/v4.metadata.json`, '6'],
    [`file://${HIVE}/metadata/v4.metadata.json`, '6'],
    [`file:${HIVE}/metadata/v4.metadata.json`, '6'],
    ['name_mapping/warehouse_1/mydb/t1/metadata/v7.metadata.json', '10,000'],
  ])('count %s', async (location, count) => {
    expect(await firn('count', location)).toMatchObject({ code: 0, stdout: `${count}\n`, stderr: '' })
  })

  it('is that of a folder too, and says what was taken', async () => {
    const reading = `firn: reading file://${HIVE}/metadata/v4.metadata.json\n`
    expect(await firn('count', 'hive_partitioned_table/')).toMatchObject({ stdout: '6\n', stderr: reading })
    expect(await run(['count', '.'], { cwd: HIVE })).toMatchObject({ stdout: '6\n', stderr: reading })
    const inFolder = { cwd: join(HIVE, 'metadata') }
    expect(await run(['count', 'v3.metadata.json'], inFolder)).toMatchObject({ stdout: '2\n', stderr: '' })
  })

  it('is taken by all commands that read', async () => {
    const at = 'hive_partitioned_table/metadata/v4.metadata.json'
    const where = ['--where', "event_date < '2024-01-03'"]
    expect((await firn('scan', at, ...where, '--select', 'user_id')).json).toEqual([
      { user_id: 67890 },
      { user_id: 12345 },
    ])
    expect((await firn('plan', at, ...where, '--json')).json).toMatchObject([{ files: { total: 6, planned: 2 } }])
    expect((await firn('snapshots', at, '--json')).json).toMatchObject([{ addedRows: '2' }, { totalRows: '6' }])
    expect((await firn('files', at, ...where)).stdout).toMatch(/ data\/event_date=2024-01-02\/\S+\.parquet\n/)
    expect(await firn('count', at, '--as-of', '2541674261311761067')).toMatchObject({ stdout: '2\n' })
  })

  it('is described with where it is read from', async () => {
    const at = 'hive_partitioned_table/metadata/v4.metadata.json'
    const { stdout } = await firn('describe', at)
    expect(stdout).toContain(`\nrelocated   data/persistent/hive_partitioned_table → file://${HIVE}\n`)
    const [json] = (await firn('describe', at, '--json')).json
    expect(json).toMatchObject({
      identifier: `file://${HIVE}/metadata/v4.metadata.json`,
      location: 'data/persistent/hive_partitioned_table',
      relocated: { from: 'data/persistent/hive_partitioned_table', to: `file://${HIVE}` },
    })
  })

  it.each([
    [['count', 'hive_partitioned_table/metadata/v9.metadata.json'], 3, /v9\.metadata\.json does not exist/],
    [['count', './nowhere'], 3, /no table at file:.*\/nowhere: there is no metadata file in/],
    [['count', 'hdfs://n/t/metadata/v1.metadata.json'], 10, /no store for "hdfs:"/],
    [['count', 'hive_partitioned_table/metadata/v4.metadata.json', '--no-relocate'], 9, /the relative location/],
    [['count', 'a.b', '--no-relocate'], 2, /--no-relocate goes with the location of a table/],
    [['count', 'hive_partitioned_table/metadata/v4.metadata.json', '--where', 'nope = 1'], 2, /no column "nope"/],
    [['append', './hive_partitioned_table', '-'], 2, /firn append takes a name, not a location: firn register/],
    [['drop', 's3://b/t/metadata/v1.metadata.json'], 2, /firn drop takes a name/],
    [
      ['scan', `${FIXTURES}/../iceberg-java/core/TableMetadataV2MissingSchemas.json`],
      9,
      /\$\.schemas: expected an array/,
    ],
  ])('%j is an error', async (argv, code, message) => {
    const ran = await firn(...argv)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toMatch(message)
  })
})

describe('a copied table', () => {
  it('is read from the copy, or with --no-relocate from where it was', async () => {
    const cli = await fakeCli()
    const { folder } = cli
    const lake = (argv: readonly string[]): Promise<Ran> => cli.run(argv)
    await lake(['create', 'a.t', '--schema', 'id long'])
    const source = join(folder, 'rows.ndjson')
    await writeFile(source, '{"id":1}\n')
    await lake(['append', 'a.t', source])
    const [before] = (await lake(['describe', 'a.t', '--json'])).json
    const original = new URL(String(before?.['location'])).pathname
    await cp(original, join(folder, 'copy'), { recursive: true })
    await rm(join(folder, 'copy/data'), { recursive: true })
    const elsewhere = { cwd: folder, env: {} }
    const ran = await run(['scan', './copy'], elsewhere)
    expect(ran).toMatchObject({ code: 9, stdout: '' })
    expect(ran.stderr).toMatch(/names a file that is not there: .*; the table is read from .*\/copy in place of file:/)
    expect((await run(['scan', './copy', '--no-relocate'], elsewhere)).json).toEqual([{ id: 1 }])
    await rm(original, { recursive: true })
    expect(await run(['scan', './copy', '--no-relocate'], elsewhere)).toMatchObject({ code: 9 })
  })
})

describe('names with slashes', () => {
  it('are quoted, as ls prints them', async () => {
    const cli = await fakeCli()
    const lake = (argv: readonly string[]): Promise<Ran> => cli.run(argv)
    expect(await lake(['create', '"a/b".t', '--schema', 'id long'])).toMatchObject({ code: 0 })
    expect((await lake(['ls', '"a/b"'])).stdout).toBe('table\n"a/b".t\n')
    expect(await lake(['count', '"a/b".t'])).toMatchObject({ stdout: '0\n' })
    expect(await lake(['create', 'a/b.t', '--schema', 'id long'])).toMatchObject({ code: 2 })
  })
})
