/**
 * W1: how fast rows come into a table, each append committed: plain objects in batches of several sizes, one batch after
 * another and with four appends under way, and one large Arrow table. The floor sends the same bytes with nothing around.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { RecordBatch, Table as ArrowTable } from 'apache-arrow'
import { type Catalog, type Table, openTable } from '../src/index.ts'
import { RowPacker } from '../src/write/rows-to-arrow.ts'
import { bareCommits, measureCommitSizes } from './bare-commits.ts'
import { type Place, ownCpuMs } from './contestant.ts'
import { EVENT_SCHEMA, type EventRow, eventRows } from './event-rows.ts'
import { FIRN_TABLE, openWarehouse, storeOptions } from './firn.ts'
import { type Peer, type Totals, peerEngines } from './peer.ts'
import { type Spread, spreadOf } from './statistics.ts'

export interface Ingest {
  /** Rows of a batch, and appends in a round. */
  readonly sizes: readonly { readonly rows: number; readonly appends: number }[]
  readonly arrowRows: number
  readonly rounds: number
  readonly peers: boolean
  readonly place: (name: string) => Place
}

export interface IngestResult {
  readonly what: string
  readonly name: string
  /** Thousands of rows a second. */
  readonly krows: Spread
  /** Of the floor's rate in the same round. */
  readonly ofFloor: Spread
  /** By the rate of the fastest other engine in the same round; undefined without peers. */
  readonly byBestPeer: Spread | undefined
  readonly cpuMicrosPerRow: Spread
}

/** Of one append of many rows, in a process that does nothing else. */
export interface AppendMemory {
  readonly rows: number
  readonly arrow: boolean
  readonly seconds: number
  readonly peakRssBytes: number
}

/** What is appended: a batch of objects, or Arrow data. */
type Batch = EventRow[] | ArrowTable

interface Took {
  readonly ms: number
  readonly cpuMs: number
}

interface Lane {
  readonly name: string
  /** Makes the batches of a turn, then appends them. */
  turn(first: number, appends: number): Promise<Took>
  /** Checks what a reader finds. */
  close(rows: number): Promise<void>
}

interface Workload {
  readonly what: string
  readonly rows: number
  readonly appends: number
  readonly arrow: boolean
}

const IN_FLIGHT = 4

export async function runIngest(input: Ingest): Promise<IngestResult[]> {
  const results: IngestResult[] = []
  for (const { rows, appends } of input.sizes) {
    const what = `objects, ${rows.toLocaleString('en')} a batch`
    results.push(...(await measure(input, { what, rows, appends, arrow: false })))
  }
  const what = `Arrow, ${input.arrowRows.toLocaleString('en')} at once`
  results.push(...(await measure(input, { what, rows: input.arrowRows, appends: 1, arrow: true })))
  return results
}

/** One streamed append of objects, and one of Arrow batches. */
export async function runAppendMemory(place: Ingest['place'], rows: number): Promise<AppendMemory[]> {
  const results: AppendMemory[] = []
  for (const arrow of [false, true]) {
    const script = join(import.meta.dirname, 'append-memory.js')
    const task = JSON.stringify({ ...place('memory'), rows, arrow })
    const { stdout } = await promisify(execFile)(process.execPath, [script, task])
    results.push(JSON.parse(stdout) as AppendMemory)
  }
  return results
}

async function measure(input: Ingest, workload: Workload): Promise<IngestResult[]> {
  const { rows, appends, arrow } = workload
  const engines = input.peers ? await peerEngines() : []
  const peers = await Promise.all(engines.map((engine) => engine.open(input.place(engine.name))))
  const [reader] = peers
  const lanes = [
    await bareLane(input.place('floor'), rows),
    await firnLane('firn', input.place('firn'), workload, { atOnce: 1, reader }),
    ...(arrow
      ? []
      : [await firnLane('firn, four at once', input.place('firn4'), workload, { atOnce: IN_FLIGHT, reader })]),
    ...peers.map((peer) => peerLane(peer, input.place('reader'), workload)),
  ]
  const rounds: Took[][] = []
  // The first round warms up.
  for (let round = 0; round <= input.rounds; round++) {
    const took = new Map<string, Took>()
    // Who comes first changes, so that nobody always follows the same one.
    for (const lane of round % 2 === 0 ? lanes : lanes.toReversed()) {
      globalThis.gc?.()
      took.set(lane.name, await lane.turn(round * appends * rows, appends))
    }
    if (round > 0) rounds.push(lanes.map((lane) => took.get(lane.name) ?? { ms: Number.NaN, cpuMs: Number.NaN }))
  }
  for (const lane of lanes) await lane.close((input.rounds + 1) * appends * rows)
  for (const peer of peers) peer.close()
  const count = appends * rows
  const rates = (lane: number): number[] => rounds.map((took) => count / (took[lane]?.ms ?? Number.NaN))
  const floorRates = rates(0)
  const peerRates = lanes.flatMap((lane, i) => (peers.some(({ name }) => name === lane.name) ? [rates(i)] : []))
  const bestPeerRates = floorRates.map((_, round) => Math.max(...peerRates.map((of) => of[round] ?? Number.NaN)))
  const by = (lane: number, others: readonly number[]): Spread =>
    spreadOf(rates(lane).map((rate, round) => rate / (others[round] ?? Number.NaN)))
  return lanes.map(({ name }, lane) => ({
    what: workload.what,
    name,
    krows: spreadOf(rates(lane)),
    ofFloor: by(lane, floorRates),
    byBestPeer: peers.length > 0 ? by(lane, bestPeerRates) : undefined,
    cpuMicrosPerRow: spreadOf(rounds.map((took) => ((took[lane]?.cpuMs ?? 0) / count) * 1000)),
  }))
}

