/** Listing of compare-and-swap objects on a file system: folders that hold numbered bodies. */
import type { CasEntry, CasListOptions, CasPage } from './file-io.ts'
import type { FolderEntry, LocalFiles } from './local-files.ts'
import { compareBytewise, localLocation, localPath } from './location.ts'

const PAGE_SIZE = 1000

type Found = { readonly kind: 'entry' | 'folder'; readonly path: string }

/** Objects (and, where `delimited`, folders) whose path starts with `prefix`, ordered by the bytes of their paths. */
export async function* listLocalCas(
  files: LocalFiles,
  prefix: string,
  { delimited = false, startAfter }: CasListOptions,
): AsyncGenerator<Omit<CasPage, 'storeTimeMs'>> {
  const from = startAfter === undefined ? undefined : localPath(startAfter)
  let entries: CasEntry[] = []
  let folders: string[] = []
  for await (const { kind, path } of search(files, prefix.slice(0, prefix.lastIndexOf('/') + 1), prefix, delimited)) {
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
async function* search(files: LocalFiles, folder: string, prefix: string, delimited: boolean): AsyncGenerator<Found> {
  const found: Found[] = []
  for (const { name, isFolder } of await files.list(folder)) {
    const path = folder + name
    if (!isFolder || !`${path}/`.startsWith(prefix)) continue
    const children = await files.list(`${path}/`)
    if (isObject(children)) {
      if (path.startsWith(prefix)) found.push({ kind: 'entry', path })
    } else if (children.some((child) => child.isFolder)) found.push({ kind: 'folder', path: `${path}/` })
  }
  for (const item of found.toSorted((a, b) => compareBytewise(a.path, b.path))) {
    if (item.kind === 'entry') yield item
    else if (!delimited) yield* search(files, item.path, prefix, delimited)
    else if (await holdsObject(files, item.path)) yield item
  }
}

/** Whether any object lies below: an empty folder is none of a listing's. */
async function holdsObject(files: LocalFiles, folder: string): Promise<boolean> {
  const first = await search(files, folder, folder, false).next()
  return first.done !== true
}

function isObject(children: readonly FolderEntry[]): boolean {
  return children.some((child) => !child.isFolder && /^(?:[1-9]\d*|born)$/.test(child.name))
}
