/**
 * The port between an operation on a table (append, later delete, rewrite …) and the catalog that makes it visible.
 * An operation stages updates on a base; the catalog commits them or says why not. Every catalog implements it.
 */
import type { SessionExpiredError } from '../base/errors.ts'
import type { Reporter } from '../base/events.ts'
import type { Runtime } from '../base/runtime.ts'
import type { FileIO } from '../io/file-io.ts'
import type { ManifestFile } from '../spec/data-file.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import type { TableRequirement } from '../spec/table-requirement.ts'
import type { TableUpdate } from '../spec/table-update.ts'
import type { Turn } from './turn.ts'

/** A committed state of a table: what a commit is built on, and what it leaves. */
export interface TableBase {
  readonly metadata: TableMetadata
  readonly metadataLocation: string
  /** Manifests of the current snapshot, where this process wrote or read their list: spares a warm commit the GET. */
  readonly manifests: readonly ManifestFile[] | undefined
}

/** What one attempt asks the catalog to commit. */
export interface Staged {
  readonly updates: readonly TableUpdate[]
  readonly requirements: readonly TableRequirement[]
  /** Uploads under way of files that the updates name; awaited together with metadata.json before the pointer moves. */
  readonly uploads: readonly Promise<unknown>[]
  /** Files that only this attempt uses: deleted when it has definitely failed. */
  readonly attemptFiles: readonly string[]
  /** Manifests of the snapshot that this attempt adds. */
  readonly manifests: readonly ManifestFile[] | undefined
  /** Whether another such operation will take much longer. */
  readonly isNextLong?: boolean | undefined
}

/** What an operation is told of the attempt it stages. */
export interface StageContext {
  readonly commitId: string
  /** 0, 1, 2 … */
  readonly attempt: number
  /** Others are about to commit: what can wait is left to a commit that has the table for itself. */
  readonly isHurried?: boolean | undefined
}

export interface CommitAction {
  /** Builds the updates on `base`; run again on a newer base after a conflict. Validation errors end the commit. */
  stage(base: TableBase, context: StageContext): Promise<Staged>
  /** Store time heard before the first upload of this commit's files; undefined where none was begun before it. */
  readonly sessionStartMs: number | undefined
  /** Files that all attempts share, and their uploads: deleted when the commit has definitely failed. */
  readonly files: readonly string[]
  readonly uploads: readonly Promise<unknown>[]
  /**
   * Copies the files to new names in a session that begins now, and names them in what is staged next; returns the old
   * ones. Absent where a commit has no files of its own. Errors: SessionExpiredError where one is gone already.
   */
  renew?(expired: SessionExpiredError, signal: AbortSignal | undefined): Promise<readonly string[]>
}

/** The state that the commit left, and how many attempts it took. */
export interface CommitResult {
  readonly base: TableBase
  readonly attempts: number
}

export interface CommitAttempt {
  /** The same for all attempts of one commit: by it the commit is recognised after a lost answer. */
  readonly commitId: string
  /** Store time heard before the first upload of this commit's files; undefined where it uploaded none before. */
  readonly sessionStartMs: number | undefined
  /** What the pointer will tell of whose turn it is, on one that told `turn`. */
  readonly tell?: ((turn: Turn | undefined) => Turn | undefined) | undefined
}

/**
 * - `committed`: visible, exactly once; `base` is what the commit left.
 * - `conflict`: definitely not visible; stage again on a refreshed base. `files` are this attempt's own, now orphans.
 * - `unknown`: it may be visible. Nothing of it may be deleted.
 */
export type CommitOutcome =
  | { readonly kind: 'committed'; readonly base: TableBase }
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
  | { readonly kind: 'unknown'; readonly cause: unknown }

export interface RefreshOptions {
  readonly signal?: AbortSignal | undefined
  /** Reads the manifests beside the metadata, where the pointer tells of them: a commit needs both. */
  readonly withManifests?: boolean | undefined
}

/** What a look at the pointer shows. */
export interface Standing {
  /** Grows with every body. */
  readonly version: number
  /** The same as long as nobody commits. */
  readonly metadataLocation: string | undefined
  readonly turn: Turn | undefined
}

export interface TableOperations {
  /** Full name, for reports and errors. */
  readonly name: string
  readonly io: FileIO
  readonly runtime: Runtime
  readonly reporter: Reporter | undefined
  /** The base last seen by this process. */
  readonly current: TableBase
  /** Reads the pointer and makes its state the current one. Errors: NoSuchTableError. */
  refresh(options?: RefreshOptions): Promise<TableBase>
  /** The pointer as it is now. Absent where it can't be told cheaply. */
  peek?(signal?: AbortSignal): Promise<Standing>
  /** Puts a writer into the pointer's line, if there is room; returns what the pointer shows then. */
  join?(mark: string, signal?: AbortSignal): Promise<Standing>
  /** Tries once. Throws where the attempt failed for good before the pointer was touched. */
  commit(base: TableBase, staged: Staged, attempt: CommitAttempt): Promise<CommitOutcome>
  /** Inside a multi-table transaction: takes the action over, to be committed with the others. */
  defer?(action: CommitAction, signal: AbortSignal | undefined): Promise<CommitResult>
}
