/** What a snapshot is made of, counted: its manifests, and its files by partition (Iceberg's metadata tables of these names). */
import type { FileIO } from '../io/file-io.ts'
import { readLiveEntries, readManifestList } from '../manifest/manifest-io.ts'
import type { DataFile, ManifestFile, PartitionData } from '../spec/data-file.ts'
import { type PartitionSpec, partitionKey } from '../spec/partition-spec.ts'
import type { Snapshot } from '../spec/snapshot.ts'
import { specById } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'

export interface InspectSource {
  readonly io: FileIO
  readonly metadata: TableMetadata
  /** Undefined for a table without snapshots. */
  readonly snapshot: Snapshot | undefined
  readonly signal?: AbortSignal | undefined
}

/** Live files of one partition of one spec. Counts of rows are of the files: what is deleted is not taken off. */
export interface PartitionSummary {
  readonly spec: PartitionSpec
  readonly partition: PartitionData
  readonly dataFiles: number
  readonly rows: bigint
  readonly sizeBytes: number
  readonly positionDeleteFiles: number
  readonly deletionVectors: number
  readonly equalityDeleteFiles: number
}

export async function listManifests({ io, snapshot, signal }: InspectSource): Promise<readonly ManifestFile[]> {
  return snapshot === undefined ? [] : readManifestList(io, snapshot, { signal })
}

/** One for each partition that has live files, in the order in which the manifests name them. */
export async function summarizeFiles(source: InspectSource): Promise<readonly PartitionSummary[]> {
  const { io, metadata, signal } = source
  const summaries = new Map<string, PartitionSummary>()
  for await (const entries of readLiveEntries(io, await listManifests(source), { metadata, signal })) {
    for (const { dataFile } of entries) {
      const key = partitionKey(dataFile, dataFile.partition)
      summaries.set(key, added(summaries.get(key) ?? emptySummary(metadata, dataFile), dataFile))
    }
  }
  return [...summaries.values()]
}

function emptySummary(metadata: TableMetadata, { specId, partition }: DataFile): PartitionSummary {
  return {
    spec: specById(metadata, specId),
    partition,
    dataFiles: 0,
    rows: 0n,
    sizeBytes: 0,
    positionDeleteFiles: 0,
    deletionVectors: 0,
    equalityDeleteFiles: 0,
  }
}

function added(summary: PartitionSummary, file: DataFile): PartitionSummary {
  if (file.content === 'equality-deletes') {
    return { ...summary, equalityDeleteFiles: summary.equalityDeleteFiles + 1 }
  }
  if (file.content === 'position-deletes') {
    return file.fileFormat === 'puffin'
      ? { ...summary, deletionVectors: summary.deletionVectors + 1 }
      : { ...summary, positionDeleteFiles: summary.positionDeleteFiles + 1 }
  }
  return {
    ...summary,
    dataFiles: summary.dataFiles + 1,
    rows: summary.rows + BigInt(file.recordCount),
    sizeBytes: summary.sizeBytes + file.fileSizeInBytes,
  }
}
