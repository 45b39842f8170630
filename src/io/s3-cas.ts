/**
 * Compare-and-swap on s3: conditional PutObject, always one request a call and never in parts. Which statuses mean what
 * is the commit protocol's step 4: the SDK's own retries would report 412 against a write of ours that did land.
 */
import { GetObjectCommand, PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3'
import type { CasListOptions, CasOutcome, CasPage, CasRecord, CasStore, CasToken, IoOptions } from './file-io.ts'
import { parseS3Location } from './location.ts'
import type { S3Connection } from './s3-client.ts'
import { isDefinite, type S3Failure } from './s3-errors.ts'
import { listS3 } from './s3-list.ts'

export class S3CasStore implements CasStore {
  readonly epsilonMs = 300_000
  readonly #s3: S3Connection
  readonly #encryption: Partial<PutObjectCommandInput>

  constructor(s3: S3Connection, encryption: Partial<PutObjectCommandInput>) {
    this.#s3 = s3
    this.#encryption = encryption
  }

  async read(location: string, options: IoOptions = {}): Promise<CasRecord | undefined> {
    const { bucket, key } = parseS3Location(location)
    const command = new GetObjectCommand({ Bucket: bucket, Key: key })
    const result = await this.#s3.attemptGet(command, { verb: 'GET', location, signal: options.signal })
    if (result.ok) {
      const { head, bytes } = result.output
      const { ETag: token, LastModified: lastModified } = head
      const { storeTimeMs } = result
      if (token !== undefined)
        return { bytes, token, lastModifiedMs: lastModified?.getTime() ?? storeTimeMs, storeTimeMs }
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
    const { bucket, key } = parseS3Location(location)
    const command = new PutObjectCommand({
      ...this.#encryption,
      ...(expected === undefined ? { IfNoneMatch: '*' } : { IfMatch: expected }),
      Bucket: bucket,
      Key: key,
      Body: bytes,
      ContentType: 'application/json',
    })
    // Once it is on its way a signal can't call it back: the outcome is waited for.
    const result = await this.#s3.attempt(command, { verb: 'PUT', location, bytesSent: bytes.length })
    const { storeTimeMs } = result
    if (result.ok) {
      const token = result.output.ETag
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
