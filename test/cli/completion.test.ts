/** Completion as the table of commands has it, and as bash, zsh and fish show it. */
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { fakeCli } from './fake-host.ts'
import type { FakeCli } from './fake-host.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A warehouse with some names, and a config file that names it. */
async function cliWithTables(): Promise<FakeCli & { readonly env: Record<string, string> }> {
  const cli = await fakeCli()
  for (const name of ['travel.flights', 'travel.trips', 'app.logs', 'app.eu.logs', 'app."a b"']) {
    expect(await cli.run(['create', name, '--schema', 'id long'])).toMatchObject({ code: 0 })
  }
  const env = { FIRN_WAREHOUSE: 'lake', FIRN_CONFIG: join(cli.folder, 'config.json') }
  await writeFile(
    env.FIRN_CONFIG,
    `{"warehouses": {"dev": {"uri": "${cli.folder}/lake"}, "prod": {"uri": "s3://b/p"}}}`,
  )
  await mkdir(join(cli.folder, 'lake'), { recursive: true })
  return { ...cli, env }
}

let cli: Awaited<ReturnType<typeof cliWithTables>>
async function values(...words: readonly string[]): Promise<string[]> {
  const { stdout, stderr, code } = await cli.run(['__complete', ...words], { env: cli.env })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']))
}

