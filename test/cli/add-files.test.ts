import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parquetOf } from '../table/external-files.ts'
import { fakeCli, input } from './fake-host.ts'
import type { FakeCli } from './fake-host.ts'

async function file(
  cli: FakeCli,
  path: string,
  rows: readonly object[],
  columns: Record<string, string>,
): Promise<void> {
  await mkdir(dirname(join(cli.folder, path)), { recursive: true })
  await writeFile(join(cli.folder, path), await parquetOf(columns, rows))
}

describe('add-files', () => {
  it('makes a table of a Hive-partitioned folder as it lies', async () => {
    const cli = await fakeCli()
    await file(cli, 'in/x=1/hive/day=2001-02-03/code=01/1.parquet', [{ id: 1 }], { id: 'int' })
    await file(cli, 'in/x=1/hive/day=2001-02-04/code=__HIVE_DEFAULT_PARTITION__/2.parquet', [{ id: 2, n: 'b' }], {
      id: 'long',
      n: 'string',
    })
    const dry = await cli.run(['add-files', 'a.t', 'in/x=1/hive', '--create', '--hive', '--dry-run'])
    expect(dry).toMatchObject({ code: 0, stderr: '' })
    expect(dry.stdout).toMatch(
      /^would add to a\.t: 2 rows in 2 files.*\nday=2001-02-03\/code=01 {2}file:.*1\.parquet\n/,
    )
    expect(await cli.run(['ls'])).toMatchObject({ stdout: expect.stringMatching(/no namespaces/) as string })
    const added = await cli.run(['add-files', 'a.t', 'in/x=1/hive', '--create', '--hive', '--json'])
    expect(added.json).toMatchObject([{ identifier: 'a.t', created: true, rows: '2', files: 2 }])
    expect((await cli.run(['scan', 'a.t', '--format', 'ndjson'])).json).toEqual([
      { id: 1, n: null, day: '2001-02-03', code: '01' },
      { id: 2, n: 'b', day: '2001-02-04', code: null },
    ])
    const [described] = (await cli.run(['describe', 'a.t', '--json'])).json
    expect(described).toMatchObject({
      partitionSpec: { fields: [{ name: 'day', transform: 'identity' }, { name: 'code' }] },
    })
    expect(await cli.run(['count', 'a.t', '--where', "day = '2001-02-04'"])).toMatchObject({ stdout: '1\n' })
    const again = await cli.run(['add-files', 'a.t', 'in/x=1/hive', '--create', '--hive'])
    expect(again).toMatchObject({ code: 4, stdout: '' })
    expect(again.stderr).toMatch(/1\.parquet is in a\.t already: leave it out, or allow duplicates/)
    expect(await cli.run(['add-files', 'a.t', 'in/x=1/hive', '--allow-duplicates'])).toMatchObject({ code: 0 })
    expect(await cli.run(['count', 'a.t'])).toMatchObject({ stdout: '4\n' })
  })

  it('adds to a table, with the partition given', async () => {
    const cli = await fakeCli()
    await cli.run(['append', 'a.t', '-', '--create', '--partition-by', 'p'], input('{"id":1,"p":"x"}\n'))
    await file(cli, 'one.parquet', [{ id: 2 }], { id: 'long' })
    const ran = await cli.run(['add-files', 'a.t', 'one.parquet', '--partition', 'p=y'])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toMatch(/^added to a\.t: 1 row in 1 file, \d+ B\nsnapshot \d+\n$/)
    expect(await cli.run(['count', 'a.t', '--where', "p = 'y'"])).toMatchObject({ stdout: '1\n' })
  })

  it.each([
    [['a.t', 'one.parquet'], 3, /no namespace a|no table a\.t/],
    [['a.t', 'missing', '--create'], 3, /missing does not exist/],
    [['a.t', 'one.parquet', '--create', '--partition', 'p'], 2, /--partition takes KEY=VALUE/],
    [['a.t', 'one.parquet', '--create', '--partition', 'p=1'], 2, /no partition field "p"/],
    [['a.t', 'note.txt', '--create'], 9, /note\.txt: /],
    [['a.t', 'one.parquet', 'two.parquet', '--create'], 2, /column "id" is long in .*one\.parquet and string in/],
    [['a.t', 'one.parquet', 's3://b/two.parquet', '--create'], 10, /cannot be reached from the table's store/],
  ])('%j is an error that leaves nothing', async (args, code, message) => {
    const cli = await fakeCli()
    await file(cli, 'one.parquet', [{ id: 1 }], { id: 'long' })
    await file(cli, 'two.parquet', [{ id: 'x' }], { id: 'string' })
    await writeFile(join(cli.folder, 'note.txt'), 'this is no Parquet file')
    const ran = await cli.run(['add-files', ...args])
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toMatch(message)
    expect((await cli.run(['ls'])).stdout).toMatch(/no namespaces/)
  })
})
