/**
 * Compare-and-swap on a file system, which has none: an object is a folder with a run of numbered bodies, each made by
 * link(2), which creates or fails. The commit protocol ("file:") proves why this holds:
 *
 * - The next body of number n is a link to n + 1, so of all writers on one base at most one gets the number.
 * - A folder listing is not atomic, so the highest number seen proves nothing. A reader takes n if n + 1 is missing and,
 *   afterwards, n − 1 is there and is the body that n names as its predecessor; for n = 1, if `born` is absent.
 * - Old numbers go upwards, one after the other, and the last two always stay: who still links to a number that is gone
 *   makes a body that no reader takes. `born` is made before number 1 goes, so a gone number 1 is never free again.
 */
import { readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidDataError, ServiceError, ValidationError } from '../base/errors.ts'
import { JsonCursor, parseJson } from '../base/json.ts'
import type { Runtime } from '../base/runtime.ts'
import { createFile, makeFolder, syncFolder } from './durable-file.ts'
import type { CasListOptions, CasOutcome, CasPage, CasRecord, CasStore, CasToken, IoOptions } from './file-io.ts'
import { listLocalCas } from './local-cas-list.ts'
import { localError, mapLocalErrors, systemCode } from './local-errors.ts'
import { localPath } from './location.ts'

/** Bodies that pruning leaves below the one that is being replaced, itself included. */
const KEEP = 2
const SETTLE_TIMEOUT_MS = 30_000
const BORN = 'born'
/** Errors of link(2) after which it may still have happened: those of a network file system. */
const AMBIGUOUS = new Set(['EIO', 'ESTALE', 'ETIMEDOUT', 'ENXIO', 'EINTR'])

export interface LocalCasOptions {
  readonly runtime: Runtime
  /** Names in a folder; tests give torn listings. */
  readonly readFolder?: ((path: string) => Promise<readonly string[]>) | undefined
}

interface Body {
  readonly bytes: Uint8Array
  readonly lastModifiedMs: number
  readonly u: string
  readonly prevU: string | undefined
}

export class LocalCasStore implements CasStore {
  readonly epsilonMs = 0
  readonly #runtime: Runtime
  readonly #readFolder: (path: string) => Promise<readonly string[]>

  constructor({ runtime, readFolder = (path) => readdir(path) }: LocalCasOptions) {
    this.#runtime = runtime
    this.#readFolder = readFolder
  }

