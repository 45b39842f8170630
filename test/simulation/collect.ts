/** Orphan removal by the rules: the fence first, then what lies there, then what the pointer after the fence reaches. */
import { isUuid } from '../../src/base/uuid.ts'
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import type { PointerBody } from '../../src/catalog/pointer.ts'
import type { SystemUnderTest } from './system-under-test.ts'

export interface Collection {
  /** Location of the pointer. */
  readonly pointer: string
  /** Where the files lie that are collected; undefined for a table that is left alone. */
  readonly folderOf: (body: PointerBody) => string | undefined
  readonly graceMs: number
  readonly reach: (metadataLocation: string) => readonly string[]
  /** Passes before the files are deleted. */
  readonly pauseMs?: number | undefined
}

export async function collectOrphans(
  sut: SystemUnderTest,
  env: CatalogEnvironment,
  { pointer: location, folderOf, graceMs, reach, pauseMs }: Collection,
): Promise<void> {
  const pointers = new sut.PointerStore(env)
  const base = await pointers.settle(location)
  if (base?.body.state !== 'live') return
  const folder = folderOf(base.body)
  if (folder === undefined) return
  const horizonMs = Math.max((await env.io.storeTimeMs()) - graceMs, base.body.gcHorizonMs)
  const commit = { commitId: env.runtime.uuid(), u: env.runtime.uuid() }
  const next = sut.nextPointer(base.body, { gcHorizonMs: horizonMs }, commit)
  const fenced = await pointers.swap({ location, base, next, writesMetadata: false })
  if (fenced.kind !== 'committed') return
  const orphans: string[] = []
  for await (const page of env.io.list(folder)) {
    orphans.push(...page.entries.filter((e) => e.lastModifiedMs < horizonMs).map((e) => e.location))
  }
  const after = await pointers.view(location)
  if (after?.visible.uuid !== base.body.uuid || after.visible.movedTo !== undefined) return
  const reachable = new Set([...reachOf(after.visible, reach), ...reachOf(after.held.body.txn?.next, reach)])
  if (pauseMs !== undefined) await env.runtime.sleep(pauseMs)
  await env.io.delete(orphans.filter((file) => !reachable.has(file)))
}

function reachOf(
  content: { readonly metadataLocation: string | undefined } | undefined,
  reach: Collection['reach'],
): readonly string[] {
  const location = content?.metadataLocation
  return location === undefined ? [] : [location, ...reach(location)]
}

export interface Directories {
  readonly graceMs: number
  /** What it must not leave out. */
  readonly ignoresTrash: boolean
}

/**
 * Removes the folders of tables that no pointer names and that are old throughout: names are looked through first, trash
 * after, for a body leaves a name only once trash holds it.
 */
export async function collectDirectories(
  sut: SystemUnderTest,
  env: CatalogEnvironment,
  { graceMs, ignoresTrash }: Directories,
): Promise<void> {
  const { io, keys } = env
  const horizonMs = (await io.storeTimeMs()) - graceMs
  const folders = new Map<string, string[]>()
  const kept = new Set<string>()
  for await (const { entries } of io.list(`${keys.warehouse}/`)) {
    for (const { location, lastModifiedMs } of entries) {
      const [folder = ''] = location.slice(keys.warehouse.length + 1).split('/')
      if (!isUuid(folder)) continue
      folders.set(folder, [...(folders.get(folder) ?? []), location])
      if (lastModifiedMs >= horizonMs) kept.add(folder)
    }
  }
  const pointers = new sut.PointerStore(env)
  for (const prefix of [keys.namespaces, ...(ignoresTrash ? [] : [keys.allTrash]), keys.allOwn]) {
    for await (const page of env.cas.list(prefix)) {
      for (const { location } of page.entries) {
        if (prefix === keys.namespaces && keys.parsePointer(location) === undefined) continue
        const body = (await pointers.read(location))?.body
        const next = body?.txn?.next
        for (const named of [body, body?.over, next, next?.over]) if (named !== undefined) kept.add(named.uuid)
      }
    }
  }
  await io.delete([...folders].flatMap(([folder, files]) => (kept.has(folder) ? [] : files)))
}
