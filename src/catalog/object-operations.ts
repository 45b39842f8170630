/**
 * Commits to one table through its pointer. Everything new is uploaded in parallel, metadata.json included, then the
 * pointer moves: two round trips when warm (commit-protocol, "A commit").
 */
import { InvalidDataError, NoSuchTableError, SessionExpiredError } from '../base/errors.ts'
import { joinLocation, lastSegment } from '../io/location.ts'
import { readManifestListFile } from '../manifest/manifest-io.ts'
import { encodeByProperty, metadataFileName, readTableMetadata } from '../manifest/metadata-file.ts'
import { applyTableUpdates } from '../spec/apply-table-updates.ts'
import type { ManifestFile } from '../spec/data-file.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { shareMetadata } from '../spec/share-metadata.ts'
import { currentSnapshot } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { checkRequirements } from '../spec/table-requirement.ts'
import type { TableUpdate } from '../spec/table-update.ts'
import { metadataFolder } from '../transaction/metadata-folder.ts'
import { joinLine } from '../transaction/turn.ts'
import type {
  CommitAttempt,
  CommitOutcome,
  RefreshOptions,
  Staged,
  Standing,
  TableBase,
  TableOperations,
} from '../transaction/operations.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { noteTurn, swapLine } from './line.ts'
import { noSuch } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { deleteFallen, fallenOut } from './old-metadata.ts'
import type { SwapOutcome } from './compare-and-swap.ts'
import { PointerStore } from './pointer-store.ts'
import type { PointerView } from './pointer-store.ts'
import { changesLineOnly, nextPointer } from './pointer.ts'
import type { PointerBody, PointerChange, PointerKind } from './pointer.ts'

/** How old a pointer may be, in milliseconds, that is taken for what is there now. A later one only costs another attempt. */
const RECENT_MS = 5
/** Joining the line is a matter of moments: who can't gets its turn without. */
const JOIN_TRIES = 8
const JOIN_WAIT_MS = 15
const JOIN_MS = 5_000

/** A base with the pointer it was read from. */
export interface ObjectBase extends TableBase {
  readonly held: Held<PointerBody>
  /** Whether the namespace was seen live after the pointer was read: what a write needs, a reader doesn't. */
  readonly confirmed: boolean
  /** Others have gone on from it, or a transaction waits on it: a commit must settle and read the table again first. */
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
  #rival: { readonly held: Held<PointerBody>; readonly seenMs: number } | undefined

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

