import { describe, expect, it } from 'vitest'
import { fakeCli, input } from './fake-host.ts'
import type { Ran } from './fake-host.ts'

const DUCKDB_TABLE = new URL('../fixtures/duckdb/partition_bigint/metadata/v2.metadata.json', import.meta.url).pathname

describe('register', () => {
  it('gives a table of another warehouse a name, once', async () => {
    const cli = await fakeCli()
    const firn = (...argv: string[]): Promise<Ran> => cli.run(argv)
    await cli.run(['append', 'a.t', '-', '--create', '-w', 'other'], input('{"id":1}\n'))
    const [source] = (await firn('describe', 'a.t', '-w', 'other', '--json')).json
    const at = String(source?.['metadataLocation'])
    const folder = at.replace(/\/metadata\/.*/, '')
    expect(await firn('register', 'b.t', folder)).toMatchObject({
      code: 2,
      stderr: `firn: give the location of a metadata file, not of a folder: the newest in ${folder} is ${at}\n`,
    })
    expect((await firn('register', 'b.t', './nowhere')).stderr).toMatch(/not of a folder: file:.*nowhere\n$/)
    const registered = await firn('register', 'b.t', at, '--json')
    expect(registered).toMatchObject({ code: 0, stderr: '' })
    expect(registered.json).toEqual([
      {
        identifier: 'b.t',
        uuid: source?.['uuid'],
        location: source?.['location'],
        metadataLocation: at,
        formatVersion: 2,
        currentSnapshotId: source?.['currentSnapshotId'],
      },
    ])
    expect(await cli.run(['append', 'b.t', '-'], input('{"id":2}\n'))).toMatchObject({ code: 0 })
    expect(await firn('count', 'b.t')).toMatchObject({ stdout: '2\n' })
    const again = await firn('register', 'b.u', at)
    expect(again).toMatchObject({ code: 4, stdout: '' })
    expect(again.stderr).toMatch(/is registered already, as b\.t\n$/)
    const named = await firn('register', 'b.t', at)
    expect(named.stderr).toBe('firn: table b.t exists already\n')
  })

  it('gives it up again', async () => {
    const cli = await fakeCli()
    await cli.run(['append', 'a.t', '-', '--create'], input('{"id":1}\n'))
    const [source] = (await cli.run(['describe', 'a.t', '--json'])).json
    const metadataLocation = String(source?.['metadataLocation'])
    const away = await cli.run(['deregister', 'a.t', '--json'])
    expect(away.json).toEqual([{ identifier: 'a.t', deregistered: true, metadataLocation }])
    expect(await cli.run(['count', 'a.t'])).toMatchObject({ code: 3 })
    expect(await cli.run(['count', metadataLocation])).toMatchObject({ stdout: '1\n' })
    expect(await cli.run(['register', 'b.u', metadataLocation])).toMatchObject({ code: 0 })
    await cli.run(['drop', 'b.u'])
    const dropped = await cli.run(['deregister', 'b.u', '--dropped'])
    expect(dropped.stdout).toMatch(/^deregistered b\.u; its files are kept, and this is where it stood:\nfile:/)
    expect(await cli.run(['deregister', 'b.u', '--dropped'])).toMatchObject({ code: 3, stdout: '' })
  })

  it('takes a path from the current folder, and tells people what it has', async () => {
    const cli = await fakeCli()
    await cli.run(['append', 'a.t', '-', '--create', '-w', 'other'], input('{"id":1}\n{"id":2}\n'))
    const [source] = (await cli.run(['describe', 'a.t', '-w', 'other', '--json'])).json
    const path = new URL(String(source?.['metadataLocation'])).pathname.slice(cli.folder.length + 1)
    expect(path).toMatch(/^other\//)
    expect((await cli.run(['register', 'b.t', path])).stdout).toMatch(
      /^registered b\.t: 2 rows in 1 file, \d+ B\nfrom now on/,
    )
  })

  it.each([
    [['b.t'], 2, /too few arguments\nusage: firn register TABLE METADATA_FILE/],
    [['./b/t', 'x.metadata.json'], 2, /firn register takes a name/],
    [['b.t', DUCKDB_TABLE], 2, /a copied table can be read in place, but not registered/],
    [['b.t', 'nothing.metadata.json'], 3, /nothing\.metadata\.json does not exist/],
    [['b.t', '.'], 2, /give the location of a metadata file, not of a folder/],
    [['b.t', 's3://b/t/metadata/v1.metadata.json'], 10, /cannot be reached from the warehouse file:/],
  ])('%j is an error', async (args, code, message) => {
    const cli = await fakeCli()
    const ran = await cli.run(['register', ...args])
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toMatch(message)
    expect((await cli.run(['ls'])).stdout).toMatch(/no namespaces/)
  })
})
