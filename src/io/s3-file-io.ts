/**
 * The store of `s3://bucket/key` locations, AWS and everything that speaks its protocol. Every request is sent once: the
 * retrying decorator sends again what may be sent again.
 */
import { DeleteObjectsCommand, ListBucketsCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3'
import { mapConcurrent } from '../base/concurrency.ts'
import { ServiceError } from '../base/errors.ts'
import type { Reporter } from '../base/events.ts'
import type { Runtime } from '../base/runtime.ts'
import { checkRange, shorterThan } from './byte-range.ts'
import type {
  Answer,
  ByteRange,
  CasStore,
  FileIO,
  IoOptions,
  ListOptions,
  ListPage,
  ReadAnswer,
  StatAnswer,
  StreamAnswer,
} from './file-io.ts'
import { parseS3Location } from './location.ts'
import { S3CasStore } from './s3-cas.ts'
import { S3Connection, type S3Request } from './s3-client.ts'
import { listS3 } from './s3-list.ts'
import { type RunRequest, partsOf, writeInParts } from './s3-multipart.ts'
import type { S3Settings } from './s3-settings.ts'
import { PART_SIZE_BYTES, inParts } from './stream.ts'

export interface S3Options extends S3Settings {
  readonly runtime: Runtime
  /** Hears of every request. */
  readonly reporter?: Reporter | undefined
  /** Runs the requests of an upload in parts, with retries; by default each is sent once. */
  readonly run?: RunRequest | undefined
}

const ANY_BUCKET = 's3://*/'
const DELETE_BATCH = 1000
/** So few objects are deleted one by one: the first batch of a process costs more than all that it would spare. */
const FEW = 4
const DELETE_CONCURRENCY = 4

export class S3FileIO implements FileIO {
  readonly kind = 's3'
  readonly storeId: string
  readonly cas: CasStore
  readonly #s3: S3Connection
  readonly #encryption: Partial<PutObjectCommandInput>
  /** The same as headers. */
  readonly #headers: Readonly<Record<string, string>>
  readonly #run: RunRequest

  constructor(options: S3Options) {
    this.#s3 = new S3Connection(options, options)
    this.#encryption = encryptionOf(options)
    this.#headers = encryptionHeaders(this.#encryption)
    this.#run = options.run ?? ((_, attempt) => attempt())
    this.storeId = this.#s3.endpoint
    this.cas = new S3CasStore(this.#s3, this.#headers)
  }

  read(location: string, options: IoOptions = {}): Promise<ReadAnswer> {
    return this.#get(location, undefined, options)
  }

  async readRange(location: string, range: ByteRange, options: IoOptions = {}): Promise<ReadAnswer> {
    checkRange(location, range)
    if (range.length > 0) return this.#get(location, range, options)
    // HTTP has no empty ranges.
    const { sizeBytes, storeTimeMs } = await this.stat(location, options)
    if (range.offset > sizeBytes) throw shorterThan(location, range)
    return { bytes: new Uint8Array(), storeTimeMs }
  }

  async write(location: string, bytes: Uint8Array, options: IoOptions = {}): Promise<Answer> {
    const { signal } = options
    if (bytes.length > PART_SIZE_BYTES) return this.#writeInParts(location, partsOf(bytes), signal)
    const headers = this.#headers
    const { storeTimeMs } = await this.#s3.sendObject({ verb: 'PUT', location, headers, body: bytes, signal })
    return { storeTimeMs }
  }

  async writeStream(
    location: string,
    chunks: AsyncIterable<Uint8Array>,
    options: IoOptions = {},
  ): Promise<StreamAnswer> {
    const { signal } = options
    const parts = inParts(chunks, PART_SIZE_BYTES)
    try {
      const first = (await parts.next()).value ?? new Uint8Array()
      const second = await parts.next()
      if (second.done !== true) return await this.#writeInParts(location, chained([first, second.value], parts), signal)
      const write = (): Promise<Answer> => this.write(location, first, options)
      const { storeTimeMs } = await this.#run({ verb: 'PUT', location }, write, signal)
      return { storeTimeMs, sizeBytes: first.length }
    } finally {
      await parts.return(undefined)
    }
  }

  #writeInParts(
    location: string,
    parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<StreamAnswer> {
    return writeInParts(this.#s3, { location, parts }, { encryption: this.#encryption, run: this.#run, signal })
  }

  async stat(location: string, options: IoOptions = {}): Promise<StatAnswer> {
    const { output, storeTimeMs } = await this.#s3.sendObject({ verb: 'HEAD', location, signal: options.signal })
    const { contentLength: sizeBytes = 0, lastModifiedMs = storeTimeMs } = output
    return { sizeBytes, lastModifiedMs, storeTimeMs }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListPage> {
    const { startAfter, signal } = options
    for await (const { entries, storeTimeMs } of listS3(this.#s3, prefix, { startAfter, signal })) {
      yield { entries, storeTimeMs }
    }
  }

  async delete(locations: readonly string[], options: IoOptions = {}): Promise<Answer> {
    const batches = locations.length <= FEW ? locations.map(alone) : batchesByBucket(locations)
    if (batches.length === 0) return { storeTimeMs: await this.storeTimeMs(options) }
    let storeTimeMs = 0
    const remove = (batch: DeleteBatch): Promise<Answer> => this.#deleteBatch(batch, options)
    for await (const answer of mapConcurrent(batches, DELETE_CONCURRENCY, remove, options.signal)) {
      storeTimeMs = Math.max(storeTimeMs, answer.storeTimeMs)
    }
    return { storeTimeMs }
  }

  async storeTimeMs(options: IoOptions = {}): Promise<number> {
    options.signal?.throwIfAborted()
    if (this.#s3.storeTimeMs() === undefined) {
      // Any answer tells the time, a refusal too.
      const request: S3Request = { verb: 'GET', location: ANY_BUCKET, signal: options.signal }
      const result = await this.#s3.attempt(new ListBucketsCommand({}), request)
      if (!result.ok && this.#s3.storeTimeMs() === undefined) throw await this.#s3.errorOf(result.failure, ANY_BUCKET)
    }
    const timeMs = this.#s3.storeTimeMs()
    if (timeMs !== undefined) return timeMs
    throw new ServiceError(`${this.storeId} sends no Date header: firn can't use a store without its time`, {
      retryable: false,
    })
  }

  async close(): Promise<void> {
    this.#s3.close()
  }

  async #get(location: string, range: ByteRange | undefined, { signal }: IoOptions): Promise<ReadAnswer> {
    const headers: Record<string, string> =
      range === undefined ? {} : { range: `bytes=${range.offset}-${range.offset + range.length - 1}` }
    const result = await this.#s3.attemptObject({ verb: 'GET', location, headers, signal })
    if (!result.ok) {
      const error = await this.#s3.errorOf(result.failure, location)
      throw range !== undefined && result.failure.status === 416 ? shorterThan(location, range, error) : error
    }
    const { bytes } = result.output
    if (range !== undefined && bytes.length !== range.length) throw shorterThan(location, range)
    return { bytes, storeTimeMs: result.storeTimeMs }
  }

  async #deleteBatch({ bucket, locations }: DeleteBatch, { signal }: IoOptions): Promise<Answer> {
    const [first = ''] = locations
    if (locations.length === 1) {
      const result = await this.#s3.attemptObject({ verb: 'DELETE', location: first, signal })
      if (!result.ok && result.failure.code !== 'NoSuchKey') throw await this.#s3.errorOf(result.failure, first)
      return { storeTimeMs: result.storeTimeMs }
    }
    const command = new DeleteObjectsCommand({
      Bucket: bucket,
      Delete: { Objects: locations.map((location) => ({ Key: keyOf(location) })), Quiet: true },
    })
    const { output, storeTimeMs } = await this.#s3.send(command, { verb: 'POST', location: first, signal })
    const refused = output.Errors?.find(({ Code }) => Code !== 'NoSuchKey')
    if (refused !== undefined) throw await this.#refusal(bucket, refused.Key, refused.Code)
    return { storeTimeMs }
  }

  /** Of a batch, single keys may fail: the first stands for them all. */
  #refusal(bucket: string, key = '', code = 'unknown'): Promise<Error> {
    const status = code === 'AccessDenied' ? 403 : 503
    return this.#s3.errorOf({ status, code, cause: new Error(`could not delete ${key}`) }, `s3://${bucket}/${key}`)
  }
}

async function* chained(first: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* first
  yield* rest
}

interface DeleteBatch {
  readonly bucket: string
  readonly locations: readonly string[]
}

function alone(location: string): DeleteBatch {
  return { bucket: parseS3Location(location).bucket, locations: [location] }
}

function batchesByBucket(locations: readonly string[]): DeleteBatch[] {
  const byBucket = new Map<string, string[]>()
  for (const location of locations) {
    const { bucket } = parseS3Location(location)
    const known = byBucket.get(bucket)
    if (known === undefined) byBucket.set(bucket, [location])
    else known.push(location)
  }
  const batches: DeleteBatch[] = []
  for (const [bucket, all] of byBucket) {
    for (let i = 0; i < all.length; i += DELETE_BATCH)
      batches.push({ bucket, locations: all.slice(i, i + DELETE_BATCH) })
  }
  return batches
}

function keyOf(location: string): string {
  return parseS3Location(location).key
}

function encryptionOf({ sse }: S3Settings): Partial<PutObjectCommandInput> {
  if (sse === undefined) return {}
  if (sse.kind === 'AES256') return { ServerSideEncryption: 'AES256' }
  return { ServerSideEncryption: 'aws:kms', ...(sse.keyId === undefined ? {} : { SSEKMSKeyId: sse.keyId }) }
}

function encryptionHeaders({
  ServerSideEncryption,
  SSEKMSKeyId,
}: Partial<PutObjectCommandInput>): Record<string, string> {
  return {
    ...(ServerSideEncryption === undefined ? {} : { 'x-amz-server-side-encryption': ServerSideEncryption }),
    ...(SSEKMSKeyId === undefined ? {} : { 'x-amz-server-side-encryption-aws-kms-key-id': SSEKMSKeyId }),
  }
}
