/** What a writer that waits in line sees of it, look by look: from that follows whether it may come, and when to look again. */
import type { Standing } from './operations.ts'
import { TURN_MS } from './pace.ts'
import type { WaitLimits } from './retry-policy.ts'
import { isGoingOn, placeOf } from './turn.ts'
import type { Turn } from './turn.ts'

/** How long each place in line leaves to the one before it, in commits. */
const PLACE_COMMITS = 3
/** What a writer sleeps of the time that those before it will need: looks come closer as its turn does. */
const AHEAD = 0.5
/** How often the first of the line looks while the writer before it goes on, in commits. */
const FIRST_COMMITS = 1.5

export interface Watcher {
  /** Names it in the line. */
  readonly mark: string
  /** What an attempt of it takes. */
  readonly ownMs: number
}

export class LineWatch {
  readonly #watcher: Watcher
  readonly #limits: WaitLimits
  #stands: { readonly location: string | undefined; readonly sinceMs: number } | undefined
  #moved: { readonly place: number; readonly atMs: number } | undefined
  /** What the line takes to move by one. */
  #placeMs = 0

  constructor(watcher: Watcher, limits: WaitLimits) {
    this.#watcher = watcher
    this.#limits = limits
  }

  /**
   * Notes a look. Returns how long nothing will happen that concerns the writer, in milliseconds: 0 where it may come,
   * since it is the first and the last turn is over, or the pointer stands still for longer than those before it would let
   * it; undefined where it has no place.
   */
  look({ metadataLocation: location, turn }: Standing, nowMs: number): number | undefined {
    const place = placeOf(turn, this.#watcher.mark)
    if (turn === undefined || place === undefined) {
      this.#stands = undefined
      return isGoingOn(turn) || (turn?.line.length ?? 0) > 0 ? undefined : 0
    }
    const { leastMs, capMs } = this.#limits
    const isStill = this.#stands !== undefined && this.#stands.location === location
    const { sinceMs } = (this.#stands = isStill && this.#stands ? this.#stands : { location, sinceMs: nowMs })
    const commitMs = Math.min(capMs, Math.max(leastMs, turn.commitMs > 0 ? turn.commitMs : this.#watcher.ownMs))
    this.#notePlace(place, { nowMs, commitMs })
    const leftMs = Math.min(capMs, turn.quietMs) + PLACE_COMMITS * commitMs * place - (nowMs - sinceMs)
    if (leftMs <= 0) return 0
    const nearMs = this.#untilNearMs(turn, { place, commitMs })
    return Math.min(capMs, Math.max(commitMs / 2, isStill ? Math.min(leftMs, nearMs) : nearMs))
  }

  #notePlace(place: number, { nowMs, commitMs }: { nowMs: number; commitMs: number }): void {
    const moved = this.#moved
    if (moved === undefined || place < moved.place) {
      if (moved !== undefined) this.#placeMs = (nowMs - moved.atMs) / (moved.place - place)
      this.#moved = { place, atMs: nowMs }
    } else this.#placeMs = Math.max(this.#placeMs, nowMs - moved.atMs)
    this.#placeMs = Math.min(this.#placeMs, Math.max(2 * TURN_MS, 8 * commitMs))
  }

  /** How long nobody needs to look: the first of the line looks every few commits, the others when their turn comes closer. */
  #untilNearMs({ leftMs }: Turn, { place, commitMs }: { place: number; commitMs: number }): number {
    if (place === 0) return Math.min(leftMs, FIRST_COMMITS * commitMs)
    const placeMs = Math.max(this.#placeMs, PLACE_COMMITS * commitMs)
    return Math.max(commitMs, (place - 0.5) * placeMs * AHEAD)
  }
}
