/**
 * Commits to one table through its pointer. Everything new is uploaded in parallel, metadata.json included, then the
 * pointer moves: two round trips when warm (commit-protocol, "A commit").
 */
import { NoSuchTableError } from '../base/errors.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { currentSnapshot } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { checkRequirements } from '../spec/table-requirement.ts'
import { joinLine } from '../transaction/turn.ts'
import type {
  CommitAttempt,
  CommitOutcome,
  RefreshOptions,
  Staged,
  Standing,
  TableOperations,
} from '../transaction/operations.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { allSettled, checkSession, nextMetadata, writeVersionHint } from './commit-steps.ts'
import type { SwapOutcome } from './compare-and-swap.ts'
import { noteTurn, swapLine } from './line.ts'
import { noSuch } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { baseOf, loadBase } from './object-base.ts'
import type { ObjectBase } from './object-base.ts'
import { deleteFallen, fallenOut } from './old-metadata.ts'
import type { FallenMetadata } from './old-metadata.ts'
import { PointerStore } from './pointer-store.ts'
import { changesLineOnly, nextPointer } from './pointer.ts'
import type { PointerBody, PointerChange } from './pointer.ts'

/** How old a pointer may be, in milliseconds, that is taken for what is there now. A later one only costs another attempt. */
const RECENT_MS = 5
/** Joining the line is a matter of moments: who can't gets its turn without. */
const JOIN_TRIES = 8
const JOIN_WAIT_MS = 15
const JOIN_MS = 5_000

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
    const { held } = base
    const location = this.#env.keys.pointer(this.#identifier, held.body.nsGeneration)
    if (base.outrun) {
      await this.#pointers.settle(location)
      return { kind: 'conflict', files: [] }
    }
    const { made, fallen } = await this.#upload(base, staged, attempt)
    const change = {
      metadataLocation: made.metadataLocation,
      prevMetadataLocation: base.metadataLocation,
      manifestList: currentSnapshot(made.metadata)?.manifestList,
      writer: this.#env.writer,
    }
    const { outcome, next } = await this.#swap({ location, held }, change, attempt)
    if (outcome.kind === 'unknown') return outcome
    if (outcome.kind === 'conflict') {
      this.#noteRival(outcome.held, held.body.uuid)
      return { kind: 'conflict', files: [made.metadataLocation] }
    }
    const outrun = outcome.held.body.u !== next.u
    this.#current = { ...made, manifests: staged.manifests, held: outcome.held, confirmed: true, outrun }
    noteTurn(this.#env, this, outrun ? undefined : { location, held: outcome.held })
    await writeVersionHint(this.#env, { name: this.name, ...made })
    await deleteFallen(this.#env, this.name, fallen)
    return { kind: 'committed', base: this.#current }
  }

  /** Uploads metadata.json beside everything still under way, and waits for all of it. */
  async #upload(
    base: ObjectBase,
    staged: Staged,
    { commitId, sessionStartMs }: CommitAttempt,
  ): Promise<{ made: { metadata: TableMetadata; metadataLocation: string }; fallen: readonly FallenMetadata[] }> {
    const { body } = base.held
    checkRequirements(base.metadata, staged.requirements)
    checkSession(this.#env, { name: this.name, pointer: body, sessionStartMs })
    const next = { updates: staged.updates, commitId, v: body.v + 1 }
    const { metadata, location, bytes } = await nextMetadata(this.#env, base, next)
    // Refuses properties that it does not understand: before anything is committed.
    const fallen = fallenOut(base.metadata, metadata)
    await allSettled([
      ...staged.uploads,
      this.io.write(location, bytes),
      ...(base.confirmed ? [] : [this.#confirm(body), this.#ensureWritable()]),
    ])
    return { made: { metadata, metadataLocation: location }, fallen }
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
