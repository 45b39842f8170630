/** A process that scans one table to its end, and tells the most memory that it had: started by reads.ts. */
import { openTable } from '../src/index.ts'
import type { Place } from './contestant.ts'
import { peakRssBytes } from './peak-memory.ts'
import type { ReadMemory } from './reads.ts'

const [input = '{}'] = process.argv.slice(2)
const { location, endpoint, accessKeyId, secretAccessKey } = JSON.parse(input) as Place & { readonly location: string }
const table = await openTable(location, { s3: { endpoint, credentials: { accessKeyId, secretAccessKey } } })
let rows = 0
let bytes = 0
for await (const batch of table.scan()) {
  rows += batch.numRows
  bytes += batch.data.byteLength
}
const result: ReadMemory = { rows, megabytes: bytes / 1e6, peakRssBytes: peakRssBytes() }
process.stdout.write(JSON.stringify(result))
