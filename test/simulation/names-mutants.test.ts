import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { MUTANTS_FOLDER, writeMutant } from './mutants.ts'
import type { Mutant } from './mutants.ts'
import { DIRECTORIES, NAMES_MUTANTS, SHORTEST_RING, SHORT_DIRECTORY_GRACE } from './names-mutants.ts'
import { simulateNames } from './simulate-names.ts'
import { loadSystem } from './system-under-test.ts'

const PROJECT = join(import.meta.dirname, '../..')
const GROUP = 'names'
const SEEDS = 1_500

/** The first violation that a mutant shows, or undefined when it survives all seeds. */
async function firstViolation(mutant: Mutant, seeds: number): Promise<string | undefined> {
  const sut = await loadSystem(await writeMutant(PROJECT, GROUP, mutant))
  const { firstSeed = 1 } = mutant
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const { violation } = await simulateNames(seed, sut, { directories: mutant.directories })
    if (violation !== undefined) return `seed ${seed}: ${violation}`
  }
  return undefined
}

describe('mutants of names', { timeout: 300_000 }, () => {
  afterAll(() => rm(join(PROJECT, MUTANTS_FOLDER, GROUP), { recursive: true, force: true }))

  it.each(NAMES_MUTANTS)('kills $name', async (mutant) => {
    expect(await firstViolation(mutant, SEEDS), 'survived').toBeDefined()
  })

  it('finds nothing wrong with a short ring alone', async () => {
    expect(await firstViolation({ name: 'control', edits: [SHORTEST_RING] }, 150)).toBeUndefined()
  })

  it('finds nothing wrong with the collection of folders alone', async () => {
    const control = { name: 'folders', edits: [SHORT_DIRECTORY_GRACE], directories: DIRECTORIES }
    expect(await firstViolation(control, 60)).toBeUndefined()
  })
})
