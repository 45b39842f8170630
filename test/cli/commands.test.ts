import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Writable } from 'node:stream'
import { input, run } from './fake-host.ts'
import type { Ran } from './fake-host.ts'

const ROWS = [
  { id: 1, at: '2026-01-05T00:00:00', origin: 'SFO', delay: 5, fare: 10.5 },
  { id: 2, at: '2026-01-06T00:00:00', origin: 'JFK', delay: -3, fare: null },
  { id: 3, at: '2026-02-07T12:30:00', origin: 'SFO', delay: 90, fare: 0.25 },
]
const SCHEMA = 'id long not null, at timestamp, origin string, delay int, fare double'
const ndjson = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

let folder = ''
const firn = (...argv: string[]): Promise<Ran> => run(argv, { cwd: folder, env: { FIRN_WAREHOUSE: 'lake' } })
/** The one JSON line of a command. */
async function json(...argv: string[]): Promise<Record<string, unknown>> {
  const ran = await firn(...argv, '--json')
  expect(ran).toMatchObject({ code: 0, stderr: '' })
  expect(ran.json).toHaveLength(1)
  return ran.json[0] ?? {}
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-cli-'))
  await writeFile(join(folder, 'flights.ndjson'), ndjson(ROWS))
  const layout = ['--schema', SCHEMA, '--partition-by', 'month(At)', '--sort-by', 'origin asc, delay desc']
  expect(await firn('import', 'travel.flights', 'flights.ndjson', ...layout)).toMatchObject({ code: 0, stderr: '' })
  const more = input(ndjson([{ id: 4, at: '2026-03-01T00:00:00', origin: 'BOS', delay: 61 }]))
  const appended = await run(['append', 'travel.flights'], { cwd: folder, env: { FIRN_WAREHOUSE: 'lake' }, ...more })
  expect(appended).toMatchObject({ code: 0, stderr: '' })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('count', () => {
  it.each([
    [[], '4'],
    [['--where', "delay > 60 and origin = 'SFO'"], '1'],
    [['--where', 'DELAY > 60'], '2'],
    [['--as-of', 'main'], '4'],
  ])('%j', async (options, count) => {
    expect(await json('count', 'travel.flights', ...options)).toEqual({ count })
    expect(await firn('count', 'travel.flights', ...options)).toMatchObject({ stdout: `${count}\n` })
  })

  it('travels in time by snapshot and by time', async () => {
    const [first] = (await firn('snapshots', 'travel.flights', '--json')).json
    expect(await json('count', 'travel.flights', '--as-of', String(first?.['snapshotId']))).toEqual({ count: '3' })
    expect(await json('count', 'travel.flights', '--as-of', String(first?.['timestamp']))).toEqual({ count: '3' })
  })

  it.each([
    [['--case-sensitive', '--where', 'DELAY > 60'], 2, /no column "DELAY": did you mean "delay"/],
    [['--where', 'dela > 60'], 2, /no column "dela": did you mean "delay"/],
    [['--where', 'delay >'], 2, /filter, position 8: expected a value[^\n]*\n {2}delay >\n {9}\^/],
    [['--where', "delay > 'late'"], 2, /column "delay": expected int, found "late"/],
    [['--as-of', '17'], 3, /no snapshot 17: the table has 2, from \d+/],
    [['--as-of', 'nope'], 3, /no branch or tag "nope"/],
    [['--as-of', '2020-01-01'], 3, /no snapshot as of 2020-01-01/],
  ])('refuses %j', async (options, code, message) => {
    const ran = await firn('count', 'travel.flights', ...options)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toMatch(message)
  })
})

describe('scan', () => {
  it('prints JSON lines where stdout is no terminal', async () => {
    const ran = await firn('scan', 'travel.flights', '--where', "origin = 'SFO'")
    expect(ran.json).toEqual([ROWS[0], ROWS[2]])
    expect(await firn('scan', 'travel.flights', '--where', "origin = 'SFO'", '--json')).toMatchObject({
      stdout: ran.stdout,
    })
  })

  it('prints the columns asked for in their order', async () => {
    const ran = await firn('scan', 'travel.flights', '--select', 'Delay, "id"', '--limit', '1', '--as-of', 'main')
    expect(Object.entries(ran.json[0] ?? {}).map(([name]) => name)).toEqual(['delay', 'id'])
    expect(ran.json).toHaveLength(1)
  })

  it('prints a JSON array', async () => {
    const ran = await firn('scan', 'travel.flights', '--format', 'json', '--select', 'id')
    expect(JSON.parse(ran.stdout)).toEqual([{ id: 4 }, { id: 2 }, { id: 1 }, { id: 3 }])
    const none = await firn('scan', 'travel.flights', '--format', 'json', '--where', 'id > 9')
    expect(JSON.parse(none.stdout)).toEqual([])
  })

  it('prints CSV that import takes', async () => {
    const ran = await firn('scan', 'travel.flights', '--format', 'csv')
    expect(ran.stdout).toMatch(/^id,at,origin,delay,fare\n4,2026-03-01T00:00:00,BOS,61,\n2,/)
    await writeFile(join(folder, 'copy.csv'), ran.stdout)
    expect(await json('import', 'travel.copy', 'copy.csv', '--schema', SCHEMA)).toMatchObject({ rows: '4' })
    expect((await firn('scan', 'travel.copy')).json).toEqual((await firn('scan', 'travel.flights')).json)
  })

  it('prints a table on a terminal', async () => {
    const host = { cwd: folder, env: { FIRN_WAREHOUSE: 'lake' }, columns: 60 }
    const ran = await run(['scan', 'travel.flights', '--where', 'delay < 60'], host)
    expect(ran.stdout).toBe(
      [
        'id  at                   origin  delay  fare',
        ' 2  2026-01-06T00:00:00  JFK        -3  null',
        ' 1  2026-01-05T00:00:00  SFO         5  10.5',
        '',
      ].join('\n'),
    )
    expect((await run(['scan', 'travel.flights', '--where', 'id > 9'], host)).stdout).toBe('no rows\n')
  })

  it('shows the first rows of many, and says so', async () => {
    const rows = Array.from({ length: 41 }, (_, n) => ({ n }))
    await writeFile(join(folder, 'many.ndjson'), ndjson(rows))
    await firn('import', 'travel.many', 'many.ndjson')
    const table = await firn('scan', 'travel.many', '--format', 'table')
    expect(table.stdout.split('\n')).toHaveLength(43)
    expect(table.stdout).toMatch(/\n39\n… the first 40 rows: --limit N shows more[^\n]*\n$/)
    const limited = await firn('scan', 'travel.many', '--format', 'table', '--limit', '41')
    expect(limited.stdout).toMatch(/\n40\n$/)
  })

  it('ends quietly when the reader closes the pipe', async () => {
    const closed = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('closed'), { code: 'EPIPE' })),
    })
    const ran = await run(['scan', 'travel.flights'], { cwd: folder, env: { FIRN_WAREHOUSE: 'lake' }, stdout: closed })
    expect(ran).toMatchObject({ code: 0, stderr: '' })
  })

  it('says when the output cannot be written', async () => {
    const full = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('no space'), { code: 'ENOSPC' })),
    })
    const ran = await run(['scan', 'travel.flights'], { cwd: folder, env: { FIRN_WAREHOUSE: 'lake' }, stdout: full })
    expect(ran.code).toBe(8)
    expect(ran.stderr).toMatch(/the disk of standard output is full/)
  })
})

