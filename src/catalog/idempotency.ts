/**
 * Calls that may be repeated: the key of a call is the commit id of what it changes, which the rings of pointers and
 * namespaces remember, and a record of its own keeps the hash of what was asked (commit-protocol, "Keys": idem).
 */
import { createHash } from 'node:crypto'
import { ValidationError } from '../base/errors.ts'
import { isUuid } from '../base/uuid.ts'
import { printJson } from '../base/json.ts'
import type { JsonObject } from '../base/json.ts'
import { encodeRecord, nextCasBody, parseCasBody, parseRecord, printCasBody } from './cas-body.ts'
import type { CasBody } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { compareAndSwap, readHeld } from './compare-and-swap.ts'
import type { CasCodec } from './compare-and-swap.ts'

interface KeyBody extends CasBody {
  readonly payloadHash: string
}

const codec: CasCodec<KeyBody> = {
  encode: ({ payloadHash, ...body }) => encodeRecord({ payloadHash, ...printCasBody(body) }),
  decode(record, location) {
    const cursor = parseRecord(record, location)
    return { ...parseCasBody(cursor), payloadHash: cursor.get('payloadHash').string() }
  },
}

export interface Call {
  readonly key: string | undefined
  /** Operation and arguments: what a repeated call must have in common with the first. */
  readonly payload: JsonObject
  /** Whether the change of this commit id is made already, though its record may be missing. */
  isDone(commitId: string): Promise<boolean>
  run(commitId: string): Promise<void>
}

/** Errors: ValidationError for a key that is no UUID, or was used with another payload. */
export async function runOnce(env: CatalogEnvironment, call: Call): Promise<void> {
  const { runtime } = env
  const { key, payload } = call
  if (key === undefined) return call.run(runtime.uuid())
  if (!isUuid(key)) {
    throw new ValidationError(`an idempotency key is a UUID in lower case: ${key}`, { context: { key } })
  }
  const payloadHash = createHash('sha256').update(printJson(payload)).digest('hex')
  const known = await readHeld(env.cas, codec, env.keys.idempotency(key))
  if (known !== undefined) {
    if (known.body.payloadHash === payloadHash) return
    throw new ValidationError(`the idempotency key ${key} was used for another call: take a new one`, {
      context: { key },
    })
  }
  if (!(await call.isDone(key))) await call.run(key)
  const next = { ...nextCasBody(undefined, key, runtime.uuid()), payloadHash }
  // The change stands whatever becomes of its record: a repeated call finds it by the ring.
  await compareAndSwap(env.cas, codec, runtime, {
    location: env.keys.idempotency(key),
    base: undefined,
    next,
    timeoutMs: env.swapTimeoutMs,
  }).catch(() => {})
}
