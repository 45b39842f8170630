/** `catalog.json`: that a warehouse is one, and which stores were found fit to write it from. */
import { CommitStateUnknownError, UnsupportedError } from '../base/errors.ts'
import type { StoreCheck, WarehouseCheck } from './catalog.ts'
import { encodeRecord, nextCasBody, parseCasBody, parseRecord, printCasBody } from './cas-body.ts'
import type { CasBody } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { compareAndSwap, readHeld } from './compare-and-swap.ts'
import type { CasCodec } from './compare-and-swap.ts'
import { probeStore } from './store-probe.ts'

interface CatalogBody extends CasBody {
  readonly catalogUuid: string
  /** Store ids (endpoints) that passed the probe, or were used with `unsafe`. */
  readonly probed: readonly string[]
}

const codec: CasCodec<CatalogBody> = {
  encode: ({ catalogUuid, probed, ...body }) => encodeRecord({ catalogUuid, probed, ...printCasBody(body) }),
  decode(record, location) {
    const cursor = parseRecord(record, location)
    return {
      ...parseCasBody(cursor),
      catalogUuid: cursor.get('catalogUuid').string(),
      probed: cursor
        .get('probed')
        .array()
        .map((c) => c.string()),
    }
  },
}

/**
 * Makes sure, before a write, that the warehouse has its record and that this store passed the probe; writes both where
 * not. Errors: UnsupportedError naming what the store does wrong.
 */
export async function ensureWritable(env: CatalogEnvironment, { unsafe }: { unsafe: boolean }): Promise<void> {
  const base = await readHeld(env.cas, codec, env.keys.catalogRecord)
  if (base?.body.probed.includes(env.io.storeId)) return
  await noteFit(env, unsafe ? [] : await probeStore(env))
}

/** Probes the store anew, and sets the warehouse up where it is none. Errors: as ensureWritable. */
export async function initWarehouse(env: CatalogEnvironment, { unsafe }: { unsafe: boolean }): Promise<WarehouseCheck> {
  const checks = await probeStore(env)
  await noteFit(env, unsafe ? [] : checks)
  return { warehouse: env.keys.warehouse, storeId: env.io.storeId, checks }
}

/** Notes that the store passed. */
async function noteFit(env: CatalogEnvironment, checks: readonly StoreCheck[]): Promise<void> {
  const { io, cas, runtime, keys, swapTimeoutMs } = env
  const problems = checks.flatMap(({ problem }) => problem ?? [])
  if (problems.length > 0) throw unfit(io.storeId, problems)
  for (;;) {
    const base = await readHeld(cas, codec, keys.catalogRecord)
    if (base?.body.probed.includes(io.storeId)) return
    const next: CatalogBody = {
      ...nextCasBody(base?.body, runtime.uuid(), runtime.uuid()),
      catalogUuid: base?.body.catalogUuid ?? runtime.uuid(),
      probed: [...(base?.body.probed ?? []), io.storeId],
    }
    const swap = { location: keys.catalogRecord, base, next, timeoutMs: swapTimeoutMs }
    const outcome = await compareAndSwap(cas, codec, runtime, swap)
    if (outcome.kind === 'committed') return
    if (outcome.kind === 'unknown') {
      throw new CommitStateUnknownError('the store did not say whether the warehouse was set up: try again', {
        context: { warehouse: keys.warehouse },
        cause: outcome.cause,
      })
    }
  }
}

function unfit(storeId: string, problems: readonly string[]): UnsupportedError {
  return new UnsupportedError(
    `the store ${storeId} is not safe for many writers: ${problems.join('; ')}. ` +
      'Use a store with conditional writes, or pass `unsafe` if there is only ever one writer',
    { context: { storeId } },
  )
}