describe('describe', () => {
  it('tells scripts what the table is', async () => {
    const described = await json('describe', 'travel.flights')
    expect(Object.keys(described)).toEqual([
      'identifier',
      'uuid',
      'location',
      'metadataLocation',
      'formatVersion',
      'currentSnapshotId',
      'schema',
      'partitionSpec',
      'sortOrder',
      'properties',
    ])
    expect(described).toMatchObject({
      identifier: 'travel.flights',
      formatVersion: 2,
      currentSnapshotId: expect.stringMatching(/^\d+$/) as string,
      schema: {
        type: 'struct',
        'schema-id': 0,
        fields: [{ id: 1, name: 'id', required: true, type: 'long' }, {}, {}, {}, {}],
      },
      partitionSpec: { fields: [{ name: 'at_month', transform: 'month', 'source-id': 2, 'field-id': 1000 }] },
      sortOrder: {
        fields: [
          { 'source-id': 3, direction: 'asc' },
          { 'source-id': 4, direction: 'desc' },
        ],
      },
    })
    const metadata = String(described['metadataLocation'])
    const file = JSON.parse(await readFile(new URL(metadata), 'utf8')) as Record<string, unknown>
    expect(file['table-uuid']).toBe(described['uuid'])
    expect(metadata).toContain(`${String(described['location'])}/metadata/`)
  })

  it('tells people', async () => {
    const { stdout } = await firn('describe', 'travel.flights')
    expect(stdout).toMatch(/^contents {4}4 rows in 3 files, [\d.]+ KB$/m)
    expect(stdout).toMatch(/^partitions {2}month\(at\)$/m)
    expect(stdout).toMatch(/^order {7}origin asc, delay desc$/m)
    expect(stdout).toMatch(/^ 1 {2}id {6}long not null$/m)
  })

  it('tells of an empty table', async () => {
    expect(await json('create', 'app.empty', '--schema', 'id long')).toMatchObject({ identifier: 'app.empty' })
    expect(await json('describe', 'app.empty')).toMatchObject({ currentSnapshotId: null })
    expect((await firn('describe', 'app.empty')).stdout).toMatch(/^contents +0 rows in 0 files, 0 B$/m)
    expect((await firn('snapshots', 'app.empty')).stdout).toBe('no snapshots: nothing was appended yet\n')
    expect((await firn('files', 'app.empty')).stdout).toBe('no files\n')
    expect(await json('count', 'app.empty')).toEqual({ count: '0' })
    expect((await firn('scan', 'app.empty')).stdout).toBe('')
    expect((await firn('plan', 'app.empty')).stdout).toMatch(/^snapshot +none/)
    expect(await json('drop', 'app.empty')).toEqual({ identifier: 'app.empty', dropped: true })
  })
})

