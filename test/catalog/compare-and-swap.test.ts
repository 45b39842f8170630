import { describe, expect, it } from 'vitest'
import { ForbiddenError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import {
  RING_LENGTH,
  encodeRecord,
  nextCasBody,
  parseCasBody,
  parseRecord,
  printCasBody,
} from '../../src/catalog/cas-body.ts'
import type { CasBody, Held } from '../../src/catalog/cas-body.ts'
import { compareAndSwap } from '../../src/catalog/compare-and-swap.ts'
import type { CasCodec, SwapOutcome } from '../../src/catalog/compare-and-swap.ts'
import type { CasOutcome, CasStore } from '../../src/io/file-io.ts'

const codec: CasCodec<CasBody> = {
  encode: (body) => encodeRecord(printCasBody(body)),
  decode: (record, location) => parseCasBody(parseRecord(record, location)),
}
const location = 's3://b/p.json'
const runtime = { ...systemRuntime, sleep: () => Promise.resolve() }

/** A store whose next answers are scripted: `land` decides whether the write is applied before its answer is given. */
class ScriptedStore implements CasStore {
  readonly epsilonMs = 0
  current: Held<CasBody> | undefined
  puts = 0
  readonly script: { land: boolean; answer: 'written' | 'settled' | 'ambiguous' | Error; afterwards?: () => void }[]

  constructor(current: CasBody | undefined, script: ScriptedStore['script']) {
    this.script = script
    if (current !== undefined) this.land(current)
  }

  land(body: CasBody): void {
    this.current = { body, token: body.u, lastModifiedMs: 0, storeTimeMs: 0 }
  }

  read(): ReturnType<CasStore['read']> {
    if (this.current === undefined) return Promise.resolve(undefined)
    const { token, body } = this.current
    return Promise.resolve({ bytes: codec.encode(body), token, lastModifiedMs: 0, storeTimeMs: 0 })
  }

  put(_location: string, bytes: Uint8Array): Promise<CasOutcome> {
    this.puts++
    const step = this.script.shift()
    if (step === undefined) throw new Error('one put more than scripted')
    const body = codec.decode({ bytes, token: '', lastModifiedMs: 0, storeTimeMs: 0 }, location)
    if (step.land) this.land(body)
    step.afterwards?.()
    if (step.answer instanceof Error) return Promise.reject(step.answer)
    if (step.answer === 'written') return Promise.resolve({ kind: 'written', token: body.u, storeTimeMs: 0 })
    return Promise.resolve(
      step.answer === 'settled'
        ? { kind: 'settled', storeTimeMs: 0 }
        : { kind: 'ambiguous', cause: new Error('reset') },
    )
  }

  async *list(): ReturnType<CasStore['list']> {}
}

const base = nextCasBody(undefined, 'c0', 'u0')
const held: Held<CasBody> = { body: base, token: 'u0', lastModifiedMs: 0, storeTimeMs: 0 }
const next = nextCasBody(base, 'mine', 'u1')
const rival = nextCasBody(base, 'rival', 'u2')

function follow(from: CasBody, count: number): CasBody {
  let body = from
  for (let i = 0; i < count; i++) body = nextCasBody(body, `later-${i}`, `later-u-${i}`)
  return body
}

function swap(
  store: CasStore,
  beyondRing?: () => Promise<'committed' | 'conflict' | 'unknown'>,
): Promise<SwapOutcome<CasBody>> {
  return compareAndSwap(store, codec, runtime, { location, base: held, next, timeoutMs: 50, beyondRing })
}

describe('compareAndSwap', () => {
  it('is done at the first 200', async () => {
    const store = new ScriptedStore(base, [{ land: true, answer: 'written' }])
    expect(await swap(store)).toMatchObject({ kind: 'committed', held: { body: { commitId: 'mine' }, token: 'u1' } })
    expect(store.puts).toBe(1)
  })

  it('finds its own write behind a 412, even the first one', async () => {
    const store = new ScriptedStore(base, [{ land: true, answer: 'settled' }])
    expect(await swap(store)).toMatchObject({ kind: 'committed' })
  })

  it('finds its own write after a lost answer and later commits of others', async () => {
    const store: ScriptedStore = new ScriptedStore(base, [
      { land: true, answer: 'ambiguous', afterwards: () => store.land(follow(next, 10)) },
      { land: false, answer: 'settled' },
    ])
    const outcome = await swap(store)
    expect(outcome).toMatchObject({ kind: 'committed', held: { body: { commitId: 'later-9' } } })
  })

  it('knows that another was first', async () => {
    const store = new ScriptedStore(rival, [{ land: false, answer: 'settled' }])
    expect(await swap(store)).toMatchObject({ kind: 'conflict', held: { body: { commitId: 'rival' } } })
  })

  it('sends the same bytes again until the store decides', async () => {
    const answers = ['ambiguous', 'ambiguous', 'written'] as const
    const store = new ScriptedStore(
      base,
      answers.map((answer) => ({ land: answer === 'written', answer })),
    )
    expect(await swap(store)).toMatchObject({ kind: 'committed' })
    expect(store.puts).toBe(3)
  })

  it('asks beyond the ring where later commits have overrun it', async () => {
    const overrun = follow(rival, RING_LENGTH + 1)
    for (const verdict of ['committed', 'conflict', 'unknown'] as const) {
      const store = new ScriptedStore(overrun, [{ land: false, answer: 'settled' }])
      expect(await swap(store, () => Promise.resolve(verdict))).toMatchObject({ kind: verdict })
    }
    const alone = new ScriptedStore(overrun, [{ land: false, answer: 'settled' }])
    expect(await swap(alone)).toMatchObject({ kind: 'unknown' })
  })

  it('decides by the ring as long as it reaches back to the base', async () => {
    const store = new ScriptedStore(follow(rival, RING_LENGTH - 2), [{ land: false, answer: 'settled' }])
    expect(await swap(store)).toMatchObject({ kind: 'conflict' })
  })

  it('says unknown where the store never decides', async () => {
    let ms = 0
    const clock = { ...runtime, monotonicMs: () => (ms += 10) }
    const store = new ScriptedStore(
      base,
      Array.from({ length: 9 }, () => ({ land: false, answer: 'ambiguous' as const })),
    )
    const outcome = await compareAndSwap(store, codec, clock, { location, base: held, next, timeoutMs: 50 })
    expect(outcome).toMatchObject({ kind: 'unknown', cause: new Error('reset') })
  })

  it('throws a definite refusal, but not while an earlier send is in doubt', async () => {
    const refused = new ForbiddenError('no')
    await expect(swap(new ScriptedStore(base, [{ land: false, answer: refused }]))).rejects.toBe(refused)
    const doubtful = new ScriptedStore(base, [
      { land: true, answer: 'ambiguous' },
      { land: false, answer: refused },
      { land: false, answer: 'settled' },
    ])
    expect(await swap(doubtful)).toMatchObject({ kind: 'committed' })
  })

  it('cannot tell of an object that is gone', async () => {
    const store = new ScriptedStore(undefined, [{ land: false, answer: 'settled' }])
    expect(await swap(store)).toMatchObject({ kind: 'unknown' })
  })
})
