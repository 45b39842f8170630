/** Deletes records that have done their work: of transactions rolled forward everywhere, and of old idempotency keys. */
import type { CatalogEnvironment } from './catalog-environment.ts'
import { PointerStore } from './pointer-store.ts'
import { endTransaction, readTransaction } from './transaction-record.ts'

/** Long enough for anyone who saw an intent, or was given a key, to have asked for its record. */
const RETENTION_MS = 24 * 3_600_000

/** Returns how many records were deleted. */
export async function sweepRecords(env: CatalogEnvironment, signal?: AbortSignal): Promise<number> {
  const { cas, keys } = env
  let deleted = 0
  for (const prefix of [keys.transactions, keys.idempotencyKeys]) {
    for await (const page of cas.list(prefix, { signal })) {
      for (const { location } of page.entries) {
        if (!(await isOld(env, location, signal))) continue
        if (prefix === keys.transactions && !(await isDone(env, location, signal))) continue
        await deleteRecord(env, location)
        deleted += 1
      }
    }
  }
  return deleted
}

async function isOld({ cas }: CatalogEnvironment, location: string, signal: AbortSignal | undefined): Promise<boolean> {
  const record = await cas.read(location, { signal })
  return record !== undefined && record.storeTimeMs - record.lastModifiedMs > RETENTION_MS
}

/** Whether no pointer can need the record any more. What hangs is ended now and deleted another day. */
async function isDone(env: CatalogEnvironment, location: string, signal: AbortSignal | undefined): Promise<boolean> {
  const id = location.slice(env.keys.transactions.length).replace(/\.json$/, '')
  const record = await readTransaction(env, id, signal)
  if (record === undefined) return false
  if (record.body.state === 'pending') {
    await endTransaction(env, record, 'aborted')
    return false
  }
  const pointers = new PointerStore(env)
  for (const participant of record.body.participants) await pointers.settle(participant, signal)
  return true
}

/** On file: a record is a run of numbers: from the last down, so that what is left at any time still reads as a record. */
async function deleteRecord({ io }: CatalogEnvironment, location: string): Promise<void> {
  const files: string[] = []
  for await (const page of io.list(location)) files.push(...page.entries.map((entry) => entry.location))
  for (const file of files.toReversed()) await io.delete([file])
}
