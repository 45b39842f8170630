/**
 * A proxy before the store, in a process of its own so that its work is not counted as anyone's: holds every answer back
 * for some milliseconds, as a network would, and counts the requests that pass by verb.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

/** Requests by verb since the proxy started. */
export type VerbCounts = Readonly<Record<string, number>>

export interface DelayingProxy {
  readonly endpoint: string
  counts(): Promise<VerbCounts>
  stop(): Promise<void>
}

export async function startDelayingProxy(target: string, delayMs: number): Promise<DelayingProxy> {
  const child = fork(fileURLToPath(import.meta.url), [target, String(delayMs)])
  const ask = async (): Promise<unknown> => {
    const answer = once(child, 'message')
    child.send('tell')
    return ((await answer) as unknown[])[0]
  }
  const [endpoint] = (await once(child, 'message')) as [string]
  return {
    endpoint,
    counts: async () => (await ask()) as VerbCounts,
    async stop() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [target = '', delayMs] = process.argv.slice(2)
  serve(target, Number(delayMs))
}

function serve(target: string, delayMs: number): void {
  const agent = new Agent({ keepAlive: true })
  const counts: Record<string, number> = {}
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    const { method = '' } = incoming
    counts[method] = (counts[method] ?? 0) + 1
    forward(new URL(incoming.url ?? '/', target), { agent, delayMs }, incoming, outgoing)
  })
  server.listen(0, '127.0.0.1', () => {
    process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  process.on('message', () => process.send?.(counts))
  process.on('disconnect', () => process.exit(0))
}

function forward(
  url: URL,
  { agent, delayMs }: { readonly agent: Agent; readonly delayMs: number },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const { method, headers } = incoming
  // The path as it came: a URL would be normalised, and its signature lost.
  const onward = request(url, { method, headers, agent, path: incoming.url }, (answer) => {
    setTimeout(() => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    }, delayMs)
  })
  onward.on('error', () => outgoing.destroy())
  incoming.pipe(onward)
}
