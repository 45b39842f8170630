/** The catalog that is nothing but objects in the warehouse: names, and the tables under them (commit-protocol). */
import { AlreadyExistsError, NoSuchNamespaceError, NotFoundError } from '../base/errors.ts'
import type { JsonObject } from '../base/json.ts'
import { toLocation } from '../io/location.ts'
import { parseIdentifier, parseNamespace } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { Table } from '../table/table.ts'
import type * as Api from './catalog.ts'
import type { Catalog, CallOptions, MutationOptions, NamespaceName, TableName } from './catalog.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { ensureWritable, initWarehouse } from './catalog-record.ts'
import { createTable, describeTable } from './create-table.ts'
import { deregisterTable } from './deregister-table.ts'
import { dropName } from './drop-name.ts'
import { dropNamespace } from './drop-namespace.ts'
import { isRestorable, scanDropped } from './dropped-names.ts'
import { runOnce } from './idempotency.ts'
import { endTurns } from './line.ts'
import { listNames, pageNames } from './list-names.ts'
import { loadTogether } from './load-tables.ts'
import { renameName } from './move-name.ts'
import { changeNamespace } from './namespace-properties.ts'
import { nameTaken } from './name-errors.ts'
import { NamespaceStore } from './namespace-store.ts'
import { loadBase, viewLive } from './object-base.ts'
import type { ObjectBase } from './object-base.ts'
import { ObjectOperations } from './object-operations.ts'
import { PointerStore } from './pointer-store.ts'
import type { PointerKind } from './pointer.ts'
import { purgeName } from './purge-name.ts'
import { readRegistrable, registerPointer } from './register-table.ts'
import { reserveTable } from './reserve-table.ts'
import { StagedCreation } from './staged-creation.ts'
import { sweepRecords } from './sweep-records.ts'
import { TableTransaction } from './table-transaction.ts'
import { undropName } from './undrop-name.ts'

export class ObjectCatalog implements Catalog {
  readonly #env: CatalogEnvironment
  readonly #unsafe: boolean
  readonly #namespaces: NamespaceStore
  #writable: Promise<void> | undefined

  constructor(env: CatalogEnvironment, options: { readonly unsafe?: boolean | undefined } = {}) {
    this.#env = env
    this.#unsafe = options.unsafe ?? false
    this.#namespaces = new NamespaceStore(env)
  }

  init(): Promise<Api.WarehouseCheck> {
    return initWarehouse(this.#env, { unsafe: this.#unsafe })
  }

  async createNamespace(
    name: NamespaceName,
    properties: Api.NamespaceProperties = {},
    options: MutationOptions = {},
  ): Promise<void> {
    const namespace = levels(name)
    await this.#once(options, { operation: 'create-namespace', namespace, properties }, (commitId) =>
      this.#namespaces.create(namespace, properties, commitId),
    )
  }

  async namespaceExists(name: NamespaceName, { signal }: CallOptions = {}): Promise<boolean> {
    return present(this.#namespaces.load(levels(name), signal))
  }

  async namespaceProperties(name: NamespaceName, { signal }: CallOptions = {}): Promise<Api.NamespaceProperties> {
    return (await this.#namespaces.load(levels(name), signal)).properties
  }

  async updateNamespaceProperties(
    name: NamespaceName,
    changes: Api.NamespaceChanges,
    options: MutationOptions = {},
  ): Promise<Api.NamespaceChangeResult> {
    const namespace = levels(name)
    const { set = {}, remove = [] } = changes
    // Of a repeated call, whose keys were there is known no more.
    let result: Api.NamespaceChangeResult = { updated: Object.keys(set), removed: remove, missing: [] }
    await this.#once(options, { operation: 'update-namespace', namespace, set, remove }, async (commitId) => {
      const request = { namespace, changes, commitId, signal: options.signal }
      result = await changeNamespace(this.#env, this.#namespaces, request)
    })
    return result
  }

  async dropNamespace(name: NamespaceName, options: MutationOptions = {}): Promise<void> {
    const namespace = levels(name)
    await this.#once(options, { operation: 'drop-namespace', namespace }, (commitId) =>
      dropNamespace(this.#env, this.#namespaces, { namespace, commitId }),
    )
  }

  async listNamespaces(options: Api.ListNamespacesOptions = {}): Promise<readonly (readonly string[])[]> {
    const parent = options.parent === undefined ? undefined : levels(options.parent)
    const found = await this.#namespaces.list(parent, options.signal)
    // A level above a namespace need not be one itself; where nothing is below it either, the name is wrong.
    if (found.length === 0 && parent !== undefined && parent.length > 0) {
      await this.#namespaces.load(parent, options.signal)
    }
    return found
  }

  async createTable(name: TableName, options: Api.CreateTableOptions): Promise<Table> {
    const identifier = parsed(name)
    const described = options.idempotencyKey === undefined ? '' : describe(options)
    let base: ObjectBase | undefined
    await this.#once(options, { operation: 'create-table', ...identifier, described }, async (commitId) => {
      await this.#createMissing(identifier.namespace)
      base = await createTable(this.#env, this.#namespaces, { identifier, options, commitId })
    })
    // With a key, another call with the same may have been the one that made it.
    return base === undefined || options.idempotencyKey !== undefined
      ? this.loadTable(identifier, options)
      : this.#table(identifier, base)
  }

