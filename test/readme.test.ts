/** The README's examples, run as they stand there. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '..')
const run = promisify(execFile)
const FLIGHTS = join(ROOT, 'node_modules/vega-datasets/data/flights-3m.parquet')
const LATE = { date: '2001-07-01T08:00:00', delay: 95, distance: 2704, origin: 'SFO', destination: 'BOS' }

describe('README', { timeout: 300_000 }, () => {
  let readme = ''
  beforeAll(async () => {
    readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  })

  /** The first block of a section. */
  function block(section: string): string {
    return readme.split(`\n## ${section}\n`)[1]?.match(/```\w*\n(.*?)```/s)?.[1] ?? ''
  }

  it('has a library example that prints what it says', async () => {
    const example = block('Library').replace("'firn-iceberg'", JSON.stringify(join(ROOT, 'dist/index.js')))
    const folder = await mkdtemp(join(tmpdir(), 'firn-readme-'))
    const script = join(folder, 'example.mjs')
    await writeFile(script, `const warehouse = ${JSON.stringify(join(folder, 'warehouse'))}\n${example}`)
    const { stdout, stderr } = await run(process.execPath, [script])
    const promised = [...example.matchAll(/console\.log\(.*\) \/\/ (.*)/g)].map(([, output]) => output)
    expect(promised).toHaveLength(2)
    expect(stdout.trim().split('\n')).toEqual(promised)
    expect(stderr).toBe('')
  })

  it('has a tour of the command line that works', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firn-tour-'))
    await mkdir(join(folder, 'bin'))
    await symlink(join(ROOT, 'dist/cli/main.js'), join(folder, 'bin/firn'))
    await symlink(FLIGHTS, join(folder, 'flights.parquet'))
    await writeFile(join(folder, 'late.ndjson'), `${JSON.stringify(LATE)}\n`)
    const tour = block('Command line')
    expect(tour.split('\n').length).toBeGreaterThan(12)
    const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` }
    const { stdout } = await run('bash', ['-euc', tour], { cwd: folder, env })
    expect(stdout).toContain('3,000,001')
    const csv = await readFile(join(folder, 'flights.csv'), 'utf8')
    expect(csv.split('\n')).toHaveLength(3_000_003)
  })
})
