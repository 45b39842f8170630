/**
 * The calls to a file system that `file:` objects are made of. A port, because what compare-and-swap may build on is only
 * what these promise: the simulation answers them as badly as they allow. Failures carry the system's code.
 */
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ForbiddenError } from '../base/errors.ts'
import { systemCode } from './local-errors.ts'

export interface FolderEntry {
  readonly name: string
  readonly isFolder: boolean
}

export interface FileContent {
  readonly bytes: Uint8Array
  readonly modifiedMs: number
}

export interface LocalFiles {
  /**
   * What a folder holds, nothing where there is none: a hint. It is not atomic (what comes or goes meanwhile shows or not,
   * each name for itself), and on a network file system it may come from a cache.
   */
  list(folder: string): Promise<readonly FolderEntry[]>
  /** This and all below are true when they are answered. */
  read(path: string): Promise<FileContent | undefined>
  exists(path: string): Promise<boolean>
  /** Makes a folder and those above it; durable when it resolves. */
  makeFolder(folder: string): Promise<void>
  /** Writes a file whose name is new, and its folder where that is missing. Its bytes are durable, its name is not yet. */
  writeNew(path: string, content: FileContent): Promise<void>
  /** A second name for a file, atomically: EEXIST where the name is taken. */
  link(from: string, to: string): Promise<void>
  /** Atomic; takes the place of a file of that name. */
  rename(from: string, to: string): Promise<void>
  /** An absent file is no error. */
  remove(path: string): Promise<void>
  /** Makes the names in a folder durable. */
  syncFolder(folder: string): Promise<void>
}

export const nodeFiles: LocalFiles = {
  async list(folder) {
    const found = await unlessAbsent(readdir(folder, { withFileTypes: true }))
    return (found ?? []).map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
  },

  async read(path) {
    const handle = await unlessAbsent(open(path, 'r'))
    if (handle === undefined) return undefined
    try {
      const { mtimeMs } = await handle.stat()
      return { bytes: await handle.readFile(), modifiedMs: Math.floor(mtimeMs) }
    } finally {
      await handle.close()
    }
  },

  async exists(path) {
    return (await unlessAbsent(stat(path))) !== undefined
  },

  async makeFolder(folder) {
    if (await makeOne(folder)) return
    const parent = dirname(folder)
    await nodeFiles.makeFolder(parent)
    if (await makeOne(folder)) return
    throw new ForbiddenError(`no folder can be made in ${parent}: it is not one of an ordinary file system`, {
      context: { location: folder },
    })
  },

  async writeNew(path, { bytes, modifiedMs }) {
    let handle = await unlessAbsent(open(path, 'wx'))
    if (handle === undefined) {
      await nodeFiles.makeFolder(dirname(path))
      handle = await open(path, 'wx')
    }
    try {
      await handle.writeFile(bytes)
      await setModified(handle, modifiedMs)
      await handle.sync()
      await handle.close()
    } catch (error) {
      await handle.close().catch(() => {})
      await rm(path, { force: true })
      throw error
    }
  },

  link,
  rename,
  remove: (path) => rm(path, { force: true }),
  syncFolder,
}

/** Half a millisecond more, because the fraction of a second that comes back may be a hair less than what was set. */
export function setModified(handle: FileHandle, modifiedMs: number): Promise<void> {
  return handle.utimes((modifiedMs + 0.5) / 1000, (modifiedMs + 0.5) / 1000)
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * False where the folder above is missing, or is one like /proc, which takes no others: there Node's own recursion never
 * ends.
 */
async function makeOne(folder: string): Promise<boolean> {
  try {
    await mkdir(folder)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' && dirname(folder) !== folder) return false
    // The root is there, whatever else it says.
    if (code === 'EEXIST' || dirname(folder) === folder) return true
    throw error
  }
  await syncFolder(dirname(folder))
  return true
}

async function unlessAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined
    throw error
  }
}
