/**
 * The simulated store: S3's rules for conditional writes over a map, with hooks that see every write as it is applied.
 * `atomic: false` is the mutant store that checks a condition some time before it writes.
 */
export interface StoredObject {
  readonly bytes: Uint8Array
  readonly etag: string
  readonly lastModifiedMs: number
}

export type PutAnswer = { readonly status: 200; readonly etag: string } | { readonly status: 404 | 412 }

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

  put(location: string, bytes: Uint8Array, nowMs: number): PutAnswer {
    // Equal bodies have equal etags, as on S3.
    const etag = hash(bytes)
    this.objects.set(location, { bytes, etag, lastModifiedMs: nowMs })
    this.onPut(location, bytes)
    return { status: 200, etag }
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
