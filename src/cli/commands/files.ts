import type { CommandContext } from '../command.ts'
import { fileSizes } from './file-sizes.ts'
import { formatBytes, formatCount } from '../output.ts'
import { printPartition } from '../partition-text.ts'
import { loadTable, scanOptions } from '../table-options.ts'

export async function files(context: CommandContext): Promise<void> {
  const request = scanOptions(context)
  const table = await loadTable(context)
  const tasks = table.scan(request).planFiles()
  if (context.options.flag('hist')) return fileSizes(context, table, tasks)
  const folder = `${table.location}/`
  await context.output.list(tasks, {
    json: ({ file, sequenceNumber, spec }) => ({
      path: file.filePath,
      partition: Object.fromEntries(printPartition(spec, table.schema, file.partition)),
      rows: String(file.recordCount),
      sizeBytes: file.fileSizeInBytes,
      rowGroups: file.splitOffsets?.length ?? null,
      format: file.fileFormat,
      specId: file.specId,
      sortOrderId: file.sortOrderId ?? null,
      sequenceNumber,
    }),
    columns: [
      { title: 'partition' },
      { title: 'rows', alignRight: true },
      { title: 'size', alignRight: true },
      { title: 'path', keepEnd: true },
    ],
    cells: (task) => {
      const { filePath, recordCount, fileSizeInBytes } = task.file
      const partition = printPartition(task.spec, table.schema, task.file.partition).map(
        ([name, value]) => `${name}=${value}`,
      )
      const path = filePath.startsWith(folder) ? filePath.slice(folder.length) : filePath
      return [partition.join(' '), formatCount(recordCount), formatBytes(fileSizeInBytes), path]
    },
    empty: 'no files',
  })
}
