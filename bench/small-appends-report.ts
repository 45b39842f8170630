/** W2 for people: two tables, and whether the requests of a commit are as they should be. */
import type { VerbCounts } from './delaying-proxy.ts'
import type { SmallAppendsResult } from './small-appends.ts'
import type { Spread } from './statistics.ts'
import { printTable } from './text-table.ts'

const HEADINGS = ['', 'p50 ms', 'p90 ms', '× floor', '(rounds)', 'CPU ms', 'last/first', 'requests']

export function printSmallAppends(title: string, results: readonly SmallAppendsResult[]): string {
  const lines = results.map((result) => [
    result.name,
    result.p50Ms.median.toFixed(1),
    result.p90Ms.median.toFixed(1),
    result.ratio.median.toFixed(2),
    printRange(result.ratio),
    result.cpuMsPerCommit.median.toFixed(1),
    result.lastByFirst.median.toFixed(2),
    printRequests(result.requestsPerCommit),
  ])
  return `${title}\n${printTable([HEADINGS, ...lines])}`
}

function printRange({ min, max }: Spread): string {
  return `${min.toFixed(2)}–${max.toFixed(2)}`
}

function printRequests(counts: VerbCounts): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  return parts.map(([verb, count]) => `${count.toFixed(2)} ${verb}`).join(', ')
}
