/**
 * Commits to one table through its pointer. Everything new is uploaded in parallel, metadata.json included, then the
 * pointer moves: two round trips when warm (commit-protocol, "A commit").
 */
import { InvalidDataError, NoSuchTableError, SessionExpiredError } from '../base/errors.ts'
import { joinLocation, lastSegment } from '../io/location.ts'
import { encodeTableMetadata, metadataFileName, readTableMetadata } from '../manifest/metadata-file.ts'
import { applyTableUpdates } from '../spec/apply-table-updates.ts'
import type { ManifestFile } from '../spec/data-file.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { METADATA_COMPRESSION, METADATA_COMPRESSION_DEFAULT, stringProperty } from '../spec/properties.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { checkRequirements } from '../spec/table-requirement.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import type { CommitAttempt, CommitOutcome, Staged, TableBase, TableOperations } from '../transaction/operations.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { PointerStore } from './pointer-store.ts'
import { nextPointer } from './pointer.ts'
import type { PointerBody } from './pointer.ts'

/** A base with the pointer it was read from. */
export interface ObjectBase extends TableBase {
  readonly held: Held<PointerBody>
  /** Whether the namespace was seen live after the pointer was read: what a write needs, a reader doesn't. */
  readonly confirmed: boolean
  /** Others have gone on from it already, so a commit on it must read the table again first. */
  readonly outrun: boolean
}

export class ObjectOperations implements TableOperations {
  readonly name: string
  readonly io: CatalogEnvironment['io']
  readonly runtime: CatalogEnvironment['runtime']
  readonly reporter: CatalogEnvironment['reporter']
  readonly #env: CatalogEnvironment
  readonly #namespaces: NamespaceStore
  readonly #pointers: PointerStore
  readonly #identifier: TableIdentifier
  readonly #ensureWritable: () => Promise<void>
  #current: ObjectBase

  constructor(
    env: CatalogEnvironment,
    table: {
      identifier: TableIdentifier
      base: ObjectBase
      namespaces: NamespaceStore
      ensureWritable: () => Promise<void>
    },
  ) {
    this.#env = env
    this.name = printIdentifier(table.identifier)
    this.io = env.io
    this.runtime = env.runtime
    this.reporter = env.reporter
    this.#identifier = table.identifier
    this.#namespaces = table.namespaces
    this.#ensureWritable = table.ensureWritable
    this.#pointers = new PointerStore(env)
    this.#current = table.base
  }

  get current(): ObjectBase {
    return this.#current
  }

