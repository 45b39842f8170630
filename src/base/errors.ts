/**
 * Errors, one class per reaction of the caller (ARCHITECTURE.md, "Conventions"). Messages are lowercase and say what
 * happened and what to do; variables go into `context`, which the CLI prints as JSON. Every layer throws these only.
 */

/** Plain values that say which table, file, column … an error is about. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | bigint | undefined>>

export interface ErrorOptionsWithContext {
  readonly context?: ErrorContext | undefined
  readonly cause?: unknown
}

/** Root of everything firn throws; `name` is the class's name, stable for scripts. */
export class IcebergError extends Error {
  override readonly name: string = 'IcebergError'
  readonly context: ErrorContext

  constructor(message: string, options: ErrorOptionsWithContext = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.context = options.context ?? {}
  }
}

/** The call is wrong: fix the arguments. */
export class ValidationError extends IcebergError {
  override readonly name: string = 'ValidationError'
}

/** The table or store asks for something firn (or this format version) does not do. */
export class UnsupportedError extends IcebergError {
  override readonly name: string = 'UnsupportedError'
}

/** A file, table or namespace is not there. */
export class NotFoundError extends IcebergError {
  override readonly name: string = 'NotFoundError'
}

export class NoSuchTableError extends NotFoundError {
  override readonly name: string = 'NoSuchTableError'
}

export class NoSuchNamespaceError extends NotFoundError {
  override readonly name: string = 'NoSuchNamespaceError'
}

/** The snapshot that a reader was on has been expired under it: load the table again. */
export class SnapshotExpiredError extends NotFoundError {
  override readonly name: string = 'SnapshotExpiredError'
}

export class AlreadyExistsError extends IcebergError {
  override readonly name: string = 'AlreadyExistsError'
}

export class NamespaceNotEmptyError extends IcebergError {
  override readonly name: string = 'NamespaceNotEmptyError'
}

/** Nothing of the commit is visible: retry it, or clean up its files. */
export class CommitFailedError extends IcebergError {
  override readonly name: string = 'CommitFailedError'
}

/** The files were uploaded too long ago to be safe from orphan removal: copy them to new names and commit again. */
export class SessionExpiredError extends CommitFailedError {
  override readonly name: string = 'SessionExpiredError'
  /** Store time: files of sessions that began then or before have expired. */
  readonly notAfterMs: number

  constructor(message: string, options: ErrorOptionsWithContext & { readonly notAfterMs?: number | undefined } = {}) {
    super(message, options)
    this.notAfterMs = options.notAfterMs ?? Infinity
  }
}

/** Another writer appends to the same stream: one of the two has to stop, or to begin again from the stream's token. */
export class StreamMovedError extends CommitFailedError {
  override readonly name: string = 'StreamMovedError'
  /** The token found. */
  readonly token: string | undefined

  constructor(message: string, options: ErrorOptionsWithContext & { readonly token: string | undefined }) {
    super(message, options)
    this.token = options.token
  }
}

/** The commit may or may not be visible: never clean up its files. */
export class CommitStateUnknownError extends IcebergError {
  override readonly name: string = 'CommitStateUnknownError'
}

/** Bytes that are not what the format says; `context.location` tells where they lie. */
export class InvalidDataError extends IcebergError {
  override readonly name: string = 'InvalidDataError'
}

/** No or wrong credentials. */
export class UnauthorizedError extends IcebergError {
  override readonly name: string = 'UnauthorizedError'
}

/** Right credentials without the permission. */
export class ForbiddenError extends IcebergError {
  override readonly name: string = 'ForbiddenError'
}

/** The store failed or can't be reached; `retryable` tells whether the same request may succeed later. */
export class ServiceError extends IcebergError {
  override readonly name: string = 'ServiceError'
  readonly retryable: boolean

  constructor(message: string, options: ErrorOptionsWithContext & { readonly retryable: boolean }) {
    super(message, options)
    this.retryable = options.retryable
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