  async stageTable(name: TableName, options: Omit<Api.CreateTableOptions, 'idempotencyKey'>): Promise<Table> {
    const identifier = parsed(name)
    const { runtime, keys, io } = this.#env
    // Refuses names that are none, before anything is written for them.
    keys.pointer(identifier, 1)
    if (await this.tableExists(identifier, options)) throw nameTaken(identifier, { kind: 'table' })
    const startMs = await io.storeTimeMs({ signal: options.signal })
    const uuid = runtime.uuid()
    const metadata = describeTable(options, { tableUuid: uuid, location: keys.tableLocation(uuid), nowMs: startMs })
    const creation = {
      identifier,
      metadata,
      startMs,
      namespaces: this.#namespaces,
      ensureWritable: () => this.#ensureWritable(),
      ensureNamespace: () => this.#createMissing(identifier.namespace),
    }
    return new Table(new StagedCreation(this.#env, creation))
  }

  async registerTable(name: TableName, location: string, options: MutationOptions = {}): Promise<Table> {
    const identifier = parsed(name)
    const { signal } = options
    const metadataLocation = toLocation(location, process.cwd())
    await this.#once(options, { operation: 'register-table', ...identifier, metadataLocation }, async (commitId) => {
      const registrable = await readRegistrable(this.#env, { identifier, metadataLocation }, signal)
      await this.#createMissing(identifier.namespace)
      await registerPointer(this.#env, this.#namespaces, { ...registrable, commitId, signal })
    })
    return this.loadTable(identifier, options)
  }

  async deregisterTable(name: TableName, options: Api.DeregisterTableOptions = {}): Promise<string> {
    const identifier = parsed(name)
    const { dropped = false, uuid, signal } = options
    signal?.throwIfAborted()
    await this.#ensureWritable()
    const commitId = this.#env.runtime.uuid()
    return deregisterTable(this.#env, this.#namespaces, { identifier, dropped, uuid, commitId, signal })
  }

  async reserveTable(name: TableName, uuid: string): Promise<string> {
    await this.#ensureWritable()
    return reserveTable(this.#env, { identifier: parsed(name), uuid })
  }

  async loadTable(name: TableName, { signal }: CallOptions = {}): Promise<Table> {
    const identifier = parsed(name)
    return this.#table(identifier, await loadBase(this.#env, this.#namespaces, { identifier, signal }))
  }

  async loadTables(names: readonly TableName[], { signal }: CallOptions = {}): Promise<readonly Table[]> {
    const identifiers = names.map(parsed)
    const bases = await loadTogether(this.#env, this.#namespaces, { identifiers, signal })
    return identifiers.flatMap((identifier, i) => {
      const base = bases[i]
      return base === undefined ? [] : [this.#table(identifier, base)]
    })
  }

  async tableExists(name: TableName, { signal }: CallOptions = {}): Promise<boolean> {
    return present(viewLive(this.#env, this.#namespaces, { identifier: parsed(name), kind: 'table', signal }))
  }

  listTables(namespace: NamespaceName, options: CallOptions = {}): Promise<readonly TableIdentifier[]> {
    return this.#list(namespace, 'table', options)
  }

  listTablesPage(namespace: NamespaceName, options: Api.PageOptions = {}): Promise<Api.Page<TableIdentifier>> {
    return pageNames(this.#env, this.#namespaces, { namespace: levels(namespace), kind: 'table', options })
  }

  listViews(namespace: NamespaceName, options: CallOptions = {}): Promise<readonly TableIdentifier[]> {
    return this.#list(namespace, 'view', options)
  }

  async dropTable(name: TableName, options: Api.DropTableOptions = {}): Promise<void> {
    const identifier = parsed(name)
    const { purge = false, signal } = options
    const request = { identifier, kind: 'table', signal } as const
    await this.#once(options, { operation: 'drop-table', ...identifier, purge }, async (commitId) => {
      const uuid = await dropName(this.#env, this.#namespaces, { ...request, commitId })
      if (!purge) return
      const again = { ...request, uuid, commitId: this.#env.runtime.uuid() }
      await purgeName(this.#env, this.#namespaces, again)
    })
  }

  async listDropped(name?: NamespaceName, { signal }: CallOptions = {}): Promise<readonly Api.DroppedTable[]> {
    const namespace = name === undefined ? undefined : levels(name)
    const found = await scanDropped(this.#env, this.#namespaces, { namespace, wanted: isRestorable, signal })
    return found
      .filter(({ body }) => body.kind === 'table')
      .map(({ identifier, body: { uuid, droppedAtMs } }) => ({ identifier, uuid, droppedAtMs }))
  }

  async undropTable(name: TableName, options: Api.UndropTableOptions = {}): Promise<Table> {
    const identifier = parsed(name)
    const to = options.to === undefined ? identifier : parsed(options.to)
    const { uuid, signal } = options
    const payload = { operation: 'undrop-table', ...to, from: { ...identifier }, uuid }
    await this.#once(options, payload, (commitId) =>
      undropName(this.#env, this.#namespaces, { identifier, kind: 'table', uuid, to, commitId, signal }),
    )
    return this.loadTable(to, options)
  }

  async purgeTable(name: TableName, options: Api.PurgeTableOptions = {}): Promise<void> {
    const identifier = parsed(name)
    const { uuid, signal } = options
    await this.#once(options, { operation: 'purge-table', ...identifier, uuid }, (commitId) =>
      purgeName(this.#env, this.#namespaces, { identifier, kind: 'table', uuid, commitId, signal }),
    )
  }

  async renameTable(source: TableName, target: TableName, options: MutationOptions = {}): Promise<void> {
    const from = parsed(source)
    const to = parsed(target)
    const { signal } = options
    await this.#once(options, { operation: 'rename-table', ...to, from: { ...from } }, (commitId) =>
      renameName(this.#env, this.#namespaces, { from, to, kind: 'table', commitId, signal }),
    )
  }

  transaction<T>(
    work: (tx: Api.CatalogTransaction) => Promise<T>,
    { signal }: Api.TransactionOptions = {},
  ): Promise<T> {
    const tx = new TableTransaction(this.#env, this.#namespaces, signal)
    const table = async (name: TableName): Promise<Table> => new Table(await tx.table(parsed(name)))
    return tx.run(
      () => work({ table }),
      () => this.#ensureWritable(),
    )
  }

  async sweepRecords({ signal }: CallOptions = {}): Promise<number> {
    await this.#ensureWritable()
    return sweepRecords(this.#env, signal)
  }

  async close(): Promise<void> {
    await endTurns(this.#env)
    await this.#env.io.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #list(name: NamespaceName, kind: PointerKind, { signal }: CallOptions): Promise<TableIdentifier[]> {
    const names: TableIdentifier[] = []
    const request = { namespace: levels(name), kind, signal }
    for await (const identifier of listNames(this.#env, this.#namespaces, request)) names.push(identifier)
    return names
  }

  async #createMissing(namespace: readonly string[]): Promise<void> {
    try {
      await this.#namespaces.liveGeneration(namespace)
    } catch (error) {
      if (!(error instanceof NoSuchNamespaceError)) throw error
      await this.#namespaces.create(namespace, {}).catch((rival: unknown) => {
        if (!(rival instanceof AlreadyExistsError)) throw rival
      })
    }
  }

  /** Runs a change, once per key. Where its result shows is the namespace or name in the payload. */
  async #once(
    { idempotencyKey: key, signal }: MutationOptions,
    payload: JsonObject & { readonly namespace: readonly string[]; readonly name?: string },
    run: (commitId: string) => Promise<void>,
  ): Promise<void> {
    signal?.throwIfAborted()
    await this.#ensureWritable()
    const isDone = (commitId: string): Promise<boolean> => this.#hasLanded(payload, commitId)
    await runOnce(this.#env, { key, payload, isDone, run })
  }

  /** The rings of a name and of a namespace remember the commits that changed them. */
  async #hasLanded(
    { namespace, name }: { readonly namespace: readonly string[]; readonly name?: string },
    commitId: string,
  ): Promise<boolean> {
    const record = await this.#namespaces.settle(namespace)
    if (record === undefined) return false
    if (name === undefined) return record.body.ring.some((entry) => entry.id === commitId)
    const location = this.#env.keys.pointer({ namespace, name }, record.body.generation)
    const pointer = await new PointerStore(this.#env).settle(location)
    return pointer?.body.ring.some((entry) => entry.id === commitId) ?? false
  }

  /** Once a catalog: the store is probed and the warehouse has its record. */
  #ensureWritable(): Promise<void> {
    this.#writable ??= ensureWritable(this.#env, { unsafe: this.#unsafe }).catch((error: unknown) => {
      this.#writable = undefined
      throw error
    })
    return this.#writable
  }

  #table(identifier: TableIdentifier, base: ObjectBase): Table {
    const ensure = (): Promise<void> => this.#ensureWritable()
    return new Table(
      new ObjectOperations(this.#env, { identifier, base, namespaces: this.#namespaces, ensureWritable: ensure }),
    )
  }
}

function parsed(name: TableName): TableIdentifier {
  return typeof name === 'string' ? parseIdentifier(name) : { namespace: name.namespace, name: name.name }
}

function levels(namespace: NamespaceName): readonly string[] {
  return typeof namespace === 'string' ? parseNamespace(namespace) : namespace
}

/** The text of what a table is to be, the same for the same options. */
function describe({ schema, partitionBy, sortBy, properties, formatVersion }: Api.CreateTableOptions): string {
  return JSON.stringify({ schema, partitionBy, sortBy, properties, formatVersion }, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
}

async function present(loading: Promise<unknown>): Promise<boolean> {
  try {
    await loading
    return true
  } catch (error) {
    if (error instanceof NotFoundError) return false
    throw error
  }
}
