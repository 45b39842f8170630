import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.ts'
import { run } from './fake-host.ts'

describe('help', () => {
  it('is printed on stderr where no command is given', async () => {
    const ran = await run([])
    expect(ran.code).toBe(2)
    expect(ran.stdout).toBe('')
    expect(ran.stderr).toMatch(/^Usage: firn COMMAND/m)
  })

  it.each([['--help'], ['-h'], ['help']])('lists commands and exit codes: %s', async (flag) => {
    const ran = await run([flag])
    expect(ran.code).toBe(0)
    for (const name of Object.keys(COMMANDS)) expect(ran.stdout).toMatch(new RegExp(`^  ${name} +\\w`, 'm'))
    for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 130]) {
      expect(ran.stdout).toMatch(new RegExp(`^ +${code}  \\w`, 'm'))
    }
  })

  it.each(Object.keys(COMMANDS))('shows options and examples of %s', async (name) => {
    const ran = await run(['help', ...name.split(' ')])
    expect(ran.code).toBe(0)
    expect(ran.stdout).toContain(`Usage: firn ${name}`)
    expect(ran.stdout).toMatch(/^ +-w, --warehouse URI\|NAME {2,}\w/m)
    const [, examples = ''] = ran.stdout.split('Examples:\n')
    expect(examples).toMatch(new RegExp(`firn ${name}\\b`))
    expect(await run([...name.split(' '), '--help'])).toMatchObject({ code: 0, stdout: ran.stdout })
    expect(Math.max(...ran.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
  })

  it('tells the version', async () => {
    const ran = await run(['--version'])
    expect(ran.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('wrong arguments', () => {
  it.each([
    [['cuont', 'a.b'], /no command "cuont"; did you mean count\?/],
    [['zzz'], /no command "zzz"; firn --help lists/],
    [['toString'], /no command "toString"/],
    [['help', 'conut'], /did you mean count\?/],
    [['count'], /too few arguments\nusage: firn count TABLE/],
    [['import', 'a.b'], /too few arguments\nusage: firn import TABLE FILE…/],
    [['count', 'a.b', 'c.d'], /one argument too many: c\.d/],
    [['count', 'a.b', '--wher', 'x'], /unknown option --wher; did you mean --where\?/],
    [['count', 'a.b', '--where'], /--where/],
    [['count', 'a.b'], /no warehouse: give --warehouse URI or set FIRN_WAREHOUSE/],
    [['count', 'a.b', '-w', 'ftp://x/y'], /no store for "ftp:"/],
    [['count', 'a.b', '-w', 'https://x/y'], /REST catalogs are not supported yet/],
    [['scan', 'a.b', '-w', '/tmp/none', '--limit', '-1'], /--limit/],
    [['scan', 'a.b', '-w', '/tmp/none', '--limit', '1.5'], /--limit takes a whole number/],
    [['scan', 'a.b', '-w', '/tmp/none', '--format', 'xml'], /--format is one of table, ndjson, json, csv, not "xml"/],
    [['create', 'a.b', '-w', '/tmp/none'], /give the columns by either --schema or --schema-file/],
    [['create', 'a.b', '-w', '/tmp/none', '--schema', 'id long', '--property', 'x'], /--property takes KEY=VALUE/],
    [
      ['create', 'a.b', '-w', '/tmp/none', '--schema', 'id long', '--format-version', '4'],
      /--format-version is 2 or 3/,
    ],
  ])('%j', async (argv, message) => {
    const ran = await run(argv)
    expect(ran.stderr).toMatch(/^firn: /)
    expect(ran.stderr).toMatch(message)
    expect(ran.stdout).toBe('')
    expect([2, 10]).toContain(ran.code)
  })

  it('takes options that all commands have before the command too', async () => {
    const [before, after] = [
      await run(['-w', '/tmp/none', '--json', 'ls', 'a']),
      await run(['ls', 'a', '--json', '-w', '/tmp/none']),
    ]
    expect(before).toMatchObject({ code: 3, stderr: after.stderr })
    expect(await run(['--warehouse=/tmp/none', 'ls', 'a'])).toMatchObject({ code: 3 })
  })

  it('prints errors as one JSON line with --json', async () => {
    const ran = await run(['count', 'a', '-w', '/tmp/none', '--json'])
    expect(ran.stderr.endsWith('\n') && ran.stderr.indexOf('\n') === ran.stderr.length - 1).toBe(true)
    const { error } = JSON.parse(ran.stderr) as { error: Record<string, unknown> }
    expect(error).toMatchObject({ name: 'ValidationError', context: { identifier: 'a' } })
    expect(error['message']).toMatch(/names no table/)
  })

  it('shows stacks and causes with FIRN_DEBUG only', async () => {
    const argv = ['count', 'a.b', '-w', '/tmp/none']
    expect((await run(argv)).stderr).not.toMatch(/\n\s+at /)
    expect((await run(argv, { env: { FIRN_DEBUG: '1' } })).stderr).toMatch(/\n\s+at /)
  })
})
