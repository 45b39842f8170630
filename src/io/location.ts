/**
 * Locations: absolute URIs as metadata records them. Paths and keys are taken literally, as every Iceberg engine does:
 * `%20` in a location is three characters of the name, never a space.
 */
import { posix, resolve } from 'node:path'
import { UnsupportedError, ValidationError } from '../base/errors.ts'

export type StoreKind = 's3' | 'local' | 'memory'

export interface S3Location {
  readonly bucket: string
  readonly key: string
}

export interface MemoryLocation {
  readonly store: string
  readonly path: string
}

const SCHEMES: Readonly<Record<string, StoreKind>> = {
  s3: 's3',
  s3a: 's3',
  s3n: 's3',
  file: 'local',
  memory: 'memory',
}

/** The store that holds a location. UnsupportedError for unknown schemes, ValidationError where there is none. */
export function storeKindOf(location: string): StoreKind {
  const scheme = schemeOf(location)
  if (scheme === undefined) {
    throw new ValidationError(`"${location}" is no absolute location: start it with s3://, file: or memory:`, {
      context: { location },
    })
  }
  const kind = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined
  if (kind === undefined) {
    throw new UnsupportedError(`no store for "${scheme}:" locations: firn reads s3:, s3a:, s3n:, file: and memory:`, {
      context: { location },
    })
  }
  return kind
}

/** Appends path parts with exactly one slash between; parts may hold slashes themselves. */
export function joinLocation(base: string, ...parts: readonly string[]): string {
  const [, head = '', body = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(base) ?? []
  let joined = body.replace(/\/+$/, '')
  for (const part of parts) joined += `/${part.replace(/^\/+/, '')}`
  return head + joined
}

/** What follows the last slash. */
export function lastSegment(location: string): string {
  return location.slice(location.lastIndexOf('/') + 1)
}

/** What comes before the last slash. */
export function parentLocation(location: string): string {
  return location.slice(0, Math.max(0, location.lastIndexOf('/')))
}

export function parseS3Location(location: string): S3Location {
  const [, bucket, key = ''] = /^s3[an]?:\/\/([^/]+)(?:\/(.*))?$/is.exec(location) ?? []
  if (bucket === undefined) throw malformed(location, 's3://bucket/key')
  return { bucket, key }
}

export function parseMemoryLocation(location: string): MemoryLocation {
  const [, store, path = ''] = /^memory:\/\/([^/]+)(?:\/(.*))?$/is.exec(location) ?? []
  if (store === undefined) throw malformed(location, 'memory://name/path')
  return { store, path }
}

/** The absolute path of a `file:` location; a trailing slash is kept, doubled ones and dots are resolved. */
export function localPath(location: string): string {
  const [, path] = /^file:(?:\/\/(?:localhost)?(?=\/)|(?!\/\/))(\/.*)$/is.exec(location) ?? []
  if (path === undefined || path.includes('\0')) throw malformed(location, 'file:///absolute/path')
  return posix.normalize(path)
}

/** The `file:` location of an absolute path. */
export function localLocation(path: string): string {
  return `file://${path}`
}

/**
 * What a user types as an absolute location without a trailing slash: URIs of the known schemes (s3a and s3n become s3),
 * `memory:` with or without slashes, or a path, taken from `cwd` where it is relative.
 */
export function toLocation(uriOrPath: string, cwd: string): string {
  if (uriOrPath === '') throw new ValidationError('the location is empty: give s3://bucket/prefix or a path')
  if (schemeOf(uriOrPath) === undefined) return localLocation(resolve(cwd, uriOrPath))
  const kind = storeKindOf(uriOrPath)
  if (kind === 's3') {
    const { bucket, key } = parseS3Location(uriOrPath)
    return `s3://${bucket}/${key}`.replace(/\/+$/, '')
  }
  if (kind === 'memory') {
    const rest = uriOrPath.replace(/^memory:\/*|\/+$/gi, '')
    return `memory://${rest === '' ? 'main' : rest}`
  }
  const relative = /^file:(?!\/)(.*)$/is.exec(uriOrPath)?.[1]
  return localLocation(relative === undefined ? resolve(localPath(uriOrPath)) : resolve(cwd, relative))
}

/**
 * One spelling for all spellings that may mean one place: scheme aliases, doubled slashes, %-escapes, a trailing slash.
 * For comparing only, never for opening: names that a store tells apart may fall together here, so whoever deletes by
 * comparison keeps too much rather than too little.
 */
export function canonicalLocation(location: string): string {
  const kind = storeKindOf(location)
  const path = kind === 'local' ? localPath(location) : location.replace(/^[a-z0-9]+:\/\//i, '')
  const unescaped = path.replaceAll(/(?:%[0-9a-f]{2})+/gi, decodeEscapes)
  return `${kind}:${unescaped.replaceAll(/\/+/g, '/').replace(/\/$/, '')}`
}

/** Whether two locations may name one place; see `canonicalLocation`. */
export function sameLocation(a: string, b: string): boolean {
  return a === b || canonicalLocation(a) === canonicalLocation(b)
}

/** Order of UTF-8 bytes, which is the order of listings; JavaScript's own differs beyond the BMP. */
export function compareBytewise(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return surrogatesLast(x) - surrogatesLast(y)
  }
  return a.length - b.length
}

/** Moves surrogates, which stand for code points beyond all others, above the rest of the BMP. */
function surrogatesLast(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

function schemeOf(text: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
}

function decodeEscapes(escapes: string): string {
  try {
    return decodeURIComponent(escapes)
  } catch {
    return escapes.toLowerCase()
  }
}

function malformed(location: string, form: string): ValidationError {
  return new ValidationError(`"${location}" is not of the form ${form}`, { context: { location } })
}
