/** vitest's globalSetup: one MinIO a run; tests get it with `inject('minio')`. */
import type { TestProject } from 'vitest/node'
import { startMinio, type MinioServer } from './minio.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    minio: MinioServer
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const minio = await startMinio()
  const { endpoint, accessKeyId, secretAccessKey } = minio
  project.provide('minio', { endpoint, accessKeyId, secretAccessKey })
  return () => minio.stop()
}
