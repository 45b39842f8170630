/** Tables of other engines among the fixtures, which do not lie where their metadata says: files are found by name. */
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { NotFoundError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { readTableMetadata } from '../../src/manifest/metadata-file.ts'
import { TableScan } from '../../src/scan/table-scan.ts'
import type { ScanOptions } from '../../src/scan/table-scan.ts'
import { withMethods } from './table-fixture.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/duckdb')

/** A table of Spark's or PyIceberg's. */
export async function openForeign(folder: string, metadataFile: string, options?: ScanOptions): Promise<TableScan> {
  const paths = readdirSync(join(FIXTURES, folder), { recursive: true, encoding: 'utf8' })
  const bytesOf = (location: string): Uint8Array => {
    const path = paths.find((candidate) => basename(candidate) === basename(location))
    if (path === undefined) throw new NotFoundError(`no file ${location}`, { context: { location } })
    return readFileSync(join(FIXTURES, folder, path))
  }
  const io = withMethods(new MemoryFileIO({ runtime: systemRuntime }), {
    read: async (location) => ({ bytes: bytesOf(location), storeTimeMs: 0 }),
    stat: async (location) => ({ sizeBytes: bytesOf(location).length, lastModifiedMs: 0, storeTimeMs: 0 }),
    readRange: async (location, { offset, length }) => ({
      bytes: bytesOf(location).subarray(offset, offset + length),
      storeTimeMs: 0,
    }),
  })
  const metadata = await readTableMetadata(io, metadataFile)
  return new TableScan({ io, metadata, name: folder, runtime: systemRuntime }, options)
}
