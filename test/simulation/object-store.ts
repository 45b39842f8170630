/**
 * The simulated store: S3's rules for conditional writes over a map, with hooks that see every write as it is applied.
 * `atomic: false` is the mutant store that checks a condition some time before it writes.
 */
export class StoredObject {
  readonly bytes: Uint8Array
  readonly lastModifiedMs: number
  #etag: string | undefined

  constructor(bytes: Uint8Array, lastModifiedMs: number) {
    this.bytes = bytes
    this.lastModifiedMs = lastModifiedMs
  }

  /** Equal bodies have equal etags, as on S3. Few objects are ever asked for theirs. */
  get etag(): string {
    return (this.#etag ??= hash(this.bytes))
  }
}

export class ObjectStore {
  readonly objects = new Map<string, StoredObject>()
  onPut: (location: string, bytes: Uint8Array) => void = () => {}
  onDelete: (location: string) => void = () => {}

  /** What the condition says now: undefined where the write may go on. */
  refuses(location: string, expected: { readonly etag: string | undefined } | undefined): 404 | 412 | undefined {
    if (expected === undefined) return undefined
    const current = this.objects.get(location)
    if (expected.etag === undefined) return current === undefined ? undefined : 412
    if (current === undefined) return 404
    return current.etag === expected.etag ? undefined : 412
  }

  put(location: string, bytes: Uint8Array, nowMs: number): StoredObject {
    const object = new StoredObject(bytes, nowMs)
    this.objects.set(location, object)
    this.onPut(location, bytes)
    return object
  }

  delete(location: string): void {
    if (this.objects.has(location)) this.onDelete(location)
    this.objects.delete(location)
  }

  list(prefix: string, startAfter: string): [string, StoredObject][] {
    return [...this.objects]
      .filter(([key]) => key.startsWith(prefix) && key > startAfter)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
  }
}

function hash(bytes: Uint8Array): string {
  let a = 0x811c9dc5
  let b = 0x1b873593
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b ^ byte, 0x85ebca6b) ^ (b >>> 13)
  }
  return `${(a >>> 0).toString(16)}${(b >>> 0).toString(16)}-${bytes.length}`
}
