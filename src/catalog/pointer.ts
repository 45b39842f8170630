/** The pointer of a table: the one mutable object that says which metadata file is current (commit-protocol, "The pointer"). */
import { UnsupportedError } from '../base/errors.ts'
import type { JsonCursor, JsonObject } from '../base/json.ts'
import type { CasRecord } from '../io/file-io.ts'
import { encodeRecord, nextCasBody, parseCasBody, parseRecord, printCasBody } from './cas-body.ts'
import type { CasBody } from './cas-body.ts'

type PointerState = 'live' | 'dropped' | 'purging'
const STATES: readonly PointerState[] = ['live', 'dropped', 'purging']

export interface PointerBody extends CasBody {
  readonly kind: 'table' | 'view'
  readonly uuid: string
  readonly name: string
  readonly nsGeneration: number
  /** Absent on a hollow tombstone: one that stands for a create which its namespace did not live to see. */
  readonly metadataLocation: string | undefined
  readonly prevMetadataLocation: string | undefined
  /** Files uploaded in a session that began before this store time may have been collected. */
  readonly gcHorizonMs: number
  readonly state: PointerState
  readonly hollow: boolean
  readonly movedTo: string | undefined
  /** The tombstone whose name this body took, until trash holds it. */
  readonly over: PointerBody | undefined
  readonly writer: string
}

/** Size classes modulo 16 (commit-protocol): what a LIST tells of a pointer without a GET. */
export const SIZE_CLASS = { table: 0, view: 4, tombstone: 8, intent: 12 } as const

/** What changes from one pointer body to the next. */
export type PointerChange = Partial<Omit<PointerBody, keyof CasBody>>

/** The body that follows `base`; `over` never carries on, trash holds it by then. */
export function nextPointer(
  base: PointerBody,
  change: PointerChange,
  commit: { commitId: string; u: string },
): PointerBody {
  return { ...base, over: undefined, ...change, ...nextCasBody(base, commit.commitId, commit.u) }
}

/** A tombstone that never was a table: no name for anybody, and in the way of older writes (commit-protocol, "Rename"). */
export function hollowPointer(
  table: Pick<PointerBody, 'uuid' | 'name' | 'nsGeneration' | 'writer'>,
  commit: { commitId: string; u: string },
): PointerBody {
  return {
    ...table,
    ...nextCasBody(undefined, commit.commitId, commit.u),
    kind: 'table',
    metadataLocation: undefined,
    prevMetadataLocation: undefined,
    gcHorizonMs: 0,
    state: 'dropped',
    hollow: true,
    movedTo: undefined,
    over: undefined,
  }
}

export function encodePointer(body: PointerBody): Uint8Array {
  return encodeRecord(printPointer(body), body.state === 'live' ? SIZE_CLASS[body.kind] : SIZE_CLASS.tombstone)
}

function printPointer(body: PointerBody): JsonObject {
  const { kind, uuid, name, nsGeneration, metadataLocation, prevMetadataLocation, gcHorizonMs, state, movedTo } = body
  return {
    kind,
    uuid,
    name,
    nsGeneration,
    metadataLocation,
    prevMetadataLocation,
    gcHorizon: gcHorizonMs,
    state,
    movedTo,
    hollow: body.hollow || undefined,
    writer: body.writer,
    over: body.over === undefined ? undefined : printPointer(body.over),
    ...printCasBody(body),
  }
}

export function decodePointer(record: CasRecord, location: string): PointerBody {
  return parsePointer(parseRecord(record, location))
}

function parsePointer(cursor: JsonCursor): PointerBody {
  if (cursor.has('txn')) {
    throw new UnsupportedError(
      'the table takes part in a multi-table transaction, which this version of firn cannot resolve: upgrade firn',
      { context: { location: cursor.location } },
    )
  }
  const kind = cursor.get('kind')
  const state = STATES.find((s) => s === cursor.get('state').string())
  return {
    ...parseCasBody(cursor),
    kind: kind.value === 'table' || kind.value === 'view' ? kind.value : kind.fail('"table" or "view"'),
    uuid: cursor.get('uuid').string(),
    name: cursor.get('name').string(),
    nsGeneration: cursor.get('nsGeneration').integer(),
    metadataLocation: cursor.optional('metadataLocation', (c) => c.string()),
    prevMetadataLocation: cursor.optional('prevMetadataLocation', (c) => c.string()),
    gcHorizonMs: cursor.get('gcHorizon').integer(),
    state: state ?? cursor.get('state').fail(STATES.join(', ')),
    hollow: cursor.optional('hollow', (c) => c.boolean()) ?? false,
    movedTo: cursor.optional('movedTo', (c) => c.string()),
    over: cursor.optional('over', parsePointer),
    writer: cursor.get('writer').string(),
  }
}
