/** Changes the properties of a namespace: all changes of a call in one swap, made again on what others left. */
import { ValidationError } from '../base/errors.ts'
import { printNamespace } from '../spec/identifier.ts'
import type { NamespaceChangeResult, NamespaceChanges } from './catalog.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { outcomeUnknown } from './name-errors.ts'
import type { NamespaceStore } from './namespace-store.ts'

const MAX_WAIT_MS = 100

export interface ChangeRequest {
  readonly namespace: readonly string[]
  readonly changes: NamespaceChanges
  readonly commitId: string
  readonly signal?: AbortSignal | undefined
}

/** Errors: NoSuchNamespaceError, ValidationError, CommitStateUnknownError. */
export async function changeNamespace(
  { runtime }: CatalogEnvironment,
  namespaces: NamespaceStore,
  { namespace, changes, commitId, signal }: ChangeRequest,
): Promise<NamespaceChangeResult> {
  const { set = {}, remove = [] } = changes
  const updated = Object.keys(set)
  const both = updated.find((key) => remove.includes(key))
  if (both !== undefined) {
    throw new ValidationError(`the property ${both} is both set and removed: say one`, { context: { property: both } })
  }
  for (;;) {
    const base = await namespaces.live(namespace, signal)
    const had = (key: string): boolean => Object.hasOwn(base.body.properties, key)
    const result = { updated, removed: remove.filter(had), missing: remove.filter((key) => !had(key)) }
    if (updated.length === 0 && result.removed.length === 0) return result
    const kept = Object.entries(base.body.properties).filter(([key]) => !remove.includes(key))
    const properties = { ...Object.fromEntries(kept), ...set }
    const outcome = await namespaces.swap(namespace, base, { properties }, commitId)
    if (outcome.kind === 'committed') return result
    if (outcome.kind === 'unknown') {
      throw outcomeUnknown(`namespace ${printNamespace(namespace)} was changed`, outcome.cause)
    }
    await runtime.sleep(runtime.random() * MAX_WAIT_MS, signal)
  }
}
