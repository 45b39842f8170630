/** A process of the simulation: it may crash at any await, after which nothing it waits for ever resolves. */
import type { Deadline, Runtime } from '../../src/base/runtime.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export class Client {
  alive = true
  /** Local wall clock against the store's: within ±10 minutes where no decision may depend on it. */
  readonly skewMs: number
  readonly runtime: Runtime

  constructor(scheduler: Scheduler, random: Random, maxSkewMs: number) {
    this.skewMs = random.int(2 * maxSkewMs) - maxSkewMs
    this.runtime = {
      monotonicMs: () => scheduler.nowMs,
      wallMs: () => scheduler.nowMs + this.skewMs,
      random: () => random.next(),
      uuid: () => random.uuid(),
      sleep: (ms) => new Promise((resolve) => scheduler.after(ms, () => this.alive && resolve())),
      begun: () => new Promise((resolve) => scheduler.after(0, () => this.alive && resolve())),
      deadline: (ms, parent) => this.#deadline(scheduler, ms, parent),
    }
  }

  #deadline(scheduler: Scheduler, ms: number, parent?: AbortSignal): Deadline {
    const controller = new AbortController()
    parent?.addEventListener('abort', () => controller.abort(parent.reason), { once: true })
    const event = scheduler.after(ms, () => {
      if (this.alive) controller.abort(new Error('deadline'))
    })
    return { signal: controller.signal, cancel: () => void (event.cancelled = true) }
  }
}
