import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fakeCli, input } from './fake-host.ts'
import type { FakeCli } from './fake-host.ts'

async function withTable(): Promise<FakeCli> {
  const cli = await fakeCli()
  const rows = '{"id":1,"n":"a,b"}\n{"id":2,"n":null}\n{"id":9007199254740993,"n":"c"}\n'
  await cli.run(['append', 'a.t', '-', '--create', '--schema', 'id long, n string'], input(rows))
  return cli
}

describe('export', () => {
  it('writes rows to files by their names, which can be imported again', async () => {
    const cli = await withTable()
    const text = async (file: string): Promise<string> => readFile(join(cli.folder, file), 'utf8')
    const [csv] = (await cli.run(['export', 'a.t', '--to', 'out/t.csv', '--json'])).json
    expect(csv).toMatchObject({ identifier: 'a.t', format: 'csv', rows: '3', sizeBytes: 35 })
    expect(await text('out/t.csv')).toBe('id,n\n1,"a,b"\n2,\n9007199254740993,c\n')
    await cli.run(['export', 'a.t', '--to', 'out/t.ndjson', '--where', 'id < 3', '--select', 'n'])
    expect(await text('out/t.ndjson')).toBe('{"n":"a,b"}\n{"n":null}\n')
    const ran = await cli.run(['export', 'a.t', '--to', 'out/t.parquet', '--limit', '2'])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.stdout).toMatch(/^exported a\.t to file:.*\/out\/t\.parquet: 2 rows, \d+/)
    await cli.run(['import', 'b.t', 'out/t.parquet'])
    expect((await cli.run(['scan', 'b.t', '--format', 'ndjson'])).json).toEqual([
      { id: 1, n: 'a,b' },
      { id: 2, n: null },
    ])
    expect((await readdir(join(cli.folder, 'out'))).toSorted()).toEqual(['t.csv', 't.ndjson', 't.parquet'])
  })

  it('writes an empty file for no rows, and replaces one only when told to', async () => {
    const cli = await withTable()
    const none = ['export', 'a.t', '--where', 'id < 0', '--to', 'none.csv']
    expect(await cli.run(none)).toMatchObject({ code: 0 })
    expect(await cli.run(none)).toMatchObject({ code: 4, stdout: '' })
    expect(await cli.run([...none, '--overwrite'])).toMatchObject({ code: 0 })
    expect(await readFile(join(cli.folder, 'none.csv'), 'utf8')).toBe('id,n\n')
  })

  it('leaves no file where it fails or is interrupted', async () => {
    const cli = await withTable()
    const files = await readdir(cli.folder, { recursive: true })
    const data = files.find((file) => file.endsWith('.parquet'))
    const { rm } = await import('node:fs/promises')
    await rm(join(cli.folder, data ?? ''))
    const ran = await cli.run(['export', 'a.t', '--to', 'broken.csv'])
    expect(ran.code).toBe(9)
    expect(await readdir(cli.folder)).toEqual(['lake'])
  })

  it('copies a table with its history', async () => {
    const cli = await withTable()
    await cli.run(['append', 'a.t', '-'], input('{"id":4}\n'))
    const [copy] = (await cli.run(['export', 'a.t', '--to', 'copy', '--format', 'iceberg', '--json'])).json
    expect(copy).toMatchObject({ identifier: 'a.t', snapshots: 2, files: 2 })
    expect(await cli.run(['count', String(copy?.['metadataLocation'])])).toMatchObject({ stdout: '4\n' })
    expect(await cli.run(['count', './copy'])).toMatchObject({ stdout: '4\n' })
    expect(await cli.run(['export', 'a.t', '--to', 'x', '--format', 'iceberg', '--limit', '1'])).toMatchObject({
      code: 2,
    })
  })

  it.each([
    [['a.t'], 2, /say where to: --to FILE/],
    [['a.t', '--to', 'x.doc'], 2, /give --format parquet, csv, ndjson, iceberg/],
    [['a.t', '--to', 'x', '--format', 'avro'], 2, /--format is one of/],
    [['a.u', '--to', 'x.csv'], 3, /no table a\.u/],
    [['a.t', '--to', 'x.csv', '--where', 'nr = 1'], 2, /no column "nr"/],
  ])('%j is an error', async (args, code, message) => {
    const cli = await withTable()
    const ran = await cli.run(['export', ...args])
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toMatch(message)
    expect(await readdir(cli.folder)).toEqual(['lake'])
  })
})

describe('catalog copy', () => {
  it('copies all tables, or those named, and goes on', async () => {
    const cli = await withTable()
    await cli.run(['append', 'b.u', '-', '--create'], input('{"id":1}\n'))
    const one = await cli.run(['catalog', 'copy', './lake', './other', 'a.t', '--json'])
    expect(one).toMatchObject({ code: 0, stderr: '' })
    expect(one.json).toMatchObject([{ identifier: 'a.t', outcome: 'copied', files: 1 }])
    const all = await cli.run(['catalog', 'copy', './lake', './other', '--json'])
    expect(all.json.map(({ identifier, outcome }) => [identifier, outcome])).toEqual([
      ['a.t', 'present'],
      ['b.u', 'copied'],
    ])
    expect(await cli.run(['count', 'a.t', '-w', './other'])).toMatchObject({ stdout: '3\n' })
    expect((await cli.run(['catalog', 'copy', './lake', './other'])).stdout).toMatch(
      /^table +outcome +files\na\.t +there already/,
    )
    expect(await cli.run(['catalog', 'copy', './lake', './lake'])).toMatchObject({ code: 2 })
    expect(await cli.run(['catalog', 'copy', './lake', './other', 'a.x'])).toMatchObject({ code: 3 })
  })
})
