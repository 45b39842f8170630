/**
 * Copies tables of one warehouse to another, table by table: namespaces with their properties, files, then the name, by
 * which a table shows only when all of it is there. What was copied before is left alone, so that a run that ended early is
 * simply begun again.
 */
import { AlreadyExistsError, NotFoundError } from '../base/errors.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { FileIO } from '../io/file-io.ts'
import { parseIdentifier, printIdentifier } from '../spec/identifier.ts'
import type { TableIdentifier } from '../spec/identifier.ts'
import type { Table } from '../table/table.ts'
import { copyTable } from './copy-table.ts'
import type { CopiedTable } from './copy-table.ts'

export interface CopyCatalogOptions {
  /** All tables by default. */
  readonly tables?: readonly string[] | undefined
  readonly snapshots?: 'all' | 'current' | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * - `copied`: now.
 * - `present`: by a run before; the state is the same.
 * - `differs`: a table of this uuid is there, and one of the two was committed to since. It is left alone.
 */
export interface CopiedName {
  readonly identifier: TableIdentifier
  readonly outcome: 'copied' | 'present' | 'differs'
  readonly copy?: CopiedTable | undefined
}

/**
 * Yields each table when it is done. `io` is that of the warehouse `to`. Errors: AlreadyExistsError where another table has
 * the name there, NoSuchTableError for tables asked for, those of copyTable.
 */
export async function* copyCatalog(
  from: Catalog,
  to: { readonly catalog: Catalog; readonly io: FileIO },
  options: CopyCatalogOptions = {},
): AsyncGenerator<CopiedName> {
  const { signal } = options
  const identifiers = options.tables?.map(parseIdentifier) ?? (await allTables(from, signal))
  const seen = new Set<string>()
  for (const identifier of identifiers) {
    signal?.throwIfAborted()
    const space = JSON.stringify(identifier.namespace)
    if (!seen.has(space)) await copyNamespace(from, to.catalog, identifier.namespace)
    seen.add(space)
    yield await copyName(from, to, { identifier, ...options })
  }
}

async function allTables(catalog: Catalog, signal: AbortSignal | undefined): Promise<TableIdentifier[]> {
  const found: TableIdentifier[] = []
  for (const namespace of await catalog.listNamespaces({ signal })) {
    found.push(...(await catalog.listTables(namespace, { signal })))
  }
  return found
}

/** Properties that are set there already stay. */
async function copyNamespace(from: Catalog, to: Catalog, namespace: readonly string[]): Promise<void> {
  const properties = await from.namespaceProperties(namespace)
  if (await to.namespaceExists(namespace)) return
  await to.createNamespace(namespace, properties).catch((error: unknown) => {
    if (!(error instanceof AlreadyExistsError)) throw error
  })
}

async function copyName(
  from: Catalog,
  { catalog, io }: { readonly catalog: Catalog; readonly io: FileIO },
  { identifier, snapshots, signal }: CopyCatalogOptions & { readonly identifier: TableIdentifier },
): Promise<CopiedName> {
  const source = await from.loadTable(identifier, { signal })
  const uuid = source.metadata.tableUuid
  const there = await find(catalog, identifier)
  if (there !== undefined) {
    if (there.metadata.tableUuid === uuid) return { identifier, outcome: isSame(source, there) ? 'present' : 'differs' }
    const name = printIdentifier(identifier)
    throw new AlreadyExistsError(`another table is ${name} already: rename one of the two`, {
      context: { table: name },
    })
  }
  const location = await catalog.reserveTable(identifier, uuid)
  const copy = await copyTable(source, { to: location, io, snapshots, signal })
  await catalog.registerTable(identifier, copy.metadataLocation, { signal })
  return { identifier, outcome: 'copied', copy }
}

async function find(catalog: Catalog, identifier: TableIdentifier): Promise<Table | undefined> {
  try {
    return await catalog.loadTable(identifier)
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}

function isSame(source: Table, copy: Table): boolean {
  const [a, b] = [source.metadata, copy.metadata]
  return a.currentSnapshotId === b.currentSnapshotId && a.lastUpdatedMs === b.lastUpdatedMs
}
