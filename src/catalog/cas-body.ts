/**
 * What all compare-and-swap objects of the catalog have in common: a version that grows with every body, a unique mark,
 * the mark of the body replaced, and the ring of the last commits, by which a writer finds its own commit again.
 */
import { InvalidDataError } from '../base/errors.ts'
import { JsonCursor, parseJson } from '../base/json.ts'
import type { JsonObject } from '../base/json.ts'
import type { CasRecord, CasToken } from '../io/file-io.ts'

/** The last 64 bodies of a key, newest first, whatever table they named. */
export const RING_LENGTH = 64

interface RingEntry {
  readonly id: string
  readonly v: number
}

export interface CasBody {
  readonly v: number
  readonly commitId: string
  readonly ring: readonly RingEntry[]
  /** Unique to this body: no two bodies are ever equal, so no etag ever comes back. */
  readonly u: string
  readonly prevU: string | undefined
}

/** A body together with the version of the store that it was read or written at. */
export interface Held<B extends CasBody> {
  readonly body: B
  readonly token: CasToken
  readonly lastModifiedMs: number
  readonly storeTimeMs: number
}

/** Store time after which anyone may undo what its writer began and did not end: a transaction, a namespace's drop. */
const LEASE_MS = 10_000

export function leaseIsOver({ storeTimeMs, lastModifiedMs }: Held<CasBody>): boolean {
  return storeTimeMs - lastModifiedMs > LEASE_MS
}

/** The bookkeeping of the body that follows `base` (undefined: the first of its key), of version `leastV` at least. */
export function nextCasBody(base: CasBody | undefined, commitId: string, u: string, leastV = 1): CasBody {
  const v = Math.max(leastV, (base?.v ?? 0) + 1)
  const ring = [{ id: commitId, v }, ...(base?.ring ?? [])].slice(0, RING_LENGTH)
  return { v, commitId, ring, u, prevU: base?.u }
}

export function printCasBody(body: CasBody): JsonObject {
  const { v, commitId, ring, u, prevU } = body
  return { v, commitId, ring: ring.map((entry) => ({ id: entry.id, v: entry.v })), prevU, u }
}

export function parseCasBody(cursor: JsonCursor): CasBody {
  return {
    v: cursor.get('v').integer(),
    commitId: cursor.get('commitId').string(),
    ring: cursor
      .get('ring')
      .array()
      .map((entry) => ({ id: entry.get('id').string(), v: entry.get('v').integer() })),
    u: cursor.get('u').string(),
    prevU: cursor.optional('prevU', (c) => c.string()),
  }
}

const utf8 = new TextDecoder()

/** Reads a record as a body, refusing formats that a later firn wrote. */
export function parseRecord(record: CasRecord, location: string): JsonCursor {
  const cursor = new JsonCursor(parseJson(utf8.decode(record.bytes), location), location)
  const fmt = cursor.get('fmt').integer()
  if (fmt !== 1) {
    throw new InvalidDataError(`catalog object of format ${fmt}, this version of firn reads 1: upgrade firn`, {
      context: { location, fmt },
    })
  }
  return cursor
}

/** Serialises a body, padded with spaces so that its size modulo 16 is `sizeClass`: a LIST tells classes without GETs. */
export function encodeRecord(body: JsonObject, sizeClass = 0): Uint8Array {
  // The native printer, several times faster: bodies hold no 64-bit integers, and it throws were there one.
  const text = JSON.stringify({ fmt: 1, ...body })
  const padding = (((sizeClass - Buffer.byteLength(text)) % 16) + 16) % 16
  return Buffer.from(text + ' '.repeat(padding))
}
