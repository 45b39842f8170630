/**
 * Files that others left, outside of tables' folders and in them, for simulated processes to add to tables; and the orphan
 * removal that goes on beside. Each is the same small Parquet file: what is added is told by its location.
 */
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import type { NamespaceStore } from '../../src/catalog/namespace-store.ts'
import type { TableIdentifier } from '../../src/spec/identifier.ts'
import { parquetOf } from '../table/external-files.ts'
import type { Client } from './client.ts'
import { collectOrphans } from './collect.ts'
import type { NamesOracle, Outcome } from './names-oracle.ts'
import { addedRow, reachAt } from './names-rows.ts'
import type { ObjectStore } from './object-store.ts'
import type { Random } from './random.ts'
import type { SystemUnderTest } from './system-under-test.ts'

const GRACE_MS = 8_000
const MAX_AGE_MS = 60_000
const MAX_PAUSE_MS = 30_000
const PARQUET = await parquetOf({ id: 'string' }, [{ id: 'x' }])

interface World {
  readonly sut: SystemUnderTest
  readonly random: Random
  readonly store: ObjectStore
  readonly oracle: NamesOracle
  /** Where the files lie that lie in no table's folder. */
  readonly elsewhere: string
  readonly outcomeOf: (running: Promise<unknown>) => Promise<Outcome>
}

interface Process {
  readonly env: CatalogEnvironment
  readonly namespaces: NamespaceStore
  readonly client: Client
}

export class AddedFiles {
  readonly #world: World
  /** Of which others may make use, too. */
  readonly #pool: { readonly file: string; readonly folder: string | undefined }[] = []

  constructor(world: World) {
    this.#world = world
  }

  /** Another engine writes files; some time later they are added, in one commit. */
  async add({ env, namespaces, client }: Process, identifier: TableIdentifier): Promise<void> {
    const { sut, random, oracle } = this.#world
    const base = await sut.loadBase(env, namespaces, { identifier })
    const ensureWritable = (): Promise<void> => Promise.resolve()
    const operations = new sut.ObjectOperations(env, { identifier, base, namespaces, ensureWritable })
    const { location, tableUuid } = base.metadata
    const files = new Set(await Promise.all(Array.from({ length: 1 + random.int(3) }, () => this.#file(env, location))))
    if (random.chance(0.5)) await client.runtime.sleep(random.int(MAX_AGE_MS))
    const rows = [...files].map((file) => addedRow(file, tableUuid))
    for (const row of rows) oracle.adds(row, [tableUuid])
    const outcome = await this.#world.outcomeOf(sut.addFiles(operations, [...files], { strict: random.chance(0.5) }))
    for (const row of rows) oracle.endRow(row, outcome)
    if (outcome !== 'ok') throw new sut.IcebergError(`files were not added: ${outcome}`)
  }

  /** Of a live table whose folder holds no other's. */
  async collect({ env, namespaces }: Process, identifier: TableIdentifier): Promise<void> {
    const { sut, store, random } = this.#world
    const generation = await namespaces.liveGeneration(identifier.namespace)
    await collectOrphans(sut, env, {
      pointer: env.keys.pointer(identifier, generation),
      folderOf: ({ kind, uuid }) => (kind === 'table' ? this.#ownFolder(env, uuid) : undefined),
      graceMs: GRACE_MS,
      pauseMs: random.chance(0.5) ? random.int(MAX_PAUSE_MS) : 0,
      reach: (location) => (store.objects.has(location) ? reachAt(store, location) : []),
    })
  }

  #ownFolder({ keys }: CatalogEnvironment, uuid: string): string | undefined {
    const place = this.#world.oracle.placeOf(uuid)
    if (place === undefined) return `${keys.tableLocation(uuid)}/data/`
    return place.isAlone ? `${place.location}/data/` : undefined
  }

  async #file({ io }: CatalogEnvironment, table: string): Promise<string> {
    const { random, oracle, elsewhere } = this.#world
    const [first, ...others] = this.#pool.filter(({ folder }) => folder === undefined || folder === table)
    if (first !== undefined && random.chance(0.3)) return random.pick([first, ...others]).file
    const folder = random.chance(0.5) ? table : undefined
    const file = `${folder === undefined ? elsewhere : `${folder}/data`}/${random.uuid()}.parquet`
    if (folder === undefined) oracle.isOthers(file)
    await io.write(file, PARQUET)
    this.#pool.push({ file, folder })
    return file
  }
}
