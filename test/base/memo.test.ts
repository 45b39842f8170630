import { describe, expect, it } from 'vitest'
import { LatestResults, memoizeLast } from '../../src/base/memo.ts'

describe('LatestResults', () => {
  it('computes each once, as long as few others come in between', () => {
    const results = new LatestResults<string, number>(2)
    let computed = 0
    const get = (key: string): number => results.get(key, () => (computed += 1))
    expect(['a', 'b', 'a', 'c', 'a'].map(get)).toEqual([1, 2, 1, 3, 1])
    expect(get('b')).toBe(4)
  })

  it('keeps nothing of what failed', () => {
    const results = new LatestResults<string, number>(2)
    const fail = (): number => {
      throw new Error('no')
    }
    expect(() => results.get('a', fail)).toThrow('no')
    expect(results.get('a', () => 1)).toBe(1)
  })
})

describe('memoizeLast', () => {
  it('computes again when the argument is another', () => {
    let computed = 0
    const get = memoizeLast((key: object) => [key, (computed += 1)] as const)
    const [a, b] = [{}, {}]
    expect([a, a, b, b, a].map((key) => get(key)[1])).toEqual([1, 1, 2, 2, 3])
    expect(get(b)[0]).toBe(b)
  })
})
