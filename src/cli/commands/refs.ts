import type { CommandContext } from '../command.ts'
import { loadTable } from '../table-options.ts'

export async function refs(context: CommandContext): Promise<void> {
  const { metadata } = await loadTable(context)
  await context.output.list(Object.entries(metadata.refs), {
    json: ([name, ref]) => ({
      name,
      type: ref.type,
      snapshotId: ref.snapshotId,
      minSnapshotsToKeep: ref.minSnapshotsToKeep ?? null,
      maxSnapshotAgeMs: ref.maxSnapshotAgeMs ?? null,
      maxRefAgeMs: ref.maxRefAgeMs ?? null,
    }),
    columns: [{ title: 'name' }, { title: 'type' }, { title: 'snapshot', alignRight: true }, { title: 'kept' }],
    cells: ([name, ref]) => [name, ref.type, String(ref.snapshotId), retentionOf(ref)],
    empty: 'no branches or tags: nothing was appended yet',
  })
}

interface Retention {
  readonly minSnapshotsToKeep?: number | undefined
  readonly maxSnapshotAgeMs?: number | undefined
  readonly maxRefAgeMs?: number | undefined
}

function retentionOf({ minSnapshotsToKeep, maxSnapshotAgeMs, maxRefAgeMs }: Retention): string {
  return [
    minSnapshotsToKeep === undefined ? [] : `at least ${minSnapshotsToKeep} snapshots`,
    maxSnapshotAgeMs === undefined ? [] : `snapshots for ${ageOf(maxSnapshotAgeMs)}`,
    maxRefAgeMs === undefined ? [] : `itself for ${ageOf(maxRefAgeMs)}`,
  ]
    .flat()
    .join(', ')
}

function ageOf(ms: number): string {
  const days = ms / 86_400_000
  return days >= 1 ? `${Number(days.toFixed(1))} d` : `${Number((ms / 3_600_000).toFixed(1))} h`
}
