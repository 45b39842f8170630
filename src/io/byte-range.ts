/** Checks of byte ranges that every store shares. */
import { InvalidDataError, ValidationError } from '../base/errors.ts'
import type { ByteRange } from './file-io.ts'

export function checkRange(location: string, range: ByteRange): void {
  const { offset, length } = range
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0) return
  throw new ValidationError(`no byte range: offset ${offset}, length ${length}`, {
    context: { location, offset, length },
  })
}

/** The error of an object that ends before the range does. */
export function shorterThan(location: string, range: ByteRange, cause?: unknown): InvalidDataError {
  const { offset, length } = range
  return new InvalidDataError(
    `${location} ends before byte ${offset + length}: it is truncated, or its recorded size is wrong`,
    {
      context: { location, offset, length },
      cause,
    },
  )
}
