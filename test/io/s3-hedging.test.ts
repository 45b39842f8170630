import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { FirnEvent } from '../../src/base/events.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { openFileIO } from '../../src/io/open-file-io.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'

const LOCATION = 's3://bucket/object'
const BODY = Buffer.alloc(4000, 'x')
const USUAL_READS = 25

let server: Server | undefined
let io: FileIO | undefined
afterEach(async () => {
  await io?.close()
  server?.closeAllConnections()
  server?.close()
})

/** A store of one object, whose answers are left to `answer`. */
async function openStore(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ io: FileIO; events: FirnEvent[] }> {
  const started = createServer(answer)
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(started.address() as AddressInfo).port}`
  const events: FirnEvent[] = []
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  io = openFileIO(LOCATION, {
    s3: { endpoint, region: 'us-east-1', credentials },
    reporter: (event) => events.push(event),
    cacheSizeBytes: 0,
  })
  return { io, events }
}

const headers = (): Record<string, string> => ({
  date: new Date().toUTCString(),
  'content-length': String(BODY.length),
})

/** The loser has its headers, and half of its body or none, when the other answer comes. */
it.each([0, 2000])('drops the connection of a request that lost after %i bytes of its body', async (sent) => {
  let requests = 0
  let dropped = false
  const store = await openStore((request, response) => {
    requests += 1
    if (requests !== USUAL_READS + 1) {
      response.writeHead(200, headers()).end(BODY)
      return
    }
    request.socket.once('close', () => (dropped = true))
    response.writeHead(200, headers())
    response.flushHeaders()
    if (sent > 0) response.write(BODY.subarray(0, sent))
  })
  for (let read = 0; read <= USUAL_READS; read += 1) {
    expect(Buffer.from((await store.io.read(LOCATION)).bytes).equals(BODY)).toBe(true)
  }
  expect(requests).toBe(USUAL_READS + 2)
  expect(store.events.flatMap((event) => (event.type === 'request-hedge' ? [event.step] : []))).toEqual(['sent', 'won'])
  await expect.poll(() => dropped).toBe(true)
})

it('is tested through a proxy that outlives clients which give up', async () => {
  const proxy = await startFaultProxy('http://127.0.0.1:1')
  const client = connect(Number(new URL(proxy.endpoint).port), '127.0.0.1')
  client.write('PUT /x HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc')
  await new Promise((resolve) => setTimeout(resolve, 50))
  client.resetAndDestroy()
  // An unhandled rejection within the proxy fails the run.
  await new Promise((resolve) => setTimeout(resolve, 50))
  await proxy.close()
})
