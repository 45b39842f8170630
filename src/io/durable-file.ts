/**
 * Whole files that survive a power cut: bytes are synced before the name appears, and the folder after. Times of files
 * are set by the caller's clock, the same that answers `storeTimeMs`: the kernel's own runs some milliseconds behind.
 */
import { link, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from './local-errors.ts'

export interface DurableFile {
  readonly path: string
  readonly bytes: Uint8Array
  readonly modifiedMs: number
  /** Unique within the folder; a crash leaves the file `.{tempId}.tmp`, which listings show and clean-up may delete. */
  readonly tempId: string
}

/** Makes or replaces the file at once: readers see the old bytes, or all of the new. */
export async function replaceFile(file: DurableFile): Promise<void> {
  const temp = await writeTemp(file)
  try {
    await rename(temp, file.path)
  } catch (error) {
    await rm(temp, { force: true })
    throw error
  }
  await syncFolder(dirname(file.path))
}

/** Makes the file unless there is one, atomically: false where there is. */
export async function createFile(file: DurableFile): Promise<boolean> {
  const temp = await writeTemp(file)
  try {
    await link(temp, file.path)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  } finally {
    await rm(temp, { force: true })
  }
  await syncFolder(dirname(file.path))
  return true
}

/** Makes a folder and those above it, and syncs each folder that got a new entry. */
export async function makeFolder(folder: string): Promise<void> {
  const highestMade = await mkdir(folder, { recursive: true })
  if (highestMade === undefined) return
  for (let path = folder; path.length >= highestMade.length; path = dirname(path)) await syncFolder(dirname(path))
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function writeTemp({ path, bytes, modifiedMs, tempId }: DurableFile): Promise<string> {
  const temp = join(dirname(path), `.${tempId}.tmp`)
  const handle = await open(temp, 'wx').catch(async (error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error
    await makeFolder(dirname(path))
    return open(temp, 'wx')
  })
  try {
    await handle.writeFile(bytes)
    // Half a millisecond more, because the fraction of a second that comes back may be a hair less than what was set.
    await handle.utimes((modifiedMs + 0.5) / 1000, (modifiedMs + 0.5) / 1000)
    await handle.sync()
    await handle.close()
    return temp
  } catch (error) {
    await handle.close().catch(() => {})
    await rm(temp, { force: true })
    throw error
  }
}
