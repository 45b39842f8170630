/** An HTTP proxy before a store that loses requests or answers on demand. Signatures stay valid: it changes nothing. */
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * - `pass`: as it comes
 * - `lose-request`: the connection dies before the store hears of it
 * - `lose-answer`: the store does it, then the connection dies
 * - `hang`: the store does it, and no answer ever comes
 * - a number: that status, and the store hears nothing
 */
type Fault = 'pass' | 'lose-request' | 'lose-answer' | 'hang' | number

export interface FaultProxy {
  readonly endpoint: string
  /** Requests seen, as `VERB path?query`. */
  readonly seen: string[]
  /** Decides on each request. */
  decide: (verb: string, url: string) => Fault
  close(): Promise<void>
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true })
  const server = createServer((incoming, answer) => {
    // A client that gives a request up, or a store that drops the connection: nobody is left to answer.
    handle(proxy, { target, agent }, incoming, answer).catch(() => incoming.socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    decide: () => 'pass',
    close: () => close(server, agent),
  }
  return proxy
}

async function handle(
  proxy: FaultProxy,
  { target, agent }: { readonly target: string; readonly agent: Agent },
  incoming: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const { method = 'GET', url = '/' } = incoming
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  proxy.seen.push(`${method} ${url}`)
  const fault = proxy.decide(method, url)
  if (fault === 'lose-request') {
    incoming.socket.destroy()
    return
  }
  if (typeof fault === 'number') {
    answer.writeHead(fault, { 'content-type': 'application/xml', date: new Date().toUTCString() })
    answer.end(method === 'HEAD' ? undefined : '<Error><Code>Injected</Code><Message>by the proxy</Message></Error>')
    return
  }
  const { status, headers, body } = await forward(target, agent, incoming, Buffer.concat(chunks))
  if (fault === 'lose-answer') incoming.socket.destroy()
  if (fault !== 'pass') return
  answer.writeHead(status, headers)
  answer.end(body)
}

function forward(
  target: string,
  agent: Agent,
  incoming: IncomingMessage,
  body: Buffer,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const { method, url, headers } = incoming
    const outgoing = request(new URL(url ?? '/', target), { method, headers, agent, path: url }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    outgoing.on('error', reject).end(body)
  })
}

async function close(server: Server, agent: Agent): Promise<void> {
  agent.destroy()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
