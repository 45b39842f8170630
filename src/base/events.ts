/** What the library tells about its work. It never prints: one `reporter(event)` receives this union. */

export type RequestVerb = 'GET' | 'PUT' | 'HEAD' | 'LIST' | 'DELETE' | 'POST'

/** One request to the store, with its outcome: `status` is the HTTP status, or what took its place. */
export interface RequestEvent {
  readonly type: 'request'
  readonly verb: RequestVerb
  readonly location: string
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly durationMs: number
  readonly outcome: 'ok' | 'not-found' | 'refused' | 'failed'
}

export interface RetryEvent {
  readonly type: 'request-retry'
  readonly verb: RequestVerb
  readonly location: string
  readonly attempt: number
  readonly waitMs: number
  readonly reason: string
}

/**
 * A slow read and its second request: `sent`; `won`, its answer came first; or `refused`, there was no budget for it.
 * `afterMs`: since the read began.
 */
export interface HedgeEvent {
  readonly type: 'request-hedge'
  readonly verb: 'GET'
  readonly location: string
  readonly step: 'sent' | 'won' | 'refused'
  readonly afterMs: number
}

export interface FileWrittenEvent {
  readonly type: 'file-written'
  readonly location: string
  readonly rows: number
  readonly sizeBytes: number
}

export interface CommitRetryEvent {
  readonly type: 'commit-retry'
  readonly table: string
  readonly attempt: number
  readonly waitMs: number
  readonly reason: string
}

/** Files that belong to nothing could not be deleted; orphan removal will find them. */
export interface CleanupFailedEvent {
  readonly type: 'cleanup-failed'
  readonly table: string
  readonly files: number
  readonly cause: unknown
}

/** Small manifests could not be merged; the commit went on with them as they were. */
export interface MergeFailedEvent {
  readonly type: 'merge-failed'
  readonly table: string
  readonly manifests: number
  readonly cause: unknown
}

/** A buffered appender could not flush: its rows are not committed, and it takes no more. */
export interface FlushFailedEvent {
  readonly type: 'flush-failed'
  readonly table: string
  readonly rows: number
  readonly cause: unknown
}

/** The version hint of a table on file: could not be written; engines that open its folder by path may see an older state. */
export interface HintFailedEvent {
  readonly type: 'hint-failed'
  readonly table: string
  readonly location: string
  readonly cause: unknown
}

/** Iceberg's CommitReport, its fields by their names. */
export interface CommitReportEvent {
  readonly type: 'commit-report'
  readonly table: string
  readonly snapshotId: bigint | undefined
  readonly sequenceNumber: bigint
  readonly operation: string | undefined
  readonly attempts: number
  readonly durationMs: number
  readonly summary: Readonly<Record<string, string>>
}

/** Iceberg's ScanReport, its fields by their names. */
export interface ScanReportEvent {
  readonly type: 'scan-report'
  readonly table: string
  readonly snapshotId: bigint | undefined
  readonly filter: string
  readonly totalDataManifests: number
  readonly scannedDataManifests: number
  readonly skippedDataManifests: number
  readonly resultDataFiles: number
  readonly skippedDataFiles: number
  readonly totalDeleteManifests: number
  readonly scannedDeleteManifests: number
  readonly skippedDeleteManifests: number
  /** Delete files and deletion vectors that apply to the data files, each counted once. */
  readonly resultDeleteFiles: number
  readonly totalFileSizeInBytes: number
  readonly planningDurationMs: number
}

/** What a scan read of its data files, told at its end. */
export interface ReadReportEvent {
  readonly type: 'read-report'
  readonly table: string
  readonly snapshotId: bigint | undefined
  /** Files whose rows were read: those that metadata answers for are not. */
  readonly files: number
  readonly totalRowGroups: number
  /** Left out by the statistics in footers. */
  readonly skippedRowGroups: number
  /** Rows of the row groups that were not skipped. */
  readonly totalRows: number
  /** Of these, the rows that page indexes left, as far as the scan was read. */
  readonly decodedRows: number
}

/** Progress of a long call: rows read, written … `total` where it is known. */
export interface ProgressEvent {
  readonly type: 'progress'
  readonly task: string
  readonly done: number
  readonly total: number | undefined
  readonly unit: 'rows' | 'files' | 'bytes'
}

export type FirnEvent =
  | RequestEvent
  | RetryEvent
  | HedgeEvent
  | FileWrittenEvent
  | CommitRetryEvent
  | CleanupFailedEvent
  | MergeFailedEvent
  | FlushFailedEvent
  | HintFailedEvent
  | CommitReportEvent
  | ScanReportEvent
  | ReadReportEvent
  | ProgressEvent

export type Reporter = (event: FirnEvent) => void
