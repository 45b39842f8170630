/** Other engines in the benchmark of small appends. */
import { openTable } from '../src/index.ts'
import type { Contestant } from './contestant.ts'
import { storeOptions } from './firn.ts'
import { type PeerEngine, peerEngines } from './peer.ts'

export async function peerContestants(): Promise<Contestant[]> {
  return (await peerEngines()).map(peerContestant)
}

/** Its rows are made on its own side, before the time is taken; a pipe's round trip is in it. */
function peerContestant(engine: PeerEngine): Contestant {
  return {
    name: engine.name,
    async open(place) {
      const peer = await engine.open(place)
      let usedMs = 0
      return {
        prepare: (rows) => peer.prepare(Number(rows[0]?.id ?? 0n), rows.length, false),
        async append() {
          usedMs += (await peer.append()).cpuMs
        },
        cpuMs: () => usedMs,
        async countRows() {
          const table = await openTable(await peer.location(), storeOptions(place))
          let rows = 0n
          for await (const batch of table.scan()) rows += BigInt(batch.numRows)
          return rows
        },
        close: () => Promise.resolve(peer.close()),
      }
    },
  }
}
