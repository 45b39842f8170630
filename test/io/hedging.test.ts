import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ServiceError } from '../../src/base/errors.ts'
import type { HedgeEvent, Reporter } from '../../src/base/events.ts'
import { type Runtime, systemRuntime } from '../../src/base/runtime.ts'
import type { FileIO, IoOptions, ReadAnswer } from '../../src/io/file-io.ts'
import { hedging } from '../../src/io/hedging.ts'
import { dropMemoryStore, MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { Retrier, retrying } from '../../src/io/retrying.ts'
import { describeFileIO } from '../contract/file-io-contract.ts'
import { overriding } from '../support/overriding.ts'
import { virtualRuntime } from '../support/virtual-runtime.ts'

describeFileIO('hedged', async () => {
  const io = hedging(new MemoryFileIO({ runtime: systemRuntime }), { runtime: systemRuntime })
  return { io, root: 'memory://hedged', close: async () => dropMemoryStore('hedged') }
})

const LOCATION = 'memory://hedging/x'
const RANGE = { offset: 0, length: 100 }
const down = (): ServiceError => new ServiceError('down', { retryable: true })

interface Reply {
  readonly afterMs: number
  readonly error?: Error
}

interface SlowStore {
  readonly io: FileIO
  readonly inner: FileIO
  readonly sent: { readonly number: number; readonly signal: AbortSignal | undefined }[]
  readonly steps: HedgeEvent['step'][]
  /** What the next requests are told, in order; afterwards `usual`. */
  readonly replies: Reply[]
  usual: Reply
}

/** A store whose answers take the time they are told to, under vitest's clock. */
function slowStore(): SlowStore {
  const sent: SlowStore['sent'] = []
  const steps: HedgeEvent['step'][] = []
  const replies: Reply[] = []
  const answer = async ({ signal }: IoOptions = {}): Promise<ReadAnswer> => {
    const number = sent.push({ number: sent.length, signal }) - 1
    const { afterMs, error } = replies.shift() ?? store.usual
    await systemRuntime.sleep(afterMs, signal)
    if (error !== undefined) throw error
    return { bytes: new Uint8Array([number]), storeTimeMs: 0 }
  }
  const inner = overriding<FileIO>(new MemoryFileIO({ runtime: systemRuntime }), {
    read: (_, options) => answer(options),
    readRange: (_, __, options) => answer(options),
  })
  const reporter = (event: { readonly type: string }): void => {
    if (event.type === 'request-hedge') steps.push((event as HedgeEvent).step)
  }
  const io = hedging(inner, { runtime: systemRuntime, reporter })
  const store: SlowStore = { io, inner, sent, steps, replies, usual: { afterMs: 50 } }
  return store
}

/** The outcome of a promise, with the clock moved on until it is there. */
async function settle<T>(promise: Promise<T>): Promise<T> {
  const state = { pending: true }
  const ended = (): void => {
    state.pending = false
  }
  promise.then(ended, ended)
  while (state.pending) await tick(5)
  return promise
}

/** Moves the clock on, and lets everything run that waited for it. */
async function tick(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms)
  await nextTurn()
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

async function warmUp({ io, sent, steps }: SlowStore, reads = 40): Promise<void> {
  for (let i = 0; i < reads; i += 1) await settle(io.readRange(LOCATION, RANGE))
  sent.length = 0
  steps.length = 0
}

describe('hedging', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('asks a second time when an answer is late, takes the first, and gives the other up', async () => {
    const store = slowStore()
    await warmUp(store)
    store.replies.push({ afterMs: 10_000 })
    const startMs = performance.now()
    const { bytes } = await settle(store.io.readRange(LOCATION, RANGE))
    expect([...bytes]).toEqual([1])
    expect(performance.now() - startMs).toBeLessThan(120)
    expect(store.steps).toEqual(['sent', 'won'])
    expect(store.sent.map(({ signal }) => signal?.aborted)).toEqual([true, true])
  })

  it('takes the first request where that is faster after all', async () => {
    const store = slowStore()
    await warmUp(store)
    store.replies.push({ afterMs: 80 }, { afterMs: 9000 })
    expect([...(await settle(store.io.readRange(LOCATION, RANGE))).bytes]).toEqual([0])
    expect(store.steps).toEqual(['sent'])
    expect(store.sent[1]?.signal?.aborted).toBe(true)
  })

  it('hedges nothing before it knows what is usual, and no answer below the floor', async () => {
    const cold = slowStore()
    cold.replies.push({ afterMs: 5000 })
    await settle(cold.io.readRange(LOCATION, RANGE))
    expect(cold.sent).toHaveLength(1)
    const quick = slowStore()
    quick.usual = { afterMs: 1 }
    await warmUp(quick)
    quick.replies.push({ afterMs: 25 })
    await settle(quick.io.readRange(LOCATION, RANGE))
    expect(quick.sent).toHaveLength(1)
  })

  it('compares reads of like size', async () => {
    const store = slowStore()
    await warmUp(store)
    store.replies.push({ afterMs: 5000 }, { afterMs: 5000 })
    await settle(store.io.readRange(LOCATION, { offset: 0, length: 4_000_000 }))
    await settle(store.io.read(LOCATION))
    expect(store.sent).toHaveLength(2)
  })

  it.each([0, 1])('outlives an error of request %i while the other is under way', async (failing) => {
    const store = slowStore()
    await warmUp(store)
    const replies: Reply[] = [{ afterMs: 300 }, { afterMs: 300 }]
    replies[failing] = { afterMs: 100, error: down() }
    store.replies.push(...replies)
    expect([...(await settle(store.io.readRange(LOCATION, RANGE))).bytes]).toEqual([1 - failing])
  })

  it('rejects with the first error where both fail, and at once where none was sent', async () => {
    const store = slowStore()
    await warmUp(store)
    const [first, second, third] = [down(), down(), down()]
    store.replies.push({ afterMs: 300, error: first }, { afterMs: 10, error: second }, { afterMs: 1, error: third })
    await expect(settle(store.io.readRange(LOCATION, RANGE))).rejects.toBe(first)
    await expect(settle(store.io.readRange(LOCATION, RANGE))).rejects.toBe(third)
    expect(store.sent).toHaveLength(3)
  })

  it('gives both up when the caller aborts, with its reason', async () => {
    const store = slowStore()
    await warmUp(store)
    store.replies.push({ afterMs: 5000 }, { afterMs: 5000 })
    const controller = new AbortController()
    const reason = new Error('no more')
    const read = store.io.readRange(LOCATION, RANGE, { signal: controller.signal })
    read.catch(() => {})
    await vi.advanceTimersByTimeAsync(100)
    controller.abort(reason)
    await expect(settle(read)).rejects.toBe(reason)
    expect(store.sent.map(({ signal }) => signal?.aborted)).toEqual([true, true])
    await expect(store.io.read(LOCATION, { signal: controller.signal })).rejects.toBe(reason)
    expect(store.sent).toHaveLength(2)
  })

  it('leaves no timer behind', async () => {
    const store = slowStore()
    await warmUp(store)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the budget of hedges', () => {
  /** Under a clock that sleeps pass at once, every request outlasts the wait before its hedge. */
  function everSlow(): { io: FileIO; runtime: Runtime; state: { sent: number; isDown: boolean }; steps: string[] } {
    const runtime = virtualRuntime()
    const steps: string[] = []
    const state = { sent: 0, isDown: false }
    const inner = overriding<FileIO>(new MemoryFileIO({ runtime }), {
      async readRange() {
        state.sent += 1
        await nextTurn()
        if (state.isDown) throw down()
        return { bytes: new Uint8Array(), storeTimeMs: 0 }
      },
    })
    const reporter: Reporter = (event) => {
      if (event.type === 'request-hedge') steps.push(event.step)
    }
    return { io: hedging(inner, { runtime, reporter }), runtime, state, steps }
  }

  it('holds when the store is slow for everybody', async () => {
    const { io, state, steps } = everSlow()
    const reads = 2000
    for (let i = 0; i < reads; i += 1) await io.readRange(LOCATION, RANGE)
    expect(state.sent - reads).toBeGreaterThan(10)
    expect(state.sent - reads).toBeLessThanOrEqual(10 + reads * 0.05)
    expect(steps.filter((step) => step === 'refused').length).toBeGreaterThan(1500)
  })

  it('gives a store that is down at most 101 % of the normal load, retries and hedges together', async () => {
    const { io, runtime, state, steps } = everSlow()
    for (let i = 0; i < 20; i += 1) await io.readRange(LOCATION, RANGE)
    Object.assign(state, { sent: 0, isDown: true })
    const retried = retrying(io, new Retrier({ runtime }))
    const requests = 12_000
    for (let i = 0; i < requests; i += 1) await retried.readRange(LOCATION, RANGE).catch(() => {})
    expect(steps.filter((step) => step === 'sent')).toHaveLength(10)
    expect(state.sent).toBe(requests + 100 + 10)
    expect(state.sent / requests).toBeLessThanOrEqual(1.01)
  })
})
