/**
 * The summary of a snapshot (spec, "Optional Snapshot Summary Fields"): what it added and removed, and the table's
 * totals after it, carried forward from the parent's summary. Snapshot producers call it once an attempt.
 */
import type { DataFile } from './data-file.ts'
import { partitionPath, type PartitionSpec } from './partition-spec.ts'
import type { Operation, SnapshotSummary } from './snapshot.ts'
import type { Schema } from './types.ts'

export interface SummaryInput {
  readonly operation: Operation
  readonly added: readonly DataFile[]
  readonly removed: readonly DataFile[]
  /** The parent's summary; undefined for the first snapshot of a branch, whose totals start from 0. */
  readonly previous?: SnapshotSummary | undefined
  readonly schema: Schema
  readonly specs: (specId: number) => PartitionSpec
  readonly manifests?: ManifestCounts | undefined
  readonly deletedDuplicateFiles?: number | undefined
  /** Changed partitions up to which each gets an entry of its own; `write.summary.partition-limit`. */
  readonly partitionSummaryLimit?: number | undefined
  /** Entries of the caller: engine name, wap.id, offsets of a source. Computed ones win over them. */
  readonly properties?: Readonly<Record<string, string>> | undefined
}

export interface ManifestCounts {
  readonly created: number
  readonly kept: number
  readonly replaced: number
  readonly entriesProcessed?: number | undefined
}

/** Counts that a summary prints under `added-*` and `removed-*` or `deleted-*`. */
interface FileCounts {
  dataFiles: number
  records: number
  deleteFiles: number
  positionDeleteFiles: number
  dvs: number
  positionDeletes: number
  equalityDeleteFiles: number
  equalityDeletes: number
  sizeBytes: number
}

type Change = 'added' | 'removed'

/** Summary keys by count, in the order in which they are printed. */
const COUNT_KEYS: readonly (readonly [keyof FileCounts, { readonly [C in Change]: string }])[] = [
  ['dataFiles', { added: 'added-data-files', removed: 'deleted-data-files' }],
  ['equalityDeleteFiles', { added: 'added-equality-delete-files', removed: 'removed-equality-delete-files' }],
  ['positionDeleteFiles', { added: 'added-position-delete-files', removed: 'removed-position-delete-files' }],
  ['deleteFiles', { added: 'added-delete-files', removed: 'removed-delete-files' }],
  ['dvs', { added: 'added-dvs', removed: 'removed-dvs' }],
  ['records', { added: 'added-records', removed: 'deleted-records' }],
  ['sizeBytes', { added: 'added-files-size', removed: 'removed-files-size' }],
  ['positionDeletes', { added: 'added-position-deletes', removed: 'removed-position-deletes' }],
  ['equalityDeletes', { added: 'added-equality-deletes', removed: 'removed-equality-deletes' }],
]

const TOTALS: readonly (readonly [string, keyof FileCounts])[] = [
  ['total-records', 'records'],
  ['total-files-size', 'sizeBytes'],
  ['total-data-files', 'dataFiles'],
  ['total-delete-files', 'deleteFiles'],
  ['total-position-deletes', 'positionDeletes'],
  ['total-equality-deletes', 'equalityDeletes'],
]

export function summarizeSnapshot(input: SummaryInput): SnapshotSummary {
  const { operation, added, removed, previous, properties = {}, deletedDuplicateFiles = 0 } = input
  const counts = { added: countFiles(added), removed: countFiles(removed) }
  return {
    operation,
    properties: {
      ...properties,
      ...countEntries(counts),
      ...(deletedDuplicateFiles > 0 ? { 'deleted-duplicate-files': String(deletedDuplicateFiles) } : {}),
      ...partitionEntries(input),
      ...manifestEntries(input.manifests),
      ...totalEntries(previous, counts),
    },
  }
}

