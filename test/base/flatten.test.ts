import { describe, expect, it } from 'vitest'
import { flatten } from '../../src/base/flatten.ts'

async function* listsOf<T>(
  lists: readonly (readonly T[])[],
  { log = [], fail }: { readonly log?: string[]; readonly fail?: Error } = {},
): AsyncGenerator<readonly T[], void, undefined> {
  try {
    for (const list of lists) {
      log.push(`list of ${list.length}`)
      yield list
    }
    if (fail !== undefined) throw fail
  } finally {
    log.push('closed')
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = []
  for await (const item of items) seen.push(item)
  return seen
}

describe('flattened lists', () => {
  it('are read in order, empty ones and undefined items too', async () => {
    expect(await all(flatten(listsOf([[], [1, undefined], [], [], [2], []])))).toEqual([1, undefined, 2])
    expect(await all(flatten(listsOf([])))).toEqual([])
  })

  it('are pulled when their first item is asked for', async () => {
    const log: string[] = []
    const items = flatten(listsOf([[1, 2], [3]], { log }))
    expect(log).toEqual([])
    expect([await items.next(), await items.next()].map(({ value }) => value)).toEqual([1, 2])
    expect(log).toEqual(['list of 2'])
  })

  it('give each of several calls at once its own item, and end for all that follow', async () => {
    const items = flatten(listsOf([[1], [2, 3], [], [4]]))
    const results = await Promise.all(Array.from({ length: 7 }, () => items.next()))
    expect(results.map(({ value }) => value)).toEqual([1, 2, 3, 4, undefined, undefined, undefined])
    expect(results.map(({ done }) => done)).toEqual([false, false, false, false, true, true, true])
  })

  it('are closed when the loop is left, and have no more items', async () => {
    const log: string[] = []
    const items = flatten(listsOf([[1, 2, 3]], { log }))
    for await (const item of items) if (item === 2) break
    expect(log).toEqual(['list of 3', 'closed'])
    expect(await items.next()).toEqual({ value: undefined, done: true })
  })

  it('pass errors on, after the items before them', async () => {
    const items = flatten(listsOf([[1]], { fail: new Error('lost') }))
    expect((await items.next()).value).toBe(1)
    await expect(items.next()).rejects.toThrow('lost')
    expect(await items.next()).toEqual({ value: undefined, done: true })
  })
})
