/**
 * Compare-and-swap on a file system, which has none: an object is a folder with a run of numbered bodies, each made by
 * link(2), which creates or fails. The commit protocol ("file:") proves why this holds:
 *
 * - The next body of number n is a link to n + 1, so of all writers on one base at most one gets the number.
 * - A folder listing is not atomic, so the highest number seen proves nothing. A reader takes n if n + 1 is missing and,
 *   afterwards, n − 1 is there and is the body that n names as its predecessor; for n = 1, if `born` is absent.
 * - Old numbers go upwards, one after the other, and the last two always stay: who still links to a number that is gone
 *   makes a body that no reader takes. `born` is made before number 1 goes, so a gone number 1 is never free again.
 * - A link whose answer was an error may still land, on a network file system even late, but not once its source is gone.
 */
import { join } from 'node:path'
import { ServiceError, ValidationError } from '../base/errors.ts'
import { JsonCursor, parseJson } from '../base/json.ts'
import type { Runtime } from '../base/runtime.ts'
import { writeTemp } from './durable-file.ts'
import type { CasListOptions, CasOutcome, CasPage, CasRecord, CasStore, CasToken, IoOptions } from './file-io.ts'
import { listLocalCas } from './local-cas-list.ts'
import { localError, mapLocalErrors, systemCode } from './local-errors.ts'
import { type LocalFiles, nodeFiles } from './local-files.ts'
import { localPath } from './location.ts'

/** Bodies that pruning leaves below the one that is being replaced, itself included. */
const KEEP = 2
const SETTLE_TIMEOUT_MS = 30_000
const BORN = 'born'
const utf8 = new TextDecoder()
/** Errors after which a call may still have happened: those of a network file system. */
const AMBIGUOUS = new Set(['EIO', 'ESTALE', 'ETIMEDOUT', 'ENXIO', 'EINTR'])

export interface LocalCasOptions {
  readonly runtime: Runtime
  readonly files?: LocalFiles | undefined
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
  readonly #files: LocalFiles
  /** One temporary name for all sends of a body, so that a source which could not be removed is, before the next send. */
  readonly #tempIds = new WeakMap<Uint8Array, string>()

