/**
 * Replaces the body of a compare-and-swap object exactly once, whatever the network does: the same bytes are sent with
 * the same token until the store decides, and a refusal is checked against the ring, since it may answer one's own
 * write (commit-protocol, "A commit" 4 and "Chain test").
 */
import { IcebergError, ServiceError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { CasRecord, CasStore } from '../io/file-io.ts'
import { RING_LENGTH } from './cas-body.ts'
import type { CasBody, Held } from './cas-body.ts'

/** One kind of body in one store. */
export interface CasCodec<B extends CasBody> {
  encode(body: B): Uint8Array
  decode(record: CasRecord, location: string): B
}

/**
 * - `committed`: ours landed, once. `held` is the current body: ours, or a later one.
 * - `conflict`: ours has not landed and never will.
 * - `unknown`: the deadline passed before the store decided.
 */
export type SwapOutcome<B extends CasBody> =
  | { readonly kind: 'committed'; readonly held: Held<B> }
  | { readonly kind: 'conflict'; readonly held: Held<B> | undefined }
  | { readonly kind: 'unknown'; readonly cause: unknown }

export interface Swap<B extends CasBody> {
  readonly location: string
  /** The body to replace; undefined: there is none yet. */
  readonly base: Held<B> | undefined
  readonly next: B
  /** How long an undecided write is pursued. */
  readonly timeoutMs: number
  /** Decides where the ring has been overrun: is `next.commitId` among the commits of the table after `base`? */
  readonly beyondRing?: ((current: Held<B>) => Promise<'committed' | 'conflict' | 'unknown'>) | undefined
}

const FIRST_WAIT_MS = 20
const MAX_WAIT_MS = 2_000

export async function compareAndSwap<B extends CasBody>(
  store: CasStore,
  codec: CasCodec<B>,
  runtime: Runtime,
  swap: Swap<B>,
): Promise<SwapOutcome<B>> {
  const { location, base, next } = swap
  const bytes = codec.encode(next)
  const untilMs = runtime.monotonicMs() + swap.timeoutMs
  let cause: unknown
  for (let tries = 0; tries === 0 || runtime.monotonicMs() < untilMs; tries++) {
    const outcome = await put(store, { location, bytes, token: base?.token, afterDoubt: tries > 0 })
    if (outcome.kind === 'written') {
      const { token, storeTimeMs } = outcome
      return { kind: 'committed', held: { body: next, token, lastModifiedMs: storeTimeMs, storeTimeMs } }
    }
    if (outcome.kind === 'settled') return settle(store, codec, runtime, { swap, untilMs })
    cause = outcome.cause
    await backOff(runtime, tries)
  }
  return { kind: 'unknown', cause }
}

export async function readHeld<B extends CasBody>(
  store: CasStore,
  codec: CasCodec<B>,
  location: string,
  signal?: AbortSignal,
): Promise<Held<B> | undefined> {
  const record = await store.read(location, { signal })
  if (record === undefined) return undefined
  const { token, lastModifiedMs, storeTimeMs } = record
  return { body: codec.decode(record, location), token, lastModifiedMs, storeTimeMs }
}

interface Put {
  readonly location: string
  readonly bytes: Uint8Array
  readonly token: string | undefined
  readonly afterDoubt: boolean
}

/** A definite error is one only as long as no earlier send is in doubt. */
async function put(store: CasStore, { location, bytes, token, afterDoubt }: Put): ReturnType<CasStore['put']> {
  try {
    return await store.put(location, bytes, token)
  } catch (cause) {
    if (!afterDoubt) throw cause
    return { kind: 'ambiguous', cause }
  }
}

/** No send of ours can land any more: the chain tells whether one did. */
async function settle<B extends CasBody>(
  store: CasStore,
  codec: CasCodec<B>,
  runtime: Runtime,
  { swap, untilMs }: { swap: Swap<B>; untilMs: number },
): Promise<SwapOutcome<B>> {
  const { location, base, next } = swap
  let cause: unknown
  for (let tries = 0; tries === 0 || runtime.monotonicMs() < untilMs; tries++) {
    try {
      const held = await readHeld(store, codec, location)
      if (held === undefined)
        return { kind: 'unknown', cause: new ServiceError(`${location} is gone`, { retryable: false }) }
      // An older body, from a listing that was not atomic, decides nothing.
      if (held.body.v > (base?.body.v ?? 0)) {
        const verdict = chainTest(held.body, base?.body, next.commitId) ?? (await swap.beyondRing?.(held)) ?? 'unknown'
        return verdict === 'unknown' ? { kind: 'unknown', cause: new OverrunError(location) } : { kind: verdict, held }
      }
      cause = new ServiceError(`the store refused the write to ${location} but shows no later body`, {
        retryable: true,
      })
    } catch (error) {
      cause = error
    }
    await backOff(runtime, tries)
  }
  return { kind: 'unknown', cause }
}

class OverrunError extends IcebergError {
  constructor(location: string) {
    super(`more than ${RING_LENGTH} later commits hide whether this one landed`, { context: { location } })
  }
}

/** Undefined where the ring doesn't reach back to the base: it was overrun. */
function chainTest(
  current: CasBody,
  base: CasBody | undefined,
  commitId: string,
): 'committed' | 'conflict' | undefined {
  if (current.ring.some((entry) => entry.id === commitId)) return 'committed'
  const completeFromBirth = current.ring.length < RING_LENGTH
  return completeFromBirth || current.ring.some((entry) => entry.v <= (base?.v ?? 0)) ? 'conflict' : undefined
}

function backOff(runtime: Runtime, tries: number): Promise<void> {
  return runtime.sleep(runtime.random() * Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries, 10)))
}
