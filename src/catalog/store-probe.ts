/**
 * Asks a store whether it keeps the promises that the catalog stands on: create-only and If-Match are honoured, and its
 * clocks agree. Runs before the first write to a warehouse and when the endpoint changes; readers never probe.
 */
import type { CasOutcome } from '../io/file-io.ts'
import type { StoreCheck } from './catalog.ts'
import { encodeRecord, nextCasBody, printCasBody } from './cas-body.ts'
import type { CasBody } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'

/** What the store was asked, in order; it ends early where a store can't be asked further. */
export async function probeStore(env: CatalogEnvironment): Promise<StoreCheck[]> {
  const { cas, runtime, keys } = env
  const location = keys.probe(runtime.uuid())
  const checks: StoreCheck[] = []
  const check = (promise: string, isKept: boolean, problem: string): boolean => {
    checks.push({ promise, problem: isKept ? undefined : problem })
    return isKept
  }
  const bodies = probeBodies(env)
  try {
    const first = await cas.read(location)
    check('a key never written is not there', first === undefined, 'a key never written can be read')
    const created = await tryPut(env, { location, body: bodies.first, token: undefined })
    const held = await cas.read(location)
    const isCreated = landed(created) && held !== undefined
    if (!check('a create-only write succeeds', isCreated, 'a create-only write (If-None-Match: *) is refused'))
      return checks
    const drift = `its Date and LastModified differ by more than ${cas.epsilonMs / 2_000} s`
    const driftMs = held === undefined ? 0 : Math.abs(held.storeTimeMs - held.lastModifiedMs)
    check('its clocks agree', cas.epsilonMs === 0 || driftMs <= cas.epsilonMs / 2, drift)
    await tryPut(env, { location, body: bodies.rival, token: undefined })
    const isKept = await stands(env, location, bodies.first)
    check('a create-only write does not overwrite', isKept, 'If-None-Match: * is ignored: it overwrites')
    const current = await cas.read(location)
    await tryPut(env, { location, body: bodies.second, token: current?.token })
    const isSwapped = await stands(env, location, bodies.second)
    check('a write with the right etag succeeds', isSwapped, 'If-Match with the right etag is refused')
    await tryPut(env, { location, body: bodies.rival, token: current?.token })
    const isGuarded = await stands(env, location, bodies.second)
    check('a write with a stale etag is refused', isGuarded, 'If-Match is ignored: a stale etag overwrites')
  } finally {
    await removeAll(env, location)
  }
  return checks
}

const PROBE_TRIES = 5

/** A store may answer 409 or 500 to a good request: the probe asks a few times before it believes it. */
async function tryPut(
  { cas, runtime }: CatalogEnvironment,
  { location, body, token }: { location: string; body: CasBody; token: string | undefined },
): Promise<CasOutcome> {
  const bytes = encodeRecord(printCasBody(body))
  let outcome = await cas.put(location, bytes, token)
  for (let tries = 1; tries < PROBE_TRIES && outcome.kind === 'ambiguous'; tries++) {
    await runtime.sleep(runtime.random() * 200 * tries)
    outcome = await cas.put(location, bytes, token)
  }
  return outcome
}

function landed(outcome: CasOutcome): boolean {
  return outcome.kind !== 'ambiguous'
}

async function stands({ cas }: CatalogEnvironment, location: string, body: CasBody): Promise<boolean> {
  const record = await cas.read(location)
  return record !== undefined && new TextDecoder().decode(record.bytes).includes(body.u)
}

function probeBodies({ runtime }: CatalogEnvironment): { first: CasBody; second: CasBody; rival: CasBody } {
  const first = nextCasBody(undefined, 'probe-1', runtime.uuid())
  const rival = nextCasBody(first, 'probe-rival', runtime.uuid())
  return { first, second: nextCasBody(first, 'probe-2', runtime.uuid()), rival }
}

async function removeAll({ io }: CatalogEnvironment, location: string): Promise<void> {
  for await (const page of io.list(location)) await io.delete(page.entries.map((entry) => entry.location))
}
