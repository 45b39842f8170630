/** Credentials that may do only what a policy says, as MinIO's AssumeRole gives them: to try policies for real. */
import { S3Client } from '@aws-sdk/client-s3'
import type { S3Credentials } from '../../src/io/s3-settings.ts'
import type { MinioServer } from './minio.ts'

/** Of the server's root user, narrowed by `policy`, which is IAM's JSON. */
export async function assumeRole(server: MinioServer, policy: string): Promise<S3Credentials> {
  const { endpoint, accessKeyId, secretAccessKey } = server
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey } })
  const signer = await client.config.signer({
    name: 'sigv4',
    signingName: 'sts',
    signingRegion: 'us-east-1',
    properties: {},
  })
  client.destroy()
  const url = new URL(endpoint)
  const form = { Action: 'AssumeRole', Version: '2011-06-15', DurationSeconds: '3600', Policy: policy }
  const { headers, body } = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    path: '/',
    query: {},
    headers: { host: url.host, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
  const response = await fetch(endpoint, { method: 'POST', headers, body: String(body) })
  const xml = await response.text()
  if (!response.ok) throw new Error(`AssumeRole failed with ${response.status}: ${xml}`)
  const textOf = (tag: string): string => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1] ?? ''
  return {
    accessKeyId: textOf('AccessKeyId'),
    secretAccessKey: textOf('SecretAccessKey'),
    sessionToken: textOf('SessionToken'),
  }
}
