/**
 * W7: reads of a table of large files, whole, narrow and filtered, and of one of many small files. The floor asks for the
 * same bytes by bare requests and does nothing with them.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { BufferType, Data, RecordBatch, Struct, makeData } from 'apache-arrow'
import { mapConcurrent } from '../src/base/concurrency.ts'
import { systemRuntime } from '../src/base/runtime.ts'
import { toArrowType } from '../src/format/arrow-schema.ts'
import { type Table, TableScan, openCatalog } from '../src/index.ts'
import type { ByteRange } from '../src/io/file-io.ts'
import { openFileIO } from '../src/io/open-file-io.ts'
import { RowPacker } from '../src/write/rows-to-arrow.ts'
import { overriding } from '../test/support/overriding.ts'
import { BareClient } from './bare-client.ts'
import { type Place, ownCpuMs } from './contestant.ts'
import { EVENT_SCHEMA, eventRows } from './event-rows.ts'
import { FIRN_TABLE } from './firn.ts'
import { READERS } from './peer.ts'
import { type Spread, spreadOf } from './statistics.ts'

export interface Reads {
  readonly place: (name: string) => Place
  readonly files: number
  readonly rowsPerFile: number
  readonly smallFiles: number
  readonly rounds: number
  readonly peers: boolean
}

export interface ReadResult {
  readonly what: string
  readonly rows: number
  readonly megabytes: number
  readonly requests: number
  readonly floorMs: Spread
  readonly firnMs: Spread
  readonly firnCpuMs: Spread
  readonly ofFloor: Spread
  /** Of other engines, their time, and firn's by it in the same round. */
  readonly peers: readonly { readonly name: string; readonly ms: Spread; readonly firnBy: Spread }[]
}

export interface ReadMemory {
  readonly rows: number
  readonly megabytes: number
  readonly peakRssBytes: number
}

interface Case {
  readonly what: string
  readonly table: Table
  readonly place: Place
  readonly select?: readonly string[]
  readonly where?: string
}

const CHUNK_ROWS = 250_000
const SMALL_FILE_ROWS = 100
const GETS_IN_FLIGHT = 16

export async function runReads(input: Reads): Promise<{ results: ReadResult[]; memory: ReadMemory }> {
  const { files, rowsPerFile, smallFiles } = input
  const largePlace = input.place('large')
  const smallPlace = input.place('small')
  const large = await openTable(largePlace)
  const small = await openTable(smallPlace)
  try {
    await fillLarge(large.table, files, rowsPerFile)
    for (let file = 0; file < smallFiles; file++)
      await small.table.append(eventRows(file * SMALL_FILE_ROWS, SMALL_FILE_ROWS))
    const rows = files * rowsPerFile
    const from = Math.floor(rows / 3)
    const ofLarge = { table: large.table, place: largePlace }
    const results: ReadResult[] = []
    for (const each of [
      { what: 'all columns', ...ofLarge },
      { what: '2 of 7 columns', ...ofLarge, select: ['id', 'value'] },
      { what: '1 % anywhere', ...ofLarge, where: 'value < 100' },
      { what: '1 % by ascending id', ...ofLarge, where: `id >= ${from} and id < ${from + rows / 100}` },
      { what: `${smallFiles} files of ${SMALL_FILE_ROWS}`, table: small.table, place: smallPlace },
    ])
      results.push(await measure(each, input))
    // The same files once more: memory is promised for twice as many rows.
    await fillLarge(large.table, files, rowsPerFile)
    return { results, memory: await measureMemory(large.table, largePlace) }
  } finally {
    await Promise.all([large.close(), small.close()])
  }
}

async function openTable(place: Place): Promise<{ readonly table: Table; readonly close: () => Promise<void> }> {
  const { endpoint, accessKeyId, secretAccessKey, bucket, prefix } = place
  const catalog = await openCatalog(`s3://${bucket}/${prefix}`, {
    s3: { endpoint, credentials: { accessKeyId, secretAccessKey } },
  })
  const table = await catalog.createTable(FIRN_TABLE, { schema: EVENT_SCHEMA })
  return { table, close: () => catalog.close() }
}

/** Values repeat from chunk to chunk, ids do not. */
async function fillLarge(table: Table, files: number, rowsPerFile: number): Promise<void> {
  const packer = new RowPacker(table.schema)
  packer.append(eventRows(0, Math.min(CHUNK_ROWS, rowsPerFile)))
  const chunk = packer.finish()
  let next = 0
  for (let file = 0; file < files; file++) {
    const batches: RecordBatch[] = []
    for (let left = rowsPerFile; left > 0; left -= chunk.numRows) {
      batches.push(withIds(chunk.slice(0, Math.min(left, chunk.numRows)), next))
      next += Math.min(left, chunk.numRows)
    }
    await table.append(batches)
  }
}

