/** The floor of this machine: raw requests of several sizes, one at a time and eight at once, and compare-and-swaps. */
import { randomBytes } from 'node:crypto'
import { BareClient } from './bare-client.ts'
import type { Place } from './contestant.ts'
import { median } from './statistics.ts'

interface RequestFloor {
  readonly putMs: number
  readonly getMs: number
  /** Eight at a time, per second. */
  readonly putsPerSecond: number
  readonly getsPerSecond: number
}

export interface Floor {
  readonly requests: Readonly<Record<string, RequestFloor>>
  /** Conditional PUTs of one key, each on the last one's etag. */
  readonly casPerSecond: number
}

const SIZES = { '1 KB': 1024, '4 KB': 4096, '1 MB': 1024 * 1024 } as const

export async function measureFloor(place: Place, times: number): Promise<Floor> {
  const client = new BareClient(place)
  const requests: Record<string, RequestFloor> = {}
  for (const [name, size] of Object.entries(SIZES)) {
    const body = randomBytes(size)
    const put = (i: number): Promise<unknown> => client.put(`${size}/${i}`, body)
    const get = (i: number): Promise<unknown> => client.get(`${size}/${i}`)
    requests[name] = {
      putMs: await medianMs(times, put),
      getMs: await medianMs(times, get),
      putsPerSecond: await perSecond(times, put),
      getsPerSecond: await perSecond(times, get),
    }
  }
  let { etag } = await client.put('cas', randomBytes(1000))
  const swap = async (): Promise<void> => {
    etag = (await client.put('cas', randomBytes(1000), { 'if-match': etag ?? '' })).etag
  }
  const casMs = await medianMs(times, swap)
  client.close()
  return { requests, casPerSecond: 1000 / casMs }
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

async function perSecond(times: number, call: (i: number) => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  const lanes = Array.from({ length: 8 }, async (_, lane) => {
    for (let i = lane; i < times; i += 8) await call(i)
  })
  await Promise.all(lanes)
  return (times * 1000) / (performance.now() - startMs)
}
