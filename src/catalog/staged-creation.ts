/**
 * A table that is not there yet: its pointer appears only with its first commit, so that whatever ends a writer before
 * leaves no empty table (commit-protocol, "Create"). Afterwards it is a table like any other.
 */
import { joinLocation } from '../io/location.ts'
import { encodeByProperty, metadataFileName } from '../manifest/metadata-file.ts'
import { applyTableUpdates } from '../spec/apply-table-updates.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { checkRequirements } from '../spec/table-requirement.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import type {
  CommitAttempt,
  CommitOutcome,
  RefreshOptions,
  Staged,
  Standing,
  TableBase,
  TableOperations,
} from '../transaction/operations.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { createPointer } from './create-pointer.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { allSettled, writeVersionHint } from './commit-steps.ts'
import { ObjectOperations } from './object-operations.ts'
import type { ObjectBase } from './object-base.ts'

export interface Creation {
  readonly identifier: TableIdentifier
  /** Without a snapshot. */
  readonly metadata: TableMetadata
  /** Store time before the first of its files is uploaded: its pointer must not come later than half the grace after it. */
  readonly startMs: number
  readonly namespaces: NamespaceStore
  readonly ensureWritable: () => Promise<void>
  /** Makes the namespace where it is missing. */
  readonly ensureNamespace: () => Promise<void>
}

export class StagedCreation implements TableOperations {
  readonly name: string
  readonly io: CatalogEnvironment['io']
  readonly runtime: CatalogEnvironment['runtime']
  readonly reporter: CatalogEnvironment['reporter']
  readonly #env: CatalogEnvironment
  readonly #creation: Creation
  readonly #planned: TableBase
  #made: TableOperations | undefined

  constructor(env: CatalogEnvironment, creation: Creation) {
    this.#env = env
    this.#creation = creation
    this.name = printIdentifier(creation.identifier)
    this.io = env.io
    this.runtime = env.runtime
    this.reporter = env.reporter
    this.#planned = { metadata: creation.metadata, metadataLocation: '', manifests: [] }
  }

  get current(): TableBase {
    return this.#made?.current ?? this.#planned
  }

  /** Before its first commit there is nothing to read. */
  refresh(options?: RefreshOptions): Promise<TableBase> {
    return this.#made?.refresh(options) ?? Promise.resolve(this.#planned)
  }

  peek(signal?: AbortSignal): Promise<Standing> {
    return this.#made?.peek?.(signal) ?? Promise.resolve({ version: 0, metadataLocation: undefined, turn: undefined })
  }

  join(mark: string, signal?: AbortSignal): Promise<Standing> {
    return this.#made?.join?.(mark, signal) ?? this.peek(signal)
  }

  /** The first makes the table. Errors: AlreadyExistsError, NoSuchNamespaceError, CommitFailedError, CommitStateUnknownError. */
  async commit(base: TableBase, staged: Staged, attempt: CommitAttempt): Promise<CommitOutcome> {
    if (this.#made !== undefined) return this.#made.commit(base, staged, attempt)
    const made = await this.#make(staged, attempt.commitId)
    const { identifier, namespaces, ensureWritable } = this.#creation
    this.#made = new ObjectOperations(this.#env, { identifier, base: made, namespaces, ensureWritable })
    await writeVersionHint(this.#env, { name: this.name, ...made })
    return { kind: 'committed', base: made }
  }

  async #make(staged: Staged, commitId: string): Promise<ObjectBase> {
    const { identifier, metadata: planned, startMs, namespaces, ensureWritable, ensureNamespace } = this.#creation
    checkRequirements(planned, staged.requirements)
    const metadata = applyTableUpdates(planned, staged.updates, { nowMs: await this.io.storeTimeMs() })
    await allSettled([...staged.uploads, ensureWritable().then(ensureNamespace)])
    const { bytes, gzip } = encodeByProperty(metadata, { gzipLarge: this.io.kind !== 'local' })
    const created = await createPointer(this.#env, namespaces, {
      identifier,
      kind: 'table',
      uuid: metadata.tableUuid,
      commitId,
      startMs,
      writeMetadata: async (v) => {
        const location = joinLocation(metadataFolder(metadata), metadataFileName(v, commitId, gzip))
        await this.io.write(location, bytes)
        return location
      },
    })
    const { held, metadataLocation, outrun } = created
    return { metadata, metadataLocation, manifests: staged.manifests, held, confirmed: true, outrun }
  }
}
