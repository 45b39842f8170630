import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { startMinio } from './minio.ts'

const GUARD = join(import.meta.dirname, 'guarded-process.mjs')

/** Starts a guard in the way of minio.ts, tells the guarded command's process id, and lives on. */
const PARENT = `
  const { spawn } = require('node:child_process')
  const [guard, folder] = process.argv.slice(1)
  const command = [process.execPath, '-e', 'console.error(process.pid); setInterval(() => {}, 1000)']
  const child = spawn(process.execPath, [guard, folder, ...command], { detached: true, stdio: ['pipe', 'ignore', 'pipe'] })
  child.stderr.once('data', (pid) => process.stdout.write(pid))
  setInterval(() => {}, 1000)`

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

afterEach(() => vi.unstubAllEnvs())

describe('minio', () => {
  it('answers', async () => {
    const response = await fetch(`${inject('minio').endpoint}/minio/health/live`)
    expect(response.ok).toBe(true)
  })

  it('is taken from the environment where it names one', async () => {
    vi.stubEnv('FIRN_TEST_S3_ENDPOINT', 'http://somewhere:1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'a')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b')
    expect(await startMinio()).toMatchObject({ endpoint: 'http://somewhere:1', accessKeyId: 'a', secretAccessKey: 'b' })
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
    await expect(startMinio()).rejects.toThrow(/set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY too/)
  })

  it('says what to install where there is none', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'firn-none-'))
    for (const name of ['PATH', 'XDG_CACHE_HOME']) vi.stubEnv(name, empty)
    vi.stubEnv('FIRN_TEST_S3_ENDPOINT', undefined)
    await expect(startMinio()).rejects.toThrow(/the tests need MinIO: set FIRN_TEST_S3_ENDPOINT .* install Go 1\.24/)
  })

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('ends with its parent, by %s too', async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), 'firn-guard-'))
    await writeFile(join(folder, 'data'), 'x')
    const parent = spawn(process.execPath, ['-e', PARENT, GUARD, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [printed] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(printed.toString())
    expect(isAlive(pid)).toBe(true)
    parent.kill(signal)
    await vi.waitFor(async () => expect([isAlive(pid), await exists(folder)]).toEqual([false, false]), {
      timeout: 10_000,
    })
  })
})
