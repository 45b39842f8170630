import { describe, expect, it } from 'vitest'
import { awaitTurn, waitInLine } from '../../src/transaction/await-turn.ts'
import type { Standing } from '../../src/transaction/operations.ts'
import type { Turn } from '../../src/transaction/turn.ts'
import { joinLine } from '../../src/transaction/turn.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const LIMITS = { leastMs: 10, capMs: 2_000 }
const WAITING = { limits: LIMITS, signal: undefined }
const GOING_ON: Turn = { line: [], leftMs: 300, commitMs: 20, quietMs: 50 }

/** A pointer whose state follows from the time; joining lasts. */
function pointer(stateAt: (ms: number) => { commits: number; turn?: Turn | undefined }, random = 0.5) {
  const runtime = virtualRuntime({ random: () => random })
  const joined: string[] = []
  const standing = (): Standing => {
    const { commits, turn } = stateAt(runtime.monotonicMs())
    const line = joined.reduce<Turn | undefined>((to, mark) => joinLine(to, mark) ?? to, turn)
    return { version: commits + joined.length, metadataLocation: `${commits}.json`, turn: line }
  }
  const operations = {
    runtime,
    peek: () => Promise.resolve(standing()),
    join: (mark: string) => {
      joined.push(mark)
      return Promise.resolve(standing())
    },
  }
  return { operations, runtime, joined }
}

type Scene = ReturnType<typeof pointer>

async function lose({ operations, runtime }: Scene, { losses = 1, ownMs = 40, untilMs = 60_000 } = {}) {
  await awaitTurn(operations, { ownMs, losses, untilMs, mark: 'me' }, WAITING)
  return runtime.monotonicMs()
}

async function stand({ operations, runtime }: Scene, untilMs = 60_000) {
  await waitInLine(operations, { mark: 'me', ownMs: 40, untilMs }, WAITING)
  return runtime.monotonicMs()
}

describe('awaitTurn', () => {
  it('follows a first loss up at once', async () => {
    const scene = pointer(() => ({ commits: 1 }))
    expect(await lose(scene)).toBe(0)
    expect(scene.joined).toEqual([])
  })

  it('waits at random after a second, and goes when nobody committed meanwhile', async () => {
    expect(
      await lose(
        pointer(() => ({ commits: 1 })),
        { losses: 2 },
      ),
    ).toBe(40)
  })

  it('looks again while others are quicker than it could be, and tries now and then all the same', async () => {
    const quick = (ms: number) => ({ commits: Math.ceil(ms / 10) })
    const patient = pointer(quick)
    await lose(patient, { losses: 2, untilMs: 200 })
    expect(patient.runtime.slept.length).toBeGreaterThan(1)
    const keen = pointer(quick, 0.1)
    await lose(keen, { losses: 2 })
    expect(keen.runtime.slept).toHaveLength(1)
  })

  it('stands in line at once where it lost to one who goes on, and after many losses', async () => {
    const busy = pointer((ms) => ({ commits: Math.floor(ms / 20), turn: ms < 300 ? GOING_ON : undefined }))
    expect(await lose(busy)).toBeGreaterThanOrEqual(300)
    expect(busy.joined).toEqual(['me'])
    const crowded = pointer((ms) => ({ commits: Math.floor(ms / 20), turn: { ...GOING_ON, leftMs: 0, line: ['a'] } }))
    await lose(crowded, { losses: 5 })
    expect(crowded.joined).toEqual(['me'])
  })

  it('waits once where it can not look', async () => {
    const runtime = virtualRuntime()
    await awaitTurn({ runtime }, { ownMs: 100, losses: 3, untilMs: 60_000, mark: '' }, WAITING)
    await awaitTurn({ runtime }, { ownMs: 90_000, losses: 3, untilMs: 60_000, mark: '' }, WAITING)
    expect(runtime.slept).toEqual([150, 1_000])
  })

  it('ends with its patience', async () => {
    const forEver = pointer((ms) => ({ commits: Math.floor(ms), turn: GOING_ON }))
    expect(await lose(forEver, { untilMs: 500 })).toBeLessThan(600)
  })

  it('ends when it is aborted', async () => {
    const { operations } = pointer((ms) => ({ commits: Math.floor(ms), turn: GOING_ON }))
    const signal = AbortSignal.abort(new Error('enough'))
    const waiting = awaitTurn(
      operations,
      { ownMs: 40, losses: 1, untilMs: 1e9, mark: 'me' },
      { limits: LIMITS, signal },
    )
    await expect(waiting).rejects.toThrow('enough')
  })
})

