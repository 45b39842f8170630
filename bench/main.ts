/**
 * The benchmark driver: `npm run bench -- W2 [--quick]`. Starts a MinIO of its own, measures the floor of this machine,
 * runs the workloads and prints tables; figures also go to bench/results as JSON. Only ratios of one run mean anything:
 * times of a shared machine don't travel.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createBucket } from '../test/support/bucket.ts'
import { type MinioServer, startMinio } from '../test/support/minio.ts'
import { bareCommits, measureCommitSizes } from './bare-commits.ts'
import type { Place } from './contestant.ts'
import { startDelayingProxy } from './delaying-proxy.ts'
import { firn } from './firn.ts'
import { type Floor, measureFloor } from './floor.ts'
import { runSmallAppends } from './small-appends.ts'
import { printSmallAppends } from './small-appends-report.ts'
import { printTable } from './text-table.ts'

interface Run {
  readonly minio: MinioServer
  readonly bucket: string
  readonly quick: boolean
}

/** Each prints its tables and returns its figures. */
const WORKLOADS: Readonly<Record<string, (run: Run) => Promise<object>>> = { W2: smallAppends }

const ROWS = 100
const ADDED_MS = 20

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true })
  const names = positionals.length > 0 ? positionals : Object.keys(WORKLOADS)
  const unknown = names.filter((name) => !Object.hasOwn(WORKLOADS, name))
  if (unknown.length > 0) {
    process.stderr.write(`no workload ${unknown.join(', ')}: there is ${Object.keys(WORKLOADS).join(', ')}\n`)
    process.exitCode = 2
    return
  }
  const minio = await startMinio()
  try {
    const run: Run = { minio, bucket: await createBucket(minio), quick: values.quick === true }
    const floor = await measureFloor(placeOf(run, 'floor'), run.quick ? 100 : 400)
    print(printFloor(floor))
    for (const name of names) save(name, { quick: run.quick, floor, ...(await WORKLOADS[name]?.(run)) })
  } finally {
    await minio.stop()
  }
}

async function smallAppends(run: Run): Promise<object> {
  const commits = run.quick ? 60 : 300
  const rounds = 5
  const contestants = [bareCommits(await measureCommitSizes(commits, ROWS)), firn]
  const place = (name: string): Place => placeOf(run, name)
  const sizes = { contestants, commits, rows: ROWS }
  // The first tables of a process are its slowest.
  await runSmallAppends({ ...sizes, rounds: 1, place, commits: 40 })
  const direct = await runSmallAppends({ ...sizes, rounds, place })
  print(printSmallAppends(`W2: ${commits} appends of ${ROWS} rows, one after another (${rounds} rounds)`, direct))
  const proxy = await startDelayingProxy(run.minio.endpoint, ADDED_MS)
  try {
    const remote = (name: string): Place => ({ ...place(name), endpoint: proxy.endpoint })
    const delayed = await runSmallAppends({ ...sizes, rounds, place: remote, counts: () => proxy.counts() })
    print(printSmallAppends(`W2 with ${ADDED_MS} ms added to every answer`, delayed))
    return { commits, rounds, rows: ROWS, direct, addedMs: ADDED_MS, delayed }
  } finally {
    await proxy.stop()
  }
}

let places = 0

function placeOf({ minio, bucket }: Run, name: string): Place {
  const { endpoint, accessKeyId, secretAccessKey } = minio
  places += 1
  return { endpoint, accessKeyId, secretAccessKey, bucket, prefix: `${places}-${name.replaceAll(' ', '-')}` }
}

function printFloor({ requests, casPerSecond }: Floor): string {
  const lines = Object.entries(requests).map(([size, floor]) => [
    size,
    floor.putMs.toFixed(2),
    floor.getMs.toFixed(2),
    floor.putsPerSecond.toFixed(0),
    floor.getsPerSecond.toFixed(0),
  ])
  const headings = ['', 'PUT ms', 'GET ms', 'PUT/s × 8', 'GET/s × 8']
  return `Floor: bare requests by node:http with Signature V4 (p50)\n${printTable([headings, ...lines])}  ${casPerSecond.toFixed(0)} compare-and-swaps/s on one key\n`
}

function save(name: string, figures: object): void {
  const folder = join(import.meta.dirname, '../../bench/results')
  mkdirSync(folder, { recursive: true })
  const at = new Date().toISOString()
  const file = join(folder, `${name}-${at.replaceAll(/[-:]|\.\d+/g, '')}.json`)
  const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), node: process.version }
  writeFileSync(file, `${JSON.stringify({ workload: name, at, machine, ...figures }, undefined, 2)}\n`)
  print(`figures: ${file}\n`)
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

await main()
