/**
 * The benchmark driver: `npm run bench -- W1 W2 [--quick] [--peers]`, or `--chart` for the README's. Starts a MinIO of its
 * own, measures the floor of this machine, runs the workloads and prints tables; figures also go to bench/results as JSON
 * lines. Only ratios of one run mean anything: times of a shared machine don't travel.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createBucket } from '../test/support/bucket.ts'
import { type MinioServer, startMinio } from '../test/support/minio.ts'
import { bareCommits, measureCommitSizes } from './bare-commits.ts'
import { chartGroups } from './chart-figures.ts'
import { drawChart } from './chart.ts'
import type { Place } from './contestant.ts'
import { startDelayingProxy } from './delaying-proxy.ts'
import { firn } from './firn.ts'
import { measureFloor } from './floor.ts'
import { runDeletedRows } from './deleted-rows.ts'
import { runAppendMemory, runIngest } from './ingest.ts'
import { runManyPeers } from './many-peers.ts'
import { runLongAppends } from './long-appends.ts'
import { runManyWriters } from './many-writers.ts'
import { peerContestants } from './peer-contestant.ts'
import { runPlanning } from './planning.ts'
import { runPrefixLimits } from './prefix-limits.ts'
import { runReads } from './reads.ts'
import {
  printAppendMemory,
  printDeletedRows,
  printFloor,
  printIngest,
  printManyWriters,
  printPlanning,
  printPrefixLimits,
  printReads,
  printSmallAppends,
} from './report.ts'
import { runSmallAppends } from './small-appends.ts'

interface Run {
  readonly minio: MinioServer
  readonly bucket: string
  readonly quick: boolean
  /** Whether other engines run too. */
  readonly peers: boolean
}

/** Each prints its tables and returns its figures. */
const WORKLOADS: Readonly<Record<string, (run: Run) => Promise<object>>> = {
  W1: ingest,
  W2: smallAppends,
  W2L: longAppends,
  W3: manyWriters,
  W4: planning,
  W7: reads,
  W7D: deletedRows,
  S1: prefixLimits,
}

const ROWS = 100
const ROUNDS = 5
const ADDED_MS = 20
/** This runs compiled, from build/bench. */
const ROOT = join(import.meta.dirname, '../..')
const RESULTS = join(ROOT, 'bench/results')
const CHART = join(ROOT, 'docs/speed.svg')
let places = 0

await main()

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      chart: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  })
  if (values.chart) return saveChart()
  const names = positionals.length > 0 ? positionals : Object.keys(WORKLOADS)
  if (!names.every((name) => Object.hasOwn(WORKLOADS, name))) {
    process.stderr.write(`workloads: ${Object.keys(WORKLOADS).join(', ')}\n`)
    process.exit(2)
  }
  const minio = await startMinio()
  try {
    const run: Run = { minio, bucket: await createBucket(minio), ...values }
    const floor = await measureFloor(placeOf(run, 'floor'), run.quick ? 100 : 400)
    console.log(printFloor(floor))
    for (const name of names)
      save(name, { quick: run.quick, peers: run.peers, floor, ...(await WORKLOADS[name]?.(run)) })
  } finally {
    await minio.stop()
  }
}

async function ingest(run: Run): Promise<object> {
  const { quick, peers } = run
  const appends = quick ? [8, 4, 4] : [20, 8, 4]
  const sizes = [1_000, 10_000, 100_000].map((rows, i) => ({ rows, appends: appends[i] ?? 1 }))
  const place = (name: string): Place => placeOf(run, name)
  const rounds = quick ? 2 : ROUNDS
  const results = await runIngest({ sizes, arrowRows: quick ? 250_000 : 1_000_000, rounds, peers, place })
  console.log(printIngest(`W1: rows into a table, each append committed (${rounds} rounds)`, results))
  const memory = await runAppendMemory(place, quick ? 1_000_000 : 10_000_000)
  console.log(printAppendMemory(memory))
  return { rounds, results, memory }
}

async function smallAppends(run: Run): Promise<object> {
  const commits = run.quick ? 60 : 300
  const bare = bareCommits(await measureCommitSizes(commits, ROWS))
  const contestants = [bare, firn, ...(run.peers ? await peerContestants() : [])]
  const near = { contestants, rounds: ROUNDS, commits, rows: ROWS, place: (name: string) => placeOf(run, name) }
  // The first tables of a process are its slowest.
  await runSmallAppends({ ...near, rounds: 1, commits: 40 })
  const direct = await runSmallAppends(near)
  console.log(printSmallAppends(`W2: ${commits} appends of ${ROWS} rows, one after another (${ROUNDS} rounds)`, direct))
  const proxy = await startDelayingProxy(run.minio.endpoint, ADDED_MS)
  try {
    const place = (name: string): Place => ({ ...placeOf(run, name), endpoint: proxy.endpoint })
    const delayed = await runSmallAppends({ ...near, place, counts: () => proxy.counts() })
    console.log(printSmallAppends(`W2 with ${ADDED_MS} ms added to every answer`, delayed))
    return { commits, rounds: ROUNDS, rows: ROWS, direct, addedMs: ADDED_MS, delayed }
  } finally {
    await proxy.stop()
  }
}

