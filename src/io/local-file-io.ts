/**
 * The store of `file:` locations: objects are files, the store's clock is the machine's. A file appears whole or not at
 * all, and is on disk when `write` resolves.
 */
import type { Dirent } from 'node:fs'
import { open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { mapConcurrent } from '../base/concurrency.ts'
import type { Runtime } from '../base/runtime.ts'
import { checkRange, shorterThan } from './byte-range.ts'
import { replaceFile, streamFile } from './durable-file.ts'
import type {
  Answer,
  ByteRange,
  CasStore,
  FileIO,
  IoOptions,
  ListEntry,
  ListOptions,
  ListPage,
  ReadAnswer,
  StatAnswer,
  StreamAnswer,
} from './file-io.ts'
import { LocalCasStore } from './local-cas.ts'
import { localError, mapLocalErrors, systemCode } from './local-errors.ts'
import { nodeFiles } from './local-files.ts'
import { compareBytewise, localLocation, localPath } from './location.ts'

const PAGE_SIZE = 1000
const DELETE_CONCURRENCY = 16

export class LocalFileIO implements FileIO {
  readonly kind = 'local'
  readonly storeId = 'local'
  readonly cas: CasStore
  readonly #runtime: Runtime

  constructor(options: { readonly runtime: Runtime }) {
    this.#runtime = options.runtime
    this.cas = new LocalCasStore(options)
  }

  async read(location: string, options: IoOptions = {}): Promise<ReadAnswer> {
    const bytes = await this.#call(location, options, (path) => readFile(path))
    return { bytes, storeTimeMs: this.#runtime.wallMs() }
  }

  async readRange(location: string, range: ByteRange, options: IoOptions = {}): Promise<ReadAnswer> {
    checkRange(location, range)
    const bytes = await this.#call(location, options, (path) => readFileRange(path, location, range))
    return { bytes, storeTimeMs: this.#runtime.wallMs() }
  }

  async write(location: string, bytes: Uint8Array, options: IoOptions = {}): Promise<Answer> {
    const runtime = this.#runtime
    await this.#call(location, options, (path) =>
      replaceFile(nodeFiles, { path, bytes, modifiedMs: runtime.wallMs(), tempId: runtime.uuid() }),
    )
    return { storeTimeMs: runtime.wallMs() }
  }

  async writeStream(
    location: string,
    chunks: AsyncIterable<Uint8Array>,
    options: IoOptions = {},
  ): Promise<StreamAnswer> {
    const runtime = this.#runtime
    let broken: { readonly error: unknown } | undefined
    async function* heard(): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of chunks) {
          options.signal?.throwIfAborted()
          yield chunk
        }
      } catch (error) {
        broken = { error }
        throw error
      }
    }
    const file = { chunks: heard(), modifiedMs: () => runtime.wallMs(), tempId: runtime.uuid() }
    try {
      const sizeBytes = await this.#call(location, options, (path) => streamFile({ path, ...file }))
      return { sizeBytes, storeTimeMs: runtime.wallMs() }
    } catch (error) {
      // What the bytes come from has failed, not the file system.
      throw broken === undefined ? error : broken.error
    }
  }

  async stat(location: string, options: IoOptions = {}): Promise<StatAnswer> {
    const found = await this.#call(location, options, async (path) => {
      const stats = await stat(path)
      return stats.isDirectory() ? Promise.reject(notFound()) : stats
    })
    return { sizeBytes: found.size, lastModifiedMs: Math.floor(found.mtimeMs), storeTimeMs: this.#runtime.wallMs() }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListPage> {
    const { startAfter, signal } = options
    const path = localPath(prefix)
    const from = startAfter === undefined ? undefined : localPath(startAfter)
    let entries: ListEntry[] = []
    try {
      for await (const entry of walk(path.slice(0, path.lastIndexOf('/') + 1), { prefix: path, startAfter: from })) {
        signal?.throwIfAborted()
        entries.push(entry)
        if (entries.length < PAGE_SIZE) continue
        yield { entries, storeTimeMs: this.#runtime.wallMs() }
        entries = []
      }
    } catch (error) {
      signal?.throwIfAborted()
      throw localError(error, prefix)
    }
    signal?.throwIfAborted()
    yield { entries, storeTimeMs: this.#runtime.wallMs() }
  }

  async delete(locations: readonly string[], options: IoOptions = {}): Promise<Answer> {
    const remove = (location: string): Promise<void> => this.#call(location, options, unlinkIfThere)
    for await (const _ of mapConcurrent(locations, DELETE_CONCURRENCY, remove, options.signal));
    return { storeTimeMs: this.#runtime.wallMs() }
  }

  async storeTimeMs(options: IoOptions = {}): Promise<number> {
    options.signal?.throwIfAborted()
    return this.#runtime.wallMs()
  }

  async close(): Promise<void> {}

  async #call<T>(location: string, { signal }: IoOptions, run: (path: string) => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    const path = localPath(location)
    const result = await mapLocalErrors(location, () => run(path))
    signal?.throwIfAborted()
    return result
  }
}

interface WalkOptions {
  readonly prefix: string
  readonly startAfter: string | undefined
}

/** Files below a folder (with a slash at its end) in the order of their paths' bytes; links to folders are not followed. */
async function* walk(folder: string, options: WalkOptions): AsyncGenerator<ListEntry> {
  const { prefix, startAfter } = options
  for (const path of await childPaths(folder)) {
    if (!path.startsWith(prefix)) continue
    const isBehind = startAfter !== undefined && compareBytewise(path, startAfter) <= 0
    if (path.endsWith('/')) {
      if (!isBehind || startAfter.startsWith(path)) yield* walk(path, options)
    } else if (!isBehind) {
      const found = await statIfThere(path)
      if (found !== undefined) yield found
    }
  }
}

async function childPaths(folder: string): Promise<string[]> {
  const children = await readdir(folder, { withFileTypes: true }).catch((error: unknown): Dirent[] => {
    // Removed meanwhile, or never there: nothing is listed.
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return []
    throw error
  })
  return children.map((child) => folder + child.name + (child.isDirectory() ? '/' : '')).toSorted(compareBytewise)
}

async function statIfThere(path: string): Promise<ListEntry | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile()) return undefined
    return { location: localLocation(path), sizeBytes: found.size, lastModifiedMs: Math.floor(found.mtimeMs) }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function readFileRange(path: string, location: string, range: ByteRange): Promise<Uint8Array> {
  const handle = await open(path, 'r')
  try {
    if (range.offset + range.length > (await handle.stat()).size) throw shorterThan(location, range)
    const bytes = Buffer.allocUnsafeSlow(range.length)
    for (let done = 0; done < range.length;) {
      const { bytesRead } = await handle.read(bytes, done, range.length - done, range.offset + done)
      if (bytesRead === 0) throw shorterThan(location, range)
      done += bytesRead
    }
    return bytes
  } finally {
    await handle.close()
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw error
  })
}

function notFound(): Error {
  return Object.assign(new Error('a folder, not a file'), { code: 'EISDIR' })
}
