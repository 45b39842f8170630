import { S3Client } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { signedHeaders } from '../../src/io/s3-signature.ts'

const START_MS = Date.UTC(2024, 0, 1)
const word = fc.stringMatching(/^[A-Za-z0-9/+=-]{1,40}$/)
const header = fc.stringMatching(/^[ -~\t]{0,40}$/)

describe('signatures', () => {
  it('are those of the SDK', async () => {
    const input = {
      method: fc.constantFrom('GET', 'PUT', 'HEAD'),
      path: fc.webPath().map((path) => `/bucket${path}`),
      extra: fc.dictionary(fc.constantFrom('if-match', 'range', 'content-type', 'x-amz-meta-a', 'x-amz-sse'), header),
      body: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
      accessKeyId: word,
      secretAccessKey: word,
      sessionToken: fc.option(word, { nil: undefined }),
      region: fc.constantFrom('us-east-1', 'eu-central-1', 'auto'),
      service: fc.constantFrom('s3', 's3-outposts'),
      afterMs: fc.nat(200_000_000),
    }
    await fc.assert(
      fc.asyncProperty(fc.record(input), async (given) => {
        const { method, path, extra, body, accessKeyId, secretAccessKey, sessionToken, region, service } = given
        const timeMs = START_MS + given.afterMs
        const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
        const length = body === undefined ? {} : { 'content-length': String(body.length) }
        const headers = { host: '127.0.0.1:9000', ...length, ...extra }
        const client = new S3Client({ region, credentials })
        const properties = { name: 'sigv4', signingName: service, signingRegion: region, properties: {} }
        const unsigned = { method, path, headers, body, protocol: 'http:', hostname: '127.0.0.1', query: {} }
        const signer = await client.config.signer(properties)
        const expected = await signer.sign(unsigned, { signingDate: new Date(timeMs) })
        const found = signedHeaders({ method, path, headers, body }, credentials, { region, service, timeMs })
        expect(found).toEqual(expected.headers)
        client.destroy()
      }),
      { numRuns: 200 },
    )
  })
})