async function bareLane(place: Place, rows: number): Promise<Lane> {
  const session = await bareCommits(await measureCommitSizes(2, rows)).open(place)
  return {
    name: 'floor',
    turn: (_, appends) =>
      timed(async () => {
        for (let i = 0; i < appends; i++) await session.append([])
      }),
    close: () => session.close(),
  }
}

async function firnLane(
  name: string,
  place: Place,
  { rows, arrow }: Workload,
  { atOnce, reader }: { readonly atOnce: number; readonly reader: Peer | undefined },
): Promise<Lane> {
  const catalog = await openWarehouse(place)
  const table = await catalog.createTable(FIRN_TABLE, { schema: EVENT_SCHEMA })
  return {
    name,
    turn(first, appends) {
      const batches = Array.from({ length: appends }, (_, i) => makeBatch(table, first + i * rows, { rows, arrow }))
      return timed(() => appendAll(table, batches, atOnce))
    },
    async close(count) {
      const location = await currentLocation(catalog)
      const found = await (reader?.totals(location) ?? totalsByFirn(place, location))
      checkTotals(name, found, count)
      await catalog.close()
    },
  }
}

function makeBatch(table: Table, first: number, { rows, arrow }: Pick<Workload, 'rows' | 'arrow'>): Batch {
  if (!arrow) return eventRows(first, rows)
  const packer = new RowPacker(table.schema)
  const batches: RecordBatch[] = []
  for (let from = 0; from < rows; from += 65_536) {
    packer.append(eventRows(first + from, Math.min(65_536, rows - from)))
    batches.push(packer.finish())
  }
  return new ArrowTable(batches)
}

/** Each of `atOnce` callers takes the next batch when its last is committed. */
async function appendAll(table: Table, batches: readonly Batch[], atOnce: number): Promise<void> {
  const left = batches.values()
  const caller = async (): Promise<void> => {
    for (const batch of left) await table.append(batch)
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
}

function peerLane(peer: Peer, place: Place, { rows, arrow }: Workload): Lane {
  return {
    name: peer.name,
    async turn(first, appends) {
      let ms = 0
      let cpuMs = 0
      for (let i = 0; i < appends; i++) {
        await peer.prepare(first + i * rows, rows, arrow)
        const took = await peer.append()
        ms += took.ms
        cpuMs += took.cpuMs
      }
      return { ms, cpuMs }
    },
    async close(count) {
      checkTotals(peer.name, await totalsByFirn(place, await peer.location()), count)
    },
  }
}

async function timed(work: () => Promise<void>): Promise<Took> {
  const startMs = performance.now()
  const cpuMs = ownCpuMs()
  await work()
  return { ms: performance.now() - startMs, cpuMs: ownCpuMs() - cpuMs }
}

async function currentLocation(catalog: Catalog): Promise<string> {
  return (await catalog.loadTable(FIRN_TABLE)).metadataLocation
}

async function totalsByFirn(place: Place, location: string): Promise<Totals> {
  const table = await openTable(location, storeOptions(place))
  let rows = 0
  let idSum = 0n
  let flags = 0
  for await (const row of table.scan({ select: ['id', 'flag'] }).rows()) {
    rows += 1
    idSum += row['id'] as bigint
    flags += row['flag'] === true ? 1 : 0
  }
  return { rows: String(rows), idSum: String(idSum), flags: String(flags) }
}

/** Ids count up from 0; half of the flags are set. */
function checkTotals(name: string, { rows, idSum, flags }: Totals, count: number): void {
  const expected = (BigInt(count) * BigInt(count - 1)) / 2n
  const isFair = Math.abs(Number(flags) / count - 0.5) < 0.05
  if (rows === String(count) && idSum === String(expected) && isFair) return
  throw new Error(`${name}: ${rows} rows with ids of ${idSum} and ${flags} flags, of ${count} with ${expected}`)
}