describe('a command line', () => {
  it('is completed by verbs, options, closed lists and names', async () => {
    cli = await cliWithTables()
    const verbs = new Set(Object.keys(COMMANDS).map((name) => name.split(' ')[0]))
    expect(await values('')).toEqual([...verbs, 'help'])
    expect(await values('__')).toEqual([])
    expect(await values('cou')).toEqual(['count'])
    expect(await values('-w', 'lake', '--json', 'cou')).toEqual(['count'])
    expect(await values('config', '')).toEqual(['path', 'set', 'unset'])
    expect(await values('namespace', 'dr')).toEqual(['drop'])
    expect(await values('help', 'cou')).toEqual(['count'])
    expect(await values('help', 'config', 's')).toEqual(['set'])
    expect(await values('completion', '')).toEqual(['bash', 'zsh', 'fish'])
    expect(await values('count', 'a.b', '--wh')).toEqual(['--where'])
    expect(await values('count', 'a.b', '--where', 'x', '--wh')).toEqual([])
    expect(await values('create', 'a.b', '--property', 'x=y', '--prop')).toEqual(['--property'])
    expect(await values('scan', 'a.b', '--format', '')).toEqual(['table', 'ndjson', 'json', 'csv'])
    expect(await values('scan', 'a.b', '--format=c')).toEqual(['--format=csv'])
    expect(await values('import', 'a.b', '--format=pa')).toEqual(['--format=parquet'])
    expect(await values('import', 'a.b', '--format=')).toEqual(
      ['parquet', 'csv', 'ndjson', 'json'].map((format) => `--format=${format}`),
    )
    expect(await values('scan', 'a.b', '--where', '')).toEqual([])
    expect(await values('no-such-verb', '')).toEqual([])
    expect(await values('-w', '')).toEqual(['dev', 'prod'])
    expect(await values('-w', './')).toEqual([':files'])
    expect(await values('import', 'a.b', '')).toEqual([':files'])
    expect(await values('import', 'a.b', 'one', '')).toEqual([':files'])
    expect(await values('create', 'a.b', '--schema-file', '')).toEqual([':files'])
    expect(await values('count', './')).toEqual([':files'])
    expect((await values('ls', '')).toSorted()).toEqual(['app', 'app.eu', 'travel'])
    expect(await values('count', 't')).toEqual(['travel.'])
    expect(await values('count', 'travel.')).toEqual(['travel.flights', 'travel.trips'])
    expect(await values('count', 'travel.f')).toEqual(['travel.flights'])
    // What would have to be quoted is left to be typed.
    expect(await values('count', 'app.')).toEqual(['app.eu.', 'app.logs'])
    expect(await values('count', '-w', 'nowhere', 'a')).toEqual([])
    expect(await values('-w', 'dev', 'count', 'app.eu.')).toEqual(['app.eu.logs'])
    expect(await values('count', 'a.b', '')).toEqual([])
    expect(await values('undrop', '')).toEqual([])
    expect(await cli.run(['drop', 'travel.trips'])).toMatchObject({ code: 0 })
    expect(await values('undrop', '')).toEqual(['travel.trips'])
    expect(await values('count', 'travel.')).toEqual(['travel.flights'])
  }, 30_000)

  it('does not wait for a store that says nothing', async () => {
    const other = await fakeCli()
    const server = createServer(() => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const config = {
      uri: 's3://b/p',
      endpoint: `http://127.0.0.1:${port}`,
      accessKeyIdEnv: 'A',
      secretAccessKeyEnv: 'B',
    }
    const { folder } = other
    await writeFile(join(folder, 'c.json'), JSON.stringify({ default: 'x', warehouses: { x: config } }))
    const env = { FIRN_CONFIG: join(folder, 'c.json'), A: 'a', B: 'b' }
    const before = performance.now()
    expect(await other.run(['__complete', 'count', ''], { env })).toEqual(
      expect.objectContaining({ code: 0, stdout: '' }),
    )
    expect(performance.now() - before).toBeLessThan(10_000)
  }, 20_000)
})

describe('in shells', () => {
  let env: Record<string, string> = {}
  beforeAll(async () => {
    execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs')], { stdio: 'pipe' })
  })

  async function shellCli(): Promise<string> {
    const { folder, env: own } = await cliWithTables()
    await mkdir(join(folder, 'bin'))
    const firn = join(folder, 'bin/firn')
    await writeFile(firn, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'dist/cli/main.js')}' "$@"\n`)
    await chmod(firn, 0o755)
    await writeFile(join(folder, 'my rows.csv'), 'id\n1\n')
    env = { ...own, PATH: `${folder}/bin:${process.env['PATH'] ?? ''}`, HOME: folder }
    return folder
  }

  function sh(cwd: string, [shell = '', ...args]: readonly string[]): string {
    return execFileSync(shell, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  }

  function has(shell: string): boolean {
    try {
      return execFileSync('sh', ['-c', `command -v ${shell}`], { encoding: 'utf8' }) !== ''
    } catch {
      return false
    }
  }

  it('bash calls the function of the script', async () => {
    const folder = await shellCli()
    /** As bash has the line: split at = and : too. */
    const complete = (...words: readonly string[]): string[] => {
      const pieces = words.flatMap((word) => (word === '' ? [''] : (word.match(/[=:]+|[^=:]+/g) ?? [])))
      const list = pieces.map((piece) => `'${piece}'`).join(' ')
      const typed = ['firn', ...words].join(' ')
      const script = `source <(firn completion bash); COMP_WORDS=(firn ${list}); COMP_CWORD=${pieces.length}
        COMP_LINE='${typed}'; COMP_POINT=${typed.length}
        complete -p firn >/dev/null || exit 1; _firn; printf '%s\\n' "\${COMPREPLY[@]}"`
      return sh(folder, ['bash', '-c', script])
        .split('\n')
        .filter((line) => line !== '')
    }
    expect(complete('cou')).toEqual(['count'])
    expect(complete('namespace', 'dr')).toEqual(['drop'])
    expect(complete('count', 'a.b', '--wh')).toEqual(['--where'])
    expect(complete('scan', 'a.b', '--format=c')).toEqual(['csv'])
    expect(complete('scan', 'a.b', '--format=')).toEqual(expect.arrayContaining(['csv', 'ndjson']))
    expect(complete('-w', `file://${folder}/lake`, 'count', 'travel.f')).toEqual(['travel.flights'])
    expect(complete(`--warehouse=file://${folder}/lake`, 'count', '--where=a:b', 'travel.')).toEqual([
      'travel.flights',
      'travel.trips',
    ])
    expect(complete('import', 'a.b', `file:${folder}/my`)).toEqual([`${folder}/my rows.csv`])
    expect(complete('scan', 'a.b', '--format', 'n')).toEqual(['ndjson'])
    expect(complete('count', 'travel.')).toEqual(['travel.flights', 'travel.trips'])
    expect(complete('-w', 'd')).toEqual(['dev'])
    expect(complete('import', 'a.b', 'my')).toEqual(['my rows.csv'])
    expect(complete('zzz')).toEqual([])
  }, 60_000)

  it.skipIf(!has('fish'))(
    'fish asks it too',
    async () => {
      const folder = await shellCli()
      const ask = (line: string): string =>
        sh(folder, ['fish', '--no-config', '-c', `firn completion fish | source; complete -C '${line}'`])
      expect(ask('firn cou')).toBe('count\tcount rows\n')
      expect(ask('firn count travel.')).toBe('travel.flights\ttable\ntravel.trips\ttable\n')
      expect(ask('firn import a.b my')).toMatch(/^my rows\.csv/)
    },
    60_000,
  )

  it.skipIf(!has('zsh'))(
    'zsh shows what it answers',
    async () => {
      const folder = await shellCli()
      // What zsh itself does only in its line editor is told instead.
      const shown = (...words: readonly string[]): string =>
        sh(folder, [
          'zsh',
          '-f',
          '-c',
          `compdef() { print "$@" }; _files() { print files }
         _describe() { print -rl -- "\${(@P)2}" }; compadd() { print -r -- "$@" }
         source <(firn completion zsh); words=(firn "$@"); CURRENT=$#words; _firn`,
          'zsh',
          ...words,
        ])
      expect(shown('cou')).toBe('_firn firn\ncount:count rows\n')
      expect(shown('count', 't')).toBe('_firn firn\n-S  -- travel.\n')
      expect(shown('count', 'travel.f')).toBe('_firn firn\ntravel.flights:table\n')
      expect(shown('import', 'a.b', '')).toBe('_firn firn\nfiles\n')
    },
    60_000,
  )

  it('knows no other', async () => {
    expect(await (await fakeCli()).run(['completion', 'tcsh'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/not "tcsh"/) as string,
    })
  })
})
