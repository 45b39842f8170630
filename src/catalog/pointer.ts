/** The pointer of a table: the one mutable object that says which metadata file is current (commit-protocol, "The pointer"). */
import type { JsonCursor, JsonObject } from '../base/json.ts'
import type { CasRecord } from '../io/file-io.ts'
import { carryTurn } from '../transaction/turn.ts'
import type { Turn } from '../transaction/turn.ts'
import { encodeRecord, nextCasBody, parseCasBody, parseRecord, printCasBody } from './cas-body.ts'
import type { CasBody } from './cas-body.ts'

type PointerState = 'live' | 'dropped' | 'purging'
const STATES: readonly PointerState[] = ['live', 'dropped', 'purging']
export type PointerKind = 'table' | 'view'

/** What a pointer says of a table, apart from its place in the chain of bodies: what a move takes to another key. */
export interface PointerContent {
  readonly kind: PointerKind
  readonly uuid: string
  readonly namespace: readonly string[]
  readonly name: string
  readonly nsGeneration: number
  /** Absent where a create or a move came to nothing. */
  readonly metadataLocation: string | undefined
  readonly prevMetadataLocation: string | undefined
  /** Of the current snapshot, where the writer said: a hint that spares waiting for the metadata, which decides. */
  readonly manifestList?: string | undefined
  /** Files uploaded in a session that began before this store time may have been collected. */
  readonly gcHorizonMs: number
  readonly state: PointerState
  /** It is no table's home: a create or move that came to nothing, a table that was deregistered, a record below `own/`. */
  readonly hollow: boolean
  /** Key that the table went to: this body is no longer its home. */
  readonly movedTo: string | undefined
  /** Store time of the drop, on tombstones. */
  readonly droppedAtMs: number | undefined
  /** The tombstone whose name this body took, until trash holds it. */
  readonly over: PointerBody | undefined
  /** Of a record below `own/`: where the table's files lie, its location first. */
  readonly places?: readonly string[] | undefined
  readonly writer: string
}

/** A multi-table transaction waits here: committed, the next body says `next`; aborted, the visible body goes on. */
export interface Intent {
  /** Of the transaction record that decides. */
  readonly id: string
  /** Under which the ring names the next body. */
  readonly commitId: string
  readonly v: number
  readonly next: PointerContent
}

export interface PointerBody extends CasBody, PointerContent {
  readonly txn: Intent | undefined
  /** Of the writers of a live table: a hint of when to try, which decides nothing. */
  readonly turn?: Turn | undefined
}

/** Size classes modulo 16 (commit-protocol): what a LIST tells of a pointer without a GET. */
export const SIZE_CLASS = { table: 0, view: 4, tombstone: 8, intent: 12 } as const

export type PointerChange = Partial<PointerContent> & { readonly txn?: Intent; readonly turn?: Turn | undefined }

export interface PointerCommit {
  readonly commitId: string
  readonly u: string
  /** Of the new body; one more than the base's by default. */
  readonly v?: number | undefined
}

/**
 * The body that follows `base`; `over` and an intent never carry on: trash holds the one, the record decided the other.
 * Nor does the manifest list, which only the writer of the metadata knows.
 */
export function nextPointer(base: PointerBody, change: PointerChange, { commitId, u, v }: PointerCommit): PointerBody {
  const isSame = (change.uuid ?? base.uuid) === base.uuid && (change.state ?? base.state) === 'live'
  return {
    ...base,
    over: undefined,
    txn: undefined,
    manifestList: undefined,
    turn: isSame ? carryTurn(base.turn) : undefined,
    ...change,
    ...nextCasBody(base, commitId, u, v),
  }
}

/** Whether `next` came right after `base`, of a live table, and changed nothing but the line of waiting writers. */
export function changesLineOnly(base: PointerBody, next: PointerBody): boolean {
  const isPlain = next.prevU === base.u && next.txn === undefined && next.state === 'live'
  const isSameTable = next.uuid === base.uuid && next.metadataLocation === base.metadataLocation
  return isPlain && isSameTable && next.gcHorizonMs === base.gcHorizonMs
}

/** What a body that takes the name of `taken` carries along, until trash holds it. A hollow tombstone is no loss. */
export function overOf(taken: PointerBody | undefined): PointerBody | undefined {
  return taken === undefined || taken.hollow ? undefined : { ...taken, over: undefined }
}

export function contentOf(body: PointerBody): PointerContent {
  const { v: _v, commitId: _id, ring: _ring, u: _u, prevU: _prevU, txn: _txn, turn: _turn, ...content } = body
  return content
}

