/**
 * The floor of a commit: its requests with nothing around them. Four objects of the sizes that firn writes go up in
 * parallel, then one conditional PUT.
 */
import { randomBytes } from 'node:crypto'
import type { FirnEvent } from '../src/base/events.ts'
import { openCatalog } from '../src/catalog/open-catalog.ts'
import { BareClient } from './bare-client.ts'
import { type Contestant, ownCpuMs } from './contestant.ts'
import { EVENT_SCHEMA, eventRows } from './event-rows.ts'

/** Bytes of a commit's bodies, in the order in which they were sent: the last is the pointer. */
export type CommitSizes = readonly number[]

/** What `count` commits of `rows` rows send, found out in memory. */
export async function measureCommitSizes(count: number, rows: number): Promise<CommitSizes[]> {
  let sizes: number[] = []
  const reporter = (event: FirnEvent): void => {
    if (event.type === 'request' && event.verb === 'PUT') sizes.push(event.bytesSent)
  }
  const catalog = await openCatalog('memory://sizes/warehouse', { reporter })
  const table = await catalog.createTable('bench.events', { schema: EVENT_SCHEMA })
  await table.append(eventRows(0, 1))
  const commits: CommitSizes[] = []
  for (let i = 0; i < count; i++) {
    sizes = []
    await table.append(eventRows(i * rows, rows))
    commits.push(sizes)
  }
  await catalog.close()
  return commits
}

/** Sends the bare requests of commits of these sizes; beyond the last it goes on with that. */
export function bareCommits(commits: readonly CommitSizes[]): Contestant {
  return {
    name: 'bare requests',
    async open(place) {
      const client = new BareClient(place)
      const noise = randomBytes(Math.max(...commits.flat()))
      let etag = await client.put('pointer', noise.subarray(0, 1000), { 'if-none-match': '*' })
      let done = 0
      return {
        async append() {
          const sizes = commits[Math.min(done, commits.length - 1)] ?? []
          const bodies = sizes.map((size) => noise.subarray(0, size))
          await Promise.all(bodies.slice(0, -1).map((body, i) => client.put(`commit-${done}/${i}`, body)))
          etag = await client.put('pointer', pointerBody(bodies.at(-1), done), { 'if-match': etag })
          done += 1
        },
        cpuMs: ownCpuMs,
        countRows: () => Promise.resolve(undefined),
        close: () => Promise.resolve(client.close()),
      }
    },
  }
}

/** No two bodies are equal, so that no etag comes twice. */
function pointerBody(noise: Uint8Array = new Uint8Array(), nth = 0): Uint8Array {
  return Buffer.concat([noise, Buffer.from(String(nth))])
}
