/** Drops a table or view: its name says that it is dropped, its files stay, so that undrop can bring it back. */
import { printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { liveName } from './name-claims.ts'
import { outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { PointerStore } from './pointer-store.ts'
import { nextPointer } from './pointer.ts'
import type { PointerKind } from './pointer.ts'

const MAX_WAIT_MS = 100

export interface DropRequest {
  readonly identifier: TableIdentifier
  readonly kind: PointerKind
  readonly commitId: string
  readonly signal?: AbortSignal | undefined
}

/** Returns the uuid of what was dropped. Errors: NoSuchTableError, NoSuchNamespaceError, CommitStateUnknownError. */
export async function dropName(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { identifier, kind, commitId, signal }: DropRequest,
): Promise<string> {
  const { io, runtime } = env
  for (;;) {
    const { location, held } = await liveName(env, namespaces, { identifier, kind, signal })
    const droppedAtMs = await io.storeTimeMs({ signal })
    const next = nextPointer(held.body, { state: 'dropped', droppedAtMs }, { commitId, u: runtime.uuid() })
    const outcome = await new PointerStore(env).swap({ location, base: held, next, writesMetadata: false })
    if (outcome.kind === 'committed') return next.uuid
    if (outcome.kind === 'unknown') throw outcomeUnknown(`${printIdentifier(identifier)} was dropped`, outcome.cause)
    await runtime.sleep(runtime.random() * MAX_WAIT_MS, signal)
  }
}
