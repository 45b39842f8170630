/** The catalog that is nothing but objects in the warehouse: names, creation and dropping of tables (commit-protocol). */
import { AlreadyExistsError, CommitStateUnknownError, NoSuchNamespaceError, NotFoundError } from '../base/errors.ts'
import { mapConcurrent } from '../base/concurrency.ts'
import { lastSegment, toLocation } from '../io/location.ts'
import { parseIdentifier, parseNamespace, printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import { Table } from '../table/table.ts'
import type { CallOptions, Catalog, CreateTableOptions, NamespaceName, TableName } from './catalog.ts'
import type { CatalogEnvironment } from './catalog-environment.ts'
import { decodeName } from './catalog-keys.ts'
import { ensureWritable } from './catalog-record.ts'
import { createPointer } from './create-table.ts'
import { NamespaceStore } from './namespace-store.ts'
import { ObjectOperations, loadBase, noSuchTable } from './object-operations.ts'
import type { ObjectBase } from './object-operations.ts'
import { PointerStore } from './pointer-store.ts'
import { SIZE_CLASS, nextPointer } from './pointer.ts'
import { readRegistrable, registerPointer } from './register-table.ts'

const LIST_CONCURRENCY = 16

export class ObjectCatalog implements Catalog {
  readonly #env: CatalogEnvironment
  readonly #unsafe: boolean
  readonly #namespaces: NamespaceStore
  readonly #pointers: PointerStore
  #writable: Promise<void> | undefined

  constructor(env: CatalogEnvironment, options: { readonly unsafe?: boolean | undefined } = {}) {
    this.#env = env
    this.#unsafe = options.unsafe ?? false
    this.#namespaces = new NamespaceStore(env)
    this.#pointers = new PointerStore(env)
  }

  async createNamespace(name: NamespaceName, properties: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#ensureWritable()
    await this.#namespaces.create(levels(name), properties)
  }

  async namespaceExists(name: NamespaceName, { signal }: CallOptions = {}): Promise<boolean> {
    return present(this.#namespaces.load(levels(name), signal))
  }

  listNamespaces({ signal }: CallOptions = {}): Promise<readonly (readonly string[])[]> {
    return this.#namespaces.list(signal)
  }

  async createTable(name: TableName, options: CreateTableOptions): Promise<Table> {
    const identifier = parsed(name)
    await this.#ensureWritable()
    await this.#createMissing(identifier.namespace)
    const base = await createPointer(this.#env, this.#namespaces, { identifier, options })
    return this.#table(identifier, base)
  }

  async registerTable(name: TableName, location: string, { signal }: CallOptions = {}): Promise<Table> {
    const identifier = parsed(name)
    const metadataLocation = toLocation(location, process.cwd())
    const registrable = await readRegistrable(this.#env, { identifier, metadataLocation }, signal)
    await this.#ensureWritable()
    await this.#createMissing(identifier.namespace)
    return this.#table(identifier, await registerPointer(this.#env, this.#namespaces, registrable))
  }

  async loadTable(name: TableName, { signal }: CallOptions = {}): Promise<Table> {
    const identifier = parsed(name)
    return this.#table(identifier, await loadBase(this.#env, this.#namespaces, { identifier, signal }))
  }

  tableExists(name: TableName, options: CallOptions = {}): Promise<boolean> {
    return present(this.loadTable(name, options))
  }

  async listTables(namespace: NamespaceName, { signal }: CallOptions = {}): Promise<readonly TableIdentifier[]> {
    const { cas, keys } = this.#env
    const generation = await this.#namespaces.generation(levels(namespace), signal)
    const tables: TableIdentifier[] = []
    for await (const page of cas.list(keys.pointers(levels(namespace), generation), { signal })) {
      const checked = mapConcurrent(page.entries, LIST_CONCURRENCY, async ({ location, sizeBytes }) => {
        const name = decodeName(lastSegment(location).replace(/\.json$/, ''))
        return { name, live: await this.#isLiveTable(location, sizeBytes, signal) }
      })
      for await (const { name, live } of checked) if (live) tables.push({ namespace: levels(namespace), name })
    }
    return tables
  }

  async dropTable(name: TableName): Promise<void> {
    const identifier = parsed(name)
    await this.#ensureWritable()
    const { runtime, keys } = this.#env
    for (;;) {
      const generation = await this.#namespaces.cachedGeneration(identifier.namespace)
      const location = keys.pointer(identifier, generation)
      const base = await this.#pointers.read(location)
      const confirmed = await this.#namespaces.generation(identifier.namespace)
      if (confirmed !== generation) continue
      if (base?.body.state !== 'live') throw noSuchTable(printIdentifier(identifier))
      const next = nextPointer(base.body, { state: 'dropped' }, { commitId: runtime.uuid(), u: runtime.uuid() })
      const outcome = await this.#pointers.swap({ location, base, next, writesMetadata: false })
      if (outcome.kind === 'committed') return
      if (outcome.kind === 'unknown') throw dropUnknown(identifier, outcome.cause)
      await runtime.sleep(runtime.random() * 100)
    }
  }

  close(): Promise<void> {
    return this.#env.io.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The size tells, without a GET, on stores whose LIST has it. */
  async #isLiveTable(
    location: string,
    sizeBytes: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (sizeBytes !== undefined && sizeBytes % 16 !== SIZE_CLASS.intent) return sizeBytes % 16 === SIZE_CLASS.table
    const held = await this.#pointers.read(location, signal)
    return held?.body.state === 'live' && held.body.kind === 'table'
  }

  async #createMissing(namespace: readonly string[]): Promise<void> {
    try {
      await this.#namespaces.generation(namespace)
    } catch (error) {
      if (!(error instanceof NoSuchNamespaceError)) throw error
      await this.#namespaces.create(namespace, {}).catch((rival: unknown) => {
        if (!(rival instanceof AlreadyExistsError)) throw rival
      })
    }
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
  return typeof name === 'string' ? parseIdentifier(name) : name
}

function levels(namespace: NamespaceName): readonly string[] {
  return typeof namespace === 'string' ? parseNamespace(namespace) : namespace
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

function dropUnknown(identifier: TableIdentifier, cause: unknown): CommitStateUnknownError {
  const name = printIdentifier(identifier)
  return new CommitStateUnknownError(`the store did not say whether ${name} was dropped: look and try again`, {
    context: { table: name },
    cause,
  })
}