  constructor({ runtime, files = nodeFiles }: LocalCasOptions) {
    this.#runtime = runtime
    this.#files = files
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
    try {
      // Without its base on disk the number would be dead on arrival; this spares most of those, the reader's checks the rest.
      const isFree = base === 0 ? await this.#isUnborn(folder) : await this.#has(folder, base)
      const doubt = isFree ? await this.#claim(folder, base + 1, bytes) : undefined
      if (doubt !== undefined) return { kind: 'ambiguous', cause: localError(doubt.cause, location) }
    } catch (error) {
      if (isAmbiguous(error)) return { kind: 'ambiguous', cause: localError(error, location) }
      throw localError(error, location)
    }
    // The base was verified by the read that gave its token, so all below it is history. A pruning that fails is made up for
    // by the next one.
    await this.#prune(folder, base - KEEP).catch(() => {})
    return { kind: 'settled', storeTimeMs: this.#runtime.wallMs() }
  }

  async *list(prefix: string, options: CasListOptions = {}): AsyncGenerator<CasPage> {
    try {
      for await (const page of listLocalCas(this.#files, localPath(prefix), options)) {
        options.signal?.throwIfAborted()
        yield { ...page, storeTimeMs: this.#runtime.wallMs() }
      }
    } catch (error) {
      options.signal?.throwIfAborted()
      throw localError(error, prefix)
    }
  }

  async #tryRead(folder: string, location: string): Promise<CasRecord | 'absent' | 'unsettled'> {
    const n = Math.max(0, ...(await this.#numbers(folder)))
    if (n === 0) return (await this.#isUnborn(folder)) ? 'absent' : 'unsettled'
    const body = await this.#body(folder, n, location)
    if (body === undefined || (await this.#has(folder, n + 1))) return 'unsettled'
    const isCurrent =
      n === 1
        ? !(await this.#has(folder, BORN))
        : body.prevU !== undefined && (await this.#body(folder, n - 1, location))?.u === body.prevU
    if (!isCurrent) return 'unsettled'
    const { bytes, lastModifiedMs } = body
    return { bytes, token: String(n), lastModifiedMs, storeTimeMs: this.#runtime.wallMs() }
  }

  /**
   * Links the body to the number. Throws where it has certainly not landed; returns the doubt where it may have, or still
   * may; otherwise the number is taken for good, be it by ours or another's.
   */
  async #claim(folder: string, n: number, bytes: Uint8Array): Promise<{ readonly cause: unknown } | undefined> {
    const files = this.#files
    const temp = await this.#writeTemp(folder, n, bytes)
    let doubt: { readonly cause: unknown } | undefined
    try {
      await files.link(temp, join(folder, String(n)))
    } catch (cause) {
      if (isAmbiguous(cause)) doubt = { cause }
      else if (systemCode(cause) !== 'EEXIST') {
        await files.remove(temp).catch(() => {})
        throw cause
      }
    }
    try {
      await files.remove(temp)
      // Also where the number was taken: the refusal may answer a link of ours that was sent twice on the way.
      await files.syncFolder(folder)
    } catch (cause) {
      doubt ??= { cause }
    }
    return doubt
  }

  async #writeTemp(folder: string, name: string | number, bytes: Uint8Array): Promise<string> {
    const tempId = this.#tempIds.get(bytes) ?? this.#runtime.uuid()
    const file = { path: join(folder, String(name)), bytes, modifiedMs: this.#runtime.wallMs(), tempId }
    if (this.#tempIds.has(bytes)) await this.#files.remove(join(folder, `.${tempId}.tmp`))
    this.#tempIds.set(bytes, tempId)
    await this.#files.makeFolder(folder)
    return writeTemp(this.#files, file)
  }

  /** Removes the numbers up to `last`, upwards: below each that the listing shows, any that it missed go first. */
  async #prune(folder: string, last: number): Promise<void> {
    if (last < 1) return
    const numbers = (await this.#numbers(folder)).filter((n) => n <= last).toSorted((a, b) => a - b)
    for (const n of numbers) {
      let lowest = n
      while (lowest > 1 && (await this.#has(folder, lowest - 1))) lowest -= 1
      for (let k = lowest; k <= n; k += 1) {
        if (k === 1) await this.#makeBorn(folder)
        await this.#files.remove(join(folder, String(k)))
      }
    }
  }

  async #makeBorn(folder: string): Promise<void> {
    if (!(await this.#has(folder, BORN))) {
      const temp = await this.#writeTemp(folder, BORN, new Uint8Array())
      await this.#files.link(temp, join(folder, BORN)).catch((error: unknown) => {
        if (systemCode(error) !== 'EEXIST') throw error
      })
      await this.#files.remove(temp)
    }
    await this.#files.syncFolder(folder)
  }

  /** Whether the object was never made. Number 1 first: had it been pruned by then, `born` would be there already. */
  async #isUnborn(folder: string): Promise<boolean> {
    return !(await this.#has(folder, 1)) && !(await this.#has(folder, BORN))
  }

  #has(folder: string, name: string | number): Promise<boolean> {
    return this.#files.exists(join(folder, String(name)))
  }

  async #numbers(folder: string): Promise<number[]> {
    const names = (await this.#files.list(folder)).map((entry) => entry.name)
    return names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number)
  }

  async #body(folder: string, n: number, location: string): Promise<Body | undefined> {
    const content = await this.#files.read(join(folder, String(n)))
    if (content === undefined) return undefined
    const { bytes, modifiedMs } = content
    const cursor = new JsonCursor(parseJson(utf8.decode(bytes), location), location)
    const prevU = cursor.optional('prevU', (member) => member.string())
    return { bytes, lastModifiedMs: modifiedMs, u: cursor.get('u').string(), prevU }
  }
}

function isAmbiguous(error: unknown): boolean {
  return AMBIGUOUS.has(systemCode(error) ?? '')
}

function parseToken(token: CasToken): number {
  const n = Number(token)
  if (!Number.isSafeInteger(n) || n < 1) throw new ValidationError(`"${token}" is no token of a file: object`)
  return n
}
