import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { openCatalog } from '../../src/catalog/open-catalog.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { awsEnvironment, createBucket } from '../support/bucket.ts'

const PROCESSES = 8
const APPENDS = 50
const KILLED = 3
const TABLE = 'race.rows'

interface Worker {
  readonly acknowledged: number[]
  readonly exited: Promise<number | null>
  readonly process: ChildProcess
  /** What it said on stderr. */
  complaint: string
}

describe('writers in many processes on MinIO', () => {
  it(
    `loses and doubles nothing: ${PROCESSES} × ${APPENDS} appends, ${KILLED} processes killed`,
    { timeout: 300_000 },
    async () => {
      const minio = inject('minio')
      const warehouse = `s3://${await createBucket(minio)}/lake`
      const credentials = { accessKeyId: minio.accessKeyId, secretAccessKey: minio.secretAccessKey }
      const catalog = await openCatalog(warehouse, { s3: { endpoint: minio.endpoint, credentials } })
      await catalog.createTable(TABLE, { schema: { worker: 'int', i: 'int' } })
      const start = (worker: number, first: number): Worker =>
        startWorker([warehouse, TABLE, String(worker), String(first), String(APPENDS)], awsEnvironment(minio))

      const acknowledged = await Promise.all(
        Array.from({ length: PROCESSES }, (_, worker) =>
          worker < KILLED ? killAndGoOn(worker, start) : runToEnd(start(worker, 0)),
        ),
      )
      const found = await rowsOf(catalog)
      acknowledged.forEach((list, worker) => {
        for (const i of list) expect(found.get(`${worker}/${i}`), `append ${i} of process ${worker}`).toBe(1)
      })
      for (const [row, times] of found) expect(times, `row ${row}`).toBe(1)
      const { metadata } = await catalog.loadTable(TABLE)
      expect(metadata.snapshots).toHaveLength(found.size)
      expect(metadata.snapshots.map((s) => s.sequenceNumber)).toEqual(metadata.snapshots.map((_, i) => BigInt(i + 1)))
      await catalog.close()
    },
  )
})

function startWorker(args: readonly string[], env: Record<string, string>): Worker {
  const script = join(import.meta.dirname, 'append-worker.mjs')
  const child = spawn(process.execPath, [script, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve))
  const worker: Worker = { acknowledged: [], exited, process: child, complaint: '' }
  createInterface({ input: child.stdout }).on('line', (line) => worker.acknowledged.push(Number(line)))
  child.stderr.on('data', (chunk) => (worker.complaint += String(chunk)))
  return worker
}

async function runToEnd(worker: Worker): Promise<readonly number[]> {
  expect(await worker.exited, worker.complaint).toBe(0)
  return worker.acknowledged
}

/** Killed in the middle; another process goes on behind the append that was under way, whose fate nobody knows. */
async function killAndGoOn(
  worker: number,
  start: (worker: number, first: number) => Worker,
): Promise<readonly number[]> {
  const victim = start(worker, 0)
  await new Promise<void>((resolve) => {
    const watch = setInterval(() => {
      if (victim.acknowledged.length < 5 + worker * 7) return
      clearInterval(watch)
      resolve()
    }, 1)
  })
  victim.process.kill('SIGKILL')
  await victim.exited
  const next = (victim.acknowledged.at(-1) ?? -1) + 2
  return [...victim.acknowledged, ...(await runToEnd(start(worker, next)))]
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