async function longAppends(run: Run): Promise<object> {
  const [commits, stretch] = run.quick ? [300, 50] : [3_000, 500]
  const place = placeOf(run, 'long')
  const stretches = await runLongAppends({ contestant: firn, commits, rows: ROWS, stretch, place })
  console.log(`W2L: ${commits} appends of ${ROWS} rows without expiry, p50 by stretch`)
  for (const { commits: after, p50Ms } of stretches) console.log(`  to ${after} commits: ${p50Ms.toFixed(1)} ms`)
  return { commits, rows: ROWS, stretches }
}

async function manyWriters(run: Run): Promise<object> {
  const { quick, peers } = run
  const place = (name: string): Place => placeOf(run, name)
  const numbers = quick
    ? { writers: [2, 8], callers: 50, callerAppends: 4, appends: 20 }
    : { writers: [2, 8, 16, 32], callers: 100, callerAppends: 10, appends: 20 }
  const common = { rows: ROWS, place }
  const own = await runManyWriters({ ...numbers, ...common, sizes: await measureCommitSizes(60, ROWS) })
  const { floorPerSecond } = own
  // Others need minutes where firn needs seconds.
  const peerNumbers = { writers: quick ? [2] : [2, 8, 16], appends: 5 }
  const others = peers ? await runManyPeers({ ...peerNumbers, ...common, floorPerSecond }) : []
  const results = [...own.results, ...others]
  console.log(printManyWriters(`W3: many writers of one table, ${ROWS} rows an append`, { floorPerSecond, results }))
  return { ...numbers, floorPerSecond, results }
}

async function planning(run: Run): Promise<object> {
  const sizes = [
    { files: 10_000, rounds: 15, peerRounds: 3 },
    { files: 100_000, rounds: 21, peerRounds: 2 },
    // Others would need minutes for each.
    { files: 1_000_000, rounds: 3, peerRounds: 0 },
  ]
  const bySize: object[] = []
  for (const { files, rounds, peerRounds } of run.quick ? sizes.slice(0, 1) : sizes) {
    const peers =
      run.peers && peerRounds > 0 ? { rounds: peerRounds, place: placeOf(run, 'planning-peers') } : undefined
    const { results, memory } = await runPlanning({ files, rounds, peers, place: placeOf(run, 'planning') })
    const title = `W4: planning over ${files.toLocaleString('en')} data files, 7 columns of metrics`
    console.log(printPlanning(title, results, memory))
    bySize.push({ files, rounds, peerRounds, results, memory })
  }
  return { bySize }
}

async function reads(run: Run): Promise<object> {
  const { quick, peers } = run
  const [files, rowsPerFile, smallFiles] = quick ? [4, 100_000, 60] : [10, 500_000, 300]
  const rounds = 3
  const place = (name: string): Place => placeOf(run, name)
  const { results, memory } = await runReads({ place, files, rowsPerFile, smallFiles, rounds, peers })
  const title = `W7: ${files * rowsPerFile} rows in ${files} files, and small files (${rounds} rounds)`
  console.log(printReads(title, results, memory))
  return { rounds, files, rowsPerFile, smallFiles, results, memory }
}

async function deletedRows(run: Run): Promise<object> {
  const [files, rowsPerFile] = run.quick ? [4, 250_000] : [10, 1_000_000]
  const result = await runDeletedRows({ place: placeOf(run, 'deletes'), files, rowsPerFile, rounds: ROUNDS })
  console.log(printDeletedRows(result))
  return { rounds: ROUNDS, files, rowsPerFile, ...result }
}

function prefixLimits(): Promise<object> {
  const results = [16, 64, 256].flatMap(runPrefixLimits)
  console.log(printPrefixLimits(results))
  return Promise.resolve({ results })
}

function placeOf({ minio, bucket }: Run, name: string): Place {
  const { endpoint, accessKeyId, secretAccessKey } = minio
  places += 1
  return { endpoint, accessKeyId, secretAccessKey, bucket, prefix: `${places}-${name.replaceAll(' ', '-')}` }
}

/** Draws the chart of the README anew, from results that are there. */
function saveChart(): void {
  const title = 'Speed by that of the fastest other engine (dashed), two shared cores and MinIO on one machine'
  writeFileSync(CHART, drawChart(title, chartGroups(RESULTS)))
  console.log(`chart: ${CHART}`)
}

function save(name: string, figures: object): void {
  mkdirSync(RESULTS, { recursive: true })
  const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), node: process.version }
  const file = join(RESULTS, `${name}.jsonl`)
  appendFileSync(file, `${JSON.stringify({ workload: name, at: new Date().toISOString(), machine, ...figures })}\n`)
  console.log(`figures: ${file}\n`)
}
