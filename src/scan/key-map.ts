/**
 * Keys of equality deletes in memory: a hash table from byte strings to the highest sequence number that each was given
 * with. Bytes lie one after another in one buffer, so that what it takes is known and near what it holds.
 */

/** A byte string under construction, reused from row to row. */
export class KeyBuffer {
  bytes: Uint8Array = new Uint8Array(64)
  length = 0

  /** Makes room for `count` more bytes and gives the place of the first. */
  extend(count: number): number {
    const at = this.length
    this.length += count
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.bytes.length))
      larger.set(this.bytes)
      this.bytes = larger
    }
    return at
  }
}

const FIRST_SLOTS = 64
const FIRST_BYTES = 1024

export class KeyMap {
  /** Entry numbers plus 1, by hash; 0 is free. */
  #slots = new Uint32Array(FIRST_SLOTS)
  #hashes = new Int32Array(FIRST_SLOTS / 2)
  #ends = new Uint32Array(FIRST_SLOTS / 2)
  #sequences = new Float64Array(FIRST_SLOTS / 2)
  #arena = new Uint8Array(FIRST_BYTES)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Memory of the table. */
  get sizeBytes(): number {
    const parts = [this.#slots, this.#hashes, this.#ends, this.#sequences, this.#arena]
    return parts.reduce((sum, part) => sum + part.byteLength, 0)
  }

  put(key: KeyBuffer, sequence: number): void {
    const hash = hashOf(key)
    const slot = this.#find(key, hash)
    const found = this.#slots[slot] as number
    if (found > 0) {
      if (sequence > (this.#sequences[found - 1] as number)) this.#sequences[found - 1] = sequence
      return
    }
    if (this.#size === this.#hashes.length) {
      this.#grow()
      this.put(key, sequence)
      return
    }
    const start = this.#startOf(this.#size)
    this.#reserve(start + key.length)
    this.#arena.set(key.bytes.subarray(0, key.length), start)
    this.#ends[this.#size] = start + key.length
    this.#hashes[this.#size] = hash
    this.#sequences[this.#size] = sequence
    this.#size += 1
    this.#slots[slot] = this.#size
  }

  /** The key's sequence number, -1 where it is not there. */
  get(key: KeyBuffer): number {
    const found = this.#slots[this.#find(key, hashOf(key))] as number
    return found === 0 ? -1 : (this.#sequences[found - 1] as number)
  }

  /** The slot that holds the key, or the free one where it belongs. */
  #find(key: KeyBuffer, hash: number): number {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (;;) {
      const found = this.#slots[slot] as number
      if (found === 0 || (this.#hashes[found - 1] === hash && this.#isKey(found - 1, key))) return slot
      slot = (slot + 1) & mask
    }
  }

  #isKey(entry: number, { bytes, length }: KeyBuffer): boolean {
    const start = this.#startOf(entry)
    if ((this.#ends[entry] as number) - start !== length) return false
    for (let i = 0; i < length; i++) if (this.#arena[start + i] !== bytes[i]) return false
    return true
  }

  #startOf(entry: number): number {
    return entry === 0 ? 0 : (this.#ends[entry - 1] as number)
  }

  #reserve(end: number): void {
    if (end <= this.#arena.length) return
    const larger = new Uint8Array(Math.max(end, 2 * this.#arena.length))
    larger.set(this.#arena)
    this.#arena = larger
  }

  /** Twice as many slots, half of which may be taken. */
  #grow(): void {
    const count = 2 * this.#slots.length
    this.#hashes = widen(this.#hashes, new Int32Array(count / 2))
    this.#ends = widen(this.#ends, new Uint32Array(count / 2))
    this.#sequences = widen(this.#sequences, new Float64Array(count / 2))
    this.#slots = new Uint32Array(count)
    for (let entry = 0; entry < this.#size; entry++) {
      let slot = (this.#hashes[entry] as number) & (count - 1)
      while (this.#slots[slot] !== 0) slot = (slot + 1) & (count - 1)
      this.#slots[slot] = entry + 1
    }
  }
}

function widen<T extends Int32Array | Uint32Array | Float64Array>(old: T, wide: T): T {
  wide.set(old)
  return wide
}

/** FNV-1a, its bits mixed once more since slots are taken by the lowest ones. */
function hashOf({ bytes, length }: KeyBuffer): number {
  let hash = 0x811c9dc5 | 0
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
