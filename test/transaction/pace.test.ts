import { describe, expect, it } from 'vitest'
import { Pace } from '../../src/transaction/pace.ts'
import type { Turn } from '../../src/transaction/turn.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

const WAITING: Turn = { line: ['b', 'c'], leftMs: 0, commitMs: 20, quietMs: 0 }

/** One writer whose commits take 20 ms each, with 5 ms between them. */
function writer(pauseMs = 5) {
  const runtime = virtualRuntime()
  const pace = new Pace(runtime)
  return {
    pace,
    runtime,
    /** What its next commit tells on a body that tells `turn`. */
    commit: (turn: Turn | undefined, { isNextLong = false, tookMs = 20 } = {}): Turn | undefined => {
      runtime.advance(pauseMs)
      pace.begin()
      runtime.advance(tookMs)
      const told = pace.tell(turn, isNextLong)
      pace.won(tookMs)
      return told
    },
  }
}

describe('a writer', () => {
  it('tells nothing where nobody waits and nothing shows that it goes on', () => {
    expect(writer().commit(undefined)).toBeUndefined()
    const seldom = writer(1_000)
    seldom.commit(undefined)
    expect(seldom.commit(undefined)).toBeUndefined()
  })

  it('tells that it goes on as soon as one commit follows another', () => {
    const { commit } = writer()
    commit(undefined)
    expect(commit(undefined)).toEqual({ line: [], leftMs: 300, commitMs: 20, quietMs: 50 })
  })

  it('ends its turn 300 ms after others came to wait, and waits behind them', () => {
    const { commit, pace } = writer()
    commit(undefined)
    const told = Array.from({ length: 13 }, () => commit(WAITING))
    expect(told.map((turn) => turn?.leftMs)).toEqual([300, 275, 250, 225, 200, 175, 150, 125, 100, 75, 50, 25, 0])
    expect(told.at(-1)).toEqual({ line: ['b', 'c', pace.mark], leftMs: 0, commitMs: 20, quietMs: 0 })
    expect(pace.begin()).toBe(true)
  })

  it('makes four commits in its turn, however long they take', () => {
    const { commit } = writer()
    commit(undefined, { tookMs: 400 })
    const lefts = Array.from({ length: 4 }, () => commit(WAITING, { tookMs: 400 })?.leftMs)
    expect(lefts).toEqual([1_200, 800, 400, 0])
  })

  it('leaves the line when it commits, and with it go those whose turn was before', () => {
    const { commit, pace } = writer(1_000)
    commit(undefined)
    expect(commit({ ...WAITING, line: ['gone', pace.mark, 'b'] })?.line).toEqual(['b'])
    expect(commit({ ...WAITING, line: [pace.mark] })).toBeUndefined()
  })

  it('lets the next come at once where it makes one commit now and then', () => {
    expect(writer(1_000).commit(WAITING)).toEqual({ line: ['b', 'c'], leftMs: 0, commitMs: 0, quietMs: 0 })
  })

  it('asks for patience before a commit that takes long, and is not taken for slow because of it', () => {
    const { commit } = writer()
    commit(undefined)
    expect(commit(undefined, { isNextLong: true })?.quietMs).toBe(800)
    commit(undefined, { tookMs: 500 })
    expect(commit(undefined)?.commitMs).toBe(26)
  })

  it('does not wait in line for a commit that comes later', () => {
    const { commit, pace, runtime } = writer()
    commit(undefined)
    for (let i = 0; i < 13; i++) commit(WAITING)
    runtime.advance(41)
    expect(pace.begin()).toBe(false)
  })
})
