/** Appends, group commits and streams of many processes on MinIO, each killed on its way: nothing lost, nothing doubled. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, inject, it } from 'vitest'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import { awsEnvironment, createBucket } from '../support/bucket.ts'

const MODES = ['append', 'group', 'stream'] as const
const PROCESSES = 8
/** Rows of each process; 200 for the long loop: FIRN_FAULT_ROWS=200 npx vitest run test/faults/shared-commits.test.ts */
const ROWS = Number(process.env['FIRN_FAULT_ROWS'] ?? 20)
/** Each life of a process has rows of its own, but for streams. */
const LIFE = 100_000
const TABLE = 'shared.rows'

interface Life {
  readonly lines: string[]
  readonly process: ChildProcess
  readonly exited: Promise<{ code: number | null; signal: string | null }>
  complaint: string
}

it(
  `${PROCESSES} processes × ${ROWS} rows, each killed once`,
  { timeout: 60_000 + ROWS * PROCESSES * 2_000 },
  async () => {
    const minio = inject('minio')
    const warehouse = `s3://${await createBucket(minio)}/lake`
    const credentials = { accessKeyId: minio.accessKeyId, secretAccessKey: minio.secretAccessKey }
    const catalog = await openCatalog(warehouse, { s3: { endpoint: minio.endpoint, credentials } })
    const properties = { 'commit.manifest.min-count-to-merge': '10' }
    await catalog.createTable(TABLE, { schema: { worker: 'int', i: 'int' }, properties })
    const start = (worker: number, life: number): Life =>
      startLife([warehouse, TABLE, modeOf(worker), ...[worker, life * LIFE, ROWS].map(String)], awsEnvironment(minio))
    const acknowledged = await Promise.all(
      Array.from({ length: PROCESSES }, (_, worker) => twoLives(worker, (life) => start(worker, life))),
    )
    const found = await rowsOf(catalog)
    for (const [row, times] of found) expect(times, `row ${row}`).toBe(1)
    const { metadata } = await catalog.loadTable(TABLE)
    acknowledged.forEach((rows, worker) => {
      if (modeOf(worker) === 'stream') {
        expect(metadata.properties[`firn.stream.w${worker}`]).toBe(String(ROWS))
        const own = [...found.keys()].filter((row) => row.startsWith(`${worker}/`))
        expect(own.length, `rows of stream ${worker}`).toBe(ROWS)
      } else for (const i of rows) expect(found.get(`${worker}/${i}`), `append ${i} of process ${worker}`).toBe(1)
    })
    expect(metadata.snapshots.length).toBeLessThan(found.size)
    await catalog.close()
  },
)

it('a process that is told to end flushes first', { timeout: 60_000 }, async () => {
  const minio = inject('minio')
  const warehouse = `s3://${await createBucket(minio)}/lake`
  const credentials = { accessKeyId: minio.accessKeyId, secretAccessKey: minio.secretAccessKey }
  const catalog = await openCatalog(warehouse, { s3: { endpoint: minio.endpoint, credentials } })
  await catalog.createTable(TABLE, { schema: { worker: 'int', i: 'int' } })
  const life = startLife([warehouse, TABLE, 'stream', '0', '0', '1000000'], awsEnvironment(minio))
  await until(() => life.lines.length > 20)
  life.process.kill('SIGTERM')
  expect(await life.exited, life.complaint).toEqual({ code: null, signal: 'SIGTERM' })
  const { metadata } = await catalog.loadTable(TABLE)
  const found = await rowsOf(catalog)
  expect(metadata.properties['firn.stream.w0']).toBe(String(found.size))
  // What came after the last line that it got to say.
  expect(found.size).toBeGreaterThanOrEqual(Number(life.lines.at(-1)))
  await catalog.close()
})

function modeOf(worker: number): (typeof MODES)[number] {
  return MODES[worker % MODES.length] ?? 'append'
}

function startLife(args: readonly string[], env: Record<string, string>): Life {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'sharing-worker.mjs'), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
  const life: Life = { lines: [], exited, process: child, complaint: '' }
  createInterface({ input: child.stdout }).on('line', (line) => life.lines.push(line))
  child.stderr.on('data', (chunk) => (life.complaint += String(chunk)))
  return life
}

/** Killed somewhere on its way, then started again. Gives all that was acknowledged. */
async function twoLives(worker: number, start: (life: number) => Life): Promise<readonly string[]> {
  const first = start(0)
  await until(() => first.lines.length > 2 + ((worker * 3) % (ROWS / 2)) || first.process.exitCode !== null)
  first.process.kill('SIGKILL')
  await first.exited
  const second = start(1)
  expect((await second.exited).code, second.complaint).toBe(0)
  return [...first.lines, ...second.lines]
}

function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const watch = setInterval(() => {
      if (!holds()) return
      clearInterval(watch)
      resolve()
    }, 1)
  })
}

async function rowsOf(catalog: Catalog): Promise<Map<string, number>> {
  const table = await catalog.loadTable(TABLE)
  const found = new Map<string, number>()
  for await (const { worker, i } of table.scan().rows()) {
    const row = `${worker as number}/${i as number}`
    found.set(row, (found.get(row) ?? 0) + 1)
  }
  return found
}
