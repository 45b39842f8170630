/** What the parts of one object catalog share. */
import type { Reporter } from '../base/events.ts'
import type { Runtime } from '../base/runtime.ts'
import type { CasStore, FileIO } from '../io/file-io.ts'
import type { CatalogKeys } from './catalog-keys.ts'

export interface CatalogEnvironment {
  readonly io: FileIO
  readonly cas: CasStore
  readonly runtime: Runtime
  readonly reporter: Reporter | undefined
  readonly keys: CatalogKeys
  /** Who writes, for people who look at the pointer. */
  readonly writer: string
  /** How long an undecided pointer write is pursued before its outcome is reported as unknown. */
  readonly swapTimeoutMs: number
}
