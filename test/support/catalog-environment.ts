/** What the parts of a catalog share, for tests that open one below its public door. */
import { randomUUID } from 'node:crypto'
import { systemRuntime } from '../../src/base/runtime.ts'
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import { catalogKeys } from '../../src/catalog/catalog-keys.ts'
import type { FileIO } from '../../src/io/file-io.ts'

interface Place extends Partial<Omit<CatalogEnvironment, 'io' | 'keys'>> {
  /** One in memory that no other test has by default. */
  readonly warehouse?: string
}

export function catalogEnvironment(
  io: FileIO,
  { warehouse = `memory://${randomUUID()}/wh`, ...rest }: Place = {},
): CatalogEnvironment {
  const keys = catalogKeys(warehouse)
  const usual = { cas: io.cas, runtime: systemRuntime, reporter: undefined, writer: 'test', swapTimeoutMs: 1_000 }
  return { io, keys, ...usual, ...rest }
}
