/**
 * W2: many small appends to one table, one after another. Contestants take turns of a few commits, so that whatever else
 * the machine does meets all of them; a round gives each a table of its own.
 */
import type { Contestant, Place, Session } from './contestant.ts'
import type { VerbCounts } from './delaying-proxy.ts'
import { type EventRow, eventRows } from './event-rows.ts'
import { median, percentile, type Spread, spreadOf } from './statistics.ts'

export interface SmallAppends {
  readonly contestants: readonly Contestant[]
  readonly rounds: number
  readonly commits: number
  readonly rows: number
  /** A fresh place for each call. */
  readonly place: (name: string) => Place
  /** Requests that the store has seen so far; undefined where nobody counts. */
  readonly counts?: (() => Promise<VerbCounts>) | undefined
}

/** Medians over the rounds; the first contestant is what the others are measured against. */
export interface SmallAppendsResult {
  readonly name: string
  readonly p50Ms: Spread
  readonly p90Ms: Spread
  /** p50 by the p50 of the first contestant in the same round. */
  readonly ratio: Spread
  readonly cpuMsPerCommit: Spread
  /** Median of the last third by the median of the first. */
  readonly lastByFirst: Spread
  readonly requestsPerCommit: VerbCounts
}

const TURN_COMMITS = 10

interface Lane {
  readonly contestant: Contestant
  readonly session: Session
  readonly tookMs: number[]
  cpuMs: number
  readonly requests: Record<string, number>
}

export async function runSmallAppends(input: SmallAppends): Promise<SmallAppendsResult[]> {
  const rounds: Lane[][] = []
  for (let round = 0; round < input.rounds; round++) rounds.push(await runRound(input, round))
  const p50s = (index: number): number[] => rounds.map((lanes) => median(lanes[index]?.tookMs ?? []))
  const floor = p50s(0)
  const third = Math.floor(input.commits / 3)
  return input.contestants.map(({ name }, index) => {
    const own = rounds.flatMap((lanes) => lanes[index] ?? [])
    return {
      name,
      p50Ms: spreadOf(p50s(index)),
      p90Ms: spreadOf(own.map(({ tookMs }) => percentile(tookMs, 0.9))),
      ratio: spreadOf(p50s(index).map((ms, round) => ms / (floor[round] ?? Number.NaN))),
      cpuMsPerCommit: spreadOf(own.map(({ cpuMs }) => cpuMs / input.commits)),
      lastByFirst: spreadOf(own.map(({ tookMs }) => median(tookMs.slice(-third)) / median(tookMs.slice(0, third)))),
      requestsPerCommit: perCommit(own, input.commits),
    }
  })
}

async function runRound(input: SmallAppends, round: number): Promise<Lane[]> {
  const { contestants, commits, rows, place } = input
  const lanes = await Promise.all(
    contestants.map(async (contestant): Promise<Lane> => {
      const session = await contestant.open(place(contestant.name))
      return { contestant, session, tookMs: [], cpuMs: 0, requests: {} }
    }),
  )
  // The first commit to a table also looks around.
  for (const { session } of lanes) {
    await session.prepare?.(eventRows(0, rows))
    await session.append(eventRows(0, rows))
  }
  for (let from = 1; from <= commits; from += TURN_COMMITS) {
    const length = Math.min(TURN_COMMITS, commits - from + 1)
    const batches = Array.from({ length }, (_, i) => eventRows((from + i) * rows, rows))
    // Who comes first changes, so that nobody always follows the same one.
    const order = (round + from / TURN_COMMITS) % 2 < 1 ? lanes : lanes.toReversed()
    for (const lane of order) await takeTurn(lane, batches, input.counts)
  }
  for (const { contestant, session } of lanes) {
    const found = await session.countRows()
    if (found !== undefined && found !== BigInt((commits + 1) * rows)) {
      throw new Error(`${contestant.name}: ${found} rows are there, ${(commits + 1) * rows} were appended`)
    }
    await session.close()
  }
  return lanes
}

async function takeTurn(lane: Lane, batches: readonly EventRow[][], counts: SmallAppends['counts']): Promise<void> {
  const before = await counts?.()
  const cpuMs = lane.session.cpuMs()
  for (const rows of batches) {
    await lane.session.prepare?.(rows)
    const startMs = performance.now()
    await lane.session.append(rows)
    lane.tookMs.push(performance.now() - startMs)
  }
  lane.cpuMs += lane.session.cpuMs() - cpuMs
  for (const [verb, count] of Object.entries((await counts?.()) ?? {})) {
    lane.requests[verb] = (lane.requests[verb] ?? 0) + count - (before?.[verb] ?? 0)
  }
}

function perCommit(lanes: readonly Lane[], commits: number): VerbCounts {
  const verbs = new Set(lanes.flatMap(({ requests }) => Object.keys(requests)))
  const total = (verb: string): number => lanes.reduce((sum, { requests }) => sum + (requests[verb] ?? 0), 0)
  return Object.fromEntries([...verbs].map((verb) => [verb, total(verb) / (lanes.length * commits)]))
}