function countFiles(files: readonly DataFile[]): FileCounts {
  const counts: FileCounts = {
    dataFiles: 0,
    records: 0,
    deleteFiles: 0,
    positionDeleteFiles: 0,
    dvs: 0,
    positionDeletes: 0,
    equalityDeleteFiles: 0,
    equalityDeletes: 0,
    sizeBytes: 0,
  }
  for (const file of files) countFile(counts, file)
  return counts
}

function countFile(counts: FileCounts, file: DataFile): void {
  const isVector = file.content === 'position-deletes' && file.fileFormat === 'puffin'
  // One Puffin file holds the vectors of many data files: each counts with its own blob only.
  counts.sizeBytes += (isVector ? file.contentSizeInBytes : undefined) ?? file.fileSizeInBytes
  switch (file.content) {
    case 'data':
      counts.dataFiles++
      counts.records += file.recordCount
      return
    case 'position-deletes':
      counts.deleteFiles++
      counts[isVector ? 'dvs' : 'positionDeleteFiles']++
      counts.positionDeletes += file.recordCount
      return
    case 'equality-deletes':
      counts.deleteFiles++
      counts.equalityDeleteFiles++
      counts.equalityDeletes += file.recordCount
  }
}

/** Counts of 0 are left out. */
function countEntries(counts: Readonly<Record<Change, FileCounts>>): Record<string, string> {
  const entries = COUNT_KEYS.flatMap(([count, keys]) => [
    [keys.added, counts.added[count]] as const,
    [keys.removed, counts.removed[count]] as const,
  ])
  return Object.fromEntries(entries.filter(([, value]) => value > 0).map(([key, value]) => [key, String(value)]))
}

function partitionEntries(input: SummaryInput): Record<string, string> {
  const { added, removed, partitionSummaryLimit = 0 } = input
  const addedByPath = groupByPath(added, input)
  const removedByPath = groupByPath(removed, input)
  const paths = new Set([...addedByPath.keys(), ...removedByPath.keys()])
  const entries: Record<string, string> = { 'changed-partition-count': String(paths.size) }
  if (paths.size === 0 || paths.size > partitionSummaryLimit) return entries
  entries['partition-summaries-included'] = 'true'
  for (const path of paths) {
    if (path === '') continue
    const counts = {
      added: countFiles(addedByPath.get(path) ?? []),
      removed: countFiles(removedByPath.get(path) ?? []),
    }
    const text = Object.entries(countEntries(counts)).map(([key, value]) => `${key}=${value}`)
    entries[`partitions.${path}`] = text.join(',')
  }
  return entries
}

function groupByPath(files: readonly DataFile[], { schema, specs }: SummaryInput): Map<string, DataFile[]> {
  const groups = new Map<string, DataFile[]>()
  for (const file of files) {
    const path = partitionPath(specs(file.specId), schema, file.partition)
    const group = groups.get(path)
    if (group === undefined) groups.set(path, [file])
    else group.push(file)
  }
  return groups
}

function manifestEntries(manifests: ManifestCounts | undefined): Record<string, string> {
  if (manifests === undefined) return {}
  const { created, kept, replaced, entriesProcessed } = manifests
  return {
    'manifests-created': String(created),
    'manifests-kept': String(kept),
    'manifests-replaced': String(replaced),
    ...(entriesProcessed === undefined ? {} : { 'entries-processed': String(entriesProcessed) }),
  }
}

/** A total that the parent doesn't tell, or that would fall below 0, is unknown and left out from here on. */
function totalEntries(
  previous: SnapshotSummary | undefined,
  counts: Readonly<Record<Change, FileCounts>>,
): Record<string, string> {
  const entries: Record<string, string> = {}
  for (const [key, count] of TOTALS) {
    const before = previous === undefined ? '0' : previous.properties[key]
    if (before === undefined || !/^\d+$/.test(before)) continue
    const total = BigInt(before) + BigInt(counts.added[count]) - BigInt(counts.removed[count])
    if (total >= 0n) entries[key] = String(total)
  }
  return entries
}
