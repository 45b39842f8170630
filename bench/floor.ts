/** The floor of this machine: raw requests of several sizes, one at a time, and compare-and-swaps of one key. */
import { randomBytes } from 'node:crypto'
import { BareClient } from './bare-client.ts'
import type { Place } from './contestant.ts'
import { median } from './statistics.ts'

export interface RequestFloor {
  readonly what: string
  readonly putMs: number
  readonly getMs: number
}

export async function measureFloor(place: Place, times: number): Promise<RequestFloor[]> {
  const client = new BareClient(place)
  const floors: RequestFloor[] = []
  for (const kilobytes of [1, 4, 1024]) {
    const body = randomBytes(kilobytes * 1024)
    const putMs = await medianMs(times, (i) => client.put(`${kilobytes}/${i}`, body))
    floors.push({
      what: `${kilobytes} KB`,
      putMs,
      getMs: await medianMs(times, (i) => client.get(`${kilobytes}/${i}`)),
    })
  }
  let etag = await client.put('swapped', randomBytes(1024))
  const putMs = await medianMs(times, async () => {
    etag = await client.put('swapped', randomBytes(1024), { 'if-match': etag })
  })
  floors.push({ what: '1 KB if-match', putMs, getMs: await medianMs(times, () => client.get('swapped')) })
  client.close()
  return floors
}

async function medianMs(times: number, call: (i: number) => Promise<unknown>): Promise<number> {
  const took: number[] = []
  for (let i = 0; i < times; i++) {
    const startMs = performance.now()
    await call(i)
    took.push(performance.now() - startMs)
  }
  return median(took)
}
