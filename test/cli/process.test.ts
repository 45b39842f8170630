/** The built command as a process of its own: pipes, signals, full disks, and S3 as the environment gives it. */
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { awsEnvironment, createBucket } from '../support/bucket.ts'

const ROOT = join(import.meta.dirname, '../..')
const MAIN = join(ROOT, 'dist/cli/main.js')
const FLIGHTS = join(ROOT, 'node_modules/vega-datasets/data/flights-5k.json')

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

let folder = ''

beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs')], { stdio: 'pipe' })
  folder = mkdtempSync(join(tmpdir(), 'firn-process-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function system(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'pipe' })
}

/** Neither settings nor credentials of whoever runs the tests reach the command. */
function start(args: readonly string[], env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  const clean = {
    PATH: process.env['PATH'],
    HOME: folder,
    FIRN_WAREHOUSE: join(folder, 'lake'),
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  return spawn(process.execPath, [MAIN, ...args], { env: { ...clean, ...env }, cwd: folder })
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

function firn(args: readonly string[], env?: Record<string, string>): Promise<Ended> {
  const child = start(args, env)
  child.stdin.end()
  return ended(child)
}

async function firnJson(args: readonly string[], env?: Record<string, string>): Promise<unknown> {
  const { code, stdout, stderr } = await firn([...args, '--json'], env)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as unknown
}

describe('a process', () => {
  it('imports, scans and counts', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string
    }
    expect(await firn(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
    expect(await firnJson(['import', 'travel.flights', FLIGHTS, '--sort-by', 'origin'])).toMatchObject({ rows: '5000' })
    expect(await firnJson(['count', 'travel.flights', '--where', 'Delay > 60'])).toEqual({
      count: expect.stringMatching(/^\d+$/) as string,
    })
    const { stdout } = await firn(['scan', 'travel.flights'])
    expect(stdout.trim().split('\n')).toHaveLength(5_000)
  })

  it('ends quietly when its reader does', async () => {
    await firn(['import', 'travel.head', FLIGHTS])
    for (const format of ['ndjson', 'csv', 'table']) {
      const child = start(['scan', 'travel.head', '--format', format, '--limit', '5000'])
      child.stdout.once('data', () => child.stdout.destroy())
      expect(await ended(child)).toMatchObject({ code: 0, stderr: '' })
    }
  })

  it.skipIf(process.platform !== 'linux')('says when its output cannot be written', async () => {
    await firn(['import', 'travel.full', FLIGHTS])
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [MAIN, 'scan', 'travel.full', '-w', join(folder, 'lake')], {
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number | null]
    expect({ code, stderr }).toEqual({
      code: 8,
      stderr: expect.stringMatching(/^firn: the disk of standard output is full/) as string,
    })
  })

  it('imports from a pipe that has a name', async () => {
    const fifo = join(folder, 'pipe.ndjson')
    system('mkfifo', fifo)
    const child = start(['import', 'app.pipe', fifo, '--json'])
    await writeFile(fifo, '{"id":1}\n{"id":2}\n')
    expect(await ended(child)).toMatchObject({ code: 0, stdout: expect.stringMatching(/"rows":"2"/) as string })
  })
})

describe.each([
  ['SIGINT', 'file'],
  ['SIGTERM', 'file'],
  ['SIGINT', 's3'],
] as const)('%s on %s', (signal, store) => {
  it('ends a long append with 130 and nothing committed', async () => {
    const minio = inject('minio')
    const lake = join(folder, `${signal}-lake`)
    const env =
      store === 's3'
        ? { ...awsEnvironment(minio), FIRN_WAREHOUSE: `s3://${await createBucket(minio)}` }
        : { FIRN_WAREHOUSE: lake }
    const dataFiles = async (): Promise<number> =>
      (await readdir(lake, { recursive: true })).filter((file) => file.endsWith('.parquet')).length
    await firnJson(['create', 'app.t', '--schema', 'id long', '--property', 'write.target-file-size-bytes=1'], env)
    const child = start(['append', 'app.t', '-'], env)
    child.stdin.on('error', () => {})
    const end = ended(child)
    for (let rows = 0; rows < 200_000; rows += 10_000) {
      child.stdin.write(Array.from({ length: 10_000 }, (_, i) => `{"id":${rows + i}}\n`).join(''))
    }
    // Standard input stays open: the command waits for more, with files uploaded already.
    if (store === 's3') await new Promise((resolve) => setTimeout(resolve, 2_000))
    else await expect.poll(dataFiles, { timeout: 15_000 }).toBeGreaterThan(0)
    child.kill(signal)
    expect(await end).toEqual({ code: 130, stdout: '', stderr: 'firn: interrupted; nothing was changed\n' })
    expect((await firn(['snapshots', 'app.t', '--json'], env)).stdout).toBe('')
    if (store === 'file') expect(await dataFiles()).toBe(0)
  })
})

/** A file system of 256 KB, gone when the test ends; undefined where this user may not mount one. */
function mountSmall(): string | undefined {
  const mount = mkdtempSync(join(tmpdir(), 'firn-small-'))
  onTestFinished(() => rmSync(mount, { recursive: true, force: true }))
  try {
    system('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mount)
  } catch {
    return undefined
  }
  // Run before the removal: those registered last come first.
  onTestFinished(() => system('umount', '-l', mount))
  return mount
}

describe('a full disk', () => {
  it('is named, and leaves tables as they were', async ({ skip }) => {
    const mount = mountSmall() ?? skip('mounting a small file system takes root')
    const env = { FIRN_WAREHOUSE: join(mount, 'lake') }
    const noise = Array.from({ length: 20_000 }, (_, i) => `{"id":${(i * 2_654_435_761) % 4_294_967_296}}\n`).join('')
    await writeFile(join(folder, 'noise.ndjson'), noise.repeat(10))
    await writeFile(join(folder, 'one.ndjson'), '{"id":1}\n')
    const options = ['--property', 'write.parquet.compression-codec=uncompressed']
    const absent = await firn(['import', 'app.t', 'noise.ndjson', ...options], env)
    expect(absent).toMatchObject({ code: 8, stdout: '' })
    expect(absent.stderr).toMatch(/^firn: the disk of file:\/\/\S+ is full \(ENOSPC\): free some space\n$/)
    expect(await firn(['describe', 'app.t'], env)).toMatchObject({ code: 3 })
    expect(await firnJson(['import', 'app.t', 'one.ndjson', ...options], env)).toMatchObject({ rows: '1' })
    expect(await firn(['append', 'app.t', 'noise.ndjson'], env)).toMatchObject({ code: 8, stdout: '' })
    expect(await firnJson(['count', 'app.t'], env)).toEqual({ count: '1' })
    expect(await firnJson(['append', 'app.t', 'one.ndjson'], env)).toMatchObject({ rows: '1' })
  })
})

describe('on S3', () => {
  it('does the main job', { timeout: 120_000 }, async () => {
    const minio = inject('minio')
    const bucket = await createBucket(minio)
    const env = { ...awsEnvironment(minio), FIRN_WAREHOUSE: `s3://${bucket}/a/lake` }
    const rows = Array.from({ length: 3_000 }, (_, id) => ({ id, day: `2026-0${1 + (id % 3)}-01`, name: `n${id}` }))
    await writeFile(join(folder, 'rows.ndjson'), rows.map((row) => JSON.stringify(row)).join('\n'))
    const layout = ['--partition-by', 'month(day), bucket(2, id)', '--sort-by', 'name']
    expect(await firnJson(['import', 'app.t', 'rows.ndjson', ...layout], env)).toMatchObject({ rows: '3000', files: 6 })
    const child = start(['append', 'app.t', '-', '--json'], env)
    child.stdin.end('{"id":9007199254740993,"day":"2026-04-01"}')
    expect(await ended(child)).toMatchObject({ code: 0, stderr: '' })
    expect(await firnJson(['count', 'app.t'], env)).toEqual({ count: '3001' })
    const where = ['--where', "day = '2026-02-01' and id = 1"]
    expect(await firnJson(['plan', 'app.t', ...where], env)).toMatchObject({
      files: { total: 7, planned: 1 },
      manifests: { total: 2, read: 1 },
    })
    expect(await firnJson(['scan', 'app.t', ...where], env)).toEqual(rows[1])
    expect(await firnJson(['scan', 'app.t', '--where', 'id > 3000'], env)).toEqual({
      id: '9007199254740993',
      day: '2026-04-01',
      name: null,
    })
    // Inputs on S3, Parquet and text.
    const files = (await firn(['files', 'app.t', '--json'], env)).stdout.trim().split('\n')
    const paths = files.map((line) => (JSON.parse(line) as { path: string }).path)
    expect(await firnJson(['import', 'app.copy', ...paths], env)).toMatchObject({ rows: '3001', files: 1 })
    expect(await firn(['import', 'app.copy', `s3://${bucket}/nothing.csv`], env)).toMatchObject({ code: 3 })
  })

  it.each([
    [
      'the endpoint is down',
      8,
      /^firn: nothing answers at http:\/\/127\.0\.0\.1:1 /,
      { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' },
    ],
    ['the endpoint is no URL', 2, /"minio" is no http\(s\) URL/, { AWS_ENDPOINT_URL_S3: 'minio' }],
    [
      'there are no credentials',
      7,
      /no S3 credentials: set AWS_ACCESS_KEY_ID/,
      { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
    ],
    ['the key is unknown', 7, /does not know the access key "nobody"/, { AWS_ACCESS_KEY_ID: 'nobody' }],
    ['the secret is wrong', 7, /check AWS_SECRET_ACCESS_KEY/, { AWS_SECRET_ACCESS_KEY: 'wrong' }],
    ['there is no bucket', 3, /no bucket "firn-no-such-bucket"/, { FIRN_WAREHOUSE: 's3://firn-no-such-bucket/lake' }],
  ])(
    'says that %s',
    async (_, code, message, broken) => {
      const env = {
        ...awsEnvironment(inject('minio')),
        FIRN_WAREHOUSE: `s3://${await createBucket(inject('minio'))}/lake`,
        ...broken,
      }
      await mkdir(join(folder, 'in'), { recursive: true })
      await writeFile(join(folder, 'in/one.ndjson'), '{"id":1}\n')
      for (const argv of [
        ['count', 'app.t'],
        ['import', 'app.t', 'in/one.ndjson'],
      ]) {
        const ran = await firn(argv, env)
        expect(ran).toMatchObject({ code, stdout: '' })
        expect(ran.stderr).toMatch(message)
        expect(ran.stderr.trim().split('\n')).toHaveLength(1)
      }
    },
    60_000,
  )
})
