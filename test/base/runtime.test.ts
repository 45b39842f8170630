import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { systemRuntime } from '../../src/base/runtime.ts'

describe('begun', () => {
  it('lets a request leave before the work that follows', async () => {
    const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const agent = new Agent({ keepAlive: true })
    const sockets: Socket[] = []
    const send = async (): Promise<void> => {
      const outgoing = request({ port, host: '127.0.0.1', method: 'PUT', agent, headers: { 'content-length': 4 } })
      outgoing.once('socket', (socket) => sockets.push(socket)).end('body')
      const [response] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream]
      await once(response.resume(), 'end')
    }
    await send()
    await new Promise((resolve) => setImmediate(resolve))
    const before = sockets[0]?.bytesWritten ?? 0
    // As in a chain of promises, at whose end nothing would have been sent yet.
    const second = Promise.resolve().then(send)
    await Promise.resolve()
    expect(sockets).toHaveLength(1)
    await systemRuntime.begun()
    expect(sockets[1]).toBe(sockets[0])
    expect(sockets[1]?.bytesWritten).toBeGreaterThan(before)
    await second
    agent.destroy()
    server.close()
  })
})
