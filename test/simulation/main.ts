/** `npm run simulate -- --seeds N --from S [--workload stub|full] [--trace]`: more seeds, or one failing seed again. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'
import { loadSystem } from './system-under-test.ts'
import { fullWorkload, stubWorkload } from './workload.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    workload: { type: 'string', default: 'stub' },
  },
})
const from = Number(values.from)
const seeds = Number(values.seeds)
const sut = await loadSystem(join(import.meta.dirname, '../../src'), '.js')
const workload = values.workload === 'full' ? fullWorkload() : stubWorkload(sut)

const totals = { commits: 0, operations: 0, unknown: 0, violations: 0 }
const startMs = performance.now()
for (let seed = from; seed < from + seeds; seed++) {
  const { violation, commits, operations, unknown } = await simulate(seed, sut, workload)
  totals.commits += commits
  totals.operations += operations
  totals.unknown += unknown
  if (violation === undefined) continue
  totals.violations++
  console.log(
    `seed ${seed}: ${violation}\n  replay: npm run simulate -- --from ${seed} --seeds 1 --workload ${workload.name}`,
  )
}
const minutes = (performance.now() - startMs) / 60_000
console.log(
  `${workload.name}: ${seeds} seeds, ${Math.round(seeds / minutes)} a minute, ${totals.operations} operations, ` +
    `${totals.commits} commits, ${totals.unknown} unknown outcomes, ${totals.violations} violations`,
)
process.exitCode = totals.violations === 0 ? 0 : 1
