/** A FileIO over a folder of fixtures, whose recorded locations are not where the files lie: found by their names. */
import { basename, dirname, join } from 'node:path'
import { systemRuntime } from '../../src/base/runtime.ts'
import type { FileIO } from '../../src/io/file-io.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { overriding } from '../support/overriding.ts'
import { readBytes } from './manifest-fixtures.ts'

/** Reads files that lie beside `path`. */
export function fixtureIO(path: string): FileIO {
  return overriding<FileIO>(new MemoryFileIO({ runtime: systemRuntime }), {
    read: async (location) => ({ bytes: readBytes(join(dirname(path), basename(location))), storeTimeMs: 0 }),
  })
}
