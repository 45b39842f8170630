/** firn as a contestant: the library from its public door, with default settings. */
import { type Catalog, openCatalog } from '../src/index.ts'
import type { FileIOOptions } from '../src/io/open-file-io.ts'
import { type Contestant, ownCpuMs, type Place } from './contestant.ts'
import { EVENT_SCHEMA } from './event-rows.ts'

export const FIRN_TABLE = 'bench.events'

export const firn: Contestant = {
  name: 'firn',
  async open(place) {
    const catalog = await openWarehouse(place)
    const table = await catalog.createTable(FIRN_TABLE, { schema: EVENT_SCHEMA })
    return {
      append: async (rows) => void (await table.append(rows)),
      cpuMs: ownCpuMs,
      async countRows() {
        const reader = await openWarehouse(place)
        let rows = 0n
        for await (const batch of (await reader.loadTable(FIRN_TABLE)).scan()) rows += BigInt(batch.numRows)
        await reader.close()
        return rows
      },
      close: () => catalog.close(),
    }
  },
}

export function openWarehouse(place: Place): Promise<Catalog> {
  return openCatalog(`s3://${place.bucket}/${place.prefix}`, storeOptions(place))
}

/** How the library reaches the store of a place. */
export function storeOptions({ endpoint, accessKeyId, secretAccessKey }: Place): FileIOOptions {
  return { s3: { endpoint, credentials: { accessKeyId, secretAccessKey } } }
}
