/** File system errors as the errors of FileIO. */
import {
  ForbiddenError,
  IcebergError,
  messageOf,
  NotFoundError,
  ServiceError,
  ValidationError,
} from '../base/errors.ts'

const TRANSIENT = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EINTR', 'EIO', 'ESTALE', 'ETIMEDOUT'])

/** The system's code of an error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** What a failed system call means for the caller of FileIO. */
export function localError(error: unknown, location: string): IcebergError {
  if (error instanceof IcebergError) return error
  const code = systemCode(error)
  const options = { context: { location, code }, cause: error }
  switch (code) {
    case 'ENOENT':
    case 'EISDIR':
      return new NotFoundError(`${location} does not exist`, options)
    case 'ENOTDIR':
      return new NotFoundError(`${location} does not exist: a part of its path is a file, not a folder`, options)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ForbiddenError(`permission denied at ${location} (${code}): check its owner and mode`, options)
    case 'ENOSPC':
    case 'EDQUOT':
      return new ServiceError(`the disk of ${location} is full (${code}): free some space`, {
        ...options,
        retryable: false,
      })
    case 'ENAMETOOLONG':
      return new ValidationError(`a name in ${location} is longer than the file system allows (255 bytes)`, options)
    case undefined:
    default:
      return new ServiceError(`the file system failed at ${location}: ${messageOf(error)}`, {
        ...options,
        retryable: code !== undefined && TRANSIENT.has(code),
      })
  }
}

/** Runs file system calls with their errors mapped. */
export async function mapLocalErrors<T>(location: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw localError(error, location)
  }
}
