/**
 * W4: planning a scan of a table with many data files, cold, whole and pruned to a hundredth. Its floor is the GET of the
 * same manifests, and that with their blocks inflated: what has to be done before an entry can be looked at.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mapConcurrent } from '../src/base/concurrency.ts'
import { systemRuntime } from '../src/base/runtime.ts'
import { AvroCursor } from '../src/format/avro-cursor.ts'
import { openAvro } from '../src/format/avro.ts'
import { MAX_BLOCK_BYTES, decompress } from '../src/format/compression.ts'
import { openFileIO } from '../src/io/open-file-io.ts'
import { TableScan } from '../src/scan/table-scan.ts'
import { BareClient } from './bare-client.ts'
import type { Place } from './contestant.ts'
import { peerEngines } from './peer.ts'
import { ONE_DAY, type PlanningTable, writePlanningTable } from './planning-table.ts'
import { type Spread, spreadOf } from './statistics.ts'

export interface PlanningResult {
  readonly what: 'full' | 'pruned'
  readonly entries: number
  readonly tasks: number
  readonly getMs: Spread
  /** GET and inflate. */
  readonly inflateMs: Spread
  readonly planMs: Spread
  /** Until the first task is there. */
  readonly firstMs: Spread
  /** Planning by GET and inflate of the same round. */
  readonly ratio: Spread
  /** Of other engines, their time, and it by the median of ours. */
  readonly peers: readonly { readonly name: string; readonly ms: Spread; readonly byFirn: number }[]
}

/** Of a process that does nothing but to plan the whole table, several times over. */
export interface PlanMemory {
  /** Of all plans. */
  readonly tasks: number
  /** The most memory up to the end of each plan. */
  readonly peaksRssBytes: readonly number[]
}

export interface Planning {
  readonly place: Place
  /** How often others plan; not at all where it is absent. */
  readonly peers?: { readonly rounds: number; readonly place: Place } | undefined
  readonly files: number
  readonly rounds: number
}

const GETS_IN_FLIGHT = 8

export async function runPlanning({
  place,
  peers,
  files,
  rounds,
}: Planning): Promise<{ readonly results: readonly PlanningResult[]; readonly memory: PlanMemory }> {
  const { endpoint, accessKeyId, secretAccessKey, bucket, prefix } = place
  const location = `s3://${bucket}/${prefix}`
  const io = openFileIO(location, {
    cacheSizeBytes: 0,
    s3: { endpoint, credentials: { accessKeyId, secretAccessKey } },
  })
  const table = await writePlanningTable(io, location, files)
  const client = new BareClient(place)
  try {
    const full = { what: 'full', keys: table.keys, where: undefined, entries: files, tasks: files } as const
    const pruned = {
      what: 'pruned',
      keys: table.prunedKeys,
      where: ONE_DAY,
      entries: files / table.manifests,
      tasks: files / 100,
    } as const
    const results: PlanningResult[] = []
    for (const each of [full, pruned]) {
      const own = await measure(table, client, each, rounds)
      results.push({
        ...own,
        peers: peers ? await measurePeers(table, each, { ...peers, firnMs: own.planMs.median }) : [],
      })
    }
    return { results, memory: await measureMemory(table, place) }
  } finally {
    client.close()
    await table.io.close()
  }
}

interface Case {
  readonly what: 'full' | 'pruned'
  readonly keys: readonly string[]
  readonly where: string | undefined
  readonly entries: number
  readonly tasks: number
}

async function measure(
  table: PlanningTable,
  client: BareClient,
  { what, keys, where, entries, tasks }: Case,
  rounds: number,
): Promise<Omit<PlanningResult, 'peers'>> {
  const got: number[] = []
  const inflated: number[] = []
  const planned: number[] = []
  const first: number[] = []
  // The first rounds of a process are its slowest.
  for (let round = -2; round < rounds; round += 1) {
    const getMs = await timed(() => fetchAll(client, keys, (bytes) => bytes.length))
    const inflateMs = await timed(() => fetchAll(client, keys, inflate))
    const plan = await planOnce(table, where)
    if (plan.tasks !== tasks) throw new Error(`${plan.tasks} tasks were planned, not ${tasks}`)
    if (round < 0) continue
    got.push(getMs)
    inflated.push(inflateMs)
    planned.push(plan.allMs)
    first.push(plan.firstMs)
  }
  return {
    what,
    entries,
    tasks,
    getMs: spreadOf(got),
    inflateMs: spreadOf(inflated),
    planMs: spreadOf(planned),
    firstMs: spreadOf(first),
    ratio: spreadOf(planned.map((ms, i) => ms / (inflated[i] ?? Number.NaN))),
  }
}

/** Others take their own times, one engine after another: planning of theirs takes up to a minute. */
async function measurePeers(
  { metadataLocation }: PlanningTable,
  { where, tasks }: Case,
  { rounds, place, firnMs }: { readonly rounds: number; readonly place: Place; readonly firnMs: number },
): Promise<PlanningResult['peers']> {
  const measured: PlanningResult['peers'][number][] = []
  for (const engine of await peerEngines()) {
    const peer = await engine.open({ ...place, prefix: `${place.prefix}-${where === undefined ? 'full' : 'pruned'}` })
    const times: number[] = []
    try {
      for (let round = -1; round < rounds; round += 1) {
        const { ms, rows } = await peer.plan(metadataLocation, where)
        if (rows !== tasks) throw new Error(`${engine.name} planned ${rows} tasks, not ${tasks}`)
        // The first warms up.
        if (round >= 0) times.push(ms)
      }
    } finally {
      peer.close()
    }
    const ms = spreadOf(times)
    measured.push({ name: engine.name, ms, byFirn: ms.median / firnMs })
  }
  return measured
}

async function planOnce(
  { io, metadata }: PlanningTable,
  where: string | undefined,
): Promise<{ readonly tasks: number; readonly allMs: number; readonly firstMs: number }> {
  const onMissing = (cause: Error): Promise<Error> => Promise.resolve(cause)
  const source = { io, runtime: systemRuntime, reporter: undefined, name: 'bench.planning', metadata, onMissing }
  const startMs = performance.now()
  let firstMs = Number.NaN
  let tasks = 0
  for await (const _ of new TableScan({ ...source, metadataLocation: '' }, { where }).planFiles()) {
    if (tasks === 0) firstMs = performance.now() - startMs
    tasks += 1
  }
  return { tasks, allMs: performance.now() - startMs, firstMs }
}

/** As planning does, the list before the manifests. */
async function fetchAll(
  client: BareClient,
  [list = '', ...manifests]: readonly string[],
  look: (bytes: Uint8Array) => number,
): Promise<number> {
  let total = look(await client.read(list))
  for await (const bytes of mapConcurrent(manifests, GETS_IN_FLIGHT, (key) => client.read(key))) total += look(bytes)
  return total
}

function inflate(bytes: Uint8Array): number {
  const cursor = new AvroCursor(bytes, 'floor')
  cursor.skip(openAvro(bytes, 'floor').blocksOffset + 16)
  let total = 0
  while (cursor.remaining > 0) {
    cursor.number()
    // As planning does it, in one piece: with zlib's default pieces the floor would be a third higher.
    total += decompress('deflate', cursor.byteString(), 'floor', MAX_BLOCK_BYTES).length
    cursor.skip(16)
  }
  return total
}

async function measureMemory({ metadataLocation }: PlanningTable, place: Place): Promise<PlanMemory> {
  const input = JSON.stringify({ ...place, location: metadataLocation })
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'plan-memory.js'), input])
  return JSON.parse(stdout) as PlanMemory
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await call()
  return performance.now() - startMs
}
