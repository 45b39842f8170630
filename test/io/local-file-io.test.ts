import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
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

it('says that no folder can be made in a file system that takes none', async () => {
  const io = new LocalFileIO({ runtime: systemRuntime })
  for (const write of [
    () => io.write('file:///proc/firn/x', new Uint8Array(1)),
    () => io.cas.put('file:///proc/firn/x', new TextEncoder().encode('{"u":"1"}'), undefined),
  ]) {
    await expect(write()).rejects.toThrow(/no folder can be made in \/proc/)
  }
})
