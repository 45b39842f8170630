import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { simulate } from './simulate.ts'
import { loadSystem } from './system-under-test.ts'
import { fullWorkload, stubWorkload } from './workload.ts'

/** 300 histories in all; the full ones take several times as long. */
const SEEDS = { stub: 200, full: 100 }
const CHUNK = 20
const sut = await loadSystem(join(import.meta.dirname, '../../src'))
const workloads = [stubWorkload(sut), fullWorkload()]

describe.each(workloads)('simulation, $name', (workload) => {
  const chunks = Array.from({ length: SEEDS[workload.name] / CHUNK }, (_, i) => 1 + i * CHUNK)
  it.each(chunks)('finds nothing wrong from seed %i on', { timeout: 120_000 }, async (first) => {
    for (let seed = first; seed < first + CHUNK; seed++) {
      const { violation } = await simulate(seed, sut, workload)
      expect(
        violation,
        `replay: npm run simulate -- --from ${seed} --seeds 1 --workload ${workload.name}`,
      ).toBeUndefined()
    }
  })

  it('gives the same history for the same seed', async () => {
    for (const seed of [1, 2, 3]) {
      expect(await simulate(seed, sut, workload)).toEqual(await simulate(seed, sut, workload))
    }
  })

  it('does real work', async () => {
    const history = await simulate(7, sut, workload)
    expect(history.commits).toBeGreaterThan(10)
    expect(history.operations).toBeGreaterThan(20)
  })
})
