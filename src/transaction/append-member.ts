/**
 * What one caller brings to an append: data files, their uploads, and what the caller wants set beside them. Several
 * members may be committed as one snapshot (append-queue.ts); each keeps the start of its own session.
 */
import { mapConcurrent } from '../base/concurrency.ts'
import { NotFoundError, SessionExpiredError } from '../base/errors.ts'
import { joinLocation, lastSegment } from '../io/location.ts'
import { type DataFile, copyDataFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { TableOperations } from './operations.ts'

export interface AppendFiles {
  readonly dataFiles: readonly DataFile[]
  /** Uploads of the data files that are still under way. */
  readonly uploads: readonly Promise<unknown>[]
  readonly sessionStartMs: number | undefined
  /** Entries added to the snapshot's summary. */
  readonly summary?: Readonly<Record<string, string>> | undefined
  /** Table properties set in the same commit. */
  readonly properties?: Readonly<Record<string, string>> | undefined
  /** What must hold of the table that each attempt builds on: throws where it doesn't, which ends this append. */
  readonly check?: ((base: TableMetadata) => void) | undefined
}

/** Files copied at once when a session has expired: each is held in memory whole. */
const COPIES_IN_FLIGHT = 2

export class AppendMember {
  readonly input: AppendFiles
  readonly signal: AbortSignal | undefined
  dataFiles: readonly DataFile[]
  sessionStartMs: number | undefined
  /** Locations of all files that are to be committed. */
  files: readonly string[]
  uploads: readonly Promise<unknown>[]
  /** Attempts that this was part of. */
  attempts = 0

  constructor(input: AppendFiles, signal?: AbortSignal) {
    this.input = input
    this.signal = signal
    this.dataFiles = input.dataFiles
    this.sessionStartMs = input.sessionStartMs
    this.files = locationsOf(input.dataFiles)
    this.uploads = [...input.uploads]
  }

  /** Throws where this must not be committed on `base`. */
  check(base: TableMetadata): void {
    this.signal?.throwIfAborted()
    this.input.check?.(base)
  }

  /**
   * Copies the files to new names in a session that begins now; returns the old names. Where that fails `files` holds
   * both. Errors: SessionExpiredError where one is gone already.
   */
  async renew({ io, runtime }: Pick<TableOperations, 'io' | 'runtime'>, signal?: AbortSignal): Promise<string[]> {
    const old = locationsOf(this.dataFiles)
    await Promise.all(this.uploads)
    const sessionStartMs = await io.storeTimeMs({ signal })
    const renewal = runtime.uuid()
    const copy = async (file: DataFile): Promise<DataFile> => {
      const filePath = joinLocation(folderOf(file.filePath), `${renewal}-${lastSegment(file.filePath)}`)
      this.files = [...this.files, filePath]
      const { bytes } = await io.read(file.filePath, { signal }).catch(collected)
      await io.write(filePath, bytes, { signal })
      return copyDataFile(file, { filePath })
    }
    const copies: DataFile[] = []
    for await (const file of mapConcurrent(this.dataFiles, COPIES_IN_FLIGHT, copy, signal)) copies.push(file)
    this.sessionStartMs = sessionStartMs
    this.dataFiles = copies
    this.files = locationsOf(copies)
    this.uploads = []
    return old
  }
}

function locationsOf(files: readonly DataFile[]): string[] {
  return files.map((file) => file.filePath)
}

function folderOf(location: string): string {
  return location.slice(0, location.lastIndexOf('/'))
}

function collected(error: unknown): never {
  if (!(error instanceof NotFoundError)) throw error
  throw new SessionExpiredError(
    'the files of this commit waited so long that orphan removal took them: write the rows again',
    { context: error.context, cause: error },
  )
}
