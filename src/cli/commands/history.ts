import { snapshotById } from '../../spec/table-metadata-access.ts'
import type { TableMetadata } from '../../spec/table-metadata.ts'
import type { CommandContext } from '../command.ts'
import { formatTime } from '../output.ts'
import { loadTable } from '../table-options.ts'

/** Which snapshot was the current one from when on: the log, which also tells of rollbacks. */
export async function history(context: CommandContext): Promise<void> {
  const { metadata } = await loadTable(context)
  const ancestors = ancestorsOf(metadata)
  await context.output.list(metadata.snapshotLog, {
    json: ({ timestampMs, snapshotId }) => ({
      madeCurrentAt: new Date(timestampMs).toISOString(),
      madeCurrentAtMs: timestampMs,
      snapshotId,
      parentSnapshotId: snapshotById(metadata, snapshotId)?.parentSnapshotId ?? null,
      operation: snapshotById(metadata, snapshotId)?.summary?.operation ?? null,
      isCurrentAncestor: ancestors.has(snapshotId),
    }),
    columns: [
      { title: 'current from' },
      { title: 'snapshot', alignRight: true },
      { title: 'operation' },
      { title: 'parent', alignRight: true },
      { title: '' },
    ],
    cells: ({ timestampMs, snapshotId }) => {
      const snapshot = snapshotById(metadata, snapshotId)
      return [
        formatTime(timestampMs),
        String(snapshotId),
        snapshot?.summary?.operation ?? '',
        String(snapshot?.parentSnapshotId ?? ''),
        ancestors.has(snapshotId) ? '' : 'rolled back',
      ]
    },
    empty: 'no history: nothing was appended yet',
  })
}

/** The current snapshot and all that it descends from. */
function ancestorsOf(metadata: TableMetadata): ReadonlySet<bigint> {
  const ancestors = new Set<bigint>()
  let id = metadata.currentSnapshotId
  while (id !== undefined && !ancestors.has(id)) {
    ancestors.add(id)
    id = snapshotById(metadata, id)?.parentSnapshotId
  }
  return ancestors
}
