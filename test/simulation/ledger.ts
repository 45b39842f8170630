/**
 * What really happened, seen at the store: every pointer body as it was applied. Checks, write by write, that the chain
 * is gapless, that no commit lands twice, and that no file a table can reach is missing or deleted.
 */
import type { ObjectStore } from './object-store.ts'

interface Pointer {
  readonly uuid: string
  readonly v: number
  readonly commitId: string
  readonly metadataLocation?: string
  readonly state: string
  readonly u: string
  readonly prevU?: string
  readonly over?: Pointer
}

export interface LedgerEntry {
  readonly key: string
  readonly v: number
  readonly commitId: string
  readonly metadataLocation: string
  readonly landedMs: number
}

type FilesOf = (metadataLocation: string) => readonly string[]

interface LedgerOptions {
  /** All files that a metadata file keeps alive. */
  readonly reach: FilesOf
  /** The metadata files that its log names. */
  readonly log: FilesOf
  readonly nowMs: () => number
  /** How long a metadata file stays that is the newest no more. */
  readonly readerGraceMs: number
}

export class Ledger {
  violation: string | undefined
  commits = 0
  metadataDeletes = 0
  readonly #store: ObjectStore
  readonly #options: LedgerOptions
  readonly #tables = new Map<string, LedgerEntry[]>()
  readonly #heads = new Map<string, Pointer>()
  readonly #marks = new Set<string>()
  readonly #reachable = new Set<string>()

  constructor(store: ObjectStore, options: LedgerOptions) {
    this.#store = store
    this.#options = options
    store.onDelete = (location) => {
      if (this.#reachable.has(location)) this.fail(`DELETE of reachable ${location}`)
      this.#onMetadataDelete(location)
    }
  }

  /** Tells of an object of the catalog that was written. */
  onBody(location: string, bytes: Uint8Array): void {
    if (/\/_catalog\/v1\/ns\/[^/]+\/\d+\/[^/]+\.json$/.test(location)) this.#onPointer(location, bytes)
  }

  /** The mark of each pointer's current body. */
  heads(): [location: string, u: string][] {
    return [...this.#heads].map(([location, { u }]) => [location, u])
  }

  fail(violation: string): void {
    this.violation ??= violation
  }

  get tables(): ReadonlyMap<string, readonly LedgerEntry[]> {
    return this.#tables
  }

  #onPointer(key: string, bytes: Uint8Array): void {
    const body = JSON.parse(new TextDecoder().decode(bytes)) as Pointer
    const head = this.#heads.get(key)
    this.#heads.set(key, body)
    if (this.#marks.has(body.u)) this.fail(`${key}: two bodies are equal (u ${body.u})`)
    this.#marks.add(body.u)
    if (body.v !== (head?.v ?? 0) + 1) this.fail(`${key}: version ${body.v} follows ${head?.v ?? 0}`)
    if (body.prevU !== head?.u) this.fail(`${key}: v${body.v} does not name its predecessor`)
    if (head !== undefined && body.uuid !== head.uuid && head.state === 'live') this.fail(`${key}: took a live name`)
    const moved = body.metadataLocation !== undefined && body.metadataLocation !== head?.metadataLocation
    if (moved) this.#onCommit(key, body, body.metadataLocation ?? '')
  }

  #onCommit(key: string, { uuid, v, commitId }: Pointer, metadataLocation: string): void {
    this.commits++
    const entries = this.#tables.get(uuid) ?? []
    this.#tables.set(uuid, entries)
    if (entries.some((entry) => entry.commitId === commitId)) this.fail(`${key}: commit ${commitId} landed twice`)
    entries.push({ key, v, commitId, metadataLocation, landedMs: this.#options.nowMs() })
    if (!this.#store.objects.has(metadataLocation)) {
      this.fail(`${key}: v${v} names metadata that is not there`)
      return
    }
    const log = this.#options.log(metadataLocation)
    for (const file of this.#options.reach(metadataLocation)) {
      if (!log.includes(file)) this.#reachable.add(file)
      if (!this.#store.objects.has(file)) this.fail(`${key}: v${v} names ${file}, which is not there`)
    }
  }

  /** A metadata file may go when the log has let go of it and the grace has passed since the next one came. */
  #onMetadataDelete(location: string): void {
    for (const [uuid, entries] of this.#tables) {
      const index = entries.findIndex((entry) => entry.metadataLocation === location)
      if (index < 0) continue
      this.metadataDeletes++
      const landedMs = entries[index + 1]?.landedMs ?? Infinity
      const log = this.#options.log(entries.at(-1)?.metadataLocation ?? '')
      if (this.#options.nowMs() < landedMs + this.#options.readerGraceMs)
        this.fail(`table ${uuid}: DELETE of ${location} within the grace`)
      if (log.includes(location)) this.fail(`table ${uuid}: DELETE of ${location}, which the log names`)
    }
  }
}
