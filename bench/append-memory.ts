/** A process that appends rows as a stream, in one commit, and tells the most memory that it had: started by ingest.ts. */
import type { RecordBatch } from 'apache-arrow'
import { RowPacker } from '../src/write/rows-to-arrow.ts'
import type { Place } from './contestant.ts'
import { EVENT_SCHEMA, type EventRow, eventRows } from './event-rows.ts'
import { FIRN_TABLE, openWarehouse } from './firn.ts'
import type { AppendMemory } from './ingest.ts'
import { peakRssBytes } from './peak-memory.ts'

/** Rows that are made: the same come again, under new ids where they are objects. */
const MADE_ROWS = 50_000
const CHUNK_ROWS = 10_000

const [input = '{}'] = process.argv.slice(2)
const { rows, arrow, ...place } = JSON.parse(input) as Place & { readonly rows: number; readonly arrow: boolean }
const catalog = await openWarehouse(place)
const table = await catalog.createTable(FIRN_TABLE, { schema: EVENT_SCHEMA })
const startMs = performance.now()
await table.append(arrow ? batches() : objects())
const seconds = (performance.now() - startMs) / 1000
await catalog.close()
const result: AppendMemory = { rows, arrow, seconds, peakRssBytes: peakRssBytes() }
process.stdout.write(JSON.stringify(result))

async function* objects(): AsyncGenerator<EventRow> {
  const made = eventRows(0, MADE_ROWS)
  for (let id = 0; id < rows; id++) yield { ...(made[id % MADE_ROWS] as EventRow), id: BigInt(id) }
}

async function* batches(): AsyncGenerator<RecordBatch> {
  const packer = new RowPacker(table.schema)
  const made: RecordBatch[] = []
  for (let from = 0; from < MADE_ROWS; from += CHUNK_ROWS) {
    packer.append(eventRows(from, CHUNK_ROWS))
    made.push(packer.finish())
  }
  for (let i = 0; i < rows / CHUNK_ROWS; i++) yield made[i % made.length] as RecordBatch
}
