/**
 * Hedged reads, as a decorator over any FileIO: a read that takes longer than nearly all before it is asked for a second
 * time, and the first answer wins. Only whole objects and ranges are hedged, whose bytes never change; writes, listings
 * and everything of `cas` pass through. It lies below the retries: both look at single requests, and what a hedge saves
 * is never a wait that the retries chose.
 */
import { onAbort } from '../base/abort.ts'
import type { HedgeEvent, Reporter } from '../base/events.ts'
import type { Runtime } from '../base/runtime.ts'
import type { ByteRange, FileIO, IoOptions, ReadAnswer } from './file-io.ts'
import { LatencyWindow } from './latency-window.ts'
import { PassingFileIO } from './passing.ts'

/** Hedges that can be sent before any is earned. */
const BURST = 10
/** What an answer earns: a twentieth more requests at most, and none of a store that does not answer. */
const EARNED_BY_ANSWER = 0.05
/** Faster answers are not hedged, however seldom they are slower: a second request costs more than it saves. */
const FLOOR_MS = 30
/** A timer that fires after answers came in, but were not yet looked at, waits this long for them. */
const SETTLE_MS = 1
/** Reads of like size are compared with each other: up to 64 KiB, 1 MiB, 8 MiB, and larger. */
const SIZE_CLASS_BYTES: readonly number[] = [64 * 1024, 2 ** 20, 8 * 2 ** 20]
/** Made once: to take down where an error was made takes longer than most of what else a request costs here. */
const ANOTHER_WON = new DOMException('another request won', 'AbortError')
const NO_LONGER_WAITED = new DOMException('nobody waits any more', 'AbortError')

interface HedgingOptions {
  readonly runtime: Runtime
  readonly reporter?: Reporter | undefined
}

export function hedging(inner: FileIO, options: HedgingOptions): FileIO {
  return new HedgingFileIO(inner, options)
}

type Send = (signal: AbortSignal) => Promise<ReadAnswer>

/** One request under way, which can be given up by itself. */
interface Attempt {
  readonly answer: Promise<ReadAnswer>
  readonly controller: AbortController
}

class HedgingFileIO extends PassingFileIO {
  readonly #runtime: Runtime
  readonly #reporter: Reporter | undefined
  /** By size class; the size of a whole object is not known before, so they have one of their own. */
  readonly #latencies = new Map<number | 'whole', LatencyWindow>()
  #budget = BURST

  constructor(inner: FileIO, { runtime, reporter }: HedgingOptions) {
    super(inner)
    this.#runtime = runtime
    this.#reporter = reporter
  }

  override read(location: string, options: IoOptions = {}): Promise<ReadAnswer> {
    const send: Send = (signal) => this.inner.read(location, { signal })
    return this.#hedged(send, location, { sizeClass: 'whole', signal: options.signal })
  }

  override readRange(location: string, range: ByteRange, options: IoOptions = {}): Promise<ReadAnswer> {
    const send: Send = (signal) => this.inner.readRange(location, range, { signal })
    return this.#hedged(send, location, { sizeClass: sizeClassOf(range.length), signal: options.signal })
  }

  async #hedged(
    send: Send,
    location: string,
    { sizeClass, signal }: { readonly sizeClass: number | 'whole'; readonly signal: AbortSignal | undefined },
  ): Promise<ReadAnswer> {
    signal?.throwIfAborted()
    const latencies = this.#latencies.get(sizeClass) ?? new LatencyWindow()
    this.#latencies.set(sizeClass, latencies)
    const startMs = this.#runtime.monotonicMs()
    const first = startAttempt(send)
    const attempts = [first]
    const ended = new AbortController()
    const release = signal && onAbort(signal, () => attempts.forEach((each) => each.controller.abort(signal.reason)))
    try {
      const p95Ms = latencies.p95Ms()
      if (p95Ms !== undefined) {
        const waitMs = Math.max(FLOOR_MS, p95Ms)
        const isSlow = await this.#outlasts(first, waitMs, ended)
        if (isSlow && signal?.aborted !== true && this.#spend(location, waitMs)) attempts.push(startAttempt(send))
      }
      const winner = await firstAnswer(attempts)
      // Where the hedge won, the first request took at least as long: what is slow for everybody raises the measure.
      latencies.add(this.#runtime.monotonicMs() - startMs)
      this.#budget = Math.min(BURST, this.#budget + EARNED_BY_ANSWER)
      if (winner.index === 1) this.#report(location, 'won', this.#runtime.monotonicMs() - startMs)
      return winner.answer
    } finally {
      release?.()
      for (const { controller } of attempts) controller.abort(ANOTHER_WON)
    }
  }

  /** Whether the request is still under way after `waitMs`. */
  async #outlasts({ answer }: Attempt, waitMs: number, ended: AbortController): Promise<boolean> {
    const settled = answer.then(
      () => false,
      () => false,
    )
    const timer = this.#runtime
      .sleep(waitMs, ended.signal)
      .then(() => this.#runtime.sleep(SETTLE_MS, ended.signal))
      .then(
        () => true,
        () => false,
      )
    const isSlow = await Promise.race([settled, timer])
    ended.abort(NO_LONGER_WAITED)
    return isSlow
  }

  #spend(location: string, waitMs: number): boolean {
    const hasToken = this.#budget >= 1
    if (hasToken) this.#budget -= 1
    this.#report(location, hasToken ? 'sent' : 'refused', waitMs)
    return hasToken
  }

  #report(location: string, step: HedgeEvent['step'], afterMs: number): void {
    this.#reporter?.({ type: 'request-hedge', verb: 'GET', location, step, afterMs })
  }
}

function startAttempt(send: Send): Attempt {
  const controller = new AbortController()
  const answer = send(controller.signal)
  // The loser's error is nobody's.
  answer.catch(() => {})
  return { answer, controller }
}

/** Rejects only where all do, with the error of the first. */
async function firstAnswer(
  attempts: readonly Attempt[],
): Promise<{ readonly answer: ReadAnswer; readonly index: number }> {
  try {
    return await Promise.any(attempts.map(async ({ answer }, index) => ({ answer: await answer, index })))
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error
  }
}

function sizeClassOf(length: number): number {
  const index = SIZE_CLASS_BYTES.findIndex((limit) => length <= limit)
  return index < 0 ? SIZE_CLASS_BYTES.length : index
}
