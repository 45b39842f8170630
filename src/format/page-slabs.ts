/**
 * Memory for the bodies of pages, in pieces of one size that are used again and again, by threads too. A fresh buffer for
 * each page would be memory that V8 goes through its whole heap to get rid of, every few dozen megabytes; shared ones
 * are none of its business. For parquet-workers.ts.
 */

export const SLAB_BYTES: number = 4 * 2 ** 20
/** They are kept for ever, so not many: what a scan has unfolded and not yet decoded. */
const MAX_SLABS = 24

export class PageSlabs {
  readonly #free: SharedArrayBuffer[] = []
  #count = 0

  /** With anything in it; undefined where all are in use. */
  take(): SharedArrayBuffer | undefined {
    const free = this.#free.pop()
    if (free !== undefined || this.#count === MAX_SLABS) return free
    this.#count += 1
    return new SharedArrayBuffer(SLAB_BYTES)
  }

  /** From now on nobody may look at it. */
  give(slab: SharedArrayBuffer): void {
    this.#free.push(slab)
  }
}
