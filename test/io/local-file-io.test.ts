import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRuntime } from '../../src/base/runtime.ts'
import { LocalFileIO } from '../../src/io/local-file-io.ts'
import { describeFileIO } from '../contract/file-io-contract.ts'

describeFileIO('local', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firn-local-'))
  return {
    io: new LocalFileIO({ runtime: systemRuntime }),
    root: `file://${folder}`,
    close: () => rm(folder, { recursive: true, force: true }),
  }
})
