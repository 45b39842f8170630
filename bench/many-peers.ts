/** W3 of other engines: processes that share a catalog in a SQLite file and append to one of its tables. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTable } from '../src/index.ts'
import type { Place } from './contestant.ts'
import { storeOptions } from './firn.ts'
import { type ManyWritersResult, checkTable, summarize } from './many-writers.ts'
import { type Peer, type PeerEngine, peerEngines } from './peer.ts'

export interface ManyPeers {
  /** Numbers of processes to try. */
  readonly writers: readonly number[]
  readonly appends: number
  readonly rows: number
  readonly floorPerSecond: number
  readonly place: (name: string) => Place
}

/** What every engine reaches with every number of processes. */
export async function runManyPeers(input: ManyPeers): Promise<ManyWritersResult[]> {
  const results: ManyWritersResult[] = []
  for (const engine of await peerEngines())
    for (const writers of input.writers) results.push(await compete(input, engine, writers))
  return results
}

async function compete(
  { place, appends, rows, floorPerSecond }: ManyPeers,
  engine: PeerEngine,
  writers: number,
): Promise<ManyWritersResult> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-peers-'))
  const at = place(engine.name)
  const open = (): Promise<Peer> => engine.open(at, join(folder, 'catalog.db'))
  const peers = [await open()]
  while (peers.length < writers) peers.push(await open())
  const tookMs: number[] = []
  let attempts = 0
  const startMs = performance.now()
  await Promise.all(
    peers.map(async (peer, writer) => {
      for (let i = 0; i < appends; i++) {
        await peer.prepare((writer * appends + i) * rows, rows, false)
        const took = await peer.append()
        attempts += took.attempts
        tookMs.push(took.ms)
      }
    }),
  )
  const seconds = (performance.now() - startMs) / 1_000
  const location = (await peers[0]?.location()) ?? ''
  const { snapshots } = await checkTable(await openTable(location, storeOptions(at)), writers * appends * rows)
  for (const peer of peers) peer.close()
  await rm(folder, { recursive: true })
  const told = [{ tookMs, attempts }]
  return summarize(`${writers} processes of ${engine.name}`, { told, seconds, floorPerSecond, snapshots })
}
