/** A fresh bucket on the test server. */
import { randomUUID } from 'node:crypto'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { MinioServer } from './minio.ts'

export async function createBucket({ endpoint, accessKeyId, secretAccessKey }: MinioServer): Promise<string> {
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  const bucket = `firn-${randomUUID()}`
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return bucket
}

/** What a child process needs in its environment to reach the server. */
export function awsEnvironment({ endpoint, accessKeyId, secretAccessKey }: MinioServer): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: 'us-east-1',
  }
}
