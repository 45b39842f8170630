/** Virtual time: events in order of their time, all promises settled between two of them. */
interface Event {
  readonly atMs: number
  readonly order: number
  run(): void
}

const earlier = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
const settlePromises = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export class Scheduler {
  nowMs = 1_700_000_000_000
  events = 0
  readonly #heap: Event[] = []
  #order = 0

  at(timeMs: number, run: () => void): void {
    const atMs = Math.ceil(timeMs)
    const event = { atMs, order: this.#order++, run }
    let i = this.#heap.push(event) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = this.#heap[parent] as Event
      if (!earlier(event, above)) break
      this.#heap[i] = above
      i = parent
    }
    this.#heap[i] = event
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.nowMs + delayMs, run)
  }

  /** Runs until nothing is left to do, `until` holds, or `maxEvents` passed: false then, a livelock. */
  async run(until: () => boolean, maxEvents: number): Promise<boolean> {
    await settlePromises()
    while (this.#heap.length > 0 && !until()) {
      if (this.events++ > maxEvents) return false
      const event = this.#pop()
      this.nowMs = event.atMs
      event.run()
      await settlePromises()
    }
    return true
  }

  #pop(): Event {
    const heap = this.#heap
    const first = heap[0] as Event
    const last = heap.pop() as Event
    if (heap.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && earlier(heap[child + 1] as Event, heap[child] as Event)) child++
      if (!earlier(heap[child] as Event, last)) break
      heap[i] = heap[child] as Event
      i = child
    }
    heap[i] = last
    return first
  }
}
