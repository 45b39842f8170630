/**
 * Lists the tables or views of a namespace: one LIST per thousand keys, since a pointer's size tells its kind; only where it
 * carries an intent, or where a store's LIST knows no sizes (file:), the pointer itself is read.
 */
import { mapConcurrent } from '../base/concurrency.ts'
import { ValidationError } from '../base/errors.ts'
import type { CasEntry } from '../io/file-io.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { Page, PageOptions } from './catalog.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import type { NamespaceStore } from './namespace-store.ts'
import { PointerStore } from './pointer-store.ts'
import { SIZE_CLASS } from './pointer.ts'
import type { PointerKind } from './pointer.ts'

const CONCURRENCY = 16

export interface ListRequest {
  readonly namespace: readonly string[]
  readonly kind: PointerKind
  readonly startAfter?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** In the order of their keys. Errors: NoSuchNamespaceError. */
export async function* listNames(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { namespace, kind, startAfter, signal }: ListRequest,
): AsyncGenerator<TableIdentifier> {
  const { generation } = await namespaces.load(namespace, signal)
  const after = startAfter === undefined ? undefined : env.keys.pointer({ namespace, name: startAfter }, generation)
  const prefix = env.keys.pointers(namespace, generation)
  for await (const page of env.cas.list(prefix, { startAfter: after, signal })) {
    const kinds = mapConcurrent(page.entries, CONCURRENCY, async (entry) => ({
      name: env.keys.parsePointer(entry.location)?.name,
      isWanted: (await liveKind(env, entry, signal)) === kind,
    }))
    for await (const { name, isWanted } of kinds) if (isWanted && name !== undefined) yield { namespace, name }
  }
}

/** The token is the last name of the page before: it needs no state here, and holds whatever is made or dropped meanwhile. */
export async function pageNames(
  env: CatalogEnvironment,
  namespaces: NamespaceStore,
  { namespace, kind, options }: { namespace: readonly string[]; kind: PointerKind; options: PageOptions },
): Promise<Page<TableIdentifier>> {
  const { pageSize = 1_000, pageToken, signal } = options
  if (!Number.isSafeInteger(pageSize) || pageSize < 1) {
    throw new ValidationError(`a page has at least one item: pageSize ${pageSize}`, { context: { pageSize } })
  }
  const startAfter = pageToken === undefined || pageToken === '' ? undefined : decodeToken(pageToken)
  const items: TableIdentifier[] = []
  for await (const identifier of listNames(env, namespaces, { namespace, kind, startAfter, signal })) {
    // One more than fits tells that there is a next page.
    if (items.length === pageSize) return { items, nextPageToken: encodeToken(items.at(-1)?.name ?? '') }
    items.push(identifier)
  }
  return { items, nextPageToken: undefined }
}

async function liveKind(
  env: CatalogEnvironment,
  { location, sizeBytes }: CasEntry,
  signal: AbortSignal | undefined,
): Promise<PointerKind | undefined> {
  if (sizeBytes !== undefined && sizeBytes % 16 !== SIZE_CLASS.intent) {
    if (sizeBytes % 16 === SIZE_CLASS.table) return 'table'
    return sizeBytes % 16 === SIZE_CLASS.view ? 'view' : undefined
  }
  const view = await new PointerStore(env).view(location, signal)
  return view?.visible.state === 'live' ? view.visible.kind : undefined
}

function encodeToken(name: string): string {
  return Buffer.from(name).toString('base64url')
}

function decodeToken(token: string): string {
  const name = Buffer.from(token, 'base64url').toString()
  if (encodeToken(name) === token) return name
  throw new ValidationError(`not a page token of ours: ${token}; begin again without one`, { context: { token } })
}
