/**
 * A folder in the warehouse for a table that keeps its uuid: a copy, whose files come first. A record says that the uuid is
 * nobody's yet, as after a deregistration; registering the copy takes it.
 */
import { AlreadyExistsError } from '../base/errors.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { nextCasBody } from './cas-body.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { outcomeUnknown } from './name-errors.ts'
import { checkUuidIsForeign, takenBy, wasGivenUp } from './ownership.ts'
import { PointerStore } from './pointer-store.ts'

/** The folder's location. Again for the same uuid: the same one. Errors: AlreadyExistsError where the uuid is a table's here. */
export async function reserveTable(
  env: CatalogEnvironment,
  request: { readonly identifier: TableIdentifier; readonly uuid: string },
): Promise<string> {
  const { keys, runtime } = env
  const { identifier } = request
  const uuid = request.uuid.toLowerCase()
  const pointers = new PointerStore(env)
  const [location, key] = [keys.tableLocation(uuid), keys.own(uuid)]
  for (;;) {
    const base = await pointers.settle(key)
    if (wasGivenUp(base?.body)) return location
    if (base?.body.state === 'live') {
      throw new AlreadyExistsError(`the table ${uuid} is registered in this warehouse already`, { context: { uuid } })
    }
    await checkUuidIsForeign(env, uuid)
    const owned = { identifier, nsGeneration: 0, uuid, places: [location], metadataLocation: location }
    const content = { ...takenBy(env, owned), state: 'dropped', movedTo: undefined } as const
    const next = { ...content, ...nextCasBody(base?.body, runtime.uuid(), runtime.uuid()), txn: undefined }
    const outcome = await pointers.swap({ location: key, base, next, writesMetadata: false })
    if (outcome.kind === 'unknown') throw outcomeUnknown(`${location} was reserved`, outcome.cause)
  }
}
