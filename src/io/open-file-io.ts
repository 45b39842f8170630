/**
 * Opens the store of a location with its decorators: caching(retrying(hedging(store))), every request reported. The cache
 * lies outside, where a hit costs nothing; the hedges inside the retries, so that a wait between two attempts is not taken
 * for a slow answer. Local and memory stores, which have no slow tail, are not hedged.
 */
import type { Reporter } from '../base/events.ts'
import { type Runtime, systemRuntime } from '../base/runtime.ts'
import { caching } from './caching.ts'
import type { FileIO } from './file-io.ts'
import { hedging } from './hedging.ts'
import { LocalFileIO } from './local-file-io.ts'
import { storeKindOf } from './location.ts'
import { measured } from './measured.ts'
import { MemoryFileIO } from './memory-file-io.ts'
import { Retrier, retrying, type RetryPolicy } from './retrying.ts'
import { S3FileIO } from './s3-file-io.ts'
import type { S3Settings } from './s3-settings.ts'

export interface FileIOOptions {
  readonly runtime?: Runtime | undefined
  readonly reporter?: Reporter | undefined
  readonly s3?: S3Settings | undefined
  /** Memory for immutable objects; 0 turns the cache off. 64 MiB. */
  readonly cacheSizeBytes?: number | undefined
  readonly retry?: RetryPolicy | undefined
}

/** The FileIO for a location's scheme. UnsupportedError for an unknown one. */
export function openFileIO(location: string, options: FileIOOptions = {}): FileIO {
  const { runtime = systemRuntime, reporter, cacheSizeBytes = 64 * 1024 * 1024 } = options
  const retrier = new Retrier({ ...options.retry, runtime, reporter })
  const store = retrying(openStore(location, options, { runtime, retrier }), retrier)
  return cacheSizeBytes === 0 ? store : caching(store, { sizeBytes: cacheSizeBytes })
}

function openStore(
  location: string,
  { reporter, s3 }: FileIOOptions,
  { runtime, retrier }: { readonly runtime: Runtime; readonly retrier: Retrier },
): FileIO {
  const kind = storeKindOf(location)
  if (kind === 's3') {
    return hedging(new S3FileIO({ ...s3, runtime, reporter, run: retrier.run.bind(retrier) }), { runtime, reporter })
  }
  const io = kind === 'local' ? new LocalFileIO({ runtime }) : new MemoryFileIO({ runtime })
  return reporter === undefined ? io : measured(io, { runtime, reporter })
}
