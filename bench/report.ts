/** Figures for people: tables on the terminal. */
import type { DeletedRowsResult } from './deleted-rows.ts'
import type { VerbCounts } from './delaying-proxy.ts'
import type { RequestFloor } from './floor.ts'
import type { AppendMemory, IngestResult } from './ingest.ts'
import type { ManyWritersResult } from './many-writers.ts'
import type { PlanMemory, PlanningResult } from './planning.ts'
import type { PrefixLimitsResult } from './prefix-limits.ts'
import type { ReadMemory, ReadResult } from './reads.ts'
import type { SmallAppendsResult } from './small-appends.ts'
import type { Spread } from './statistics.ts'

export function printFloor(floors: readonly RequestFloor[]): string {
  const lines = floors.map(({ what, putMs, getMs }) => [what, putMs.toFixed(2), getMs.toFixed(2)])
  return `Floor: bare requests, node:http with Signature V4 (p50)\n${printTable([['', 'PUT ms', 'GET ms'], ...lines])}`
}

export function printIngest(title: string, results: readonly IngestResult[]): string {
  const headings = ['', 'k rows/s', '(rounds)', '× floor', '× best peer', '(rounds)', 'CPU µs/row']
  const rounds = ({ min, max }: Spread, digits: number): string => `${min.toFixed(digits)}–${max.toFixed(digits)}`
  const lines = results.map(({ what, name, krows, ofFloor, byBestPeer, cpuMicrosPerRow }) => [
    `${what}: ${name}`,
    krows.median.toFixed(0),
    rounds(krows, 0),
    ofFloor.median.toFixed(2),
    byBestPeer?.median.toFixed(2) ?? '',
    byBestPeer === undefined ? '' : rounds(byBestPeer, 2),
    cpuMicrosPerRow.median.toFixed(2),
  ])
  return `${title}\n${printTable([headings, ...lines])}`
}

