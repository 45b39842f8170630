/** One file of an export: whole under its name, or not there. */
import { AlreadyExistsError, NotFoundError } from '../base/errors.ts'
import type { FileIO } from '../io/file-io.ts'

/** Resolves to the size of the file. Errors: AlreadyExistsError unless `overwrite`. */
export async function writeExport(
  io: FileIO,
  location: string,
  { chunks, overwrite, signal }: { chunks: AsyncIterable<Uint8Array>; overwrite: boolean; signal: AbortSignal },
): Promise<number> {
  if (!overwrite) await checkAbsent(io, location, signal)
  return (await io.writeStream(location, chunks, { signal })).sizeBytes
}

async function checkAbsent(io: FileIO, location: string, signal: AbortSignal): Promise<void> {
  const isThere = await io.stat(location, { signal }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof NotFoundError) return false
      throw error
    },
  )
  if (!isThere) return
  throw new AlreadyExistsError(`${location} exists already: take another name, or give --overwrite`, {
    context: { location },
  })
}