  async refresh(signal?: AbortSignal): Promise<ObjectBase> {
    // Not the held body's: that may be a later one, of a table made anew under the name.
    const uuid = this.#current.metadata.tableUuid
    const base = await loadBase(this.#env, this.#namespaces, {
      identifier: this.#identifier,
      known: this.#current,
      signal,
    })
    if (base.held.body.uuid !== uuid) {
      throw new NoSuchTableError(`table ${this.name} was dropped and made again: load it anew`, {
        context: { table: this.name, uuid },
      })
    }
    this.#current = base
    return base
  }

  async commit(base: ObjectBase, staged: Staged, attempt: CommitAttempt): Promise<CommitOutcome> {
    if (base.outrun) return { kind: 'conflict', files: [] }
    const { held, confirmed } = base
    checkRequirements(base.metadata, staged.requirements)
    this.#checkSession(held.body, attempt)
    const { metadata, location, bytes } = await this.#nextMetadata(base, staged, attempt.commitId)
    const written = this.io.write(location, bytes)
    await all([...staged.uploads, written, ...(confirmed ? [] : [this.#confirm(held.body), this.#ensureWritable()])])
    const next = nextPointer(
      held.body,
      { metadataLocation: location, prevMetadataLocation: base.metadataLocation, writer: this.#env.writer },
      { commitId: attempt.commitId, u: this.runtime.uuid() },
    )
    const pointer = this.#env.keys.pointer(this.#identifier, held.body.nsGeneration)
    const outcome = await this.#pointers.swap({ location: pointer, base: held, next, writesMetadata: true })
    if (outcome.kind === 'unknown') return outcome
    if (outcome.kind === 'conflict') return { kind: 'conflict', files: [location] }
    const outrun = outcome.held.body.u !== next.u
    const { manifests } = staged
    this.#current = { metadata, metadataLocation: location, manifests, held: outcome.held, confirmed: true, outrun }
    if (this.io.kind === 'local') await this.#writeVersionHint(location)
    return { kind: 'committed', base: this.#current }
  }

  async #nextMetadata(
    base: ObjectBase,
    staged: Staged,
    commitId: string,
  ): Promise<{ metadata: TableMetadata; location: string; bytes: Uint8Array }> {
    const nowMs = await this.io.storeTimeMs()
    const metadata = applyTableUpdates(base.metadata, staged.updates, {
      nowMs,
      baseMetadataLocation: base.metadataLocation,
    })
    const gzip = stringProperty(metadata.properties, METADATA_COMPRESSION, METADATA_COMPRESSION_DEFAULT) === 'gzip'
    const location = joinLocation(metadataFolder(metadata), metadataFileName(base.held.body.v + 1, commitId, gzip))
    return { metadata, location, bytes: encodeTableMetadata(metadata, { gzip }) }
  }

  /** For engines that open a folder by its path. Nothing of ours reads it, so a failure to write it loses nothing. */
  async #writeVersionHint(metadataLocation: string): Promise<void> {
    const version = lastSegment(metadataLocation).replace(/(\.gz)?\.metadata\.json$/, '')
    const hint = joinLocation(metadataFolder(this.#current.metadata), 'version-hint.text')
    await this.io.write(hint, new TextEncoder().encode(version)).catch((cause: unknown) => {
      this.reporter?.({ type: 'hint-failed', table: this.name, location: hint, cause })
    })
  }

  /** Files of a session that began before the fence may be gone (commit-protocol, "A commit" 2). */
  #checkSession(pointer: PointerBody, { sessionStartMs }: CommitAttempt): void {
    if (sessionStartMs === undefined || sessionStartMs - this.#env.cas.epsilonMs > pointer.gcHorizonMs) return
    throw new SessionExpiredError(
      `the files of this commit to ${this.name} were uploaded so long ago that orphan removal may have taken them: write them again`,
      { context: { table: this.name } },
    )
  }

  async #confirm(pointer: PointerBody): Promise<void> {
    const generation = await this.#namespaces.generation(this.#identifier.namespace)
    if (generation !== pointer.nsGeneration) throw noSuchTable(this.name)
  }
}

export interface LoadRequest {
  readonly identifier: TableIdentifier
  /** A base already in memory: spares the metadata read where the pointer still names it. */
  readonly known?: ObjectBase | undefined
  readonly signal?: AbortSignal | undefined
}

/** Reads pointer and metadata. A reader may use a cached generation, but a miss makes it read the namespace again. */
export async function loadBase(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, known, signal }: LoadRequest,
): Promise<ObjectBase> {
  const pointers = new PointerStore(env)
  const cached = await namespaces.cachedGeneration(identifier.namespace, signal)
  let held = await pointers.read(env.keys.pointer(identifier, cached), signal)
  if (held?.body.state !== 'live') {
    const generation = await namespaces.generation(identifier.namespace, signal)
    if (generation !== cached) held = await pointers.read(env.keys.pointer(identifier, generation), signal)
  }
  const location = held?.body.metadataLocation
  if (held?.body.state !== 'live' || location === undefined) throw noSuchTable(printIdentifier(identifier))
  if (known?.metadataLocation === location) return { ...known, held, confirmed: false, outrun: false }
  const metadata = await readTableMetadata(env.io, location, { signal })
  if (metadata.tableUuid !== held.body.uuid) throw wrongTable(location, metadata.tableUuid)
  const manifests = carriedManifests(known, metadata)
  return { metadata, metadataLocation: location, manifests, held, confirmed: false, outrun: false }
}

/** A commit that made no snapshot leaves the manifests as they were. */
function carriedManifests(known: ObjectBase | undefined, metadata: TableMetadata): readonly ManifestFile[] | undefined {
  const unchanged = known !== undefined && known.metadata.currentSnapshotId === metadata.currentSnapshotId
  return unchanged ? known.manifests : undefined
}

function wrongTable(location: string, uuid: string): InvalidDataError {
  return new InvalidDataError(`the pointer names the metadata of another table: ${location}`, {
    context: { location, uuid },
  })
}

export function noSuchTable(name: string): NoSuchTableError {
  return new NoSuchTableError(`no table ${name}; \`firn ls\` lists what there is`, { context: { table: name } })
}

/** Waits for all, whatever fails, so that nothing is still being written when files are cleaned up. */
async function all(promises: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(promises)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
