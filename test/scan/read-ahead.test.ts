import { describe, expect, it } from 'vitest'
import { readAhead } from '../../src/scan/read-ahead.ts'
import { collect, gate } from './table-fixture.ts'

interface Probe {
  readonly opened: number[]
  readonly closed: number[]
  readonly taken: number[]
  peak: number
}

const probe = (): Probe => ({ opened: [], closed: [], taken: [], peak: 0 })

async function* numbers(count: number, seen: Probe): AsyncGenerator<number, void, undefined> {
  for (let n = 0; n < count; n++) {
    seen.taken.push(n)
    yield n
  }
}

/** Three items a task, after a delay that makes later tasks ready first. */
function opener(seen: Probe, failing?: number): (task: number) => AsyncGenerator<string, void, undefined> {
  return async function* (task) {
    seen.opened.push(task)
    seen.peak = Math.max(seen.peak, seen.opened.length - seen.closed.length)
    try {
      for (let tick = 0; tick < 20 - task; tick++) await Promise.resolve()
      if (task === failing) throw new Error(`task ${task} failed`)
      for (const item of ['a', 'b', 'c']) yield `${task}${item}`
    } finally {
      seen.closed.push(task)
    }
  }
}

const limits = { weigh: () => 10, maxOpen: 4, maxBytes: 1000 }

async function* broken(): AsyncGenerator<number, void, undefined> {
  yield 0
  throw new Error('no manifest')
}

describe('readAhead', () => {
  it('yields in the order of the tasks with a bounded number open', async () => {
    const seen = probe()
    const items = await collect(readAhead(numbers(12, seen), { ...limits, open: opener(seen) }))
    expect(items).toEqual(Array.from({ length: 12 }, (_, n) => ['a', 'b', 'c'].map((item) => `${n}${item}`)).flat())
    expect(seen.peak).toBe(4)
    expect(seen.closed.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, n) => n))
  })

  it('bounds the bytes in flight, but always reads one', async () => {
    const seen = probe()
    const options = { ...limits, weigh: () => 600, open: opener(seen) }
    expect(await collect(readAhead(numbers(5, seen), options))).toHaveLength(15)
    expect(seen.peak).toBe(2)
    const large = probe()
    await collect(readAhead(numbers(5, large), { ...limits, weigh: () => 5000, open: opener(large) }))
    expect(large.peak).toBe(1)
  })

  it('opens one task at first where it ramps up', async () => {
    const seen = probe()
    const items = readAhead(numbers(50, seen), { ...limits, rampUp: true, open: opener(seen) })
    await items.next()
    expect(seen.opened).toEqual([0])
    for (let i = 0; i < 3; i++) await items.next()
    for (let tick = 0; tick < 50; tick++) await Promise.resolve()
    expect(seen.opened).toEqual([0, 1, 2])
    await items.return()
  })

  it('yields the first item before the tasks are all known', async () => {
    const seen = probe()
    const { opened, open } = gate()
    async function* slow(): AsyncGenerator<number, void, undefined> {
      yield 0
      await opened
      yield 1
    }
    const items = readAhead(slow(), { ...limits, open: opener(seen) })
    expect(await items.next()).toEqual({ done: false, value: '0a' })
    open()
    expect(await collect(items)).toEqual(['0b', '0c', '1a', '1b', '1c'])
  })
})

describe('readAhead, left early or failing,', () => {
  it('closes everything when the consumer leaves', async () => {
    const seen = probe()
    let stops = 0
    const options = { ...limits, open: opener(seen), onStop: () => stops++ }
    for await (const item of readAhead(numbers(1000, seen), options)) if (item === '1b') break
    expect(stops).toBe(1)
    expect(seen.closed.toSorted((a, b) => a - b)).toEqual(seen.opened)
    expect(seen.taken.length).toBeLessThan(8)
  })

  it('does not call onStop at a natural end', async () => {
    const seen = probe()
    let stops = 0
    await collect(readAhead(numbers(3, seen), { ...limits, open: opener(seen), onStop: () => stops++ }))
    expect(stops).toBe(0)
  })

  it('raises the error of a task in its turn and closes the others', async () => {
    const seen = probe()
    const items: string[] = []
    const run = async (): Promise<void> => {
      for await (const item of readAhead(numbers(9, seen), { ...limits, open: opener(seen, 2) })) items.push(item)
    }
    await expect(run()).rejects.toThrow('task 2 failed')
    expect(items).toEqual(['0a', '0b', '0c', '1a', '1b', '1c'])
    expect(seen.closed.toSorted((a, b) => a - b)).toEqual(seen.opened)
  })

  it('raises an error of planning after the tasks before it', async () => {
    const items: string[] = []
    const run = async (): Promise<void> => {
      for await (const item of readAhead(broken(), { ...limits, open: opener(probe()) })) items.push(item)
    }
    await expect(run()).rejects.toThrow('no manifest')
    expect(items).toEqual(['0a', '0b', '0c'])
  })

  it('yields nothing for no tasks', async () => {
    expect(await collect(readAhead(numbers(0, probe()), { ...limits, open: opener(probe()) }))).toEqual([])
  })
})
