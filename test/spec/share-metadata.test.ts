import { expect, it } from 'vitest'
import { shareMetadata } from '../../src/spec/share-metadata.ts'
import { parseTableMetadata, printTableMetadata } from '../../src/spec/table-metadata-json.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import { apply, exampleTable, nextSnapshot } from './example-metadata.ts'

function append(base: TableMetadata, snapshotId: bigint, manifestList?: string): TableMetadata {
  const snapshot = nextSnapshot(base, snapshotId, manifestList === undefined ? {} : { manifestList })
  const ref = { type: 'branch', snapshotId } as const
  return apply(base, { action: 'add-snapshot', snapshot }, { action: 'set-snapshot-ref', refName: 'main', ref })
}

const read = (metadata: TableMetadata): TableMetadata => parseTableMetadata(printTableMetadata(metadata), 'x')

it('keeps the objects of what is unchanged, and says what was read', () => {
  const known = append(append(exampleTable(), 1n), 2n)
  const fresh = read(append(known, 3n))
  const shared = shareMetadata(fresh, known)
  expect(shared).toEqual(fresh)
  expect(shared.schemas[0]).toBe(known.schemas[0])
  expect(shared.partitionSpecs[0]).toBe(known.partitionSpecs[0])
  expect(shared.snapshots.slice(0, 2).every((snapshot, i) => snapshot === known.snapshots[i])).toBe(true)
  expect(shared.snapshotLog.slice(0, 2).every((entry, i) => entry === known.snapshotLog[i])).toBe(true)
  expect(fresh.snapshots[0]).not.toBe(known.snapshots[0])
})

it('takes no snapshot for another that lies elsewhere', () => {
  const known = append(exampleTable(), 1n)
  const moved = read(append(exampleTable(), 1n, 's3://lake/moved/snap-1.avro'))
  expect(shareMetadata(moved, known)).toEqual(moved)
})

it('drops what the fresh state no longer has', () => {
  const known = append(append(exampleTable(), 1n), 2n)
  const fresh = read({ ...known, snapshots: known.snapshots.slice(1), snapshotLog: known.snapshotLog.slice(1) })
  expect(shareMetadata(fresh, known)).toEqual(fresh)
})
