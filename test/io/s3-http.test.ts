import { once } from 'node:events'
import { Agent, createServer, type RequestListener } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { systemRuntime } from '../../src/base/runtime.ts'
import { readStream } from '../../src/io/s3-direct.ts'
import { type HttpConnections, sendHttp } from '../../src/io/s3-http.ts'
import { createConnections } from '../../src/io/s3-settings.ts'

/** Sockets on which nothing ever happens. */
class DeadAgent extends Agent {
  override createConnection(): Socket {
    return Object.assign(new Socket(), { connecting: true })
  }
}

async function withServer(
  listener: RequestListener,
  run: (url: URL, connections: HttpConnections) => Promise<void>,
): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connections = createConnections({}, systemRuntime)
  await run(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), connections)
  connections.http.destroy()
  server.closeAllConnections()
  server.close()
}

describe('sendHttp', () => {
  it('sends a body and resolves to the answer', async () => {
    await withServer(
      (incoming, answer) => void incoming.pipe(answer.writeHead(201, { 'content-length': 4 })),
      async (url, connections) => {
        const { signal } = new AbortController()
        const request = {
          method: 'PUT',
          url,
          path: '/a',
          headers: { 'content-length': '4' },
          body: Buffer.from('body'),
        }
        const answer = await sendHttp(connections, request, signal)
        expect(answer.statusCode).toBe(201)
        expect(Buffer.from(await readStream(answer, 4, signal)).toString()).toBe('body')
      },
    )
  })

  it('rejects with the reason of its signal, before and after it was sent', async () => {
    await withServer(
      () => {},
      async (url, connections) => {
        const controller = new AbortController()
        const request = { method: 'GET', url, path: '/', headers: {} }
        const sent = sendHttp(connections, request, controller.signal)
        setTimeout(() => controller.abort(new Error('enough')), 20)
        await expect(sent).rejects.toThrow('enough')
        await expect(sendHttp(connections, request, controller.signal)).rejects.toThrow('enough')
      },
    )
  })

  it('rejects where the connection ends without an answer', async () => {
    await withServer(
      ({ socket }) => socket.destroy(),
      async (url, connections) => {
        const sent = sendHttp(connections, { method: 'GET', url, path: '/', headers: {} }, new AbortController().signal)
        await expect(sent).rejects.toMatchObject({ code: 'ECONNRESET' })
      },
    )
  })

  it('waits for a connection no longer than it is told', async () => {
    const connections = { ...createConnections({ connectTimeoutMs: 20 }, systemRuntime), http: new DeadAgent() }
    const request = { method: 'GET', url: new URL('http://127.0.0.1:1'), path: '/', headers: {} }
    const sent = sendHttp(connections, request, new AbortController().signal)
    await expect(sent).rejects.toMatchObject({ name: 'TimeoutError', message: 'no connection within 20 ms' })
  })
})