export function printSmallAppends(title: string, results: readonly SmallAppendsResult[]): string {
  const headings = ['', 'p50 ms', 'p90 ms', '× floor', '(rounds)', 'CPU ms', 'last/first', 'requests']
  const lines = results.map(({ name, p50Ms, p90Ms, ratio, cpuMsPerCommit, lastByFirst, requestsPerCommit }) => [
    name,
    p50Ms.median.toFixed(1),
    p90Ms.median.toFixed(1),
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`,
    cpuMsPerCommit.median.toFixed(1),
    lastByFirst.median.toFixed(2),
    printRequests(requestsPerCommit),
  ])
  return `${title}\n${printTable([headings, ...lines])}`
}

export function printManyWriters(
  title: string,
  { floorPerSecond, results }: { readonly floorPerSecond: number; readonly results: readonly ManyWritersResult[] },
): string {
  const headings = ['', 'appends', 'appends/s', '× floor', 'p50 ms', 'p99 ms', 'attempts', 'appends/commit']
  const lines = results.map(({ what, appends, perSecond, ofFloor, p50Ms, p99Ms, attempts, appendsPerCommit }) => [
    what,
    String(appends),
    perSecond.toFixed(1),
    ofFloor.toFixed(2),
    p50Ms.toFixed(0),
    p99Ms.toFixed(0),
    attempts.toFixed(2),
    appendsPerCommit.toFixed(1),
  ])
  return `${title}\n  floor: ${floorPerSecond.toFixed(1)} commits/s of one writer's bare requests\n${printTable([headings, ...lines])}`
}

export function printPlanning(title: string, results: readonly PlanningResult[], memory: PlanMemory): string {
  const headings = ['', 'tasks', 'GET ms', 'and inflate', 'plan ms', 'first ms', 'entries/s', '× inflate', '(rounds)']
  const lines = results.map(({ what, entries, tasks, getMs, inflateMs, planMs, firstMs, ratio }) => [
    what,
    String(tasks),
    getMs.median.toFixed(1),
    inflateMs.median.toFixed(1),
    planMs.median.toFixed(1),
    firstMs.median.toFixed(1),
    Math.round((entries / planMs.median) * 1000).toLocaleString('en'),
    ratio.median.toFixed(2),
    `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`,
  ])
  const peaks = memory.peaksRssBytes.map((bytes) => (bytes / 2 ** 20).toFixed(0)).join(', ')
  const peak = `  most memory, after planning all of it once, twice …: ${peaks} MiB`
  const peers = results.flatMap(({ what, peers: others }) =>
    others.map(({ name, ms, byFirn }) => `  ${name}, ${what}: ${ms.median.toFixed(0)} ms, ${byFirn.toFixed(1)} × firn`),
  )
  return `${[title, printTable([headings, ...lines]), ...peers, peak].join('\n')}\n`
}

export function printAppendMemory(results: readonly AppendMemory[]): string {
  const lines = results.map(({ rows, arrow, seconds, peakRssBytes }) => {
    const what = `${rows.toLocaleString('en')} rows as ${arrow ? 'Arrow batches' : 'objects'}`
    return `  a streamed append of ${what}: ${(peakRssBytes / 2 ** 20).toFixed(0)} MiB of memory at most, ${seconds.toFixed(0)} s`
  })
  return `${lines.join('\n')}\n`
}

export function printReads(title: string, results: readonly ReadResult[], memory: ReadMemory): string {
  const headings = [
    '',
    'rows',
    'MB',
    'GETs',
    'floor ms',
    'firn ms',
    '(rounds)',
    'CPU ms',
    '× floor',
    ...(results[0]?.peers ?? []).flatMap(({ name }) => [`${name} ms`, '×']),
  ]
  const lines = results.map((each) => [
    each.what,
    each.rows.toLocaleString('en'),
    each.megabytes.toFixed(1),
    String(each.requests),
    each.floorMs.median.toFixed(0),
    each.firnMs.median.toFixed(0),
    `${each.firnMs.min.toFixed(0)}–${each.firnMs.max.toFixed(0)}`,
    each.firnCpuMs.median.toFixed(0),
    each.ofFloor.median.toFixed(2),
    ...each.peers.flatMap(({ ms, firnBy }) => [ms.median.toFixed(0), firnBy.median.toFixed(2)]),
  ])
  const peak = (memory.peakRssBytes / 2 ** 20).toFixed(0)
  const scanned = `${memory.rows.toLocaleString('en')} rows, ${memory.megabytes.toFixed(0)} MB of Arrow data`
  return `${title}\n${printTable([headings, ...lines])}  a scan of ${scanned}: ${peak} MiB of memory at most\n`
}

export function printDeletedRows(result: DeletedRowsResult): string {
  const { rows, deletedRows, withoutMs, withMs, ratio, cpuRatio } = result
  const line = (what: string, { median, min, max }: Spread, digits: number): string[] => [
    what,
    median.toFixed(digits),
    `${min.toFixed(digits)}–${max.toFixed(digits)}`,
  ]
  return `W7: ${rows} rows read whole, ${deletedRows} of them deleted by vectors\n${printTable([
    ['', 'median', '(rounds)'],
    line('without vectors, ms', withoutMs, 0),
    line('with vectors, ms', withMs, 0),
    line('ratio', ratio, 3),
    line('ratio of CPU time', cpuRatio, 3),
  ])}`
}

export function printPrefixLimits(results: readonly PrefixLimitsResult[]): string {
  const lines = results.map(({ layout, ranges, busiestShare, putsPerSecond, getsPerSecond }) => [
    layout,
    String(ranges),
    `${(busiestShare * 100).toFixed(1)} %`,
    Math.floor(putsPerSecond).toLocaleString('en'),
    Math.floor(getsPerSecond).toLocaleString('en'),
  ])
  const headings = ['', 'ranges', 'in the busiest', 'PUT/s', 'GET/s']
  return `S1: requests for data files before S3 throttles, by a model of its limits\n${printTable([headings, ...lines])}`
}

function printRequests(counts: VerbCounts): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  return parts.map(([verb, count]) => `${count.toFixed(2)} ${verb}`).join(', ')
}

/** The first line holds the headings; the first column stands to the left, numbers to the right. */
function printTable(lines: readonly (readonly string[])[]): string {
  const [head = []] = lines
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const printCell = (cell: string, column: number): string => {
    const width = widths[column] ?? 0
    return column === 0 ? cell.padEnd(width) : cell.padStart(width)
  }
  return lines.map((line) => `  ${line.map(printCell).join('  ').trimEnd()}\n`).join('')
}
