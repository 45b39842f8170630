import { getMaxListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { onAbort } from '../../src/base/abort.ts'
import { systemRuntime } from '../../src/base/runtime.ts'

describe('onAbort', () => {
  it('lets any number wait on one signal, without a warning, and leaves its limit as it was', async () => {
    const warnings: string[] = []
    const onWarning = ({ name }: Error): void => void warnings.push(name)
    process.on('warning', onWarning)
    const controller = new AbortController()
    const limit = getMaxListeners(controller.signal)
    let heard = 0
    const releases = Array.from({ length: 50 }, () => onAbort(controller.signal, () => (heard += 1)))
    for (const release of releases.slice(0, 20)) release()
    controller.abort()
    for (const release of releases) release()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', onWarning)
    expect(heard).toBe(30)
    expect(getMaxListeners(controller.signal)).toBe(limit)
    expect(warnings).toEqual([])
  })
})

describe('deadline', () => {
  it('aborts with the reason of its parent, at once where that has aborted already', () => {
    const parent = new AbortController()
    const early = systemRuntime.deadline(60_000, parent.signal)
    const reason = new Error('stop')
    parent.abort(reason)
    early.cancel()
    const late = systemRuntime.deadline(60_000, parent.signal)
    late.cancel()
    expect([early.signal.reason, late.signal.reason]).toEqual([reason, reason])
  })

  it('no longer hears its parent once it is cancelled', () => {
    const parent = new AbortController()
    const deadline = systemRuntime.deadline(60_000, parent.signal)
    deadline.cancel()
    parent.abort()
    expect(deadline.signal.aborted).toBe(false)
  })
})
