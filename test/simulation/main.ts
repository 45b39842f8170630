/** `npm run simulate -- --seeds N --from S [--workload stub|full|names|writers] [--store s3|file]`: more seeds, or a failing one again. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { replayCommand, simulate } from './simulate.ts'
import { simulateNames } from './simulate-names.ts'
import { simulateWriters } from './simulate-writers.ts'
import { loadSystem } from './system-under-test.ts'
import { fullWorkload, stubWorkload } from './workload.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    workload: { type: 'string', default: 'stub' },
    store: { type: 'string', default: 's3' },
  },
})
const from = Number(values.from)
const seeds = Number(values.seeds)
const { store } = values
if (store !== 's3' && store !== 'file') throw new Error(`--store is s3 or file, not ${store}`)
const sut = await loadSystem(join(import.meta.dirname, '../../src'), '.js')
const workload = [stubWorkload(sut), fullWorkload()].find(({ name }) => name === values.workload)
const others = { names: namesHistory, writers: writersHistory }
const other = Object.entries(others).find(([name]) => name === values.workload)?.[1]
if (workload === undefined && other === undefined) {
  throw new Error(`--workload is stub, full, names or writers, not ${values.workload}`)
}

const totals = { events: 0, operations: 0, commits: 0, unknown: 0, violations: 0 }
const startMs = performance.now()
for (let seed = from; seed < from + seeds; seed++) {
  const history =
    workload === undefined ? await (other ?? namesHistory)(seed) : await simulate(seed, sut, workload, { store })
  totals.events += history.events
  totals.operations += history.operations
  totals.commits += history.commits
  totals.unknown += history.unknown
  if (history.violation === undefined) continue
  totals.violations++
  console.log(`seed ${seed}: ${history.violation}\n  replay: ${replayCommand(seed, { name: values.workload }, store)}`)
}
const rate = (ms: number): number => Math.round((seeds / ms) * 60_000)
const { user, system } = process.cpuUsage()
console.log(
  `${values.workload} on ${store}: ${seeds} seeds, ${rate(performance.now() - startMs)} a minute ` +
    `(${rate((user + system) / 1000)} a minute of processor time), ${totals.events} events, ${totals.operations} operations, ` +
    `${totals.commits} commits, ${totals.unknown} unknown outcomes, ${totals.violations} violations`,
)
process.exitCode = totals.violations === 0 ? 0 : 1

interface Figures {
  readonly violation: string | undefined
  readonly events: number
  readonly operations: number
  readonly commits: number
  readonly unknown: number
}

async function namesHistory(seed: number): Promise<Figures> {
  const { violation, events, operations, outcomes } = await simulateNames(seed, sut, {
    store: values.store === 'file' ? 'file' : 's3',
  })
  return { violation, events, operations, commits: outcomes.ok, unknown: outcomes.unknown }
}

function writersHistory(seed: number): Promise<Figures> {
  return simulateWriters(seed, sut)
}
