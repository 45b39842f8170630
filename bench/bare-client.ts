/**
 * The cheapest S3 client there can be: plain node:http, kept connections, Signature V4 with the body's real hash. What it
 * takes for a request is the floor that a library's time is measured against.
 */
import { createHash, createHmac } from 'node:crypto'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { Place } from './contestant.ts'

export interface BareAnswer {
  readonly etag: string | undefined
  readonly body: Buffer
}

export class BareClient {
  readonly #place: Place
  readonly #host: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  #signingKey: { readonly day: string; readonly key: Buffer } | undefined

  constructor(place: Place) {
    this.#place = place
    this.#host = new URL(place.endpoint).host
  }

  get(key: string): Promise<BareAnswer> {
    return this.#send('GET', key, {})
  }

  /** `condition` is an If-Match or If-None-Match header. */
  put(key: string, body: Uint8Array, condition: Record<string, string> = {}): Promise<BareAnswer> {
    return this.#send('PUT', key, condition, body)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(method: string, key: string, extra: Record<string, string>, body?: Uint8Array): Promise<BareAnswer> {
    const { endpoint, bucket, prefix } = this.#place
    const path = `/${bucket}/${prefix}/${key}`
    const headers = this.#sign(
      method,
      path,
      createHash('sha256')
        .update(body ?? '')
        .digest('hex'),
    )
    const length = body === undefined ? {} : { 'content-length': String(body.length) }
    return new Promise((resolve, reject) => {
      const options = { method, path, agent: this.#agent, headers: { ...headers, ...length, ...extra } }
      const outgoing = request(endpoint, options, (response) => {
        response.once('error', reject)
        collect(response, (answer) => {
          const { statusCode = 0 } = response
          if (statusCode >= 200 && statusCode < 300) resolve({ etag: response.headers.etag, body: answer })
          else reject(new Error(`${method} ${path} failed with ${statusCode}: ${answer.toString()}`))
        })
      })
      outgoing.on('error', reject).end(body)
    })
  }

  #sign(method: string, path: string, bodyHash: string): Record<string, string> {
    const { accessKeyId, secretAccessKey } = this.#place
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
    const day = time.slice(0, 8)
    const scope = `${day}/us-east-1/s3/aws4_request`
    const signed = { host: this.#host, 'x-amz-content-sha256': bodyHash, 'x-amz-date': time }
    const names = Object.keys(signed).join(';')
    const lines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`)
    const canonical = [method, path, '', lines.join(''), names, bodyHash].join('\n')
    const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
    if (this.#signingKey?.day !== day) {
      const key = [day, 'us-east-1', 's3', 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`))
      this.#signingKey = { day, key }
    }
    const signature = hmac(this.#signingKey.key, text).toString('hex')
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
    return { ...signed, authorization }
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function collect(response: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('end', () => done(Buffer.concat(chunks)))
}
