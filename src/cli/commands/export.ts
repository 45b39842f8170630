import type { RecordBatch } from 'apache-arrow'
import { ValidationError } from '../../base/errors.ts'
import { createParquetWriter } from '../../format/parquet-writer.ts'
import { toLocation } from '../../io/location.ts'
import { openFileIO } from '../../io/open-file-io.ts'
import { copyTable } from '../../maintenance/copy-table.ts'
import type { Schema } from '../../spec/types.ts'
import { EXPORT_FORMATS } from '../choices.ts'
import type { CommandContext } from '../command.ts'
import { writeExport } from '../export-file.ts'
import { counted, formatBytes } from '../output.ts'
import { csvHeader, csvRows, jsonRows, printChunks } from '../row-format.ts'
import { loadTable, scanOptions } from '../table-options.ts'

const EXTENSIONS: Readonly<Record<string, (typeof EXPORT_FORMATS)[number]>> = { pq: 'parquet', jsonl: 'ndjson' }
const OF_ROWS = ['where', 'select', 'limit', 'as-of', 'overwrite'] as const

export async function exportTable(context: CommandContext): Promise<void> {
  const { options, host, storeOptions, closeAtEnd, output, progress, name } = context
  const given = options.string('to')
  if (given === undefined) throw new ValidationError('say where to: --to FILE')
  const location = toLocation(given, host.cwd)
  const format = formatOf(location, options.string('format'))
  const io = openFileIO(location, { ...(await storeOptions(location)), cacheSizeBytes: 0 })
  closeAtEnd(io)
  const { signal } = host
  if (format === 'iceberg') {
    const wrong = OF_ROWS.find((option) => options.string(option) !== undefined || options.flag(option))
    if (wrong !== undefined) throw new ValidationError(`--${wrong} goes with files of rows: a table is copied whole`)
    const snapshots = options.flag('current-only') ? 'current' : 'all'
    const copy = await copyTable(await loadTable(context), { to: location, io, snapshots, signal })
    await output.result({ identifier: name, location, ...copy }, () => [
      `copied ${name} to ${location}: ${counted(copy.files, 'file')}, ${counted(copy.snapshots, 'snapshot')}`,
      copy.metadataLocation,
    ])
    return
  }
  const scan = (await loadTable(context)).scan(scanOptions(context))
  let rows = 0
  async function* batches(): AsyncGenerator<RecordBatch> {
    for await (const batch of scan) {
      rows += batch.numRows
      progress.rows(batch.numRows, undefined)
      yield batch
    }
  }
  const chunks =
    format === 'parquet' ? parquetChunks(scan.schema, batches()) : textChunks(format, scan.schema, batches())
  const sizeBytes = await writeExport(io, location, { chunks, overwrite: options.flag('overwrite'), signal })
  await output.result({ identifier: name, location, format, rows: BigInt(rows), sizeBytes }, () => [
    `exported ${name} to ${location}: ${counted(rows, 'row')}, ${formatBytes(sizeBytes)}`,
  ])
}

function formatOf(location: string, given: string | undefined): (typeof EXPORT_FORMATS)[number] {
  const extension = /\.([a-z]+)$/i.exec(location)?.[1]?.toLowerCase() ?? ''
  const told = given ?? EXTENSIONS[extension] ?? extension
  const format = EXPORT_FORMATS.find((known) => known === told)
  if (format !== undefined) return format
  if (given !== undefined) throw new ValidationError(`--format is one of ${EXPORT_FORMATS.join(', ')}, not "${given}"`)
  throw new ValidationError(
    `${location}: its name does not tell what it is to be: give --format ${EXPORT_FORMATS.join(', ')}`,
  )
}

/** Row group by row group. */
async function* parquetChunks(schema: Schema, batches: AsyncIterable<RecordBatch>): AsyncGenerator<Uint8Array> {
  const writer = createParquetWriter({ schema, codec: 'zstd' })
  for await (const batch of batches) {
    writer.write(batch)
    yield* writer.take()
  }
  yield writer.finish().bytes
}

async function* textChunks(
  format: 'csv' | 'ndjson',
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
): AsyncGenerator<Uint8Array> {
  if (format === 'csv') yield Buffer.from(`${csvHeader(schema)}\n`)
  const print = format === 'csv' ? csvRows(schema) : jsonRows(schema)
  for await (const lines of printChunks(batches, print)) yield Buffer.from(`${lines.join('\n')}\n`)
}
