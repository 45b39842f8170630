/**
 * The one interface to storage. A FileIO reads and writes immutable objects; its `cas` moves the few mutable ones by
 * compare-and-swap. Every answer carries the store's own time, the only clock that safety decisions may use.
 *
 * Locations are absolute URIs as metadata records them: `s3://bucket/key`, `file:///path`, `memory://name/path`.
 */

export interface IoOptions {
  readonly signal?: AbortSignal | undefined
}

export interface ListOptions extends IoOptions {
  /** Only what sorts after this location: where an earlier listing ended. */
  readonly startAfter?: string | undefined
}

export interface Answer {
  /** The store's wall clock when it answered, epoch milliseconds. */
  readonly storeTimeMs: number
}

export interface ReadAnswer extends Answer {
  /** Shared with a cache: not to be changed. */
  readonly bytes: Uint8Array
}

export interface StatAnswer extends Answer {
  readonly sizeBytes: number
  readonly lastModifiedMs: number
}

export interface StreamAnswer extends Answer {
  readonly sizeBytes: number
}

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

export interface ListEntry {
  readonly location: string
  readonly sizeBytes: number
  readonly lastModifiedMs: number
}

export interface ListPage extends Answer {
  readonly entries: readonly ListEntry[]
}

/**
 * Errors: NotFoundError (object or bucket; `context.location`), UnauthorizedError, ForbiddenError, ServiceError
 * (`retryable` tells), UnsupportedError (scheme). An aborted signal rejects with its reason.
 */
export interface FileIO {
  readonly kind: 's3' | 'local' | 'memory'
  /** Which store answers, for people and for the catalog's probe: the endpoint's URL on s3, else the kind. */
  readonly storeId: string
  /** Compare-and-swap objects: pointers, namespaces, the catalog's own record. */
  readonly cas: CasStore
  read(location: string, options?: IoOptions): Promise<ReadAnswer>
  /** Exactly the bytes of the range; InvalidDataError where the object is shorter. */
  readRange(location: string, range: ByteRange, options?: IoOptions): Promise<ReadAnswer>
  /** Writes a whole object under a name that is never reused; larger ones in parts. Durable when it resolves. */
  write(location: string, bytes: Uint8Array, options?: IoOptions): Promise<Answer>
  /**
   * The same of bytes that come one after another, a bounded part of them in memory. They come once: where sending fails
   * for good, or they end with an error, there is no object.
   */
  writeStream(location: string, chunks: AsyncIterable<Uint8Array>, options?: IoOptions): Promise<StreamAnswer>
  stat(location: string, options?: IoOptions): Promise<StatAnswer>
  /** All objects whose location starts with `prefix`, in pages, ordered by location (bytewise). */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListPage>
  /** Deletes; absent objects are no error. Batches of up to 1,000 inside. */
  delete(locations: readonly string[], options?: IoOptions): Promise<Answer>
  /** The last answer's store time plus the monotonic time since; asks the store when none was heard yet. */
  storeTimeMs(options?: IoOptions): Promise<number>
  close(): Promise<void>
}

/** Opaque version of a CAS object: the etag on s3, the number of the run on file:. */
export type CasToken = string

export interface CasRecord extends Answer {
  readonly bytes: Uint8Array
  readonly token: CasToken
  readonly lastModifiedMs: number
}

/**
 * What one conditional PUT said.
 * - `written`: it landed and nobody can have come between.
 * - `settled`: no request conditioned on this token can land any more. Ours may have landed before: read and apply the
 *   chain test. (s3: 412, or 404 on If-Match. file: always, its links are verified by reading.)
 * - `ambiguous`: it may still land (409, 5xx, time-out, reset). Send the same bytes with the same token again.
 */
export type CasOutcome =
  | { readonly kind: 'written'; readonly token: CasToken; readonly storeTimeMs: number }
  | { readonly kind: 'settled'; readonly storeTimeMs: number }
  | { readonly kind: 'ambiguous'; readonly cause: unknown }

export interface CasEntry {
  readonly location: string
  /** Size of the current body where a LIST tells it (s3, memory); undefined on file:. */
  readonly sizeBytes: number | undefined
}

export interface CasPage extends Answer {
  readonly entries: readonly CasEntry[]
  /** Locations of the folders just below the prefix, ending in "/"; only where `delimited`. */
  readonly folders: readonly string[]
}

export interface CasListOptions extends ListOptions {
  /** Only what lies directly below `prefix`; deeper entries are folded into `folders`. */
  readonly delimited?: boolean | undefined
}

/**
 * Bodies are UTF-8 JSON objects with members `u` (unique to the body) and `prevU` (`u` of the body it replaces):
 * no two bodies are ever equal, and file: finds its current body by that chain.
 */
export interface CasStore {
  /** The current body, or undefined where there is none. Errors as FileIO's. */
  read(location: string, options?: IoOptions): Promise<CasRecord | undefined>
  /** One attempt, no retries inside. `expected` undefined: create only. Throws only definite errors (403, no bucket). */
  put(location: string, bytes: Uint8Array, expected: CasToken | undefined, options?: IoOptions): Promise<CasOutcome>
  list(prefix: string, options?: CasListOptions): AsyncIterable<CasPage>
  /** Clock skew that safety decisions allow for: 5 minutes on s3, 0 on file: and memory:. */
  readonly epsilonMs: number
}
