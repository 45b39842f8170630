import type { FileScanTask } from '../../scan/scan-task.ts'
import { findField } from '../../spec/schema.ts'
import { transformHumanString } from '../../spec/transform-text.ts'
import { isPrimitive } from '../../spec/types.ts'
import type { Schema } from '../../spec/types.ts'
import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount } from '../output.ts'
import { loadTable, scanOptions } from '../table-options.ts'

export async function files(context: CommandContext): Promise<void> {
  const request = scanOptions(context)
  const table = await loadTable(context)
  const folder = `${table.location}/`
  await context.output.list(table.scan(request).planFiles(), {
    json: ({ file, sequenceNumber, ...task }) => ({
      path: file.filePath,
      partition: Object.fromEntries(partitionOf({ file, ...task }, table.schema)),
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
      const partition = partitionOf(task, table.schema).map(([name, value]) => `${name}=${value}`)
      const path = filePath.startsWith(folder) ? filePath.slice(folder.length) : filePath
      return [partition.join(' '), formatCount(recordCount), formatBytes(fileSizeInBytes), path]
    },
    empty: 'no files',
  })
}

/** The partition's fields and values as people read them: `['date_month', '2001-01']`. */
function partitionOf({ file, spec }: Pick<FileScanTask, 'file' | 'spec'>, schema: Schema): [string, string | null][] {
  return spec.fields.map(({ name, transform, sourceIds }, i) => {
    const value = file.partition[i] ?? null
    const type = findField(schema, sourceIds[0] ?? 0)?.type
    const isKnown = value !== null && type !== undefined && isPrimitive(type)
    return [name, isKnown ? transformHumanString(transform, type, value) : null]
  })
}
