/**
 * Reads and moves pointers. Keeps three promises of commit-protocol: a tombstone whose name was taken again is in trash
 * before anyone writes over the body that carries it; an overrun ring is settled by the table's metadata log; an intent is
 * looked through by readers, who write nothing, and rolled forward or stripped by writers, whoever placed it.
 */
import { ServiceError } from '../base/errors.ts'
import { readTableMetadata } from '../manifest/metadata-file.ts'
import { leaseIsOver } from './cas-body.ts'
import type { Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { compareAndSwap, readHeld } from './compare-and-swap.ts'
import type { CasCodec, SwapOutcome } from './compare-and-swap.ts'
import { decodePointer, encodePointer, nextPointer } from './pointer.ts'
import type { Intent, PointerBody } from './pointer.ts'
import { endTransaction, readTransaction } from './transaction-record.ts'

type Verdict = 'committed' | 'conflict' | 'unknown'

const codec: CasCodec<PointerBody> = { encode: encodePointer, decode: decodePointer }
const TRASH_TRIES = 20
const MAX_HOPS = 5
/** How long a writer waits at most before it looks again whether a transaction in its way was decided. */
const INTENT_POLL_MS = 1_000

export interface PointerSwap {
  readonly location: string
  readonly base: Held<PointerBody> | undefined
  readonly next: PointerBody
  /** Whether the write comes with a new metadata file: only then does the metadata log tell of it. */
  readonly writesMetadata: boolean
  /** Shorter than the environment's where the write must not be sent later. */
  readonly timeoutMs?: number | undefined
}

/** A pointer as readers see it. */
export interface PointerView {
  /** The body as it lies in the store, perhaps with an intent. */
  readonly held: Held<PointerBody>
  /** The body without an intent: as it was, or as the committed transaction says. */
  readonly visible: PointerBody
}

export class PointerStore {
  readonly #env: CatalogEnvironment

  constructor(env: CatalogEnvironment) {
    this.#env = env
  }

  /** The body as it lies there, intents included. */
  read(location: string, signal?: AbortSignal): Promise<Held<PointerBody> | undefined> {
    return readHeld(this.#env.cas, codec, location, signal)
  }

  /** For readers: one GET, one more for an intent. Writes nothing. */
  async view(location: string, signal?: AbortSignal): Promise<PointerView | undefined> {
    for (;;) {
      const held = await this.read(location, signal)
      if (held?.body.txn === undefined) return held && { held, visible: held.body }
      const record = await readTransaction(this.#env, held.body.txn.id, signal)
      // A record is deleted long after its intents went: what was read has been replaced since.
      if (record === undefined && (await this.read(location, signal))?.body.u !== held.body.u) continue
      const { txn, ...plain } = held.body
      const visible = record?.body.state === 'committed' ? { ...plain, ...txn.next, v: txn.v } : plain
      return { held, visible: { ...visible, txn: undefined } }
    }
  }

  /** For writers: the body without an intent, which is rolled forward or stripped first, or waited for. */
  async settle(location: string, signal?: AbortSignal): Promise<Held<PointerBody> | undefined> {
    for (;;) {
      const held = await this.read(location, signal)
      if (held?.body.txn === undefined) return held
      await this.#resolve(location, held, held.body.txn)
    }
  }

  async swap({ location, base, next, writesMetadata, timeoutMs }: PointerSwap): Promise<SwapOutcome<PointerBody>> {
    const { cas, runtime, swapTimeoutMs } = this.#env
    if (base?.body.over !== undefined) await this.bury(base.body.over)
    return compareAndSwap(cas, codec, runtime, {
      location,
      base,
      next,
      timeoutMs: timeoutMs ?? swapTimeoutMs,
      beyondRing: (current) => (writesMetadata ? this.#askMetadataLog(current.body, base?.body, next) : unknown()),
    })
  }

  /** Puts a tombstone into trash; returns its key. Create-only and never deleted, so any definite answer says that it is there. */
  async bury(tombstone: PointerBody): Promise<string> {
    const { cas, runtime, keys } = this.#env
    const location = keys.trashEntry(tombstone.uuid, tombstone.v, tombstone.u)
    for (let tries = 0; tries < TRASH_TRIES; tries++) {
      const outcome = await cas.put(location, encodePointer({ ...tombstone, ring: [], prevU: undefined }), undefined)
      if (outcome.kind !== 'ambiguous') return location
      await runtime.sleep(runtime.random() * Math.min(2_000, 20 * 2 ** tries))
    }
    throw new ServiceError(`could not move the dropped table ${tombstone.name} to trash: try again`, {
      context: { location },
      retryable: true,
    })
  }

  /** The body after a committed transaction. */
  rollForward(location: string, base: Held<PointerBody>, txn: Intent): Promise<SwapOutcome<PointerBody>> {
    const { commitId, v } = txn
    const next = nextPointer(base.body, txn.next, { commitId, v, u: this.#env.runtime.uuid() })
    return this.swap({ location, base, next, writesMetadata: false })
  }

  /** One step; whatever comes of it, the pointer is read again. */
  async #resolve(location: string, held: Held<PointerBody>, txn: Intent): Promise<void> {
    const { runtime } = this.#env
    const record = await readTransaction(this.#env, txn.id)
    if (record?.body.state === 'committed') await this.rollForward(location, held, txn)
    else if (record?.body.state === 'pending') {
      if (leaseIsOver(record)) await endTransaction(this.#env, record, 'aborted')
      else await runtime.sleep(50 + runtime.random() * INTENT_POLL_MS)
    } else {
      const next = nextPointer(held.body, {}, { commitId: `${txn.id}/stripped`, u: runtime.uuid() })
      await this.swap({ location, base: held, next, writesMetadata: false })
    }
  }

  /** Follows the table to wherever it is named now; its metadata files are named after the commits that wrote them. */
  async #askMetadataLog(current: PointerBody, base: PointerBody | undefined, next: PointerBody): Promise<Verdict> {
    const body = await this.#follow(current, next.uuid)
    if (body?.metadataLocation === undefined) return 'unknown'
    const metadata = await readTableMetadata(this.#env.io, body.metadataLocation)
    const log = [body.metadataLocation, ...metadata.metadataLog.map((entry) => entry.metadataFile)].map(parseName)
    if (log.some((name) => name?.commitId === next.commitId)) return 'committed'
    const baseV = base?.v ?? 0
    return log.some((name) => name !== undefined && name.v <= baseV) ? 'conflict' : 'unknown'
  }

  async #follow(current: PointerBody, uuid: string): Promise<PointerBody | undefined> {
    let body: PointerBody | undefined = current
    for (let hops = 0; hops < MAX_HOPS && body !== undefined; hops++) {
      if (body.uuid !== uuid) body = body.over?.uuid === uuid ? body.over : await this.#newestInTrash(uuid)
      // Of a move that is under way the body still has all that its table's log told before.
      if (body?.movedTo === undefined || body.txn !== undefined) return body
      body = (await this.read(body.movedTo))?.body
    }
    return undefined
  }

  async #newestInTrash(uuid: string): Promise<PointerBody | undefined> {
    let newest: string | undefined
    for await (const page of this.#env.cas.list(this.#env.keys.trash(uuid)))
      newest = page.entries.at(-1)?.location ?? newest
    return newest === undefined ? undefined : (await this.read(newest))?.body
  }
}

function unknown(): Promise<Verdict> {
  return Promise.resolve('unknown')
}

/** `00042-<commit id>.metadata.json`, gzipped or not; undefined for names that other engines chose. */
function parseName(location: string): { v: number; commitId: string } | undefined {
  const match = /\/(\d+)-([0-9a-f-]{36})(?:\.gz)?\.metadata\.json$/.exec(location)
  return match === null ? undefined : { v: Number(match[1]), commitId: match[2] ?? '' }
}
