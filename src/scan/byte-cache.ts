/** What several tasks of a scan share, loaded once while there is room: the least recently used goes first. */

interface Entry {
  readonly value: Promise<unknown>
  bytes: number
}

export class ByteCache {
  readonly #maxBytes: number
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The value of `key`, by `load` unless it is there or on its way. A key has values of one type. */
  async get<T>(key: string, load: () => Promise<T>, weigh: (value: T) => number): Promise<T> {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, known)
      return known.value as Promise<T>
    }
    const value = load()
    const entry: Entry = { value, bytes: 0 }
    this.#entries.set(key, entry)
    try {
      entry.bytes = weigh(await value)
    } catch (error) {
      this.#entries.delete(key)
      throw error
    }
    this.#bytes += entry.bytes
    this.#evict()
    return value
  }

  #evict(): void {
    for (const [key, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return
      // Those without a weight are still on their way.
      if (bytes === 0) continue
      this.#entries.delete(key)
      this.#bytes -= bytes
    }
  }
}
