/**
 * One connection to an S3 store, through which every request goes. A request is sent once, has a time limit, tells the
 * store's time (its answer's `Date`) and is reported as one event; what went wrong comes back as a value.
 */
import type { IncomingMessage } from 'node:http'
import type {
  $Command,
  S3Client,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-s3'
import type { IcebergError } from '../base/errors.ts'
import type { Reporter, RequestEvent, RequestVerb } from '../base/events.ts'
import type { Runtime } from '../base/runtime.ts'
import { parseS3Location } from './location.ts'
import { readStream, S3Direct } from './s3-direct.ts'
import { answeredError, describeFailure, s3Error, type S3Failure } from './s3-errors.ts'
import { createConnections, createS3Client, endpointOf, type S3Settings } from './s3-settings.ts'

export interface S3Request {
  readonly verb: RequestVerb
  readonly location: string
  readonly bytesSent?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export type S3Result<T> =
  | { readonly ok: true; readonly output: T; readonly storeTimeMs: number }
  | { readonly ok: false; readonly failure: S3Failure; readonly storeTimeMs: number }

/** A request for one object, without the SDK's command machinery. */
export interface S3ObjectRequest extends S3Request {
  readonly verb: 'GET' | 'PUT' | 'HEAD' | 'DELETE'
  /** In lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Uint8Array | undefined
}

export interface S3Object {
  readonly etag: string | undefined
  readonly lastModifiedMs: number | undefined
  readonly contentLength: number | undefined
  /** Empty in answers to HEAD and DELETE. */
  readonly bytes: Uint8Array
}

export type S3Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = $Command<
  I,
  O,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>

/** What the wire told of an exchange, whatever the SDK made of it. */
interface Heard {
  status?: number
  dateMs?: number
  bytesReceived?: number
}

/** Slowest transfer that is still waited for. */
const MIN_BYTES_PER_MS = 1024

export class S3Connection {
  /** The endpoint's URL, or "AWS S3". */
  readonly endpoint: string
  readonly #client: S3Client
  readonly #direct: S3Direct
  readonly #runtime: Runtime
  readonly #reporter: Reporter | undefined
  readonly #requestTimeoutMs: number
  readonly #profile: string | undefined
  #lastHeard: { readonly dateMs: number; readonly atMs: number; readonly wallMs: number } | undefined

  constructor(settings: S3Settings, options: { readonly runtime: Runtime; readonly reporter?: Reporter | undefined }) {
    this.#runtime = options.runtime
    this.#reporter = options.reporter
    this.#requestTimeoutMs = settings.requestTimeoutMs ?? 30_000
    this.#profile = settings.profile ?? (process.env['AWS_PROFILE'] || undefined)
    const endpoint = endpointOf(settings, process.env)
    this.endpoint = endpoint ?? 'AWS S3'
    const connections = createConnections(settings, options.runtime)
    this.#client = createS3Client(settings, connections)
    this.#direct = new S3Direct(this.#client, {
      connections,
      connect: (region) => createS3Client({ ...settings, region }, connections),
      followRegions: endpoint === undefined,
    })
  }

  /** The last answer's store time plus the time since; undefined before the first answer. */
  storeTimeMs(): number | undefined {
    if (this.#lastHeard === undefined) return undefined
    return Math.floor(this.#lastHeard.dateMs + this.#runtime.monotonicMs() - this.#lastHeard.atMs)
  }

  close(): void {
    this.#client.destroy()
    this.#direct.close()
  }

  /** Sends once. Rejects only where the request's signal aborts. */
  attempt<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    command: S3Command<I, O>,
    request: S3Request,
  ): Promise<S3Result<O>> {
    return this.#exchange(request, (heard) => this.#call(command, request, heard))
  }

  /** Sends a request for one object once and reads its whole answer. Rejects only where the request's signal aborts. */
  attemptObject(request: S3ObjectRequest): Promise<S3Result<S3Object>> {
    const { verb: method, location, headers = {}, body, signal } = request
    const sent = body?.length ?? 0
    return this.#exchange({ ...request, bytesSent: sent }, async (heard) => {
      const timeMs = this.#signingTimeMs()
      const answer = await this.#limited(sent, signal, (deadline) =>
        this.#direct.send({ method, ...parseS3Location(location), headers, body, timeMs }, deadline),
      )
      listen(answer, heard)
      const object = await this.#receive(method, answer, signal)
      heard.bytesReceived = object.bytes.length
      return object
    })
  }

  /** As `attemptObject`; errors as FileIO's. */
  async sendObject(request: S3ObjectRequest): Promise<{ readonly output: S3Object; readonly storeTimeMs: number }> {
    const result = await this.attemptObject(request)
    if (!result.ok) throw await this.errorOf(result.failure, request.location)
    return result
  }

  /** Sends once; errors as FileIO's. */
  async send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    command: S3Command<I, O>,
    request: S3Request,
  ): Promise<{ readonly output: O; readonly storeTimeMs: number }> {
    const result = await this.attempt(command, request)
    if (!result.ok) throw await this.errorOf(result.failure, request.location)
    return result
  }

  /** A failure as an error of FileIO. */
  async errorOf(failure: S3Failure, location: string): Promise<IcebergError> {
    const { bucket } = parseS3Location(location)
    const identity = failure.code === 'InvalidAccessKeyId' ? await this.#client.config.credentials() : undefined
    return s3Error(failure, {
      location,
      bucket,
      endpoint: this.endpoint,
      accessKeyId: identity?.accessKeyId,
      profile: this.#profile,
    })
  }

  async #exchange<T>(request: S3Request, run: (heard: Heard) => Promise<T>): Promise<S3Result<T>> {
    request.signal?.throwIfAborted()
    const startMs = this.#runtime.monotonicMs()
    const heard: Heard = {}
    let result: S3Result<T>
    try {
      result = { ok: true, output: await run(heard), storeTimeMs: this.#hear(heard) }
    } catch (error) {
      request.signal?.throwIfAborted()
      result = { ok: false, failure: describeFailure(error, heard.status), storeTimeMs: this.#hear(heard) }
    }
    this.#reporter?.({
      type: 'request',
      verb: request.verb,
      location: request.location,
      bytesSent: request.bytesSent ?? 0,
      bytesReceived: heard.bytesReceived ?? 0,
      durationMs: this.#runtime.monotonicMs() - startMs,
      outcome: outcomeOf(result),
    })
    return result
  }

  #call<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    command: S3Command<I, O>,
    request: S3Request,
    heard: Heard,
  ): Promise<O> {
    // Next to the wire: sees every answer, those too of which the SDK makes errors.
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args)
        listen(result.response, heard)
        return result
      },
      { step: 'deserialize', priority: 'low', name: 'firnListener' },
    )
    return this.#limited(request.bytesSent ?? 0, request.signal, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    )
  }

  /** Reads the body; throws what an answer that is no success says. */
  async #receive(method: string, answer: IncomingMessage, signal?: AbortSignal): Promise<S3Object> {
    const { statusCode = 0, headers } = answer
    const { etag, 'content-length': length, 'last-modified': lastModified } = headers
    const contentLength = length === undefined ? undefined : Number(length)
    const expected = method === 'HEAD' ? 0 : contentLength
    const bytes =
      expected === 0
        ? drained(answer)
        : await this.#limited(expected ?? 0, signal, (deadline) => readStream(answer, expected, deadline))
    if (statusCode >= 300) throw answeredError(statusCode, Buffer.from(bytes).toString())
    return {
      etag,
      lastModifiedMs: lastModified === undefined ? undefined : Date.parse(lastModified),
      contentLength,
      bytes,
    }
  }

  /** Runs with a signal that aborts together with the parent, or when a transfer of that size should be over. */
  async #limited<T>(
    sizeBytes: number,
    parent: AbortSignal | undefined,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const deadline = this.#runtime.deadline(this.#requestTimeoutMs + Math.ceil(sizeBytes / MIN_BYTES_PER_MS), parent)
    try {
      return await run(deadline.signal)
    } catch (error) {
      deadline.signal.throwIfAborted()
      throw error
    } finally {
      deadline.cancel()
    }
  }

  /** The answer's time; without one (no answer, no Date) an earlier answer's, or 0, which errs on the safe side. */
  #hear({ dateMs }: Heard): number {
    if (dateMs === undefined) return this.storeTimeMs() ?? 0
    this.#lastHeard = { dateMs, atMs: this.#runtime.monotonicMs(), wallMs: this.#runtime.wallMs() }
    return dateMs
  }

  /** The local clock, put right by the last answer: stores refuse signatures of another time than their own. */
  #signingTimeMs(): number {
    const wallMs = this.#runtime.wallMs()
    return this.#lastHeard === undefined ? wallMs : wallMs + this.#lastHeard.dateMs - this.#lastHeard.wallMs
  }
}

/** Nothing is to come, but only a body that was read to its end gives its connection back. */
function drained(body: IncomingMessage): Uint8Array {
  body.on('error', () => {}).resume()
  return new Uint8Array()
}

function listen(response: unknown, heard: Heard): void {
  if (typeof response !== 'object' || response === null) return
  if ('statusCode' in response && typeof response.statusCode === 'number') heard.status = response.statusCode
  if (!('headers' in response) || typeof response.headers !== 'object' || response.headers === null) return
  const date = 'date' in response.headers ? Date.parse(String(response.headers.date)) : Number.NaN
  if (!Number.isNaN(date)) heard.dateMs = date
}

function outcomeOf(result: S3Result<unknown>): RequestEvent['outcome'] {
  if (result.ok) return 'ok'
  const { status } = result.failure
  if (status === 404) return 'not-found'
  return status !== undefined && status >= 300 && status < 500 ? 'refused' : 'failed'
}
