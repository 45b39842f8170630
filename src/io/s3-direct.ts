/**
 * The short way to single objects: GET, PUT, HEAD and DELETE as plain signed HTTP requests. Credentials and endpoint rules are
 * the SDK's; the machinery of its commands is left out, which costs several times what the rest of a small request does.
 * Sends once and judges nothing: s3-client.ts does.
 */
import type { IncomingMessage } from 'node:http'
import { addAbortSignal, type Readable } from 'node:stream'
import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { UnsupportedError } from '../base/errors.ts'
import { type HttpConnections, sendHttp } from './s3-http.ts'
import { signedHeaders } from './s3-signature.ts'

export interface DirectRequest {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'DELETE'
  readonly bucket: string
  readonly key: string
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | undefined
  /** When it is signed. */
  readonly timeMs: number
}

/** Where a bucket lies, and what requests to it are signed for. */
interface Route {
  readonly client: S3Client
  readonly url: URL
  readonly region: string
  readonly service: string
}

export interface DirectOptions {
  readonly connections: HttpConnections
  /** A client for the configured region, or for one that a store sent us to. */
  readonly connect: (region?: string) => S3Client
  readonly followRegions: boolean
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 307, 400])

export class S3Direct {
  readonly #client: S3Client
  readonly #options: DirectOptions
  readonly #routes = new Map<string, Promise<Route>>()
  readonly #regional = new Map<string, S3Client>()

  constructor(client: S3Client, options: DirectOptions) {
    this.#client = client
    this.#options = options
  }

  close(): void {
    for (const client of this.#regional.values()) client.destroy()
  }

  /** Rejects where no answer came; the answer's body is the caller's to read to its end. The signal is this request's own. */
  async send(request: DirectRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { connections, followRegions } = this.#options
    const route = await this.#route(request.bucket)
    const answer = await sendBy(route, request, { connections, signal })
    const region = answer.headers['x-amz-bucket-region']
    if (!followRegions || !REDIRECTS.has(answer.statusCode ?? 0)) return answer
    if (typeof region !== 'string' || region === route.region) return answer
    answer.resume()
    return sendBy(await this.#move(request.bucket, region), request, { connections, signal })
  }

  #route(bucket: string): Promise<Route> {
    return this.#routes.get(bucket) ?? this.#remember(bucket, findRoute(this.#client, bucket))
  }

  #move(bucket: string, region: string): Promise<Route> {
    const client = this.#regional.get(region) ?? this.#options.connect(region)
    this.#regional.set(region, client)
    return this.#remember(bucket, findRoute(client, bucket))
  }

  /** Until it fails: credentials and settings may come to be. */
  #remember(bucket: string, route: Promise<Route>): Promise<Route> {
    this.#routes.set(bucket, route)
    route.catch(() => {
      if (this.#routes.get(bucket) === route) this.#routes.delete(bucket)
    })
    return route
  }
}

/** Lets the SDK prepare a request to the bucket, as far as the endpoint, and looks at what it chose. */
async function findRoute(client: S3Client, bucket: string): Promise<Route> {
  const command = new HeadBucketCommand({ Bucket: bucket })
  let url: URL | undefined
  let scheme: { readonly name?: string; readonly signingName?: string; readonly signingRegion?: string } = {}
  command.middlewareStack.add(
    (_, context) => () => {
      url = context.endpointV2?.url
      scheme = context.authSchemes?.[0] ?? {}
      return Promise.resolve({ output: { $metadata: {} }, response: undefined })
    },
    { step: 'build', priority: 'high', name: 'firnRoute' },
  )
  await client.send(command)
  const { name = 'sigv4', signingName = 's3', signingRegion } = scheme
  if (url === undefined || name !== 'sigv4') {
    const message = `bucket "${bucket}" is of a kind that firn can't use (its requests are signed by ${name}): use a general purpose bucket`
    throw new UnsupportedError(message, { context: { bucket } })
  }
  return { client, url, region: signingRegion ?? (await client.config.region()), service: signingName }
}

async function sendBy(
  { client, url, region, service }: Route,
  { method, key, headers, body, timeMs }: DirectRequest,
  { connections, signal }: { readonly connections: HttpConnections; readonly signal: AbortSignal },
): Promise<IncomingMessage> {
  const length: Record<string, string> = body === undefined ? {} : { 'content-length': String(body.length) }
  const path = `${url.pathname.replace(/\/$/, '')}/${encodeKey(key)}`
  const unsigned = { method, path, headers: { host: url.host, ...length, ...headers }, body }
  const headersToSend = signedHeaders(unsigned, await client.config.credentials(), { region, service, timeMs })
  return sendHttp(connections, { method, url, path, headers: headersToSend, body }, signal)
}

/** Reads a stream to its end into one buffer; `length` is that of the body where the answer tells it. */
export async function readStream(
  stream: Readable,
  length: number | undefined,
  signal: AbortSignal,
): Promise<Uint8Array> {
  addAbortSignal(signal, stream)
  return new Promise((resolve, reject) => {
    const whole = length === undefined ? undefined : Buffer.allocUnsafeSlow(length)
    const chunks: Buffer[] = []
    let end = 0
    stream.on('data', (chunk: Buffer) => {
      if (whole === undefined) chunks.push(chunk)
      else if (end + chunk.length <= whole.length) whole.set(chunk, end)
      end += chunk.length
    })
    stream.once('error', reject)
    stream.once('end', () => {
      if (whole === undefined) resolve(Buffer.concat(chunks))
      else if (end === whole.length) resolve(whole)
      else reject(new Error(`a body of ${end} bytes, where ${whole.length} were announced`))
    })
  })
}

/** Percent-encodes what RFC 3986 reserves, as signatures want it; slashes stay. */
function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replaceAll(/[!'()*]/g, encodeReserved)
}

function encodeReserved(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`
}
