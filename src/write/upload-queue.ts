/**
 * Uploads under way: started as soon as a file is there, awaited by the commit. Bytes in flight are bounded, so a writer
 * that is faster than the store waits for it.
 */
import type { FileIO } from '../io/file-io.ts'

/** Files still being sent may hold this much memory; a larger file goes alone. */
const MAX_IN_FLIGHT_BYTES = 256 * 2 ** 20

export class UploadQueue {
  readonly #io: FileIO
  readonly #signal: AbortSignal | undefined
  readonly #all: Promise<unknown>[] = []
  readonly #inFlight = new Set<Promise<unknown>>()
  #inFlightBytes = 0
  #failure: { readonly error: unknown } | undefined

  constructor(io: FileIO, signal: AbortSignal | undefined) {
    this.#io = io
    this.#signal = signal
  }

  /** All uploads so far, each already marked as handled. */
  get all(): readonly Promise<unknown>[] {
    return this.#all
  }

  /** Starts an upload once there is room for it. Rejects with the error of an earlier one that failed. */
  async start(location: string, bytes: Uint8Array): Promise<void> {
    while (this.#inFlight.size > 0 && this.#inFlightBytes + bytes.length > MAX_IN_FLIGHT_BYTES) {
      await Promise.race(this.#inFlight)
      if (this.#failure !== undefined) break
    }
    if (this.#failure !== undefined) throw this.#failure.error
    const upload = this.#io.write(location, bytes, { signal: this.#signal })
    this.#all.push(upload)
    this.#inFlight.add(upload)
    this.#inFlightBytes += bytes.length
    void this.#watch(upload, bytes.length)
  }

  async #watch(upload: Promise<unknown>, sizeBytes: number): Promise<void> {
    try {
      await upload
    } catch (error) {
      this.#failure ??= { error }
    }
    this.#inFlight.delete(upload)
    this.#inFlightBytes -= sizeBytes
  }

  /** Resolves when no upload is under way, whatever became of them. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#all)
  }
}
