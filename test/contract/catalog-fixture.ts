/** What the catalog's contract suites share. */
import type { Catalog } from '../../src/catalog/catalog.ts'
import type { FileIO } from '../../src/io/file-io.ts'

export interface CatalogFixture {
  /** Another handle on the same warehouse, as another process would have it. */
  open(): Promise<Catalog>
  /** Another warehouse in the same store: its tables are foreign to this one. */
  readonly other: string
  openOther(): Promise<Catalog>
  readonly io: FileIO
}

export const schema = { id: 'long not null', name: 'string', ts: 'timestamptz' }

export async function idsOf(catalog: Catalog, table: string): Promise<bigint[]> {
  const loaded = await catalog.loadTable(table)
  const ids: bigint[] = []
  for await (const row of loaded.scan({ select: ['id'] }).rows()) ids.push(row['id'] as bigint)
  return ids.toSorted((a, b) => Number(a - b))
}
