/**
 * Reads a table where its files lie, which need not be where its metadata says: recorded locations below the table's
 * own are mapped onto the folder it was copied to, whatever scheme they were recorded with; all others stay.
 */
import { posix } from 'node:path'
import { InvalidDataError, ValidationError } from '../base/errors.ts'
import type {
  Answer,
  ByteRange,
  CasStore,
  FileIO,
  IoOptions,
  ListPage,
  ReadAnswer,
  StatAnswer,
  StreamAnswer,
} from './file-io.ts'
import { localLocation, storeKindOf } from './location.ts'

/** `from` is the location that the metadata records, `to` the folder that stands for it. */
export interface Relocation {
  readonly from: string
  readonly to: string
}

export interface RelocatingOptions {
  /** Undefined: every location is read as recorded. */
  readonly relocation: Relocation | undefined
  /** Opens another store than `home`, for locations of its schemes. */
  readonly open: (location: string) => FileIO
}

/** A FileIO for reading only, over `home` and every other store that recorded locations name. */
export function relocating(home: FileIO, options: RelocatingOptions): FileIO {
  return new RelocatingFileIO(home, options)
}

class RelocatingFileIO implements FileIO {
  readonly kind: FileIO['kind']
  readonly storeId: string
  readonly cas: CasStore
  readonly #home: FileIO
  readonly #others = new Map<FileIO['kind'], FileIO>()
  readonly #options: RelocatingOptions

  constructor(home: FileIO, options: RelocatingOptions) {
    this.kind = home.kind
    this.storeId = home.storeId
    this.cas = home.cas
    this.#home = home
    this.#options = options
  }

  async read(location: string, options?: IoOptions): Promise<ReadAnswer> {
    const [io, actual] = this.#place(location)
    return io.read(actual, options)
  }

  async readRange(location: string, range: ByteRange, options?: IoOptions): Promise<ReadAnswer> {
    const [io, actual] = this.#place(location)
    return io.readRange(actual, range, options)
  }

  async stat(location: string, options?: IoOptions): Promise<StatAnswer> {
    const [io, actual] = this.#place(location)
    return io.stat(actual, options)
  }

  async write(location: string): Promise<Answer> {
    return refuse(location)
  }

  async writeStream(location: string): Promise<StreamAnswer> {
    return refuse(location)
  }

  async delete([location = '']: readonly string[]): Promise<Answer> {
    return refuse(location)
  }

  list(prefix: string): AsyncIterable<ListPage> {
    return refuse(prefix)
  }

  storeTimeMs(options?: IoOptions): Promise<number> {
    return this.#home.storeTimeMs(options)
  }

  async close(): Promise<void> {
    await Promise.all([this.#home, ...this.#others.values()].map((io) => io.close()))
  }

  #place(location: string): [io: FileIO, actual: string] {
    const { relocation, open } = this.#options
    const actual = absolute(relocation === undefined ? location : relocated(location, relocation))
    const kind = storeKindOf(actual)
    const io = kind === this.kind ? this.#home : (this.#others.get(kind) ?? open(actual))
    if (io !== this.#home) this.#others.set(kind, io)
    return [io, actual]
  }
}

/** Hadoop records local tables by their bare paths. */
function absolute(location: string): string {
  if (location.startsWith('/')) return localLocation(location)
  if (/^[a-z][a-z0-9+.-]*:/i.test(location)) return location
  throw new InvalidDataError(
    `the relative location ${location} cannot be read: what it is relative to is known only where it lies below the ` +
      "table's, and the table is relocated",
    { context: { location } },
  )
}

function refuse(location: string): never {
  throw new ValidationError('a table that was opened by its metadata file is only read: register it to write', {
    context: { location },
  })
}

/** Where a recorded location lies: below `to` where it lies below `from`, compared as `samePlace` does; else as it is. */
export function relocated(location: string, { from, to }: Relocation): string {
  const below = location.startsWith(`${from}/`) ? location.slice(from.length) : undefined
  if (below !== undefined && !/\/[./]/.test(below)) return to + below
  const [base, place] = [placeOf(from), placeOf(location)]
  if (!isBelow(place, base)) return location
  const rest = place.path.slice(place.segments[base.segments.length - 1]?.end ?? 0)
  return `${to}${rest === '' || rest.startsWith('/') ? '' : '/'}${rest}`
}

/** Whether two locations are spellings of one place: scheme aliases, doubled slashes, %-escapes, slashes at the end. */
export function samePlace(a: string, b: string): boolean {
  const [left, right] = [placeOf(a), placeOf(b)]
  return isBelow(left, right) && left.segments.length === right.segments.length
}

interface Place {
  /** Scheme and authority, aliases made one; what has no scheme is a path, absolute or not. */
  readonly root: string
  /** The path that `end` counts in. */
  readonly path: string
  readonly segments: readonly { readonly name: string; readonly end: number }[]
}

/** True of the base itself too. */
function isBelow(place: Place, base: Place): boolean {
  return place.root === base.root && base.segments.every(({ name }, i) => name === place.segments[i]?.name)
}

const S3_SCHEMES: ReadonlySet<string> = new Set(['s3', 's3a', 's3n'])

/** Unlike `canonicalLocation`, of every scheme and of none: tables come from stores that firn cannot read. */
function placeOf(location: string): Place {
  const [, given = '', authority = '', rawPath = ''] =
    /^(?:([a-z][a-z0-9+.-]*):)?(?:\/\/([^/]*))?(.*)$/is.exec(location) ?? []
  const scheme = given.toLowerCase()
  const isS3 = S3_SCHEMES.has(scheme)
  // Keys of S3 are literal, so that doubled slashes behind the table's location are part of the name.
  const path = isS3 ? rawPath : posix.normalize(rawPath)
  const segments = [...path.matchAll(/[^/]+/g)]
    .filter(([segment]) => isS3 || segment !== '.')
    .map(({ 0: segment, index }) => ({ name: unescape(segment), end: index + segment.length }))
  return { root: rootOf(isS3 ? 's3' : scheme, authority.toLowerCase(), path), path, segments }
}

function rootOf(scheme: string, authority: string, path: string): string {
  if (scheme === '') return path.startsWith('/') ? 'file://' : ''
  return `${scheme}://${scheme === 'file' && authority === 'localhost' ? '' : authority}`
}

function unescape(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