  async read(location: string, options: IoOptions = {}): Promise<CasRecord | undefined> {
    const folder = localPath(location)
    const startMs = this.#runtime.monotonicMs()
    for (let tries = 0; this.#runtime.monotonicMs() - startMs < SETTLE_TIMEOUT_MS; tries += 1) {
      options.signal?.throwIfAborted()
      const found = await mapLocalErrors(location, () => this.#tryRead(folder, location))
      if (found === 'absent') return undefined
      if (found !== 'unsettled') return found
      await this.#runtime.sleep(this.#runtime.random() * Math.min(2 ** tries, 50), options.signal)
    }
    throw new ServiceError(`no current body could be told at ${location} within ${SETTLE_TIMEOUT_MS} ms: try again`, {
      context: { location },
      retryable: true,
    })
  }

  async put(
    location: string,
    bytes: Uint8Array,
    expected: CasToken | undefined,
    options: IoOptions = {},
  ): Promise<CasOutcome> {
    options.signal?.throwIfAborted()
    const folder = localPath(location)
    const base = expected === undefined ? 0 : parseToken(expected)
    const path = join(folder, String(base + 1))
    const runtime = this.#runtime
    try {
      // Without its base on disk the number would be dead on arrival; this spares most of those, the reader's checks the rest.
      const isFree = base === 0 ? await isUnborn(folder) : await exists(join(folder, String(base)))
      if (isFree) {
        await makeFolder(folder)
        await createFile({ path, bytes, modifiedMs: runtime.wallMs(), tempId: runtime.uuid() })
      }
    } catch (error) {
      const code = systemCode(error)
      if (code !== undefined && AMBIGUOUS.has(code)) return { kind: 'ambiguous', cause: localError(error, location) }
      throw localError(error, location)
    }
    // The base was verified by the read that gave its token, so all below it is history. A pruning that fails is made up for
    // by the next one.
    await this.#prune(folder, base - KEEP).catch(() => {})
    return { kind: 'settled', storeTimeMs: runtime.wallMs() }
  }

  async *list(prefix: string, options: CasListOptions = {}): AsyncGenerator<CasPage> {
    try {
      for await (const page of listLocalCas(localPath(prefix), options)) {
        options.signal?.throwIfAborted()
        yield { ...page, storeTimeMs: this.#runtime.wallMs() }
      }
    } catch (error) {
      options.signal?.throwIfAborted()
      throw localError(error, prefix)
    }
  }

  async #tryRead(folder: string, location: string): Promise<CasRecord | 'absent' | 'unsettled'> {
    const numbers = await this.#numbers(folder)
    const n = Math.max(0, ...numbers)
    if (n === 0) return (await isUnborn(folder)) ? 'absent' : 'unsettled'
    const body = await readBody(join(folder, String(n)), location)
    if (body === undefined || (await exists(join(folder, String(n + 1))))) return 'unsettled'
    const isCurrent =
      n === 1
        ? !(await exists(join(folder, BORN)))
        : body.prevU !== undefined && (await readBody(join(folder, String(n - 1)), location))?.u === body.prevU
    if (!isCurrent) return 'unsettled'
    const { bytes, lastModifiedMs } = body
    return { bytes, token: String(n), lastModifiedMs, storeTimeMs: this.#runtime.wallMs() }
  }

  async #numbers(folder: string): Promise<number[]> {
    try {
      return (await this.#readFolder(folder)).filter((name) => /^[1-9]\d*$/.test(name)).map(Number)
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return []
      throw error
    }
  }

  /** Removes the numbers up to `last`, upwards: below each that the listing shows, any that it missed go first. */
  async #prune(folder: string, last: number): Promise<void> {
    if (last < 1) return
    const numbers = (await this.#numbers(folder)).filter((n) => n <= last).toSorted((a, b) => a - b)
    for (const n of numbers) {
      let lowest = n
      while (lowest > 1 && (await exists(join(folder, String(lowest - 1))))) lowest -= 1
      for (let k = lowest; k <= n; k += 1) {
        if (k === 1) await makeBorn(folder, this.#runtime)
        await unlinkIfThere(join(folder, String(k)))
      }
    }
  }
}

/** Whether the object was never made. Number 1 first: had it been pruned by then, `born` would be there already. */
async function isUnborn(folder: string): Promise<boolean> {
  return !(await exists(join(folder, '1'))) && !(await exists(join(folder, BORN)))
}

async function makeBorn(folder: string, runtime: Runtime): Promise<void> {
  const path = join(folder, BORN)
  if (await exists(path)) return
  await createFile({ path, bytes: new Uint8Array(), modifiedMs: runtime.wallMs(), tempId: runtime.uuid() })
  await syncFolder(folder)
}

async function readBody(path: string, location: string): Promise<Body | undefined> {
  try {
    const bytes = await readFile(path)
    const { mtimeMs } = await stat(path)
    const cursor = new JsonCursor(parseJson(bytes.toString('utf8'), location), location)
    const prevU = cursor.optional('prevU', (member) => member.string())
    return { bytes, lastModifiedMs: Math.floor(mtimeMs), u: cursor.get('u').string(), prevU }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error instanceof InvalidDataError ? error : localError(error, location)
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return false
    throw error
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw error
  })
}

function parseToken(token: CasToken): number {
  const n = Number(token)
  if (!Number.isSafeInteger(n) || n < 1) throw new ValidationError(`"${token}" is no token of a file: object`)
  return n
}