/** A tombstone that never was a table: no name for anybody, and in the way of older writes (commit-protocol, "Rename"). */
export function hollowPointer(
  place: Pick<PointerContent, 'uuid' | 'namespace' | 'name' | 'kind' | 'nsGeneration' | 'writer'>,
  { commitId, u }: PointerCommit,
): PointerBody {
  const { uuid, namespace, name, kind, nsGeneration, writer } = place
  return {
    ...nextCasBody(undefined, commitId, u),
    uuid,
    namespace,
    name,
    kind,
    nsGeneration,
    metadataLocation: undefined,
    prevMetadataLocation: undefined,
    gcHorizonMs: 0,
    state: 'dropped',
    hollow: true,
    movedTo: undefined,
    droppedAtMs: undefined,
    over: undefined,
    txn: undefined,
    writer,
  }
}

export function encodePointer(body: PointerBody): Uint8Array {
  return encodeRecord(printPointer(body), sizeClassOf(body))
}

function sizeClassOf({ txn, state, kind }: PointerBody): number {
  if (txn !== undefined) return SIZE_CLASS.intent
  return state === 'live' ? SIZE_CLASS[kind] : SIZE_CLASS.tombstone
}

function printPointer(body: PointerBody): JsonObject {
  const { txn } = body
  const intent = txn && { id: txn.id, commitId: txn.commitId, v: txn.v, next: printContent(txn.next) }
  return { ...printContent(body), txn: intent, turn: body.turn && printTurn(body.turn), ...printCasBody(body) }
}

function printTurn({ line, leftMs, commitMs, quietMs }: Turn): JsonObject {
  return { line, leftMs: Math.ceil(leftMs), commitMs: Math.ceil(commitMs), quietMs: Math.ceil(quietMs) }
}

function printContent(content: PointerContent): JsonObject {
  return {
    kind: content.kind,
    uuid: content.uuid,
    namespace: content.namespace,
    name: content.name,
    nsGeneration: content.nsGeneration,
    metadataLocation: content.metadataLocation,
    prevMetadataLocation: content.prevMetadataLocation,
    manifestList: content.manifestList,
    gcHorizon: content.gcHorizonMs,
    state: content.state,
    movedTo: content.movedTo,
    droppedAt: content.droppedAtMs,
    hollow: content.hollow || undefined,
    places: content.places,
    writer: content.writer,
    over: content.over && printPointer(content.over),
  }
}

export function decodePointer(record: CasRecord, location: string): PointerBody {
  return parsePointer(parseRecord(record, location))
}

function parsePointer(cursor: JsonCursor): PointerBody {
  return {
    ...parseCasBody(cursor),
    ...parseContent(cursor),
    txn: cursor.optional('txn', parseIntent),
    turn: cursor.optional('turn', parseTurn),
  }
}

function parseTurn(cursor: JsonCursor): Turn {
  return {
    line: cursor
      .get('line')
      .array()
      .map((mark) => mark.string()),
    leftMs: cursor.get('leftMs').integer(),
    commitMs: cursor.get('commitMs').integer(),
    quietMs: cursor.get('quietMs').integer(),
  }
}

function parseIntent(cursor: JsonCursor): Intent {
  return {
    id: cursor.get('id').string(),
    commitId: cursor.get('commitId').string(),
    v: cursor.get('v').integer(),
    next: parseContent(cursor.get('next')),
  }
}

function parseContent(cursor: JsonCursor): PointerContent {
  const kind = cursor.get('kind')
  const state = STATES.find((s) => s === cursor.get('state').string())
  return {
    kind: kind.value === 'table' || kind.value === 'view' ? kind.value : kind.fail('"table" or "view"'),
    uuid: cursor.get('uuid').string(),
    namespace: cursor
      .get('namespace')
      .array()
      .map((level) => level.string()),
    name: cursor.get('name').string(),
    nsGeneration: cursor.get('nsGeneration').integer(),
    metadataLocation: cursor.optional('metadataLocation', (c) => c.string()),
    prevMetadataLocation: cursor.optional('prevMetadataLocation', (c) => c.string()),
    manifestList: cursor.optional('manifestList', (c) => c.string()),
    gcHorizonMs: cursor.get('gcHorizon').integer(),
    state: state ?? cursor.get('state').fail(STATES.join(', ')),
    hollow: cursor.optional('hollow', (c) => c.boolean()) ?? false,
    movedTo: cursor.optional('movedTo', (c) => c.string()),
    droppedAtMs: cursor.optional('droppedAt', (c) => c.integer()),
    over: cursor.optional('over', parsePointer),
    places: cursor.optional('places', (c) => c.array().map((place) => place.string())),
    writer: cursor.get('writer').string(),
  }
}
