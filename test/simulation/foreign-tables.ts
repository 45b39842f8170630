/** Tables that another catalog made, for simulated processes to register. */
import type { CatalogEnvironment } from '../../src/catalog/catalog-environment.ts'
import { encodeTableMetadata } from '../../src/manifest/metadata-file.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { newTableMetadata } from '../../src/spec/new-table-metadata.ts'
import { UNPARTITIONED } from '../../src/spec/partition-spec.ts'
import { UNSORTED } from '../../src/spec/sort-order.ts'

/** Rows are table properties: this and their id, with their file. */
export const ROW = 'row.'
/** The second lies within the first: never may both be registered. */
const FOLDERS = ['x', 'x/data/in', 'y']

export interface ForeignTable {
  readonly uuid: string
  readonly location: string
  readonly metadataLocation: string
}

/** Each with one row. */
export async function writeForeignTables(
  { io, runtime }: CatalogEnvironment,
  root: string,
): Promise<readonly ForeignTable[]> {
  const tables: ForeignTable[] = []
  for (const folder of FOLDERS) {
    const [uuid, location] = [runtime.uuid(), `${root}/${folder}`]
    const file = `${location}/data/${uuid}`
    const metadata = newTableMetadata({
      schema: defineSchema({ id: 'string' }),
      partitionSpec: UNPARTITIONED,
      sortOrder: UNSORTED,
      properties: { [ROW + uuid]: file, 'commit.retry.total-timeout-ms': '60000' },
      formatVersion: 2,
      tableUuid: uuid,
      location,
      nowMs: 1,
    })
    const metadataLocation = `${location}/metadata/00001-${uuid}.metadata.json`
    await io.write(file, new TextEncoder().encode(uuid))
    await io.write(metadataLocation, encodeTableMetadata(metadata))
    tables.push({ uuid, location, metadataLocation })
  }
  return tables
}