describe('snapshots, files and plan', () => {
  it('list snapshots, oldest first', async () => {
    const { json: list } = await firn('snapshots', 'travel.flights', '--json')
    expect(list).toMatchObject([
      { parentSnapshotId: null, operation: 'append', addedRows: '3', totalRows: '3', refs: [] },
      {
        parentSnapshotId: list[0]?.['snapshotId'],
        addedRows: '1',
        totalRows: '4',
        refs: ['main'],
        sequenceNumber: '2',
      },
    ])
    for (const { snapshotId, timestamp, timestampMs } of list) {
      expect(snapshotId).toMatch(/^\d+$/)
      expect(new Date(String(timestamp)).getTime()).toBe(timestampMs)
    }
    expect((await firn('snapshots', 'travel.flights')).stdout).toMatch(/append +1 +4 +3 +[\d.]+ KB +main\n$/)
  })

  it('list files with their partitions', async () => {
    const { json: list } = await firn('files', 'travel.flights', '--json')
    const partitions = list.map(({ partition }) => partition)
    expect(partitions).toEqual([{ at_month: '2026-03' }, { at_month: '2026-01' }, { at_month: '2026-02' }])
    expect(list.map(({ rows }) => rows)).toEqual(['1', '2', '1'])
    const { stdout } = await firn('files', 'travel.flights', '--where', "at < '2026-02-01T00:00:00'")
    expect(stdout).toMatch(/^partition +rows +size +path\nat_month=2026-01 +2 +[\d.]+ KB +data\/[^\n]+\.parquet\n$/)
  })

  it('show what is spared', async () => {
    const plan = await json('plan', 'travel.flights', '--where', "at < '2026-02-01T00:00:00'")
    expect(plan).toMatchObject({ manifests: { total: 2, read: 1 }, files: { total: 3, planned: 1 } })
    expect(plan).toMatchObject({ bytes: expect.any(Number) as number, requests: expect.any(Number) as number })
    const pruned = await json('plan', 'travel.flights', '--where', "origin = 'LAX'", '--row-groups')
    expect(pruned).toMatchObject({
      rowGroups: { total: 1, planned: 1 },
      pages: { planned: expect.any(Number) as number },
    })
    const { stdout } = await firn('plan', 'travel.flights', '--where', "origin = 'BOS'", '--row-groups')
    expect(stdout).toMatch(/^files +1 of 3, 2 skipped$/m)
    expect(stdout).toMatch(/^row groups +1 of 1, 0 skipped$/m)
  })
})

