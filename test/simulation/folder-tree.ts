/**
 * The simulated file system: folders and files at one moment, and listings that are not of one moment, or not of this
 * one: a network file system may answer them from a cache.
 */
import { dirname } from 'node:path'
import type { FileContent, FolderEntry } from '../../src/io/local-files.ts'
import type { Random } from './random.ts'

const STALE = 0.1
const STALE_BY = 20

interface Folder {
  readonly files: Map<string, FileContent>
  readonly folders: Set<string>
  /** Names that came or went, in order. */
  readonly changes: string[]
}

const newFolder = (): Folder => ({ files: new Map(), folders: new Set(), changes: [] })

export class FolderTree {
  readonly #stale: number
  readonly #folders = new Map<string, Folder>([['/', newFolder()]])
  /** Files that got their name, or lost it. */
  onNamed: (path: string, bytes: Uint8Array) => void = () => {}
  onRemoved: (path: string) => void = () => {}

  /** `stale`: how often a listing comes from a cache. */
  constructor({ stale = STALE }: { readonly stale?: number } = {}) {
    this.#stale = stale
  }

  makeFolder(path: string): Folder {
    const known = this.#folders.get(path)
    if (known !== undefined) return known
    const folder = newFolder()
    this.#folders.set(path, folder)
    const parent = this.makeFolder(dirname(path))
    const name = baseName(path)
    parent.folders.add(name)
    parent.changes.push(name)
    return folder
  }

  get(path: string): FileContent | undefined {
    return this.#folders.get(dirname(path))?.files.get(baseName(path))
  }

  /** Names the file, in place of one that had its name. ENOENT where the folder is missing. */
  name(path: string, content: FileContent): void {
    const folder = this.#folders.get(dirname(path))
    if (folder === undefined) throw systemError('ENOENT')
    folder.files.set(baseName(path), content)
    folder.changes.push(baseName(path))
    this.onNamed(path, content.bytes)
  }

  remove(path: string): void {
    const folder = this.#folders.get(dirname(path))
    if (folder?.files.delete(baseName(path)) !== true) return
    folder.changes.push(baseName(path))
    this.onRemoved(path)
  }

  /** Begins a listing; the function ends it. What was there throughout shows; the rest by chance, each name for itself. */
  list(path: string, random: Random): () => FolderEntry[] {
    const folder = this.#folders.get(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)
    if (folder === undefined) return () => []
    const staleBy = random.chance(this.#stale) ? random.int(STALE_BY) : 0
    const before = namesOf(folder)
    const from = folder.changes.length
    return () => {
      const entries = (names: Iterable<string>): FolderEntry[] =>
        Array.from(names, (name) => ({ name, isFolder: folder.folders.has(name) }))
      // Each change undone: a name that came is gone, one that went is back.
      if (staleBy > 0) return entries(toggled(before, folder.changes.slice(Math.max(0, from - staleBy), from)))
      const changed = new Set(folder.changes.slice(from))
      if (changed.size === 0) return entries(before)
      const showsOld = random.pick([0, 0.5, 1])
      const showsNew = random.pick([0, 0.5, 1])
      const names = [...before].filter((name) => !changed.has(name) || random.chance(showsOld))
      return entries([...names, ...[...changed].filter((name) => !before.has(name) && random.chance(showsNew))])
    }
  }
}

export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

function namesOf({ files, folders }: Folder): Set<string> {
  return new Set([...files.keys(), ...folders])
}

function toggled(names: ReadonlySet<string>, changes: readonly string[]): Set<string> {
  const result = new Set(names)
  for (const name of changes) if (!result.delete(name)) result.add(name)
  return result
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
