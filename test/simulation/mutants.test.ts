import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LOCAL_MUTANTS } from './local-mutants.ts'
import { MUTANTS, MUTANTS_FOLDER, SHORT_READER_GRACE, SHORT_RING, writeMutant } from './mutants.ts'
import type { Mutant } from './mutants.ts'
import { simulate } from './simulate.ts'
import { loadSystem } from './system-under-test.ts'
import { stubWorkload } from './workload.ts'

const PROJECT = join(import.meta.dirname, '../..')
const GROUP = 'commits'
const SEEDS = 2_000

/** The first violation that a mutant shows, or undefined when it survives all seeds. */
async function firstViolation(mutant: Mutant, seeds: number): Promise<string | undefined> {
  const sut = await loadSystem(await writeMutant(PROJECT, GROUP, mutant))
  const workload = stubWorkload(sut)
  const { firstSeed = 1 } = mutant
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const { violation } = await simulate(seed, sut, workload, { atomic: mutant.atomic, store: mutant.store })
    if (violation !== undefined) return `seed ${seed}: ${violation}`
  }
  return undefined
}

describe('mutants', { timeout: 300_000 }, () => {
  afterAll(() => rm(join(PROJECT, MUTANTS_FOLDER, GROUP), { recursive: true, force: true }))

  it.each([...MUTANTS, ...LOCAL_MUTANTS])('kills $name', async (mutant) => {
    expect(await firstViolation(mutant, SEEDS), 'survived').toBeDefined()
  })

  it('finds nothing wrong with a short grace for readers alone, and old metadata files are deleted', async () => {
    const sut = await loadSystem(await writeMutant(PROJECT, GROUP, { name: 'grace', edits: [SHORT_READER_GRACE] }))
    let deletes = 0
    for (let seed = 1; seed <= 300; seed++) {
      const { violation, metadataDeletes } = await simulate(seed, sut, stubWorkload(sut))
      expect(violation).toBeUndefined()
      deletes += metadataDeletes
    }
    expect(deletes).toBeGreaterThan(300)
  })

  it('finds nothing wrong with a short ring alone', async () => {
    expect(await firstViolation({ name: 'control', edits: [SHORT_RING] }, 300)).toBeUndefined()
  })
})
