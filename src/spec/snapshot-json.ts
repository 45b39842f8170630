/**
 * JSON codecs of snapshots, references, logs and statistics entries: the parts of table metadata that hang on snapshot
 * ids. table-metadata-json.ts composes them; a REST commit carries the same objects one by one.
 */
import type { JsonCursor, JsonObject } from '../base/json.ts'
import type {
  MetadataLogEntry,
  Operation,
  Snapshot,
  SnapshotLogEntry,
  SnapshotRef,
  SnapshotSummary,
} from './snapshot.ts'

/** Deeper than anything the specification has: what is kept unread is to be printed again. */
const MAX_KEPT_DEPTH = 100

const SNAPSHOT_MEMBERS: ReadonlySet<string> = new Set([
  'snapshot-id',
  'parent-snapshot-id',
  'sequence-number',
  'timestamp-ms',
  'manifest-list',
  'manifests',
  'summary',
  'schema-id',
  'first-row-id',
  'added-rows',
  'key-id',
])

/** The members of an object that are not `known`, to be kept as they are; undefined where there are none. */
export function unknownMembers(cursor: JsonCursor, known: ReadonlySet<string>): JsonObject | undefined {
  const object = cursor.object()
  const keys = Object.keys(object).filter((key) => !known.has(key))
  for (const key of keys) checkKept(cursor.get(key), MAX_KEPT_DEPTH)
  return keys.length === 0 ? undefined : Object.fromEntries(keys.map((key) => [key, object[key]]))
}

function checkKept(cursor: JsonCursor, levels: number): void {
  const { value } = cursor
  // Beyond a double's range: it would be printed as null.
  if (typeof value === 'number' && !Number.isFinite(value)) cursor.fail('a number that a double can hold')
  if (typeof value !== 'object' || value === null) return
  if (levels === 0) cursor.fail(`at most ${MAX_KEPT_DEPTH} levels`)
  const members = Array.isArray(value) ? cursor.array() : cursor.entries().map(([, member]) => member)
  for (const member of members) checkKept(member, levels - 1)
}

/** An object that is kept as it is, once what must be in it has been checked. */
function kept(cursor: JsonCursor): JsonObject {
  checkKept(cursor, MAX_KEPT_DEPTH)
  return cursor.object()
}

/** Reads one entry of `snapshots`; in v1 `manifests` may stand in for the manifest list. */
export function parseSnapshot(cursor: JsonCursor): Snapshot {
  const manifestList = cursor.optional('manifest-list', string)
  const manifests = cursor.optional('manifests', (paths) => paths.array().map(string))
  if (manifestList === undefined && manifests === undefined) cursor.get('manifest-list').fail('a string')
  return {
    snapshotId: cursor.get('snapshot-id').long(),
    parentSnapshotId: cursor.optional('parent-snapshot-id', long),
    sequenceNumber: cursor.optional('sequence-number', natural) ?? 0n,
    timestampMs: cursor.get('timestamp-ms').integer(),
    manifestList,
    manifests: manifestList === undefined ? manifests : undefined,
    summary: cursor.optional('summary', parseSummary),
    schemaId: cursor.optional('schema-id', integer),
    firstRowId: cursor.optional('first-row-id', natural),
    addedRows: cursor.optional('added-rows', natural),
    keyId: cursor.optional('key-id', string),
    extra: unknownMembers(cursor, SNAPSHOT_MEMBERS),
  }
}

/** Member order as Java writes it; sequence number 0 stays unwritten, as v1 has none. */
export function printSnapshot(snapshot: Snapshot): JsonObject {
  return {
    'sequence-number': snapshot.sequenceNumber > 0n ? snapshot.sequenceNumber : undefined,
    'snapshot-id': snapshot.snapshotId,
    'parent-snapshot-id': snapshot.parentSnapshotId,
    'timestamp-ms': snapshot.timestampMs,
    summary: snapshot.summary && printSummary(snapshot.summary),
    'manifest-list': snapshot.manifestList,
    manifests: snapshot.manifests,
    'schema-id': snapshot.schemaId,
    'first-row-id': snapshot.firstRowId,
    'added-rows': snapshot.addedRows,
    'key-id': snapshot.keyId,
    ...snapshot.extra,
  }
}

