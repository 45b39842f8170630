/**
 * Files that were there before, made part of a table: an append whose data files are not this commit's to delete or to
 * copy. A file that the table has already is refused on the very base that is committed to.
 */
import { mapConcurrent } from '../base/concurrency.ts'
import { AlreadyExistsError, SessionExpiredError } from '../base/errors.ts'
import { canonicalLocation } from '../io/location.ts'
import { readManifest, readManifestList } from '../manifest/manifest-io.ts'
import type { ManifestFile } from '../spec/data-file.ts'
import { currentSnapshot } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { AppendMember } from './append-member.ts'
import type { AppendFiles } from './append-member.ts'
import { AppendAction } from './append.ts'
import type { CommitAction, StageContext, Staged, TableBase, TableOperations } from './operations.ts'

export interface AddFilesInput extends Omit<AppendFiles, 'uploads'> {
  readonly allowDuplicates: boolean
}

const MANIFESTS_IN_FLIGHT = 8

/** Without `renew`: expired files end the commit. */
export class AddFilesAction implements CommitAction {
  readonly #operations: TableOperations
  readonly #input: AddFilesInput
  readonly #append: AppendAction
  /** Of manifests that were looked through and hold none of the files. */
  readonly #cleared = new Set<string>()

  constructor(operations: TableOperations, input: AddFilesInput) {
    this.#operations = operations
    this.#input = input
    this.#append = new AppendAction(operations, [new AppendMember({ ...input, uploads: [] })])
  }

  get snapshotId(): bigint | undefined {
    return this.#append.snapshotId
  }

  get sessionStartMs(): number | undefined {
    return this.#input.sessionStartMs
  }

  get files(): readonly string[] {
    return [...this.#append.manifestPaths, ...this.#append.outdatedPaths]
  }

  get uploads(): readonly Promise<unknown>[] {
    return this.#append.uploads
  }

  async stage(base: TableBase, context: StageContext): Promise<Staged> {
    await this.checkOn(base)
    return this.#append.stage(base, context)
  }

  /** Errors: AlreadyExistsError for a file that the table has. */
  async checkOn({ metadata, manifests }: TableBase): Promise<void> {
    if (this.#input.allowDuplicates) return
    const { io } = this.#operations
    const snapshot = currentSnapshot(metadata)
    const listed = manifests ?? (snapshot === undefined ? [] : await readManifestList(io, snapshot))
    const wanted = new Set(this.#input.dataFiles.map(({ filePath }) => comparable(filePath)))
    const unread = listed.filter(({ content, manifestPath }) => content === 'data' && !this.#cleared.has(manifestPath))
    const found = mapConcurrent(unread, MANIFESTS_IN_FLIGHT, (manifest) => this.#find(manifest, metadata, wanted))
    for await (const location of found) {
      if (location === undefined) continue
      const { name } = this.#operations
      throw new AlreadyExistsError(`${location} is in ${name} already: leave it out, or allow duplicates`, {
        context: { table: name, location },
      })
    }
  }

  async #find(
    manifest: ManifestFile,
    metadata: TableMetadata,
    wanted: ReadonlySet<string>,
  ): Promise<string | undefined> {
    const entries = await readManifest(this.#operations.io, manifest, metadata)
    const entry = entries.find(
      ({ dataFile, status }) => status !== 'deleted' && wanted.has(comparable(dataFile.filePath)),
    )
    if (entry === undefined) this.#cleared.add(manifest.manifestPath)
    return entry?.dataFile.filePath
  }
}

/** Says what to do where the files may be about to be collected: they can't be copied, since they are not the commit's own. */
export function explainExpiry(error: unknown, table: string): unknown {
  if (!(error instanceof SessionExpiredError)) return error
  return new SessionExpiredError(
    `files in the folder of ${table} are so old that orphan removal may take them: copy them to new names, or out of the folder, and add those`,
    { context: { table }, cause: error, notAfterMs: error.notAfterMs },
  )
}

/** Tables may hold locations of stores that firn does not know. */
function comparable(location: string): string {
  try {
    return canonicalLocation(location)
  } catch {
    return location
  }
}
