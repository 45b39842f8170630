import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { replayCommand, simulate } from './simulate.ts'
import type { StoreScheme } from './world.ts'
import { loadSystem } from './system-under-test.ts'
import { fullWorkload, stubWorkload } from './workload.ts'

/** Of each some hundreds in stub; of the full ones, which take ten times as long, fewer. */
const SEEDS = { s3: { stub: 250, full: 75 }, file: { stub: 250, full: 50 } }
const CHUNK = 25
const sut = await loadSystem(join(import.meta.dirname, '../../src'))
const workloads = [stubWorkload(sut), fullWorkload()]
const stores: readonly StoreScheme[] = ['s3', 'file']
const worlds = stores.flatMap((store) => workloads.map((workload) => ({ store, workload, name: workload.name })))

describe.each(worlds)('simulation, $name on $store', { timeout: 300_000 }, ({ store, workload }) => {
  const chunks = Array.from({ length: SEEDS[store][workload.name] / CHUNK }, (_, i) => 1 + i * CHUNK)
  it.each(chunks)('finds nothing wrong from seed %i on', async (first) => {
    for (let seed = first; seed < first + CHUNK; seed++) {
      const { violation } = await simulate(seed, sut, workload, { store })
      expect(violation, `replay: ${replayCommand(seed, workload, store)}`).toBeUndefined()
    }
  })

  it('gives the same history for the same seed', async () => {
    for (const seed of [1, 2, 3]) {
      expect(await simulate(seed, sut, workload, { store })).toEqual(await simulate(seed, sut, workload, { store }))
    }
  })

  it('does real work', async () => {
    const history = await simulate(7, sut, workload, { store })
    expect(history.commits).toBeGreaterThan(10)
    expect(history.operations).toBeGreaterThan(20)
  })
})
