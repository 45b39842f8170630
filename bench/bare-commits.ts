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

let measured = 0

/** Bytes of the bodies that each of `count` commits of `rows` rows sends, the pointer last; found out in memory. */
export async function measureCommitSizes(count: number, rows: number): Promise<number[][]> {
  let sizes: number[] = []
  const reporter = (event: FirnEvent): void => {
    if (event.type === 'request' && event.verb === 'PUT') sizes.push(event.bytesSent)
  }
  const catalog = await openCatalog(`memory://sizes/${measured++}`, { reporter })
  const table = await catalog.createTable('bench.events', { schema: EVENT_SCHEMA })
  await table.append(eventRows(0, 1))
  const commits: number[][] = []
  for (let i = 0; i < count; i++) {
    sizes = []
    await table.append(eventRows(i * rows, rows))
    commits.push(sizes)
  }
  await catalog.close()
  return commits
}

/** Sends the bare requests of commits of these sizes; beyond the last it goes on with that. */
export function bareCommits(commits: readonly number[][]): Contestant {
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
          // No two bodies are equal, so that no etag comes twice.
          const pointer = Buffer.concat([bodies.at(-1) ?? noise, Buffer.from(String(done))])
          etag = await client.put('pointer', pointer, { 'if-match': etag })
          done += 1
        },
        cpuMs: ownCpuMs,
        countRows: () => Promise.resolve(undefined),
        close: () => Promise.resolve(client.close()),
      }
    },
  }
}
