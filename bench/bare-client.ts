/**
 * The cheapest S3 client there can be: plain node:http, kept connections, Signature V4 with the body's real hash. What it
 * takes for a request is the floor that a library's time is measured against.
 */
import { createHash, createHmac } from 'node:crypto'
import { Agent, request } from 'node:http'
import type { ByteRange } from '../src/io/file-io.ts'
import type { Place } from './contestant.ts'

export class BareClient {
  readonly #place: Place
  readonly #host: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  #signingKey: { readonly day: string; readonly key: Buffer } | undefined

  constructor(place: Place) {
    this.#place = place
    this.#host = new URL(place.endpoint).host
  }

  async get(key: string): Promise<string> {
    return (await this.#send('GET', key, {})).etag
  }

  async read(key: string, range?: ByteRange): Promise<Uint8Array> {
    const headers: Record<string, string> =
      range === undefined ? {} : { range: `bytes=${range.offset}-${range.offset + range.length - 1}` }
    return (await this.#send('GET', key, headers)).body
  }

  /** Resolves to the etag; `condition` is an If-Match or If-None-Match header. */
  async put(key: string, body: Uint8Array, condition: Record<string, string> = {}): Promise<string> {
    return (await this.#send('PUT', key, { ...condition, 'content-length': String(body.length) }, body)).etag
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(
    method: string,
    key: string,
    unsigned: Record<string, string>,
    body: Uint8Array | string = '',
  ): Promise<{ readonly etag: string; readonly body: Uint8Array }> {
    const { endpoint, bucket, prefix } = this.#place
    const path = `/${bucket}/${prefix === '' ? '' : `${prefix}/`}${key}`
    const headers = { ...unsigned, ...this.#sign(method, path, sha256(body)) }
    return new Promise((resolve, reject) => {
      const outgoing = request(endpoint, { method, path, agent: this.#agent, headers }, (response) => {
        const { statusCode, headers: answered } = response
        const parts: Uint8Array[] = []
        response.once('error', reject).on('data', (part: Uint8Array) => parts.push(part))
        if (statusCode === 200 || statusCode === 206) {
          response.once('end', () => resolve({ etag: answered.etag ?? '', body: Buffer.concat(parts) }))
        } else reject(new Error(`${method} ${path} failed with ${statusCode}`))
      })
      outgoing.on('error', reject).end(body)
    })
  }

  #sign(method: string, path: string, bodyHash: string): Record<string, string> {
    const { accessKeyId, secretAccessKey } = this.#place
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
    const day = time.slice(0, 8)
    const scope = [day, 'us-east-1', 's3', 'aws4_request']
    const signed = { host: this.#host, 'x-amz-content-sha256': bodyHash, 'x-amz-date': time }
    const names = Object.keys(signed).join(';')
    const lines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`)
    const canonical = [method, path, '', lines.join(''), names, bodyHash].join('\n')
    const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n')
    if (this.#signingKey?.day !== day) {
      this.#signingKey = { day, key: scope.reduce(hmac, Buffer.from(`AWS4${secretAccessKey}`)) }
    }
    const signature = hmac(this.#signingKey.key, text).toString('hex')
    const credential = `${accessKeyId}/${scope.join('/')}`
    const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`
    return { ...signed, authorization }
  }
}

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: Buffer, text: string): Buffer<ArrayBuffer> {
  return createHmac('sha256', key).update(text).digest()
}
