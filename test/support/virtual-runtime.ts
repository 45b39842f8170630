/** A Runtime whose clock moves only by sleeping, with a fixed row of random numbers: waits take no time. */
import type { Runtime } from '../../src/base/runtime.ts'

export interface VirtualRuntime extends Runtime {
  /** Moves the clock on, firing deadlines. */
  advance(ms: number): void
  readonly slept: number[]
}

export function virtualRuntime(
  options: { readonly startMs?: number; readonly random?: () => number } = {},
): VirtualRuntime {
  let nowMs = 0
  let uuids = 0
  const startMs = options.startMs ?? Date.UTC(2026, 0, 31)
  const deadlines = new Set<{ readonly atMs: number; readonly fire: () => void }>()
  const slept: number[] = []
  const advance = (ms: number): void => {
    nowMs += ms
    for (const deadline of deadlines) if (deadline.atMs <= nowMs) deadline.fire()
  }
  return {
    slept,
    advance,
    monotonicMs: () => nowMs,
    wallMs: () => startMs + Math.floor(nowMs),
    random: options.random ?? (() => 0.5),
    uuid: () => `00000000-0000-4000-8000-${String((uuids += 1)).padStart(12, '0')}`,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      slept.push(ms)
      advance(ms)
      await Promise.resolve()
      signal?.throwIfAborted()
    },
    begun: () => Promise.resolve(),
    deadline(ms, parent) {
      const controller = new AbortController()
      const onParent = (): void => controller.abort(parent?.reason)
      if (parent?.aborted === true) onParent()
      parent?.addEventListener('abort', onParent, { once: true })
      const fire = (): void => controller.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError'))
      const deadline = { atMs: nowMs + ms, fire }
      deadlines.add(deadline)
      return {
        signal: controller.signal,
        cancel() {
          deadlines.delete(deadline)
          parent?.removeEventListener('abort', onParent)
        },
      }
    },
  }
}