/** An operation that the specification doesn't name stays among the properties, so that it is kept on rewrite. */
function parseSummary(cursor: JsonCursor): SnapshotSummary | undefined {
  const { operation, ...properties } = cursor.stringMap()
  if (operation === undefined && Object.keys(properties).length === 0) return undefined
  if (operation === undefined || isOperation(operation)) return { operation, properties }
  return { operation: undefined, properties: { operation, ...properties } }
}

function printSummary({ operation, properties }: SnapshotSummary): JsonObject {
  return operation === undefined ? properties : { operation, ...properties }
}

function isOperation(text: string): text is Operation {
  return text === 'append' || text === 'replace' || text === 'overwrite' || text === 'delete'
}

/** Reads one value of `refs`. */
export function parseSnapshotRef(cursor: JsonCursor): SnapshotRef {
  const type = cursor.get('type').string().toLowerCase()
  return {
    type: type === 'branch' || type === 'tag' ? type : cursor.get('type').fail('branch or tag'),
    snapshotId: cursor.get('snapshot-id').long(),
    minSnapshotsToKeep: cursor.optional('min-snapshots-to-keep', integer),
    maxSnapshotAgeMs: cursor.optional('max-snapshot-age-ms', age),
    maxRefAgeMs: cursor.optional('max-ref-age-ms', age),
  }
}

export function printSnapshotRef(ref: SnapshotRef): JsonObject {
  return {
    'snapshot-id': ref.snapshotId,
    type: ref.type,
    'min-snapshots-to-keep': ref.minSnapshotsToKeep,
    'max-snapshot-age-ms': ref.maxSnapshotAgeMs,
    'max-ref-age-ms': ref.maxRefAgeMs,
  }
}

export function parseSnapshotLogEntry(cursor: JsonCursor): SnapshotLogEntry {
  return { timestampMs: cursor.get('timestamp-ms').integer(), snapshotId: cursor.get('snapshot-id').long() }
}

export function printSnapshotLogEntry(entry: SnapshotLogEntry): JsonObject {
  return { 'timestamp-ms': entry.timestampMs, 'snapshot-id': entry.snapshotId }
}

export function parseMetadataLogEntry(cursor: JsonCursor): MetadataLogEntry {
  return { timestampMs: cursor.get('timestamp-ms').integer(), metadataFile: cursor.get('metadata-file').string() }
}

export function printMetadataLogEntry(entry: MetadataLogEntry): JsonObject {
  return { 'timestamp-ms': entry.timestampMs, 'metadata-file': entry.metadataFile }
}

/** Checks one entry of `statistics` and keeps it as it is, members of later versions included. */
export function parseStatisticsFile(cursor: JsonCursor): JsonObject {
  const file = parsePartitionStatisticsFile(cursor)
  cursor.get('file-footer-size-in-bytes').integer()
  for (const blob of cursor.get('blob-metadata').array()) {
    blob.get('type').string()
    blob.get('snapshot-id').long()
    blob.get('sequence-number').long()
    for (const fieldId of blob.get('fields').array()) fieldId.integer()
    blob.optional('properties', (properties) => properties.stringMap())
  }
  return file
}

/** Checks one entry of `partition-statistics` and keeps it as it is. */
export function parsePartitionStatisticsFile(cursor: JsonCursor): JsonObject {
  cursor.get('snapshot-id').long()
  cursor.get('statistics-path').string()
  cursor.get('file-size-in-bytes').integer()
  return kept(cursor)
}

/** Checks one entry of `encryption-keys` and keeps it as it is. */
export function parseEncryptionKey(cursor: JsonCursor): JsonObject {
  cursor.get('key-id').string()
  cursor.get('encrypted-key-metadata').string()
  cursor.optional('encrypted-by-id', string)
  cursor.optional('properties', (properties) => properties.stringMap())
  return kept(cursor)
}

const string = (cursor: JsonCursor): string => cursor.string()
const integer = (cursor: JsonCursor): number => cursor.integer()
const long = (cursor: JsonCursor): bigint => cursor.long()

function natural(cursor: JsonCursor): bigint {
  const value = cursor.long()
  return value < 0n ? cursor.fail('an integer from 0') : value
}

/** Writers say "for ever" with Long.MAX_VALUE: beyond 285,000 years one age is as good as another. */
function age(cursor: JsonCursor): number {
  const ms = cursor.long()
  return ms > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(ms)
}
