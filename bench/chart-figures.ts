/** What the chart shows, from the last runs with other engines in bench/results. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ChartGroup } from './chart.ts'
import type { IngestResult } from './ingest.ts'
import type { ReadResult } from './reads.ts'
import type { SmallAppendsResult } from './small-appends.ts'

/** A line of a workload's results, as the driver wrote it. */
interface Saved {
  readonly peers: boolean
}

/** Errors: one that names the runs that are missing. */
export function chartGroups(folder: string): ChartGroup[] {
  const { results } = lastBesidePeers(folder, 'W1') as { results: IngestResult[] }
  const { direct } = lastBesidePeers(folder, 'W2') as { direct: SmallAppendsResult[] }
  const reads = lastBesidePeers(folder, 'W7') as { results: ReadResult[] }
  return [smallAppendsGroup(direct), ...ingestGroups(results), ...reads.results.map(readGroup)]
}

function lastBesidePeers(folder: string, workload: string): object {
  const file = join(folder, `${workload}.jsonl`)
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  const runs = lines.map((line) => JSON.parse(line) as Saved).filter(({ peers }) => peers)
  const last = runs.at(-1)
  if (last === undefined) throw new Error(`the chart needs a run of \`npm run bench -- ${workload} --peers\``)
  return last
}

function ingestGroups(results: readonly IngestResult[]): ChartGroup[] {
  const engines = results.filter(({ name }) => name !== 'floor' && name !== 'firn, four at once')
  return [...new Set(engines.map(({ what }) => what))].map((what) => {
    const lanes = engines.filter((lane) => lane.what === what)
    return { what: `append ${what}`, speeds: new Map(lanes.map(({ name, krows }) => [name, krows.median])) }
  })
}

function smallAppendsGroup(results: readonly SmallAppendsResult[]): ChartGroup {
  const lanes = results.filter(({ name }) => name !== 'bare requests')
  return { what: 'commit 100 rows', speeds: new Map(lanes.map(({ name, p50Ms }) => [name, 1 / p50Ms.median])) }
}

function readGroup({ what, firnMs, peers }: ReadResult): ChartGroup {
  const lanes = [{ name: 'firn', ms: firnMs }, ...peers]
  return { what: `read ${what}`, speeds: new Map(lanes.map(({ name, ms }) => [name, 1 / ms.median])) }
}
