/** Orphan removal by the protocol: the fence, then the listing, then what the pointer after the fence reaches. */
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import type { SystemUnderTest } from './system-under-test.ts'

export interface Collection {
  readonly warehouse: string
  /** Of the namespace `ns`. */
  readonly table: string
  /** Below the table's folder: what is collected. */
  readonly folder: string
  readonly graceMs: number
  readonly reach: (metadataLocation: string) => readonly string[]
}

export async function collectOrphans(
  sut: SystemUnderTest,
  env: CatalogEnvironment,
  { warehouse, table, folder, graceMs, reach }: Collection,
): Promise<void> {
  const pointers = new sut.PointerStore(env)
  const location = env.keys.pointer({ namespace: ['ns'], name: table }, 1)
  const base = await pointers.read(location)
  if (base?.body.state !== 'live') return
  const horizonMs = Math.max((await env.io.storeTimeMs()) - graceMs, base.body.gcHorizonMs)
  const commit = { commitId: env.runtime.uuid(), u: env.runtime.uuid() }
  const next = sut.nextPointer(base.body, { gcHorizonMs: horizonMs }, commit)
  const fenced = await pointers.swap({ location, base, next, writesMetadata: false })
  if (fenced.kind !== 'committed') return
  const orphans: string[] = []
  for await (const page of env.io.list(`${warehouse}/${base.body.uuid}/${folder}`)) {
    orphans.push(...page.entries.filter((e) => e.lastModifiedMs < horizonMs).map((e) => e.location))
  }
  const after = await pointers.read(location)
  if (after?.body.uuid !== base.body.uuid || after.body.metadataLocation === undefined) return
  const { metadataLocation } = after.body
  const reachable = new Set([metadataLocation, ...reach(metadataLocation)])
  await env.io.delete(orphans.filter((file) => !reachable.has(file)))
}