describe('the line', () => {
  const turn = (line: readonly string[], rest: Partial<Turn> = {}): Turn => ({ ...GOING_ON, line, ...rest })

  it('lets its first come as soon as the turn of another ends', async () => {
    const scene = pointer((ms) => {
      const leftMs = Math.max(0, 300 - ms)
      return { commits: Math.floor(ms / 20), turn: turn(['me', 'b'], { leftMs, quietMs: leftMs > 0 ? 50 : 0 }) }
    })
    const cameMs = await stand(scene)
    expect(cameMs).toBeGreaterThanOrEqual(300)
    expect(cameMs).toBeLessThan(330)
  })

  it('lets its first come where who went on is gone without a word', async () => {
    const cameMs = await stand(pointer((ms) => ({ commits: Math.min(3, Math.floor(ms / 20)), turn: turn(['me']) })))
    expect(cameMs).toBeGreaterThanOrEqual(60 + 50)
    expect(cameMs).toBeLessThan(60 + 50 + 60)
  })

  it('has patience with one who said that its next commit takes long', async () => {
    const scene = pointer(() => ({ commits: 3, turn: turn(['me'], { quietMs: 800 }) }))
    expect(await stand(scene)).toBeGreaterThanOrEqual(800)
    const liar = pointer(() => ({ commits: 3, turn: turn(['me'], { quietMs: 1e12, commitMs: 1e12, leftMs: 1e12 }) }))
    expect(await stand(liar)).toBeLessThan(2 * LIMITS.capMs)
  })

  it('leaves each place its time, so that one who is gone costs the others no more than that', async () => {
    const second = pointer(() => ({ commits: 3, turn: turn(['gone', 'me'], { leftMs: 0, quietMs: 0 }) }))
    expect(await stand(second)).toBeGreaterThanOrEqual(60)
    expect(second.runtime.monotonicMs()).toBeLessThan(90)
  })

  it('is looked at seldom by who is far behind', async () => {
    const line = [...Array.from({ length: 15 }, (_, i) => `w${i}`), 'me']
    const scene = pointer((ms) => {
      const place = Math.floor(ms / 300)
      const rest = place < 16 ? {} : { leftMs: 0, quietMs: 0 }
      return { commits: Math.floor(ms / 25), turn: turn(line.slice(Math.min(15, place)), rest) }
    })
    expect(await stand(scene)).toBeGreaterThanOrEqual(16 * 300)
    expect(scene.runtime.monotonicMs()).toBeLessThan(16 * 300 + 60)
    expect(scene.runtime.slept.length).toBeLessThan(30)
  })

  it('is joined again by who lost its place, and needs no place where nobody is left', async () => {
    const dropped = pointer((ms) => ({ commits: Math.floor(ms / 25), turn: ms < 200 ? turn(['b']) : undefined }))
    await stand(dropped)
    expect(dropped.joined[0]).toBe('me')
    const free = pointer(() => ({ commits: 3 }))
    expect(await stand(free)).toBe(0)
    expect(free.joined).toEqual([])
  })

  it('is waited for at random where it is full', async () => {
    const full = Array.from({ length: 64 }, (_, i) => `w${i}`)
    const scene = pointer((ms) => ({ commits: Math.floor(ms / 25), turn: ms < 5_000 ? turn(full) : undefined }))
    expect(await stand(scene)).toBeGreaterThanOrEqual(5_000)
    expect(new Set(scene.runtime.slept)).toEqual(new Set([1_000]))
  })
})
