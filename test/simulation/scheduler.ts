/**
 * Virtual time: events in order of their time, all promises settled between two of them. Node settles promises between
 * two immediates, so a round of the event loop takes many events at once.
 */
export interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
  /** It won't run. */
  cancelled: boolean
}

const earlier = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
const BATCH = 256

export class Scheduler {
  nowMs = 1_700_000_000_000
  events = 0
  readonly #heap: Event[] = []
  #order = 0

  at(timeMs: number, run: () => void): Event {
    const atMs = Math.ceil(timeMs)
    const event: Event = { atMs, order: this.#order++, run, cancelled: false }
    let i = this.#heap.push(event) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = this.#heap[parent] as Event
      if (!earlier(event, above)) break
      this.#heap[i] = above
      i = parent
    }
    this.#heap[i] = event
    return event
  }

  after(delayMs: number, run: () => void): Event {
    return this.at(this.nowMs + delayMs, run)
  }

  /** Runs until nothing is left to do, `until` holds, or `maxEvents` passed: false then, a livelock. */
  async run(until: () => boolean, maxEvents: number): Promise<boolean> {
    const round = { isOver: false, isCalm: false }
    const step = (): void => {
      if (round.isOver) return
      while (this.#heap[0]?.cancelled === true) this.#pop()
      round.isCalm = this.#heap.length === 0 || until()
      round.isOver = round.isCalm || this.events++ > maxEvents
      if (round.isOver) return
      const event = this.#pop()
      this.nowMs = event.atMs
      event.run()
    }
    while (!round.isOver) {
      for (let i = 1; i < BATCH; i++) setImmediate(step)
      await new Promise<void>((resolve) => {
        setImmediate(() => {
          step()
          resolve()
        })
      })
    }
    return round.isCalm
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
