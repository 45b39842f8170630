/**
 * One file of an export: whole under its name, or not there. On a file system it is written beside its place, synced and
 * renamed; elsewhere it becomes one object, whose bytes are gathered first.
 */
import { mkdir, open, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AlreadyExistsError, NotFoundError } from '../base/errors.ts'
import { systemRuntime } from '../base/runtime.ts'
import type { FileIO } from '../io/file-io.ts'
import { mapLocalErrors } from '../io/local-errors.ts'
import { localPath } from '../io/location.ts'

/** Resolves to the size of the file. Errors: AlreadyExistsError unless `overwrite`. */
export async function writeExport(
  io: FileIO,
  location: string,
  { chunks, overwrite, signal }: { chunks: AsyncIterable<Uint8Array>; overwrite: boolean; signal: AbortSignal },
): Promise<number> {
  if (!overwrite) await checkAbsent(io, location, signal)
  if (io.kind === 'local') return mapLocalErrors(location, () => writeLocal(localPath(location), chunks))
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  const bytes = new Uint8Array(Buffer.concat(parts))
  await io.write(location, bytes, { signal })
  return bytes.length
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

async function writeLocal(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  await mkdir(dirname(path), { recursive: true })
  const temp = join(dirname(path), `.${basename(path)}.${systemRuntime.uuid()}.tmp`)
  const file = await open(temp, 'wx')
  try {
    let sizeBytes: number
    try {
      sizeBytes = await writeAll(file, chunks)
    } finally {
      await file.close()
    }
    await rename(temp, path)
    return sizeBytes
  } catch (error) {
    await unlink(temp).catch(() => {})
    throw error
  }
}

async function writeAll(file: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0
  for await (const chunk of chunks) {
    await file.writeFile(chunk)
    sizeBytes += chunk.length
  }
  await file.sync()
  return sizeBytes
}
