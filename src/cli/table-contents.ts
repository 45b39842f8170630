/** How much a table holds, for people. */
import type { Snapshot } from '../spec/snapshot.ts'
import { counted, formatBytes } from './output.ts'

/** `3 rows in 2 files, 1.2 KB`: totals as the snapshot's summary has them. */
export function contents(snapshot: Snapshot | undefined): string {
  const { properties = {} } = snapshot?.summary ?? {}
  const { 'total-records': rows = '0', 'total-data-files': files = '0', 'total-files-size': size = '0' } = properties
  return `${counted(BigInt(rows), 'row')} in ${counted(BigInt(files), 'file')}, ${formatBytes(Number(size))}`
}
