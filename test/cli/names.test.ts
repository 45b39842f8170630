/** Names on the command line: namespaces, renaming, dropping and bringing back. */
import { describe, expect, it } from 'vitest'
import { fakeCli } from './fake-host.ts'
import type { FakeCli } from './fake-host.ts'

async function withTable(name: string): Promise<FakeCli> {
  const cli = await fakeCli()
  expect(await cli.run(['create', name, '--schema', 'id long'])).toMatchObject({ code: 0, stderr: '' })
  return cli
}

describe('init', () => {
  it('says what the store was asked, and may be repeated', async () => {
    const cli = await fakeCli()
    const ran = await cli.run(['init', '--json'])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    const { checks, warehouse } = ran.json[0] as { checks: object[]; warehouse: string }
    expect(warehouse).toMatch(/^file:\/\/.*\/lake$/)
    expect(checks).toHaveLength(6)
    for (const check of checks) expect(check).toMatchObject({ promise: expect.any(String), problem: null })
    const again = await cli.run(['init'])
    expect(again.stdout).toMatch(
      /^the file system was asked.*\n(?: {2}.*\n)+ {2}yes {2}a write with a stale etag is refused\nfile:.* is ready/s,
    )
  })
})

describe('namespaces', () => {
  it('are made, listed, given properties and dropped', async () => {
    const cli = await fakeCli()
    await cli.run(['namespace', 'create', 'a.b', '--property', 'owner=x'])
    await cli.run(['namespace', 'create', 'c'])
    expect((await cli.run(['namespace', 'ls', '--json'])).json).toEqual([{ namespace: 'a.b' }, { namespace: 'c' }])
    expect((await cli.run(['namespace', 'ls', 'a', '--json'])).json).toEqual([{ namespace: 'a.b' }])
    const changed = await cli.run(['namespace', 'properties', 'a.b', '--set', 'k=v=w', '--remove', 'owner', '--json'])
    expect(changed.json).toEqual([{ namespace: 'a.b', properties: { k: 'v=w' } }])
    const none = await cli.run(['namespace', 'properties', 'c', '--remove', 'x'])
    expect(none).toMatchObject({ code: 0, stdout: 'c has no properties\n', stderr: 'firn: c has no property x\n' })
    expect(await cli.run(['namespace', 'drop', 'c'])).toMatchObject({ code: 0 })
    expect(await cli.run(['namespace', 'drop', 'c'])).toMatchObject({ code: 3 })
    expect(await cli.run(['namespace', 'create', 'a.b'])).toMatchObject({ code: 4 })
  })

  it('are not dropped with a table in them', async () => {
    const cli = await withTable('a.t')
    const ran = await cli.run(['namespace', 'drop', 'a'])
    expect(ran).toMatchObject({ code: 4, stdout: '' })
    expect(ran.stderr).toMatch(/not empty: it has table t/)
  })

  it.each([
    [['namespace', 'dorp', 'a'], /no command "namespace dorp"; did you mean namespace drop\?/],
    [['namespace', 'create'], /too few arguments\nusage: firn namespace create NAMESPACE/],
    [['namespace', 'create', 'a', '--property', '=x'], /--property takes KEY=VALUE, not "=x"/],
  ])('refuses %j', async (argv, message) => {
    const { code, stderr } = await (await fakeCli()).run(argv)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  it('have help of their own', async () => {
    const cli = await fakeCli()
    const ran = await cli.run(['namespace'])
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(/^ {2}namespace properties {2}/m)
    expect(await cli.run(['help', 'namespace'])).toMatchObject({ code: 0, stdout: ran.stdout })
  })
})

describe('tables', () => {
  it('are renamed, into other namespaces too', async () => {
    const cli = await withTable('a.t')
    expect((await cli.run(['rename', 'a.t', 'b.u'])).stderr).toMatch(/no namespace b/)
    await cli.run(['namespace', 'create', 'b'])
    expect((await cli.run(['rename', 'a.t', 'b.u', '--json'])).json).toEqual([{ from: 'a.t', to: 'b.u' }])
    expect(await cli.run(['count', 'a.t'])).toMatchObject({ code: 3 })
    expect(await cli.run(['count', 'b.u'])).toMatchObject({ code: 0, stdout: '0\n' })
  })

  it('are dropped, listed as dropped, and brought back under any name', async () => {
    const cli = await withTable('a.t')
    for (const argv of [
      ['undrop', 'a.t'],
      ['purge', 'a.t', '--yes'],
    ]) {
      expect(await cli.run(argv)).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/a\.t is there, and nothing/),
      })
    }
    expect((await cli.run(['undrop', 'a.none'])).stderr).toMatch(/nothing dropped under a\.none: `firn ls --dropped`/)
    await cli.run(['drop', 'a.t'])
    const [dropped] = (await cli.run(['ls', '--dropped', '--json'])).json
    expect(dropped).toMatchObject({ identifier: 'a.t', droppedAt: expect.stringMatching(/^2\d{3}-/) })
    await cli.run(['create', 'a.t', '--schema', 'other int'])
    expect(await cli.run(['undrop', 'a.t'])).toMatchObject({ code: 4 })
    const back = await cli.run(['undrop', 'a.t', '--to', 'a.old', '--uuid', String(dropped?.['uuid']), '--json'])
    expect(back.json).toEqual([{ identifier: 'a.old', uuid: dropped?.['uuid'] }])
    expect((await cli.run(['ls', 'a', '--dropped'])).stdout).toBe('nothing that could be brought back\n')
  })

  it('lose their files for good only where that is said', async () => {
    const cli = await withTable('a.t')
    const refused = await cli.run(['drop', 'a.t', '--purge'])
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/say --yes/) })
    expect(await cli.run(['count', 'a.t'])).toMatchObject({ code: 0 })
    await cli.run(['drop', 'a.t'])
    expect(await cli.run(['purge', 'a.t'])).toMatchObject({ code: 2 })
    expect(await cli.run(['purge', 'a.t', '--yes'])).toMatchObject({ code: 0 })
    expect(await cli.run(['undrop', 'a.t'])).toMatchObject({ code: 3 })
  })
})
