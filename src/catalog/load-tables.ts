/**
 * Loads several tables as they were together at one moment: pointers are read in rounds until two agree. No state of a
 * pointer ever comes back, so what both rounds saw stood between them (commit-protocol, "Several tables at once").
 */
import { mapConcurrent } from '../base/concurrency.ts'
import { ServiceError } from '../base/errors.ts'
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { baseOf, viewLive } from './object-base.ts'
import type { ObjectBase } from './object-base.ts'
import type { PointerView } from './pointer-store.ts'

const CONCURRENCY = 16
const ROUNDS = 50

/** In the order asked for. Errors: NoSuchTableError, NoSuchNamespaceError; ServiceError where the tables never rest. */
export async function loadTogether(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifiers, signal }: { identifiers: readonly TableIdentifier[]; signal?: AbortSignal | undefined },
): Promise<ObjectBase[]> {
  let before: readonly PointerView[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const now = await readAll(env, namespaces, { identifiers, signal })
    if (round > 0 && now.every((view, i) => isSame(view, before[i]))) {
      const loading = mapConcurrent(now, CONCURRENCY, (view) => baseOf(env, view, { signal }))
      const bases: ObjectBase[] = []
      for await (const base of loading) bases.push(base)
      return bases
    }
    before = now
  }
  const names = identifiers.map(printIdentifier).join(', ')
  throw new ServiceError(`${names} are committed to faster than they can be read together: try again`, {
    retryable: true,
  })
}

async function readAll(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifiers, signal }: { identifiers: readonly TableIdentifier[]; signal?: AbortSignal | undefined },
): Promise<PointerView[]> {
  const views: PointerView[] = []
  const reading = mapConcurrent(identifiers, CONCURRENCY, (identifier) =>
    viewLive(env, namespaces, { identifier, kind: 'table', signal }),
  )
  for await (const view of reading) views.push(view)
  return views
}

/** The same body, and of an intent the same end. */
function isSame(a: PointerView, b: PointerView | undefined): boolean {
  return a.held.body.u === b?.held.body.u && a.visible.v === b.visible.v
}
