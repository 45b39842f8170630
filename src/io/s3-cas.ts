/**
 * Compare-and-swap on s3: conditional PutObject, always one request a call and never in parts. Which statuses mean what
 * is the commit protocol's step 4: the SDK's own retries would report 412 against a write of ours that did land.
 */
import type { CasListOptions, CasOutcome, CasPage, CasRecord, CasStore, CasToken, IoOptions } from './file-io.ts'
import type { S3Connection } from './s3-client.ts'
import { isDefinite, type S3Failure } from './s3-errors.ts'
import { listS3 } from './s3-list.ts'

export class S3CasStore implements CasStore {
  readonly epsilonMs = 300_000
  readonly #s3: S3Connection
  readonly #encryption: Readonly<Record<string, string>>

  constructor(s3: S3Connection, encryption: Readonly<Record<string, string>>) {
    this.#s3 = s3
    this.#encryption = encryption
  }

  async read(location: string, options: IoOptions = {}): Promise<CasRecord | undefined> {
    const result = await this.#s3.attemptObject({ verb: 'GET', location, signal: options.signal })
    if (result.ok) {
      const { storeTimeMs, output } = result
      const { bytes, etag: token, lastModifiedMs = storeTimeMs } = output
      if (token !== undefined) return { bytes, token, lastModifiedMs, storeTimeMs }
      throw await this.#s3.errorOf(
        { status: 200, code: 'NoETag', cause: new Error('an object without an etag') },
        location,
      )
    }
    if (isAbsent(result.failure)) return undefined
    throw await this.#s3.errorOf(result.failure, location)
  }

  async put(
    location: string,
    bytes: Uint8Array,
    expected: CasToken | undefined,
    options: IoOptions = {},
  ): Promise<CasOutcome> {
    options.signal?.throwIfAborted()
    const condition: Record<string, string> =
      expected === undefined ? { 'if-none-match': '*' } : { 'if-match': expected }
    const headers = { ...this.#encryption, ...condition, 'content-type': 'application/json' }
    // Once it is on its way a signal can't call it back: the outcome is waited for.
    const result = await this.#s3.attemptObject({ verb: 'PUT', location, headers, body: bytes })
    const { storeTimeMs } = result
    if (result.ok) {
      const token = result.output.etag
      return token === undefined
        ? { kind: 'ambiguous', cause: new Error('a PUT was answered without an etag') }
        : { kind: 'written', token, storeTimeMs }
    }
    const { failure } = result
    if (failure.status === 412 || (isAbsent(failure) && expected !== undefined)) return { kind: 'settled', storeTimeMs }
    const error = await this.#s3.errorOf(failure, location)
    if (isDefinite(failure)) throw error
    return { kind: 'ambiguous', cause: error }
  }

  async *list(prefix: string, options: CasListOptions = {}): AsyncGenerator<CasPage> {
    for await (const { entries, folders, storeTimeMs } of listS3(this.#s3, prefix, options)) {
      yield { entries: entries.map(({ location, sizeBytes }) => ({ location, sizeBytes })), folders, storeTimeMs }
    }
  }
}

function isAbsent({ status, code }: S3Failure): boolean {
  return status === 404 && code !== 'NoSuchBucket'
}