  async refresh(options: RefreshOptions = {}): Promise<ObjectBase> {
    const held = this.#recentRival()
    this.#rival = undefined
    if (held !== undefined) {
      const view = { held, visible: held.body }
      this.#current = await baseOf(this.#env, view, { ...options, known: this.#current })
      return this.#current
    }
    // Not the held body's: that may be a later one, of a table made anew under the name.
    const uuid = this.#current.metadata.tableUuid
    const base = await loadBase(this.#env, this.#namespaces, {
      ...options,
      identifier: this.#identifier,
      known: this.#current,
    })
    if (base.held.body.uuid !== uuid) {
      throw new NoSuchTableError(`table ${this.name} was dropped and made again: load it anew`, {
        context: { table: this.name, uuid },
      })
    }
    this.#current = base
    return base
  }

  async peek(signal?: AbortSignal): Promise<Standing> {
    return standing((await this.#look(signal))?.body)
  }

  async join(mark: string, signal?: AbortSignal): Promise<Standing> {
    let held = await this.#look(signal)
    for (let tries = 1; tries <= JOIN_TRIES; tries++) {
      const turn = joinLine(held?.body.turn, mark)
      if (held === undefined || held !== this.#rival?.held || turn === undefined) break
      const { uuid } = held.body
      const outcome = await swapLine(
        this.#env,
        { location: this.#pointerLocation(), held },
        { turn, timeoutMs: JOIN_MS },
      )
      this.#noteRival(outcome.kind === 'unknown' ? undefined : outcome.held, uuid)
      if (outcome.kind === 'committed') return standing(outcome.held.body)
      await this.runtime.sleep(this.runtime.random() * JOIN_WAIT_MS * 2 ** tries, signal)
      held = await this.#look(signal)
    }
    return standing(held?.body)
  }

  async #look(signal: AbortSignal | undefined): Promise<Held<PointerBody> | undefined> {
    const known = this.#recentRival()
    if (known !== undefined) return known
    const found = await this.#pointers.read(this.#pointerLocation(), signal)
    this.#noteRival(found, this.#current.metadata.tableUuid)
    return found
  }

  #pointerLocation(): string {
    return this.#env.keys.pointer(this.#identifier, this.#current.held.body.nsGeneration)
  }

  async commit(base: ObjectBase, staged: Staged, attempt: CommitAttempt): Promise<CommitOutcome> {
    const { held, confirmed } = base
    const pointer = this.#env.keys.pointer(this.#identifier, held.body.nsGeneration)
    if (base.outrun) {
      await this.#pointers.settle(pointer)
      return { kind: 'conflict', files: [] }
    }
    checkRequirements(base.metadata, staged.requirements)
    checkSession(this.#env, { name: this.name, pointer: held.body, sessionStartMs: attempt.sessionStartMs })
    const { updates } = staged
    const { commitId } = attempt
    const { metadata, location, bytes } = await nextMetadata(this.#env, base, { updates, commitId, v: held.body.v + 1 })
    const fallen = fallenOut(base.metadata, metadata)
    const written = this.io.write(location, bytes)
    await allSettled([
      ...staged.uploads,
      written,
      ...(confirmed ? [] : [this.#confirm(held.body), this.#ensureWritable()]),
    ])
    const change = {
      metadataLocation: location,
      prevMetadataLocation: base.metadataLocation,
      manifestList: currentSnapshot(metadata)?.manifestList,
      writer: this.#env.writer,
    }
    const { outcome, next } = await this.#swap({ location: pointer, held }, change, attempt)
    if (outcome.kind === 'unknown') return outcome
    if (outcome.kind === 'conflict') {
      this.#noteRival(outcome.held, held.body.uuid)
      return { kind: 'conflict', files: [location] }
    }
    const outrun = outcome.held.body.u !== next.u
    const { manifests } = staged
    this.#current = { metadata, metadataLocation: location, manifests, held: outcome.held, confirmed: true, outrun }
    noteTurn(this.#env, this, outrun ? undefined : { location: pointer, held: outcome.held })
    await writeVersionHint(this.#env, { name: this.name, metadata, metadataLocation: location })
    await deleteFallen(this.#env, this.name, fallen)
    return { kind: 'committed', base: this.#current }
  }

  /** Where only the line came in between, what was uploaded fits as well on the body that tells of it. */
  async #swap(
    { location, held: base }: { readonly location: string; readonly held: Held<PointerBody> },
    change: PointerChange,
    { commitId, tell }: CommitAttempt,
  ): Promise<{ outcome: SwapOutcome<PointerBody>; next: PointerBody }> {
    for (let held = base; ;) {
      const turn = tell?.(held.body.turn)
      const next = nextPointer(held.body, { ...change, turn }, { commitId, u: this.runtime.uuid() })
      const outcome = await this.#pointers.swap({ location, base: held, next, writesMetadata: true })
      if (outcome.kind !== 'conflict' || outcome.held === undefined) return { outcome, next }
      if (!changesLineOnly(held.body, outcome.held.body)) return { outcome, next }
      held = outcome.held
    }
  }

  #recentRival(): Held<PointerBody> | undefined {
    if (this.#rival === undefined || this.runtime.monotonicMs() - this.#rival.seenMs > RECENT_MS) return undefined
    return this.#rival.held
  }

  /** A refused write has read what stands in its way: the next refresh, if it comes at once, need not read it again. */
  #noteRival(held: Held<PointerBody> | undefined, uuid: string): void {
    const isPlain = held?.body.state === 'live' && held.body.txn === undefined && held.body.uuid === uuid
    this.#rival = held !== undefined && isPlain ? { held, seenMs: this.runtime.monotonicMs() } : undefined
  }

  async #confirm(pointer: PointerBody): Promise<void> {
    const generation = await this.#namespaces.liveGeneration(this.#identifier.namespace)
    if (generation === pointer.nsGeneration) return
    throw noSuch(this.#env, { identifier: this.#identifier, kind: 'table', body: undefined })
  }
}

function standing(body: PointerBody | undefined): Standing {
  return { version: body?.v ?? 0, metadataLocation: body?.metadataLocation, turn: body?.turn }
}

/** Files of a session that began before the fence may be gone (commit-protocol, "A commit" 2). */
export function checkSession(
  { cas }: CatalogEnvironment,
  { name, pointer, sessionStartMs }: { name: string; pointer: PointerBody; sessionStartMs: number | undefined },
): void {
  if (sessionStartMs === undefined || sessionStartMs - cas.epsilonMs > pointer.gcHorizonMs) return
  throw new SessionExpiredError(
    `the files of this commit to ${name} were uploaded so long ago that orphan removal may have taken them: write them again`,
    { context: { table: name }, notAfterMs: pointer.gcHorizonMs + cas.epsilonMs },
  )
}

/** The metadata file that a pointer of version `v` will name. */
export async function nextMetadata(
  { io }: CatalogEnvironment,
  base: TableBase,
  { updates, commitId, v }: { updates: readonly TableUpdate[]; commitId: string; v: number },
): Promise<{ metadata: TableMetadata; location: string; bytes: Uint8Array }> {
  const nowMs = await io.storeTimeMs()
  const metadata = applyTableUpdates(base.metadata, updates, { nowMs, baseMetadataLocation: base.metadataLocation })
  // Engines that open a folder by its path look for the name of a plain file.
  const { bytes, gzip } = encodeByProperty(metadata, { gzipLarge: io.kind !== 'local' })
  const location = joinLocation(metadataFolder(metadata), metadataFileName(v, commitId, gzip))
  return { metadata, location, bytes }
}

/** For engines that open a folder by its path. Nothing of ours reads it, so a failure to write it loses nothing. */
export async function writeVersionHint(
  { io, reporter }: CatalogEnvironment,
  { name, metadata, metadataLocation }: { name: string; metadata: TableMetadata; metadataLocation: string },
): Promise<void> {
  if (io.kind !== 'local') return
  const version = lastSegment(metadataLocation).replace(/(\.gz)?\.metadata\.json$/, '')
  const hint = joinLocation(metadataFolder(metadata), 'version-hint.text')
  await io.write(hint, new TextEncoder().encode(version)).catch((cause: unknown) => {
    reporter?.({ type: 'hint-failed', table: name, location: hint, cause })
  })
}

export interface ReadRequest extends RefreshOptions {
  /** A base already in memory: spares the metadata read where the pointer still names it. */
  readonly known?: ObjectBase | undefined
}

export interface LoadRequest extends ReadRequest {
  readonly identifier: TableIdentifier
}

/** Reads pointer and metadata, and writes nothing. */
export async function loadBase(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, ...request }: LoadRequest,
): Promise<ObjectBase> {
  const view = await viewLive(env, namespaces, { identifier, kind: 'table', signal: request.signal })
  return baseOf(env, view, request)
}

/** A reader may use a cached generation, but a miss makes it read the namespace again. Errors: NoSuchTableError. */
export async function viewLive(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, kind, signal }: { identifier: TableIdentifier; kind: PointerKind; signal?: AbortSignal | undefined },
): Promise<PointerView> {
  const pointers = new PointerStore(env)
  const cached = await namespaces.cachedGeneration(identifier.namespace, signal)
  let view = await pointers.view(env.keys.pointer(identifier, cached), signal)
  if (view?.visible.state !== 'live') {
    const { generation } = await namespaces.load(identifier.namespace, signal)
    if (generation !== cached) view = await pointers.view(env.keys.pointer(identifier, generation), signal)
  }
  if (view?.visible.state === 'live' && view.visible.kind === kind) return view
  throw noSuch(env, { identifier, kind, body: view?.visible })
}

/** The table that a pointer names. */
export async function baseOf(
  env: CatalogEnvironment,
  { held, visible }: PointerView,
  { known, signal, withManifests = false }: ReadRequest = {},
): Promise<ObjectBase> {
  const location = visible.metadataLocation ?? ''
  // An intent stands in the way of a commit: it has to be settled first.
  const state = { held: { ...held, body: visible }, confirmed: false, outrun: held.body.txn !== undefined }
  if (known?.metadataLocation === location) return { ...known, ...state }
  const { manifestList: hint } = visible
  const reading = withManifests && hint !== undefined ? readHinted(env.io, hint, { known, signal }) : undefined
  const fresh = await readTableMetadata(env.io, location, { signal })
  if (fresh.tableUuid !== visible.uuid) throw wrongTable(location, fresh.tableUuid)
  const metadata = known === undefined ? fresh : shareMetadata(fresh, known.metadata)
  const hinted = currentSnapshot(metadata)?.manifestList === hint ? await reading : undefined
  const manifests = carriedManifests(known, metadata) ?? hinted
  return { metadata, metadataLocation: location, manifests, ...state }
}

/** A commit that made no snapshot leaves the manifests as they were. */
function carriedManifests(known: ObjectBase | undefined, metadata: TableMetadata): readonly ManifestFile[] | undefined {
  const unchanged = known !== undefined && known.metadata.currentSnapshotId === metadata.currentSnapshotId
  return unchanged ? known.manifests : undefined
}

/** The list that the pointer tells of; undefined where it can't be read. Those known already stay the same objects. */
async function readHinted(
  io: CatalogEnvironment['io'],
  list: string,
  { known, signal }: ReadRequest,
): Promise<readonly ManifestFile[] | undefined> {
  const manifests = await readManifestListFile(io, list, { signal }).catch(() => undefined)
  const earlier = new Map(known?.manifests?.map((manifest) => [manifest.manifestPath, manifest]))
  return manifests?.map((manifest) => {
    const other = earlier.get(manifest.manifestPath)
    return other?.sequenceNumber === manifest.sequenceNumber ? other : manifest
  })
}

function wrongTable(location: string, uuid: string): InvalidDataError {
  return new InvalidDataError(`the pointer names the metadata of another table: ${location}`, {
    context: { location, uuid },
  })
}

/** Waits for all, whatever fails, so that nothing is still being written when files are cleaned up. */
export async function allSettled(promises: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(promises)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
