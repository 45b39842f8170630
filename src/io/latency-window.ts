/** The newest answers' durations, and how long all but a twentieth of them took. */

const WINDOW = 256
/** With fewer, nothing is said: one slow answer would be the measure. */
const MIN_SAMPLES = 20
/** Answers between two looks at the window. */
const STALE_AFTER = 16

export class LatencyWindow {
  readonly #durationsMs: number[] = []
  #next = 0
  #added = 0
  #p95Ms: number | undefined

  add(durationMs: number): void {
    this.#durationsMs[this.#next] = durationMs
    this.#next = (this.#next + 1) % WINDOW
    this.#added += 1
    if (this.#added >= STALE_AFTER) this.#p95Ms = undefined
  }

  /** Milliseconds; undefined before twenty answers were seen. */
  p95Ms(): number | undefined {
    if (this.#durationsMs.length < MIN_SAMPLES) return undefined
    if (this.#p95Ms === undefined) {
      const sorted = this.#durationsMs.toSorted((a, b) => a - b)
      this.#p95Ms = sorted[Math.ceil(sorted.length * 0.95) - 1]
      this.#added = 0
    }
    return this.#p95Ms
  }
}
