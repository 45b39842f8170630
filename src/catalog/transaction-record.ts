/**
 * The record that decides a multi-table transaction: pending until its compare-and-swap to committed, which is the one
 * moment at which all its tables change, or to aborted (commit-protocol, "Several tables at once").
 */
import type { Runtime } from '../base/runtime.ts'
import { encodeRecord, nextCasBody, parseCasBody, parseRecord, printCasBody } from './cas-body.ts'
import type { CasBody, Held } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { compareAndSwap, readHeld } from './compare-and-swap.ts'
import type { CasCodec, SwapOutcome } from './compare-and-swap.ts'

type TransactionState = 'pending' | 'committed' | 'aborted'
const STATES: readonly TransactionState[] = ['pending', 'committed', 'aborted']

export interface TransactionBody extends CasBody {
  readonly id: string
  readonly state: TransactionState
  /** Keys of the pointers that take part. */
  readonly participants: readonly string[]
}

const codec: CasCodec<TransactionBody> = {
  encode: ({ id, state, participants, ...body }) => encodeRecord({ id, state, participants, ...printCasBody(body) }),
  decode(record, location) {
    const cursor = parseRecord(record, location)
    const state = STATES.find((s) => s === cursor.get('state').string())
    return {
      ...parseCasBody(cursor),
      id: cursor.get('id').string(),
      state: state ?? cursor.get('state').fail(STATES.join(', ')),
      participants: cursor
        .get('participants')
        .array()
        .map((key) => key.string()),
    }
  },
}

export function readTransaction(
  { cas, keys }: CatalogEnvironment,
  id: string,
  signal?: AbortSignal,
): Promise<Held<TransactionBody> | undefined> {
  return readHeld(cas, codec, keys.transaction(id), signal)
}

export async function beginTransaction(
  env: CatalogEnvironment,
  participants: readonly string[],
): Promise<SwapOutcome<TransactionBody>> {
  const { runtime } = env
  const id = uuidv7(await env.io.storeTimeMs(), runtime)
  const next: TransactionBody = { ...nextCasBody(undefined, id, runtime.uuid()), id, state: 'pending', participants }
  return swap(env, undefined, next)
}

/** The commit point, or its refusal. `conflict`: the record was decided otherwise before. */
export function endTransaction(
  env: CatalogEnvironment,
  base: Held<TransactionBody>,
  state: 'committed' | 'aborted',
): Promise<SwapOutcome<TransactionBody>> {
  const { runtime } = env
  return swap(env, base, { ...base.body, state, ...nextCasBody(base.body, runtime.uuid(), runtime.uuid()) })
}

function swap(
  { cas, runtime, keys, swapTimeoutMs }: CatalogEnvironment,
  base: Held<TransactionBody> | undefined,
  next: TransactionBody,
): Promise<SwapOutcome<TransactionBody>> {
  const location = keys.transaction(next.id)
  return compareAndSwap(cas, codec, runtime, { location, base, next, timeoutMs: swapTimeoutMs })
}

/** Begins with the store's time, so that records sort by age. */
function uuidv7(timeMs: number, runtime: Runtime): string {
  const time = Math.floor(timeMs).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${runtime.uuid().slice(15)}`
}
