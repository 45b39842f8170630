/** Stands before a store and, for requests that `loses` picks, lets the store apply them but never answers. */
import { type IncomingMessage, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LossyProxy {
  readonly endpoint: string
  /** Method and path of all requests, in order. */
  readonly seen: readonly string[]
  readonly lost: () => number
  close(): Promise<void>
}

export async function startLossyProxy(
  target: string,
  loses: (request: IncomingMessage, nth: number) => boolean,
): Promise<LossyProxy> {
  const { hostname, port } = new URL(target)
  const seen: string[] = []
  let lost = 0
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`)
    const lose = loses(incoming, seen.length)
    const { method, url, headers } = incoming
    const forwarded = request({ hostname, port, method, path: url, headers }, (answer) => {
      if (lose) {
        lost++
        answer.resume().on('end', () => incoming.socket.destroy())
        return
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => incoming.socket.destroy())
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    lost: () => lost,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
