/** Listing of compare-and-swap objects on a file system: folders that hold numbered bodies. */
import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { CasEntry, CasListOptions, CasPage } from './file-io.ts'
import { systemCode } from './local-errors.ts'
import { compareBytewise, localLocation, localPath } from './location.ts'

const PAGE_SIZE = 1000

type Found = { readonly kind: 'entry' | 'folder'; readonly path: string }

/** Objects (and, where `delimited`, folders) whose path starts with `prefix`, ordered by the bytes of their paths. */
export async function* listLocalCas(
  prefix: string,
  { delimited = false, startAfter }: CasListOptions,
): AsyncGenerator<Omit<CasPage, 'storeTimeMs'>> {
  const from = startAfter === undefined ? undefined : localPath(startAfter)
  let entries: CasEntry[] = []
  let folders: string[] = []
  for await (const { kind, path } of search(prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix, delimited)) {
    if (from !== undefined && compareBytewise(path, from) <= 0) continue
    if (kind === 'entry') entries.push({ location: localLocation(path), sizeBytes: undefined })
    else folders.push(localLocation(path))
    if (entries.length + folders.length < PAGE_SIZE) continue
    yield { entries, folders }
    entries = []
    folders = []
  }
  yield { entries, folders }
}

/** A folder's path ends in a slash here, an object's doesn't: so the order is that of keys on s3. */
async function* search(folder: string, prefix: string, delimited: boolean): AsyncGenerator<Found> {
  const found: Found[] = []
  for (const name of await folderNames(folder)) {
    const path = folder + name
    if (!`${path}/`.startsWith(prefix)) continue
    const children = await childrenOf(`${path}/`)
    if (isObject(children)) {
      if (path.startsWith(prefix)) found.push({ kind: 'entry', path })
    } else if (children.some((child) => child.isDirectory())) found.push({ kind: 'folder', path: `${path}/` })
  }
  for (const item of found.toSorted((a, b) => compareBytewise(a.path, b.path))) {
    if (item.kind === 'entry') yield item
    else if (!delimited) yield* search(item.path, prefix, delimited)
    else if (await holdsObject(item.path)) yield item
  }
}

/** Whether any object lies below: an empty folder is none of a listing's. */
async function holdsObject(folder: string): Promise<boolean> {
  const first = await search(folder, folder, false).next()
  return first.done !== true
}

function isObject(children: readonly Dirent[]): boolean {
  return children.some((child) => child.isFile() && /^(?:[1-9]\d*|born)$/.test(child.name))
}

async function folderNames(folder: string): Promise<string[]> {
  return (await childrenOf(folder)).filter((child) => child.isDirectory()).map((child) => child.name)
}

async function childrenOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return []
    throw error
  }
}