describe('names', () => {
  it('are listed', async () => {
    expect((await firn('ls', '--json')).json).toContainEqual({ namespace: 'travel' })
    expect((await firn('ls', 'travel')).stdout).toMatch(/^table\n(?:travel\.\w+\n)*travel\.flights\n/)
    expect(await run(['ls'], { cwd: folder, env: { FIRN_WAREHOUSE: 'nothing-here' } })).toMatchObject({
      code: 0,
      stdout: 'no namespaces: `firn import` and `firn create` make the first\n',
    })
  })

  it.each([
    [['ls', 'nowhere'], 3, /no namespace nowhere/],
    [['count', 'travel.flight'], 3, /no table travel\.flight;/],
    [['describe', 'nowhere.flights'], 3, /no namespace nowhere/],
    [['drop', 'travel.nope'], 3, /no table travel\.nope/],
    [['count', 'flights'], 2, /names no table: write namespace\.table/],
    [['count', 'travel..flights'], 2, /part 2 is empty/],
    [['create', 'travel.flights', '--schema', 'id long'], 4, /exists already/],
    [['create', 'travel.\u0001', '--schema', 'id long'], 2, /control characters/],
  ])('%j is an error', async (argv, code, message) => {
    const ran = await firn(...argv)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toMatch(message)
  })

  it('are free again after drop', async () => {
    await firn('create', 'app.t', '--schema', 'id long')
    expect(await firn('drop', 'app.t')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^dropped app\.t; its files are kept/),
    })
    expect(await firn('count', 'app.t')).toMatchObject({ code: 3 })
    expect(await json('create', 'app.t', '--schema', 'other string')).toMatchObject({ identifier: 'app.t' })
  })
})

describe('create', () => {
  it('takes a schema from a file, layout and properties', async () => {
    await writeFile(
      join(folder, 'schema.json'),
      JSON.stringify({ id: 'long not null', 'a b': 'list<string>', at: 'date' }),
    )
    const options = [
      '--schema-file',
      'schema.json',
      '--partition-by',
      'year(at), bucket(4, id)',
      '--sort-by',
      'id desc',
    ]
    const properties = ['--property', 'a=b=c', '--property', 'owner=me', '--format-version', '3']
    await json('create', 'app.events', ...options, ...properties)
    const { stdout } = await firn('describe', 'app.events')
    expect(stdout).toMatch(/^format +version 3$/m)
    expect(stdout).toMatch(/^partitions +year\(at\), bucket\(4, id\)$/m)
    expect(stdout).toMatch(/^property +a=b=c$/m)
    expect(stdout).toMatch(/^ 2 {2}a b +list<string>$/m)
  })

  it.each([
    [['--schema', 'id lonk'], /column "id": .*did you mean long\?/],
    [['--schema', 'id long', '--partition-by', 'month(id)'], /transform month can't be applied to long/],
    [['--schema', 'id long', '--partition-by', 'x'], /no column "x": did you mean "id"/],
    [['--schema', 'id long', '--sort-by', 'id up'], /term "id up" is not understood/],
    [['--schema', 'id timestamp_ns'], /timestamp_ns/],
    [['--schema-file', 'nothing.json'], /nothing\.json does not exist/],
  ])('refuses %j', async (options, message) => {
    const ran = await firn('create', 'app.bad', ...options)
    expect(ran.code).toBeGreaterThan(1)
    expect(ran.stderr).toMatch(message)
    expect(await firn('describe', 'app.bad')).toMatchObject({ code: 3 })
  })
})
