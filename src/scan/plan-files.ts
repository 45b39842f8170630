/**
 * Planning: from a snapshot to the data files that may hold rows of a filter. Manifests are pruned by their partition
 * summaries, then fetched in parallel and decoded block by block; their entries are pruned by partition and by column
 * metrics. Tasks stream in the order of the manifests, the first after some entries of the first manifest; where the snapshot
 * has delete files, after all of those are known. The read flow's next step is read-task.ts.
 */
import { InvalidDataError } from '../base/errors.ts'
import { memoizeLast } from '../base/memo.ts'
import type { BoundExpression } from '../expr/bound-expression.ts'
import { evaluate } from '../expr/evaluate.ts'
import { manifestMightMatch } from '../expr/manifest-evaluator.ts'
import { fileMightMatch } from '../expr/metrics-evaluator.ts'
import { projectPartition, residualOf } from '../expr/project.ts'
import type { FileIO } from '../io/file-io.ts'
import { readLiveEntries, readManifestList } from '../manifest/manifest-io.ts'
import type { KeepEntry } from '../manifest/entry-reader.ts'
import type { ManifestEntry, ManifestFile, PartitionData } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import { specById } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { type DeletesOf, indexDeletes, isUnpartitioned } from './delete-index.ts'
import { foldMetadata } from './metadata-values.ts'
import type { ResolvedScan } from './resolve-scan.ts'
import type { DeleteFile, FileScanTask } from './scan-task.ts'

export interface PlanInput {
  readonly io: FileIO
  readonly metadata: TableMetadata
  readonly scan: Pick<ResolvedScan, 'snapshot' | 'schema' | 'named' | 'filter' | 'partition'>
  readonly signal?: AbortSignal | undefined
}

/** What planning has seen so far; written while tasks are drawn, complete when they end. */
export interface PlanTotals {
  manifests: number
  manifestsRead: number
  requests: number
  /** Live data files of the snapshot. */
  files: number
  /** Files left out, of the manifests that were read. */
  filesSkipped: number
  filesPlanned: number
  bytes: number
  deleteManifests: number
  deleteManifestsRead: number
  /** Live delete files of the snapshot. */
  deleteFiles: number
  /** Delete files that apply to planned files, each counted once. */
  readonly deleteFilesPlanned: Set<DeleteFile>
}

export function newPlanTotals(): PlanTotals {
  return {
    manifests: 0,
    manifestsRead: 0,
    requests: 0,
    files: 0,
    filesSkipped: 0,
    filesPlanned: 0,
    bytes: 0,
    deleteManifests: 0,
    deleteManifestsRead: 0,
    deleteFiles: 0,
    deleteFilesPlanned: new Set(),
  }
}

/**
 * Yields some hundred tasks at once: a step of a generator for each would take longer than the rest of planning.
 * Errors: InvalidDataError where deletes contradict each other; those of FileIO and the manifest readers.
 */
export async function* planFiles(
  input: PlanInput,
  totals: PlanTotals,
): AsyncGenerator<readonly FileScanTask[], void, undefined> {
  const { io, metadata, scan, signal } = input
  const { snapshot } = scan
  if (snapshot === undefined) return
  totals.requests += snapshot.manifestList === undefined ? (snapshot.manifests?.length ?? 0) : 1
  const manifests = await readManifestList(io, snapshot, { signal })

  const filterOf = specFilters(input)
  const deletes = await readDeletes(input, manifests, filterOf, totals)
  const deletesOf = indexDeletes(deletes, { metadata, schema: scan.schema })
  const matching: ManifestFile[] = []
  for (const manifest of manifests) {
    if (manifest.content !== 'data' || !hasLiveFiles(manifest)) continue
    totals.manifests++
    const { projected, spec } = filterOf(manifest.partitionSpecId)
    if (manifestMightMatch(projected, spec, manifest.partitions)) matching.push(manifest)
    else totals.files += liveFiles(manifest)
  }
  totals.manifestsRead = matching.length
  totals.requests += matching.length

  const keepOf = (specId: number): KeepEntry | undefined => keepBy(filterOf(specId), totals)
  for await (const entries of readLiveEntries(io, matching, { metadata, keepOf, signal }))
    yield planEntries(entries, filterOf, deletesOf, { input, totals })
}

function planEntries(
  entries: readonly ManifestEntry[],
  filterOf: (specId: number) => SpecFilter,
  deletesOf: DeletesOf,
  { input, totals }: { readonly input: PlanInput; readonly totals: PlanTotals },
): FileScanTask[] {
  const tasks: FileScanTask[] = []
  for (const entry of entries) {
    totals.files++
    const task = planEntry(entry, filterOf(entry.dataFile.specId), deletesOf, input)
    if (task === undefined) {
      totals.filesSkipped++
      continue
    }
    totals.filesPlanned++
    totals.bytes += task.sizeBytes
    for (const each of task.deletes) totals.deleteFilesPlanned.add(each)
    tasks.push(task)
  }
  return tasks
}

