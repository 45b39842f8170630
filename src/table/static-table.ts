/**
 * A table opened by one of its metadata files, with no catalog: read only, one state of the table for ever. Where the
 * table was copied after that file was written, its files are read from the copy.
 */
import { InvalidDataError } from '../base/errors.ts'
import type { NotFoundError } from '../base/errors.ts'
import type { Reporter } from '../base/events.ts'
import { systemRuntime } from '../base/runtime.ts'
import { parentLocation, toLocation } from '../io/location.ts'
import { openFileIO } from '../io/open-file-io.ts'
import type { FileIOOptions } from '../io/open-file-io.ts'
import { relocating, samePlace } from '../io/relocating.ts'
import type { Relocation } from '../io/relocating.ts'
import { findMetadataFile, isMetadataFile } from '../manifest/find-metadata-file.ts'
import { readTableMetadata } from '../manifest/metadata-file.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import { ReadableTable } from './readable-table.ts'
import type { TableSource } from './readable-table.ts'

export interface OpenTableOptions extends FileIOOptions {
  readonly reporter?: Reporter | undefined
  /** Whether a table that does not lie where its metadata says is read from where it lies; true unless said. */
  readonly relocate?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens a table of any catalog, or of none, to read it: `location` is that of a metadata file, plain or gzipped, or of
 * the table's folder (or of the `metadata` folder in it), whose newest metadata file is found by `version-hint.text`, else by version.
 *
 * The table's folder is the parent of the `metadata` folder that the file lies in. What the metadata records below its
 * own location is read below that folder. A copy never reads the original, not even where that still exists: it would
 * mix two tables, and hide that the copy is not whole. Errors: NotFoundError, InvalidDataError, UnsupportedError.
 */
export async function openTable(location: string, options: OpenTableOptions = {}): Promise<StaticTable> {
  const { runtime = systemRuntime, reporter, relocate = true, signal } = options
  const given = toLocation(location, process.cwd())
  const home = openFileIO(given, options)
  try {
    const metadataLocation = isMetadataFile(given) ? given : await findMetadataFile(home, given, { signal })
    const metadata = await readTableMetadata(home, metadataLocation, { signal })
    const relocation = relocate ? relocationOf(metadata, metadataLocation) : undefined
    const io = relocating(home, { relocation, open: (other) => openFileIO(other, options) })
    const current = { metadata, metadataLocation }
    return new StaticTable({ name: metadataLocation, io, runtime, reporter, current }, relocation)
  } catch (error) {
    await home.close()
    throw error
  }
}

export class StaticTable extends ReadableTable implements AsyncDisposable {
  /** How recorded locations are read; undefined where the table lies where its metadata says. */
  readonly relocation: Relocation | undefined
  readonly #close: () => Promise<void>

  constructor(source: TableSource, relocation: Relocation | undefined) {
    super(source)
    this.relocation = relocation
    this.#close = () => source.io.close()
  }

  close(): Promise<void> {
    return this.#close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  protected override explainMissing(_read: TableMetadata, cause: NotFoundError): Promise<Error> {
    const { name, relocation } = this
    const moved =
      relocation === undefined
        ? ''
        : `; the table is read from ${relocation.to} in place of ${relocation.from}: copy all of it, or do not relocate it`
    const context = { table: name, ...cause.context }
    return Promise.resolve(
      new InvalidDataError(`${name} names a file that is not there: ${cause.message}${moved}`, { context, cause }),
    )
  }
}

/**
 * Undefined where the metadata file lies in the folder that its table writes metadata to, or in none called `metadata`:
 * then the file alone was copied, and the table is where it says.
 */
function relocationOf(metadata: TableMetadata, metadataLocation: string): Relocation | undefined {
  const folder = parentLocation(metadataLocation)
  if (!folder.endsWith('/metadata')) return undefined
  if (samePlace(metadataFolder(metadata), folder)) return undefined
  return { from: metadata.location, to: parentLocation(folder) }
}
