import { describe, expect, it } from 'vitest'
import { awaitTurn, Pace } from '../../src/transaction/pace.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const LIMITS = { leastMs: 10, capMs: 2_000 }

/** Waits while the pointer has these versions; how long it slept each time, with an even chance throughout. */
async function waits(
  versions: readonly number[],
  { ownMs = 100, untilMs = 60_000, random = 0.5 } = {},
): Promise<number[]> {
  const runtime = virtualRuntime({ random: () => random })
  const left = [...versions]
  const peek = (): Promise<number> => Promise.resolve(left.shift() ?? versions.at(-1) ?? 0)
  await awaitTurn({ runtime, peek }, { ownMs, untilMs }, { limits: LIMITS, signal: undefined })
  return runtime.slept
}

describe('awaitTurn', () => {
  it('goes when nobody committed since the last look', async () => {
    expect(await waits([5, 5])).toEqual([100])
  })

  it('looks again while others commit faster than its own way takes, and waits by their pace', async () => {
    expect(await waits([5, 15, 19, 19])).toEqual([100, 20, 20])
  })

  it('goes when others take as long as it does itself', async () => {
    expect(await waits([5, 6, 7, 8])).toEqual([100])
  })

  it('tries now and then all the same', async () => {
    expect(await waits([5, 105, 205, 305], { random: 0.1 })).toEqual([20])
  })

  it('keeps within the limits of the table', async () => {
    expect(await waits([5, 5], { ownMs: 90_000 })).toEqual([1_000])
    expect(await waits([5, 5], { ownMs: 1 })).toEqual([5])
  })

  it('ends with its patience', async () => {
    const everFaster = Array.from({ length: 100 }, (_, i) => 10 ** Math.min(i, 15))
    expect(await waits(everFaster, { untilMs: 110 })).toHaveLength(2)
  })

  it('waits once where it can not look', async () => {
    const runtime = virtualRuntime()
    await awaitTurn({ runtime }, { ownMs: 100, untilMs: 60_000 }, { limits: LIMITS, signal: undefined })
    expect(runtime.slept).toEqual([100])
  })
})

describe('courtesy', () => {
  function wins(pace: Pace, times: number): number[] {
    return Array.from({ length: times }, () => {
      pace.won(20)
      return pace.courtesyMs()
    })
  }

  it('is shown after ten commits in a row by who knows of others', () => {
    const pace = new Pace(virtualRuntime())
    pace.lost()
    const courtesies = wins(pace, 20)
    expect(courtesies.flatMap((ms, i) => (ms > 0 ? [[i + 1, ms]] : []))).toEqual([
      [10, 60],
      [20, 60],
    ])
  })

  it('is not asked of who never lost, or long ago, or commits now and then', () => {
    const runtime = virtualRuntime()
    const pace = new Pace(runtime)
    expect(wins(pace, 30).every((ms) => ms === 0)).toBe(true)
    pace.lost()
    runtime.advance(10_000)
    expect(wins(pace, 30).every((ms) => ms === 0)).toBe(true)
    pace.lost()
    for (let i = 0; i < 10; i++) pace.won(20)
    runtime.advance(20)
    expect(pace.courtesyMs()).toBe(0)
  })
})
