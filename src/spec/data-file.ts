/** Data files and the manifests that list them, as values (spec, "Manifests" and "Manifest Lists"). */
import type { Value } from './value.ts'

/** In the order of their numbers in manifests. */
export const FILE_CONTENTS = ['data', 'position-deletes', 'equality-deletes'] as const
type FileContent = (typeof FILE_CONTENTS)[number]
export const FILE_FORMATS = ['parquet', 'avro', 'orc', 'puffin'] as const
export type FileFormat = (typeof FILE_FORMATS)[number]

/** Values of a partition, one per field of its partition spec, in the spec's order. */
export type PartitionData = readonly (Value | null)[]

/**
 * Field `data_file` (2) of a manifest entry. Maps are keyed by field id; bounds are single-value binaries. To be copied by
 * `copyDataFile`: files that were read from a manifest decode their members when asked for them, and a spread has none.
 */
export interface DataFile {
  readonly content: FileContent
  readonly filePath: string
  readonly fileFormat: FileFormat
  /** Not stored in the entry: taken from the manifest. */
  readonly specId: number
  readonly partition: PartitionData
  readonly recordCount: number
  readonly fileSizeInBytes: number
  readonly columnSizes?: ReadonlyMap<number, number> | undefined
  readonly valueCounts?: ReadonlyMap<number, number> | undefined
  readonly nullValueCounts?: ReadonlyMap<number, number> | undefined
  readonly nanValueCounts?: ReadonlyMap<number, number> | undefined
  readonly lowerBounds?: ReadonlyMap<number, Uint8Array> | undefined
  readonly upperBounds?: ReadonlyMap<number, Uint8Array> | undefined
  readonly keyMetadata?: Uint8Array | undefined
  readonly splitOffsets?: readonly number[] | undefined
  readonly equalityIds?: readonly number[] | undefined
  readonly sortOrderId?: number | undefined
  readonly firstRowId?: bigint | undefined
  readonly referencedDataFile?: string | undefined
  readonly contentOffset?: number | undefined
  readonly contentSizeInBytes?: number | undefined
}

/** A plain copy, with changes. */
export function copyDataFile(file: DataFile, changes: Partial<DataFile> = {}): DataFile {
  const all: { readonly [K in keyof Required<DataFile>]: DataFile[K] } = {
    content: file.content,
    filePath: file.filePath,
    fileFormat: file.fileFormat,
    specId: file.specId,
    partition: file.partition,
    recordCount: file.recordCount,
    fileSizeInBytes: file.fileSizeInBytes,
    columnSizes: file.columnSizes,
    valueCounts: file.valueCounts,
    nullValueCounts: file.nullValueCounts,
    nanValueCounts: file.nanValueCounts,
    lowerBounds: file.lowerBounds,
    upperBounds: file.upperBounds,
    keyMetadata: file.keyMetadata,
    splitOffsets: file.splitOffsets,
    equalityIds: file.equalityIds,
    sortOrderId: file.sortOrderId,
    firstRowId: file.firstRowId,
    referencedDataFile: file.referencedDataFile,
    contentOffset: file.contentOffset,
    contentSizeInBytes: file.contentSizeInBytes,
  }
  return { ...all, ...changes }
}

export type ManifestEntryStatus = 'existing' | 'added' | 'deleted'

/** `manifest_entry`; undefined numbers are null in the file and inherited when read through a manifest list. */
export interface ManifestEntry {
  readonly status: ManifestEntryStatus
  readonly snapshotId: bigint | undefined
  readonly sequenceNumber: bigint | undefined
  readonly fileSequenceNumber: bigint | undefined
  readonly dataFile: DataFile
}

export type ManifestContent = 'data' | 'deletes'

/** `field_summary` (508) of one partition field over all files of a manifest; bounds are single-value binaries. */
export interface FieldSummary {
  readonly containsNull: boolean
  readonly containsNan?: boolean | undefined
  readonly lowerBound?: Uint8Array | undefined
  readonly upperBound?: Uint8Array | undefined
}

/** `manifest_file`: one entry of a manifest list. Counts are undefined only in v1 lists that leave them out. */
export interface ManifestFile {
  readonly manifestPath: string
  readonly manifestLength: number
  readonly partitionSpecId: number
  readonly content: ManifestContent
  readonly sequenceNumber: bigint
  readonly minSequenceNumber: bigint
  readonly addedSnapshotId: bigint
  readonly addedFilesCount?: number | undefined
  readonly existingFilesCount?: number | undefined
  readonly deletedFilesCount?: number | undefined
  readonly addedRowsCount?: number | undefined
  readonly existingRowsCount?: number | undefined
  readonly deletedRowsCount?: number | undefined
  readonly partitions?: readonly FieldSummary[] | undefined
  readonly keyMetadata?: Uint8Array | undefined
  readonly firstRowId?: bigint | undefined
}
