/**
 * Whole files that survive a power cut: bytes are synced before the name appears, and the folder after. Times of files
 * are set by the caller's clock, the same that answers `storeTimeMs`: the kernel's own runs some milliseconds behind.
 */
import { open, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { nodeFiles, setModified } from './local-files.ts'
import type { LocalFiles } from './local-files.ts'

export interface DurableFile {
  readonly path: string
  readonly bytes: Uint8Array
  readonly modifiedMs: number
  /** Unique within the folder; a crash leaves the file `.{tempId}.tmp`, which listings show and clean-up may delete. */
  readonly tempId: string
}

/** Makes or replaces the file at once: readers see the old bytes, or all of the new. */
export async function replaceFile(files: LocalFiles, file: DurableFile): Promise<void> {
  const temp = await writeTemp(files, file)
  try {
    await files.rename(temp, file.path)
  } catch (error) {
    await files.remove(temp)
    throw error
  }
  await files.syncFolder(dirname(file.path))
}

/** Writes the bytes of a file under a temporary name beside it; its path. */
export async function writeTemp(files: LocalFiles, { path, bytes, modifiedMs, tempId }: DurableFile): Promise<string> {
  const temp = join(dirname(path), `.${tempId}.tmp`)
  await files.writeNew(temp, { bytes, modifiedMs })
  return temp
}

export interface StreamedFile extends Pick<DurableFile, 'path' | 'tempId'> {
  readonly chunks: AsyncIterable<Uint8Array>
  /** Asked when all bytes are there. */
  readonly modifiedMs: () => number
}

/** Makes or replaces a file of bytes that come one after another; its size. */
export async function streamFile({ path, chunks, modifiedMs, tempId }: StreamedFile): Promise<number> {
  const folder = dirname(path)
  await nodeFiles.makeFolder(folder)
  const temp = join(folder, `.${tempId}.tmp`)
  try {
    const handle = await open(temp, 'wx')
    let sizeBytes: number
    try {
      sizeBytes = await writeAll(handle, chunks)
      await setModified(handle, modifiedMs())
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temp, path)
    await nodeFiles.syncFolder(folder)
    return sizeBytes
  } catch (error) {
    await rm(temp, { force: true })
    throw error
  }
}

async function writeAll(handle: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0
  for await (const chunk of chunks) {
    await handle.writeFile(chunk)
    sizeBytes += chunk.length
  }
  return sizeBytes
}
