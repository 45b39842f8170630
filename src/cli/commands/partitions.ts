import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount } from '../output.ts'
import { printPartition } from '../partition-text.ts'
import { loadTable } from '../table-options.ts'

export async function partitions(context: CommandContext): Promise<void> {
  const { output, options, host } = context
  const table = await loadTable(context)
  const summaries = await table.partitions({ asOf: options.string('as-of'), signal: host.signal })
  await output.list(summaries, {
    json: ({ spec, partition, rows, ...counts }) => ({
      partition: Object.fromEntries(printPartition(spec, table.schema, partition)),
      specId: spec.specId,
      rows,
      ...counts,
    }),
    columns: [
      { title: 'partition' },
      ...['spec', 'files', 'rows', 'size', 'delete files'].map((title) => ({ title, alignRight: true })),
    ],
    cells: ({ spec, partition, dataFiles, rows, sizeBytes, ...deletes }) => [
      printPartition(spec, table.schema, partition)
        .map(([name, value]) => `${name}=${value}`)
        .join(' ') || '(unpartitioned)',
      String(spec.specId),
      formatCount(dataFiles),
      formatCount(rows),
      formatBytes(sizeBytes),
      formatCount(deletes.positionDeleteFiles + deletes.deletionVectors + deletes.equalityDeleteFiles),
    ],
    empty: 'no files',
  })
}
