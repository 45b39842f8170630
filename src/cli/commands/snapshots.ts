import type { Snapshot } from '../../spec/snapshot.ts'
import type { CommandContext } from '../command.ts'
import { formatBytes, formatCount, formatTime } from '../output.ts'
import { loadTable } from '../table-options.ts'

export async function snapshots(context: CommandContext): Promise<void> {
  const table = await loadTable(context)
  const refs = Object.entries(table.metadata.refs)
  const refsOf = (id: bigint): string[] => refs.filter(([, ref]) => ref.snapshotId === id).map(([name]) => name)
  await context.output.list(table.snapshots, {
    json: (snapshot) => ({
      snapshotId: snapshot.snapshotId,
      parentSnapshotId: snapshot.parentSnapshotId ?? null,
      sequenceNumber: snapshot.sequenceNumber,
      timestamp: new Date(snapshot.timestampMs).toISOString(),
      timestampMs: snapshot.timestampMs,
      operation: snapshot.summary?.operation ?? null,
      refs: refsOf(snapshot.snapshotId),
      addedRows: summaryOf(snapshot)['added-records'] ?? null,
      totalRows: summaryOf(snapshot)['total-records'] ?? null,
      manifestList: snapshot.manifestList ?? null,
      summary: summaryOf(snapshot),
    }),
    columns: [
      { title: 'snapshot', alignRight: true },
      { title: 'time' },
      { title: 'operation' },
      ...['added rows', 'rows', 'files', 'size'].map((title) => ({ title, alignRight: true })),
      { title: 'refs' },
    ],
    cells: (snapshot) => {
      const summary = summaryOf(snapshot)
      const counts = ['added-records', 'total-records', 'total-data-files'].map((key) =>
        formatCount(summary[key] ?? ''),
      )
      const size = summary['total-files-size']
      return [
        String(snapshot.snapshotId),
        formatTime(snapshot.timestampMs),
        snapshot.summary?.operation ?? '',
        ...counts,
        size === undefined ? '' : formatBytes(Number(size)),
        refsOf(snapshot.snapshotId).join(', '),
      ]
    },
    empty: 'no snapshots: nothing was appended yet',
  })
}

function summaryOf({ summary }: Snapshot): Readonly<Record<string, string>> {
  return summary?.properties ?? {}
}
