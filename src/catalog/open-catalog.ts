/** `openCatalog('s3://bucket/warehouse')`: the way in. */
import type { Reporter } from '../base/events.ts'
import { systemRuntime } from '../base/runtime.ts'
import type { Runtime } from '../base/runtime.ts'
import { ValidationError } from '../base/errors.ts'
import { toLocation } from '../io/location.ts'
import { openFileIO } from '../io/open-file-io.ts'
import type { FileIOOptions } from '../io/open-file-io.ts'
import type { Catalog } from './catalog.ts'
import { catalogKeys } from './catalog-keys.ts'
import { ObjectCatalog } from './object-catalog.ts'

export interface CatalogOptions extends FileIOOptions {
  readonly runtime?: Runtime | undefined
  readonly reporter?: Reporter | undefined
  /** Writes even to a store that failed the probe: right only where there is ever one writer. */
  readonly unsafe?: boolean | undefined
  /** Named in pointers, for people who look at them. */
  readonly writer?: string | undefined
  /** How long an undecided commit is pursued before CommitStateUnknownError; 5 minutes by default. */
  readonly commitTimeoutMs?: number | undefined
}

/**
 * Opens the catalog of a warehouse: `s3://bucket/prefix`, `file:///path`, a path, or `memory://name`. Nothing is asked
 * or written until the first call; the first write sets the warehouse up.
 */
export async function openCatalog(uri: string, options: CatalogOptions = {}): Promise<Catalog> {
  const { runtime = systemRuntime, reporter, unsafe, writer = 'firn', commitTimeoutMs = 300_000 } = options
  if (/^https?:/.test(uri)) {
    throw new ValidationError('REST catalogs are not supported yet: open the warehouse by its s3:// location', {
      context: { uri },
    })
  }
  const warehouse = toLocation(uri, process.cwd()).replace(/\/+$/, '')
  const io = openFileIO(warehouse, { ...options, runtime })
  const env = {
    io,
    cas: io.cas,
    runtime,
    reporter,
    keys: catalogKeys(warehouse),
    writer,
    swapTimeoutMs: commitTimeoutMs,
  }
  return new ObjectCatalog(env, { unsafe })
}
