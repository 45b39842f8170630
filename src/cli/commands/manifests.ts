import { formatBytes, formatCount } from '../output.ts'
import type { CommandContext } from '../command.ts'
import { loadTable } from '../table-options.ts'

export async function manifests(context: CommandContext): Promise<void> {
  const { output, options, host } = context
  const table = await loadTable(context)
  const folder = `${table.location}/`
  await output.list(await table.manifests({ asOf: options.string('as-of'), signal: host.signal }), {
    json: (manifest) => ({
      path: manifest.manifestPath,
      sizeBytes: manifest.manifestLength,
      content: manifest.content,
      specId: manifest.partitionSpecId,
      sequenceNumber: manifest.sequenceNumber,
      addedSnapshotId: manifest.addedSnapshotId,
      files: {
        added: manifest.addedFilesCount ?? null,
        existing: manifest.existingFilesCount ?? null,
        deleted: manifest.deletedFilesCount ?? null,
      },
      rows: {
        added: countOf(manifest.addedRowsCount),
        existing: countOf(manifest.existingRowsCount),
        deleted: countOf(manifest.deletedRowsCount),
      },
    }),
    columns: [
      { title: 'content' },
      ...['spec', 'added', 'existing', 'deleted', 'rows', 'size'].map((title) => ({ title, alignRight: true })),
      { title: 'path', keepEnd: true },
    ],
    cells: (manifest) => {
      const { addedFilesCount, existingFilesCount, deletedFilesCount, manifestPath } = manifest
      const { addedRowsCount, existingRowsCount } = manifest
      const isCounted = addedRowsCount !== undefined && existingRowsCount !== undefined
      return [
        manifest.content,
        String(manifest.partitionSpecId),
        ...[addedFilesCount, existingFilesCount, deletedFilesCount].map((count) => formatCount(count ?? '')),
        isCounted ? formatCount(addedRowsCount + existingRowsCount) : '',
        formatBytes(manifest.manifestLength),
        manifestPath.startsWith(folder) ? manifestPath.slice(folder.length) : manifestPath,
      ]
    },
    empty: 'no manifests',
  })
}

/** Lists of version 1 may leave counts out. */
function countOf(count: number | undefined): string | null {
  return count === undefined ? null : String(count)
}
