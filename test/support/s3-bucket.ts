/** New buckets on the run's MinIO, with the settings that reach them. */
import { inject } from 'vitest'
import type { S3Settings } from '../../src/io/s3-settings.ts'
import { createBucket } from './bucket.ts'

export interface TestBucket {
  readonly settings: S3Settings
  /** `s3://bucket` */
  readonly root: string
}

export async function createTestBucket(): Promise<TestBucket> {
  const minio = inject('minio')
  const { endpoint, accessKeyId, secretAccessKey } = minio
  const root = `s3://${await createBucket(minio)}`
  return { settings: { endpoint, credentials: { accessKeyId, secretAccessKey } }, root }
}
