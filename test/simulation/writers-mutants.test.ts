import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { MUTANTS_FOLDER, writeMutant } from './mutants.ts'
import { simulateWriters } from './simulate-writers.ts'
import { loadSystem } from './system-under-test.ts'
import { WRITERS_MUTANTS } from './writers-mutants.ts'

const PROJECT = join(import.meta.dirname, '../..')
const GROUP = 'writers'
const SEEDS = 200

describe('mutants of writers', { timeout: 300_000 }, () => {
  afterAll(() => rm(join(PROJECT, MUTANTS_FOLDER, GROUP), { recursive: true, force: true }))

  it.each(WRITERS_MUTANTS)('kills $name', async (mutant) => {
    const sut = await loadSystem(await writeMutant(PROJECT, GROUP, mutant))
    const { firstSeed = 1 } = mutant
    let seed = firstSeed
    let violation: string | undefined
    for (; violation === undefined && seed < firstSeed + SEEDS; seed++) {
      violation = (await simulateWriters(seed, sut)).violation
    }
    if (process.env['FIRN_SHOW_SEEDS'] !== undefined) console.log(mutant.name, seed - 1, violation)
    expect(violation, 'survived').toBeDefined()
  })
})
