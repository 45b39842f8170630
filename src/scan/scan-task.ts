/** What planning hands to reading: one task a data file, and the totals of a plan (`firn plan`). */
import type { BoundExpression } from '../expr/bound-expression.ts'
import type { ByteRange } from '../io/file-io.ts'
import type { DataFile } from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'

/** A delete file, or a deletion vector in a Puffin file, that a snapshot has. */
export interface DeleteFile {
  readonly file: DataFile
  /** Data sequence number: which data files it is younger than. */
  readonly sequenceNumber: bigint
  /** Deletion vectors: what to fetch of the Puffin file, the vector and those beside it. */
  readonly range?: ByteRange | undefined
}

/** Bytes of a data file, to its end where `end` is undefined: the row groups that begin in it. */
export interface FileRange {
  readonly start: number
  readonly end?: number | undefined
}

/** One data file to read, or a part of it, with what is left of the scan's filter once its partition is known. */
export interface FileScanTask {
  readonly file: DataFile
  /** Data sequence number: which deletes apply to the file. */
  readonly sequenceNumber: bigint
  readonly spec: PartitionSpec
  readonly residual: BoundExpression
  /** Exactly those that may delete rows of the file: equality deletes, then position deletes or one vector. */
  readonly deletes: readonly DeleteFile[]
  /** Row groups to read, ascending; undefined for all. */
  readonly rowGroups?: readonly number[] | undefined
  /** Of a file that several readers share; undefined for all of it. */
  readonly range?: FileRange | undefined
  readonly sizeBytes: number
}

export interface ScanPlan {
  readonly snapshotId: bigint | undefined
  /** `total` counts the snapshot's data manifests, `read` those whose partition summaries might match. */
  readonly manifests: { readonly total: number; readonly read: number }
  /** `total` counts the snapshot's live data files. */
  readonly files: { readonly total: number; readonly planned: number }
  /** As `manifests`, of the manifests of delete files. */
  readonly deleteManifests: { readonly total: number; readonly read: number }
  /** `total` counts the snapshot's live delete files and deletion vectors, `planned` those that apply to planned files. */
  readonly deleteFiles: { readonly total: number; readonly planned: number }
  /** Row groups of the planned files; `planned` is what footer statistics leave, where the footers were asked for. */
  readonly rowGroups: { readonly total: number; readonly planned: number | undefined }
  /** Pages of the columns to read in these row groups; known where the footers were asked for. */
  readonly pages: { readonly total: number; readonly planned: number } | undefined
  /** Size of the planned files, deletes not counted. */
  readonly bytes: number
  /** Requests that the whole scan makes with cold caches, planning included: an estimate. */
  readonly requests: number
  /** Those of planning alone: manifest list and manifests. */
  readonly planningRequests: number
  readonly tasks: readonly FileScanTask[]
}

export function isDeletionVector({ file }: DeleteFile): boolean {
  return file.content === 'position-deletes' && file.fileFormat === 'puffin'
}
