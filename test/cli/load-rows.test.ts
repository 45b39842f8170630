import { mkdir, readdir, symlink, writeFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { fakeCli, input } from './fake-host.ts'
import type { FakeCli, Ran } from './fake-host.ts'

const ndjson = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const write = (cli: FakeCli, name: string, text: string): Promise<void> => writeFile(join(cli.folder, name), text)

/** A Parquet file of these rows: a data file of a table of its own. */
async function writeParquet(cli: FakeCli, name: string, rows: readonly object[], schema: string): Promise<void> {
  const made = await cli.run(
    ['append', `made.t${name.replace(/\W/g, '')}`, '--create', '--schema', schema],
    input(ndjson(rows)),
  )
  expect(made).toMatchObject({ code: 0, stderr: '' })
  const { json } = await cli.run(['files', `made.t${name.replace(/\W/g, '')}`, '--json'])
  await symlink(new URL(String(json[0]?.['path'])), join(cli.folder, name))
}

async function rowsOf(cli: FakeCli, table: string): Promise<readonly object[]> {
  const ran = await cli.run(['scan', table])
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  return ran.json
}

async function snapshots(cli: FakeCli, table: string): Promise<number> {
  return (await cli.run(['snapshots', table, '--json'])).json.length
}

describe('import', () => {
  it('makes a table of files of all formats, in one commit', async () => {
    const cli = await fakeCli()
    await write(cli, 'a.csv', 'id,name\n1,one\n2,\n')
    await write(cli, 'b.json', '[{"id": 3, "name": "three"}]')
    await write(cli, 'c.jsonl', '{"id": 4}\n{"name": "five", "id": 5}\n')
    await writeParquet(cli, 'd.parquet', [{ id: 6, name: 'six' }], 'id int, name string')
    const ran = await cli.run(['import', 'app.t', 'a.csv', 'b.json', 'c.jsonl', 'd.parquet', '--json'])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(ran.json).toMatchObject([
      { identifier: 'app.t', created: true, rows: '6', files: 1, snapshotId: expect.stringMatching(/^\d+$/) as string },
    ])
    expect(await snapshots(cli, 'app.t')).toBe(1)
    expect(await rowsOf(cli, 'app.t')).toEqual([
      { id: 1, name: 'one' },
      { id: 2, name: null },
      { id: 3, name: 'three' },
      { id: 4, name: null },
      { id: 5, name: 'five' },
      { id: 6, name: 'six' },
    ])
    expect((await cli.run(['describe', 'app.t'])).stdout).toMatch(/ 1 {2}id {6}long\n 2 {2}name {4}string\n$/)
  })

  it('widens types over files, and names those that no type holds', async () => {
    const cli = await fakeCli()
    await write(cli, 'a.csv', 'n,x\n1,1\n')
    await write(cli, 'b.csv', 'n,y\n1.5,2001-01-01\n')
    await write(cli, 'c.csv', 'n\ntrue\n')
    await writeParquet(cli, 'd.parquet', [{ n: 1.5 }], 'n float')
    await writeParquet(cli, 'e.parquet', [{ n: 7 }], 'n int')
    expect(await cli.run(['import', 'app.wide', 'e.parquet', 'd.parquet', 'b.csv'])).toMatchObject({ code: 2 })
    const ran = await cli.run(['import', 'app.t', 'd.parquet', 'b.csv', '--json'])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(await rowsOf(cli, 'app.t')).toEqual([
      { n: 1.5, y: null },
      { n: 1.5, y: '2001-01-01' },
    ])
    const refused = await cli.run(['import', 'app.u', 'a.csv', 'c.csv'])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toBe(
      'firn: column "n" is long in a.csv and boolean in c.csv: give the columns by --schema\n',
    )
    expect(await cli.run(['describe', 'app.u'])).toMatchObject({ code: 3 })
  })

  it('adds to a table that exists, by its layout', async () => {
    const cli = await fakeCli()
    await write(cli, 'a.csv', 'id,day\n1,2026-01-01\n')
    const layout = [
      '--partition-by',
      'month(day)',
      '--sort-by',
      'id desc',
      '--property',
      'a=b',
      '--schema',
      'id long, day date',
    ]
    for (const [created, count] of [
      [true, '1'],
      [false, '2'],
    ]) {
      const ran = await cli.run(['import', 'app.t', 'a.csv', ...layout, '--json'])
      expect(ran.json).toMatchObject([{ created, rows: '1' }])
      expect((await cli.run(['count', 'app.t', '--json'])).json).toEqual([{ count }])
    }
    expect(await cli.run(['import', 'app.t', 'a.csv'])).toMatchObject({ code: 0 })
  })

  it.each([
    [['--partition-by', 'year(day)'], /app\.t exists with --partition-by month\(day\): leave --partition-by out/],
    [['--partition-by', 'month(dya)'], /no column "dya": did you mean "day"/],
    [['--sort-by', 'id'], /exists with --sort-by \(none\)/],
    [['--format-version', '3'], /exists with --format-version 2/],
    [['--schema', 'id long'], /exists with --schema struct<id: long, day: date>: leave --schema out/],
    [['--property', 'a=b'], /exists with --property a=\(unset\)/],
  ])('refuses %j for a table of another layout', async (options, message) => {
    const cli = await fakeCli()
    await write(cli, 'a.csv', 'id,day\n1,2026-01-01\n')
    await cli.run(['import', 'app.t', 'a.csv', '--partition-by', 'month(day)'])
    const ran = await cli.run(['import', 'app.t', 'a.csv', ...options])
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(message)
    expect(await snapshots(cli, 'app.t')).toBe(1)
  })

  it('makes the table once where several make it at a time', async () => {
    const cli = await fakeCli()
    const runs = Array.from({ length: 4 }, (_, id) =>
      cli.run(['append', 'app.t', '--create', '--json'], input(ndjson([{ id }]))),
    )
    const ran = await Promise.all(runs)
    expect(ran.map(({ code, stderr }) => ({ code, stderr }))).toEqual(ran.map(() => ({ code: 0, stderr: '' })))
    expect(await rowsOf(cli, 'app.t')).toHaveLength(4)
    expect(await snapshots(cli, 'app.t')).toBe(4)
  })

  it('reads types and values as the rows have them', async () => {
    const cli = await fakeCli()
    const row = {
      id: 9_007_199_254_740_993n,
      zip: '00501',
      at: '2026-01-31T12:00:00Z',
      tags: ['a'],
      place: { lat: 1.5 },
    }
    const text = JSON.stringify({ ...row, id: 0 }).replace('"id":0', `"id":${row.id}`)
    expect(await cli.run(['append', 'app.t', '--create'], input(text))).toMatchObject({ code: 0, stderr: '' })
    expect(await rowsOf(cli, 'app.t')).toEqual([{ ...row, id: String(row.id), at: '2026-01-31T12:00:00+00:00' }])
    const copied = await cli.run(['append', 'app.t'], input((await cli.run(['scan', 'app.t'])).stdout))
    expect(copied).toMatchObject({ code: 0, stderr: '' })
    expect(await snapshots(cli, 'app.t')).toBe(2)
  })

  it('makes an empty table of a file without rows that has columns', async () => {
    const cli = await fakeCli()
    await writeParquet(cli, 'a.parquet', [{ id: 1 }], 'id int')
    await write(cli, 'none.ndjson', '')
    const ran = await cli.run(['import', 'app.t', 'none.ndjson', '--schema', 'id long', '--json'])
    expect(ran.json).toMatchObject([{ created: true, rows: '0', files: 0, snapshotId: null }])
    expect((await cli.run(['append', 'app.t', 'none.ndjson'])).stdout).toMatch(/0 rows .*\nno rows, so no snapshot\n/)
    const refused = await cli.run(['import', 'app.u', 'none.ndjson'])
    expect(refused).toMatchObject({
      code: 2,
      stderr: 'firn: none.ndjson: no rows to tell columns from: give --schema\n',
    })
  })
})

describe('bad input', () => {
  it.each([
    ['append', 'nope.ndjson', 3, /no file nope\.ndjson/],
    ['append', 'folder', 2, /folder is a folder: name the files in it, folder\/\*\.parquet/],
    ['append', 'text.xyz', 2, /text\.xyz: its name does not tell what it is: give --format parquet, csv, ndjson, json/],
    ['append', 'garbage.parquet', 9, /garbage\.parquet: not a Parquet file/],
    ['append', 'empty.parquet', 9, /empty\.parquet: too short for a Parquet file/],
    ['append', 'cut.parquet', 9, /cut\.parquet: /],
    ['append', 'garbage.ndjson', 2, /garbage\.ndjson, line 1: not valid JSON/],
    ['append', 'ragged.csv', 2, /ragged\.csv, line 3/],
    ['append', 'array.json', 2, /array\.json, line 1: expected an array of objects/],
    ['append', 's3://', 2, /not of the form s3:\/\/bucket\/key/],
    ['append', 'ftp://x/y.csv', 10, /no store for "ftp:"/],
  ])('%s %s', async (verb, file, code, message) => {
    const cli = await fakeCli()
    await cli.run(['create', 'app.t', '--schema', 'id long, name string'])
    await mkdir(join(cli.folder, 'folder'))
    await writeParquet(cli, 'cut.parquet', [{ id: 1 }], 'id int')
    await truncate(join(cli.folder, 'cut.parquet'), 100)
    for (const name of ['text.xyz', 'garbage.parquet', 'garbage.ndjson']) await write(cli, name, 'no such thing\n')
    await write(cli, 'empty.parquet', '')
    await write(cli, 'ragged.csv', 'id,name\n1,a\n2\n')
    await write(cli, 'array.json', '[1]')
    const ran = await cli.run([verb, 'app.t', file])
    expect(ran.stderr).toMatch(message)
    expect(ran.stderr.trim().split('\n')).toHaveLength(1)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(await snapshots(cli, 'app.t')).toBe(0)
    expect(await cli.run(['import', 'app.new', file])).toMatchObject({ code, stdout: '' })
    expect(await cli.run(['describe', 'app.new'])).toMatchObject({ code: 3 })
  })

  it.each([
    ['{"id":1}\n{"id":"x"}', /standard input: row 2, column "id": expected long, found "x"/, { row: 2, column: 'id' }],
    ['{"id":1}\n{"id":1.5}', /row 2, column "id": expected long, found 1\.5/, { expected: 'long' }],
    ['{"id":1}\n\n{"name":"a"}', /row 2, column "id": expected long \(required\), found null/, { found: 'null' }],
    ['{"id":1,"nam":"a"}', /row 1: the table has no column "nam"; its columns are id, name/, { column: 'nam' }],
    ['{"id":1,"name":5}', /row 1, column "name": expected string, found 5/, { found: '5' }],
    ['{"id":99999999999999999999}', /row 1, column "id": expected long/, { row: 1 }],
  ])('names row, column, value and type: %s', async (text, message, context) => {
    const cli = await fakeCli()
    await cli.run(['create', 'app.t', '--schema', 'id long not null, name string'])
    const ran = await cli.run(['append', 'app.t', '-', '--json'], input(text))
    const { error } = JSON.parse(ran.stderr) as { error: { message: string; context: object } }
    expect(error.message).toMatch(message)
    expect(error.context).toMatchObject({ file: 'standard input', ...context })
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(await snapshots(cli, 'app.t')).toBe(0)
  })

  it('counts rows by file', async () => {
    const cli = await fakeCli()
    await write(cli, 'a.csv', `id\n${'1\n'.repeat(10)}`)
    await write(cli, 'b.csv', 'id\n1\nx\n')
    const ran = await cli.run(['import', 'app.t', 'a.csv', 'b.csv', '--schema', 'id long'])
    expect(ran).toMatchObject({ code: 2, stderr: 'firn: b.csv: row 2, column "id": expected long, found "x"\n' })
    expect(await cli.run(['describe', 'app.t'])).toMatchObject({ code: 3 })
  })

  it('leaves neither table nor data file where a late row does not fit', async () => {
    const cli = await fakeCli()
    const rows = 200_000
    await write(cli, 'late.csv', `id,p\n${Array.from({ length: rows }, (_, i) => `${i},${i % 3}`).join('\n')}\nx,1\n`)
    const ran = await cli.run([
      'import',
      'app.t',
      'late.csv',
      '--partition-by',
      'p',
      '--property',
      'write.target-file-size-bytes=1',
    ])
    expect(ran.stderr).toBe(
      `firn: late.csv: row ${rows + 1}, column "id": expected long, found "x"; types were told from the first 10,000 rows: give --schema\n`,
    )
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(await cli.run(['describe', 'app.t'])).toMatchObject({ code: 3 })
    expect(await cli.run(['ls', '--json'])).toMatchObject({ code: 0, stdout: '' })
    const files = await readdir(join(cli.folder, 'lake'), { recursive: true })
    expect(files.filter((file) => file.endsWith('.parquet'))).toEqual([])
    // The name is free.
    expect(await cli.run(['import', 'app.t', 'late.csv', '--schema', 'id string, p int'])).toMatchObject({ code: 0 })
  })

  it('shows no table before all rows are there', async () => {
    const cli = await fakeCli()
    const stdin = new PassThrough()
    const failing = cli.run(['append', 'app.t', '--create'], { stdin })
    stdin.write(ndjson(Array.from({ length: 200_000 }, (_, id) => ({ id }))))
    expect(await cli.run(['describe', 'app.t'])).toMatchObject({ code: 3 })
    expect(await cli.run(['append', 'app.t', '-', '--create'], input('{"id":1}'))).toMatchObject({ code: 0 })
    stdin.end('{"id":"x"}')
    expect(await failing).toMatchObject({ code: 2, stdout: '' })
    expect(await rowsOf(cli, 'app.t')).toEqual([{ id: 1 }])
  })

  it('adds its files to a table that another process has made meanwhile', async () => {
    const cli = await fakeCli()
    await write(cli, 'a.csv', 'id\n1\n')
    const runs = await Promise.all([1, 2, 3].map(() => cli.run(['import', 'app.t', 'a.csv', '--json'])))
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(runs.map(() => ({ code: 0, stderr: '' })))
    expect(runs.flatMap(({ json }) => json.map((line) => line['created'])).filter(Boolean)).toHaveLength(1)
    expect(await rowsOf(cli, 'app.t')).toHaveLength(3)
  })

  it('does not make a missing table unless told to', async () => {
    const cli = await fakeCli()
    const ran = await cli.run(['append', 'app.t', '-'], input('{"id":1}'))
    expect(ran).toMatchObject({ code: 3, stdout: '' })
    expect(ran.stderr).toMatch(/no table app\.t: make it of these rows by --create or firn import/)
    expect(await cli.run(['describe', 'app.t'])).toMatchObject({ code: 3 })
  })

  it('asks for something on standard input', async () => {
    const cli = await fakeCli()
    const terminal = await cli.run(['append', 'app.t', '--create'], { stdinIsTty: true })
    expect(terminal).toMatchObject({ code: 2, stderr: expect.stringMatching(/nothing on standard input/) as string })
    const parquet = await cli.run(['append', 'app.t', '-', '--format', 'parquet'], input('PAR1'))
    expect(parquet).toMatchObject({ code: 2, stderr: expect.stringMatching(/give it as a file/) as string })
  })
})

describe('interruption', () => {
  async function interrupted(cli: FakeCli, argv: readonly string[], rows: number): Promise<Ran> {
    const stdin = new PassThrough()
    const controller = new AbortController()
    const running = cli.run(argv, { stdin, signal: controller.signal })
    for (let id = 0; id < rows; id += 1_000) {
      stdin.write(ndjson(Array.from({ length: 1_000 }, (_, i) => ({ id: id + i }))))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    controller.abort(new DOMException('interrupted', 'AbortError'))
    return running
  }

  it.each([0, 5_000, 100_000])('commits nothing of %d rows', async (rows) => {
    const cli = await fakeCli()
    await cli.run(['create', 'app.t', '--schema', 'id long'])
    const ran = await interrupted(cli, ['append', 'app.t'], rows)
    expect(ran).toMatchObject({ code: 130, stdout: '', stderr: 'firn: interrupted; nothing was changed\n' })
    expect(await snapshots(cli, 'app.t')).toBe(0)
  })

  it.each([0, 100_000])('leaves no table made of %d rows', async (rows) => {
    const cli = await fakeCli()
    const ran = await interrupted(cli, ['append', 'app.t', '--create'], rows)
    expect(ran).toMatchObject({ code: 130, stdout: '' })
    expect(await cli.run(['describe', 'app.t'])).toMatchObject({ code: 3 })
  })
})
