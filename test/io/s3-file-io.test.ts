import { systemRuntime } from '../../src/base/runtime.ts'
import { S3FileIO } from '../../src/io/s3-file-io.ts'
import { describeFileIO } from '../contract/file-io-contract.ts'
import { createTestBucket } from '../support/s3-bucket.ts'

describeFileIO('s3', async () => {
  const { settings, root } = await createTestBucket()
  const io = new S3FileIO({ ...settings, runtime: systemRuntime })
  return { io, root, close: () => io.close() }
})