function withIds(batch: RecordBatch, first: number): RecordBatch {
  const [, ...others] = batch.data.children
  const ids = new BigInt64Array(batch.numRows)
  for (let row = 0; row < ids.length; row++) ids[row] = BigInt(first + row)
  const idColumn = new Data(toArrowType({ kind: 'long' }), 0, ids.length, 0, { [BufferType.DATA]: ids })
  const type = new Struct(batch.schema.fields)
  const children = [idColumn, ...others]
  return new RecordBatch(batch.schema, makeData({ type, length: ids.length, nullCount: 0, children }))
}

interface Took {
  readonly ms: number
  readonly cpuMs: number
  readonly rows: number
}

async function measure(read: Case, { rounds, peers }: Reads): Promise<ReadResult> {
  const { what, table, place, select, where } = read
  const io = openFileIO(table.location, {
    cacheSizeBytes: 0,
    s3: { endpoint: place.endpoint, credentials: place },
  })
  const ranges: { readonly location: string; readonly range: ByteRange }[] = []
  const noting = overriding(io, {
    readRange: (location, range, options) => {
      ranges.push({ location, range })
      return io.readRange(location, range, options)
    },
  })
  const { metadata } = table
  const scan = (from: typeof io): TableScan =>
    new TableScan({ io: from, metadata, name: FIRN_TABLE, runtime: systemRuntime }, { select, where })
  const client = new BareClient({ ...place, prefix: '' })
  const others = await Promise.all((peers ? READERS : []).map((engine) => engine.open(place)))
  const { rows } = await timed(() => countRows(scan(noting)))
  const noted = ranges.splice(0)
  const lanes: Record<'floor' | 'firn', Took[]> = { floor: [], firn: [] }
  const laneOf = new Map(others.map((peer): [typeof peer, Took[]] => [peer, []]))
  const turns = [
    async (): Promise<void> => void lanes.floor.push(await timed(() => fetchAll(client, noted, place.bucket))),
    async (): Promise<void> => void lanes.firn.push(await timed(() => countRows(scan(io)))),
    ...others.map((peer) => async (): Promise<void> => {
      laneOf.get(peer)?.push(await peer.read(table.metadataLocation, { select, where }))
    }),
  ]
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) {
      globalThis.gc?.()
      await turn()
    }
    if (round === 0) for (const took of [...Object.values(lanes), ...laneOf.values()]) took.splice(0)
  }
  client.close()
  for (const peer of others) peer.close()
  await io.close()
  for (const took of [...lanes.firn, ...[...laneOf.values()].flat()])
    if (took.rows !== rows) throw new Error(`${what}: ${took.rows} rows were read, not ${rows}`)
  const msOf = (lane: readonly Took[]): number[] => lane.map(({ ms }) => ms)
  const by = (other: readonly Took[]): Spread =>
    spreadOf(lanes.firn.map(({ ms }, i) => ms / (other[i]?.ms ?? Number.NaN)))
  return {
    what,
    rows,
    megabytes: noted.reduce((sum, { range }) => sum + range.length, 0) / 1e6,
    requests: noted.length,
    floorMs: spreadOf(msOf(lanes.floor)),
    firnMs: spreadOf(msOf(lanes.firn)),
    firnCpuMs: spreadOf(lanes.firn.map(({ cpuMs }) => cpuMs)),
    ofFloor: by(lanes.floor),
    peers: [...laneOf].map(([{ name }, lane]) => ({ name, ms: spreadOf(msOf(lane)), firnBy: by(lane) })),
  }
}

async function countRows(scan: TableScan): Promise<number> {
  let rows = 0
  for await (const batch of scan) rows += batch.numRows
  return rows
}

async function fetchAll(
  client: BareClient,
  ranges: readonly { readonly location: string; readonly range: ByteRange }[],
  bucket: string,
): Promise<number> {
  const prefix = `s3://${bucket}/`
  const fetch = ({ location, range }: (typeof ranges)[number]): Promise<Uint8Array> =>
    client.read(location.slice(prefix.length), range)
  let bytes = 0
  for await (const body of mapConcurrent(ranges, GETS_IN_FLIGHT, fetch)) bytes += body.length
  return bytes
}

async function timed(work: () => Promise<number>): Promise<Took> {
  const [startMs, startCpuMs] = [performance.now(), ownCpuMs()]
  const rows = await work()
  return { ms: performance.now() - startMs, cpuMs: ownCpuMs() - startCpuMs, rows }
}

/** In a process of its own, which does nothing else. */
async function measureMemory(table: Table, place: Place): Promise<ReadMemory> {
  const script = join(import.meta.dirname, 'scan-memory.js')
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    JSON.stringify({ ...place, location: table.metadataLocation }),
  ])
  return JSON.parse(stdout) as ReadMemory
}
