import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { StoreScheme } from './world.ts'
import { simulateNames } from './simulate-names.ts'
import { loadSystem } from './system-under-test.ts'

const SEEDS = 200
const CHUNK = 50
const sut = await loadSystem(join(import.meta.dirname, '../../src'))
const stores: readonly StoreScheme[] = ['s3', 'file']

describe.each(stores)('simulation of names on %s', { timeout: 300_000 }, (store) => {
  const chunks = Array.from({ length: SEEDS / CHUNK }, (_, i) => 1 + i * CHUNK)
  it.each(chunks)('finds nothing wrong from seed %i on', async (first) => {
    for (let seed = first; seed < first + CHUNK; seed++) {
      const { violation } = await simulateNames(seed, sut, { store })
      const replay = `npm run simulate -- --from ${seed} --seeds 1 --workload names --store ${store}`
      expect(violation, `replay: ${replay}`).toBeUndefined()
    }
  })

  it('gives the same history for the same seed', async () => {
    for (const seed of [1, 2, 3]) {
      expect(await simulateNames(seed, sut, { store })).toEqual(await simulateNames(seed, sut, { store }))
    }
  })

  it('does each operation, with success', async () => {
    const done = new Set<string>()
    for (let seed = 1; seed <= 80; seed++) {
      for (const kind of Object.keys((await simulateNames(seed, sut, { store })).kinds)) done.add(kind)
    }
    const kinds = ['create', 'createView', 'append', 'drop', 'undrop', 'undropTo', 'purge', 'rename', 'transaction']
    for (const kind of [
      ...kinds,
      'createNamespace',
      'dropNamespace',
      'loadTables',
      'register',
      'deregister',
      'addFiles',
      'collect',
    ]) {
      expect(done).toContain(`${kind} ok`)
    }
  })
})
