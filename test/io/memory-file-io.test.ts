import { expect, it } from 'vitest'
import { systemRuntime } from '../../src/base/runtime.ts'
import { dropMemoryStore, MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { describeFileIO } from '../contract/file-io-contract.ts'

let stores = 0

describeFileIO('memory', async () => {
  const name = `contract${(stores += 1)}`
  return {
    io: new MemoryFileIO({ runtime: systemRuntime }),
    root: `memory://${name}`,
    close: async () => dropMemoryStore(name),
  }
})

it('shares stores by name between FileIOs, until they are dropped', async () => {
  const [a, b] = [new MemoryFileIO({ runtime: systemRuntime }), new MemoryFileIO({ runtime: systemRuntime })]
  await a.write('memory://shared/x', new Uint8Array([1]))
  expect((await b.read('memory://shared/x')).bytes).toEqual(new Uint8Array([1]))
  await expect(b.read('memory://other/x')).rejects.toThrow('memory://other/x does not exist')
  dropMemoryStore('shared')
  await expect(b.read('memory://shared/x')).rejects.toThrow('does not exist')
})
