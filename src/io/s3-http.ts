/**
 * One HTTP request over kept connections. The SDK's own handler serves its commands; around the small requests of a commit
 * its timers and wrappings cost as much as the request itself.
 */
import { type Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { type Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Runtime } from '../base/runtime.ts'

/** The connections to a store, shared by all that talk to it. */
export interface HttpConnections {
  readonly http: HttpAgent
  readonly https: HttpsAgent
  /** Time for a connection to come about. */
  readonly connectTimeoutMs: number
  readonly runtime: Runtime
}

export interface HttpRequest {
  readonly method: string
  /** Scheme, host and port; the path is `path`. */
  readonly url: URL
  /** Percent-encoded. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | undefined
}

/**
 * Resolves as an answer begins, whose body is to be read to its end. Rejects where none came, or with the reason of the
 * signal, which is to be this request's own.
 */
export function sendHttp(
  connections: HttpConnections,
  { method, url, path, headers, body }: HttpRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const isSecure = url.protocol === 'https:'
    // Node takes the address of an IPv6 host without its brackets.
    const host = url.hostname.replaceAll(/^\[|\]$/g, '')
    const target = { host, port: url.port === '' ? null : url.port, method, path, headers }
    const outgoing = isSecure
      ? requestHttps({ ...target, agent: connections.https })
      : requestHttp({ ...target, agent: connections.http })
    signal.addEventListener('abort', () => outgoing.destroy(signal.reason as Error), { once: true })
    outgoing
      .once('socket', ({ connecting }) => {
        if (connecting) limitConnecting(connections, outgoing)
      })
      .once('response', resolve)
      // Listens on when the answer has begun, whose body then fails too.
      .on('error', reject)
      .end(body)
  })
}

function limitConnecting(
  { runtime, connectTimeoutMs }: HttpConnections,
  outgoing: ReturnType<typeof requestHttp>,
): void {
  const deadline = runtime.deadline(connectTimeoutMs)
  deadline.signal.addEventListener('abort', () => {
    outgoing.destroy(new DOMException(`no connection within ${connectTimeoutMs} ms`, 'TimeoutError'))
  })
  const end = (): void => deadline.cancel()
  outgoing.socket?.once('connect', end)
  outgoing.once('close', end)
}
