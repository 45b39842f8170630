/**
 * A proxy before the store, in a process of its own so that its work is not counted as anyone's: holds every answer back
 * for some milliseconds, as a network would, and counts the requests that pass by verb.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
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
  const [endpoint] = (await once(child, 'message')) as [string]
  return {
    endpoint,
    async counts() {
      child.send('tell')
      const [counts] = (await once(child, 'message')) as [VerbCounts]
      return counts
    },
    async stop() {
      child.disconnect()
      await once(child, 'exit')
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
    const { method = '', url: path = '/', headers } = incoming
    counts[method] = (counts[method] ?? 0) + 1
    // The path as it came: a URL would be normalised, and its signature lost.
    const onward = request(target, { method, headers, agent, path }, (answer) => {
      setTimeout(() => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      }, delayMs)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  server.listen(0, '127.0.0.1', () => {
    process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  process.on('message', () => process.send?.(counts))
  process.on('disconnect', () => process.exit(0))
}