/** The scan's filter as one partition spec of the table sees it. */
interface SpecFilter {
  readonly spec: PartitionSpec
  /** Over partition field ids; true of every partition that may hold matching rows. */
  readonly projected: BoundExpression
  /** Whether `projected` holds. */
  readonly mightMatch: (partition: PartitionData) => boolean
  /** What is left of the filter for rows of a partition. */
  readonly residual: (partition: PartitionData) => BoundExpression
}

function specFilters({ metadata, scan: { schema, filter } }: PlanInput): (specId: number) => SpecFilter {
  const known = new Map<number, SpecFilter>()
  return (specId) => {
    let found = known.get(specId)
    if (found === undefined) {
      const spec = specById(metadata, specId)
      const projected = projectPartition(filter, spec, schema)
      found = {
        spec,
        projected,
        // Files of a partition follow one another, with one object for all of them.
        mightMatch: memoizeLast(partitionTest(projected, spec)),
        residual: memoizeLast(residualOf(filter, spec, schema)),
      }
      known.set(specId, found)
    }
    return found
  }
}

/** Keeps live files whose partition may hold matching rows, and counts the others; undefined where all partitions may. */
function keepBy({ projected, mightMatch }: SpecFilter, totals: PlanTotals): KeepEntry | undefined {
  if (projected.type === 'true') return undefined
  return (partition, status) => {
    if (status === 'deleted') return false
    if (mightMatch(partition)) return true
    totals.files++
    totals.filesSkipped++
    return false
  }
}

/** Undefined where no row of a file whose partition was kept can match. */
function planEntry(
  entry: ManifestEntry,
  specFilter: SpecFilter,
  deletesOf: DeletesOf,
  { scan }: PlanInput,
): FileScanTask | undefined {
  const { dataFile: file, sequenceNumber = 0n } = entry
  const { schema } = scan
  const { spec } = specFilter
  const left = specFilter.residual(file.partition)
  if (left.type === 'false' || !fileMightMatch(left, file, schema)) return undefined
  const deletes = deletesOf(file, sequenceNumber)
  const task = { file, sequenceNumber, spec, residual: left, deletes, sizeBytes: file.fileSizeInBytes }
  if (scan.named === schema) return task
  const folded = foldMetadata(left, task, scan.partition)
  return folded.type === 'false' ? undefined : { ...task, residual: folded }
}

function partitionTest(projected: BoundExpression, { fields }: PartitionSpec): (partition: PartitionData) => boolean {
  const positions = new Map(fields.map(({ fieldId }, position) => [fieldId, position]))
  return (partition) => evaluate(projected, (fieldId) => partition[positions.get(fieldId) ?? -1] ?? null)
}

/** The delete files that may apply to data files which the filter leaves. */
async function readDeletes(
  { io, metadata, signal }: PlanInput,
  manifests: readonly ManifestFile[],
  filterOf: (specId: number) => SpecFilter,
  totals: PlanTotals,
): Promise<DeleteFile[]> {
  const matching: ManifestFile[] = []
  for (const manifest of manifests) {
    if (manifest.content !== 'deletes' || !hasLiveFiles(manifest)) continue
    totals.deleteManifests++
    const { projected, spec } = filterOf(manifest.partitionSpecId)
    // Equality deletes of an unpartitioned spec apply to files of all others, whatever its own partitions are.
    if (isUnpartitioned(spec) || manifestMightMatch(projected, spec, manifest.partitions)) matching.push(manifest)
    else totals.deleteFiles += liveFiles(manifest)
  }
  totals.deleteManifestsRead = matching.length
  totals.requests += matching.length
  const deletes: DeleteFile[] = []
  for await (const entries of readLiveEntries(io, matching, { metadata, signal })) {
    for (const { dataFile: file, sequenceNumber } of entries) {
      totals.deleteFiles++
      if (sequenceNumber === undefined) {
        throw new InvalidDataError(`the delete file ${file.filePath} has no sequence number in its manifest`, {
          context: { location: file.filePath },
        })
      }
      const specFilter = filterOf(file.specId)
      if (isUnpartitioned(specFilter.spec) || specFilter.mightMatch(file.partition)) {
        deletes.push({ file, sequenceNumber })
      }
    }
  }
  return deletes
}

/** Lists of v1 may leave the counts out: the manifest has to be read then. */
function hasLiveFiles({ addedFilesCount, existingFilesCount }: ManifestFile): boolean {
  return addedFilesCount !== 0 || existingFilesCount !== 0
}

function liveFiles({ addedFilesCount = 0, existingFilesCount = 0 }: ManifestFile): number {
  return addedFilesCount + existingFilesCount
}
