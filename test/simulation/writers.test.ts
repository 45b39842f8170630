import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { simulateWriters } from './simulate-writers.ts'
import { loadSystem } from './system-under-test.ts'

/** Each takes as long as many of the other simulations'; `npm run simulate -- --workload writers` runs more. */
const SEEDS = 30
const CHUNK = 15
const sut = await loadSystem(join(import.meta.dirname, '../../src'))

describe('simulation of writers that share commits', { timeout: 300_000 }, () => {
  const chunks = Array.from({ length: SEEDS / CHUNK }, (_, i) => 1 + i * CHUNK)
  it.each(chunks)('finds nothing wrong from seed %i on', async (first) => {
    for (let seed = first; seed < first + CHUNK; seed++) {
      const { violation } = await simulateWriters(seed, sut)
      expect(violation, `replay: npm run simulate -- --from ${seed} --seeds 1 --workload writers`).toBeUndefined()
    }
  })

  it('gives the same history for the same seed', async () => {
    for (const seed of [1, 2]) expect(await simulateWriters(seed, sut)).toEqual(await simulateWriters(seed, sut))
  })

  it('does real work: fewer commits than appends', async () => {
    const history = await simulateWriters(3, sut)
    expect(history.commits).toBeGreaterThan(5)
    expect(history.appends).toBeGreaterThan(5)
  })
})
