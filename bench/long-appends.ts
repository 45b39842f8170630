/** W2L: what a commit of few rows takes as its table grows to thousands of snapshots, none of which is expired. */
import type { Contestant, Place } from './contestant.ts'
import { eventRows } from './event-rows.ts'
import { median } from './statistics.ts'

export interface LongAppends {
  readonly contestant: Contestant
  readonly commits: number
  readonly rows: number
  /** A median is told of so many commits. */
  readonly stretch: number
  readonly place: Place
}

export interface Stretch {
  /** Commits that the table had after it. */
  readonly commits: number
  readonly p50Ms: number
}

export async function runLongAppends({ contestant, commits, rows, stretch, place }: LongAppends): Promise<Stretch[]> {
  const session = await contestant.open(place)
  const stretches: Stretch[] = []
  let tookMs: number[] = []
  for (let done = 1; done <= commits; done++) {
    const batch = eventRows(done * rows, rows)
    const startMs = performance.now()
    await session.append(batch)
    tookMs.push(performance.now() - startMs)
    if (tookMs.length < stretch) continue
    stretches.push({ commits: done, p50Ms: median(tookMs) })
    tookMs = []
  }
  const found = await session.countRows()
  if (found !== undefined && found !== BigInt(commits * rows)) throw new Error(`${found} rows are there`)
  await session.close()
  return stretches
}
