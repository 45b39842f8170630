/**
 * The codec of table metadata files (spec, "Table Metadata" and Appendix C), versions 1 to 3. Reading resolves every
 * legacy form and checks what Java's reader checks, so that the rest of firn works on sound values; writing keeps
 * Java's member order.
 */
import { UnsupportedError } from '../base/errors.ts'
import { JsonCursor, parseJson, type PrintableObject, printJson, printJsonText } from '../base/json.ts'
import { memoizeWeak } from '../base/memo.ts'
import { printPartitionFields, printPartitionSpec } from './partition-spec.ts'
import { printSchema } from './schema-json.ts'
import {
  MAIN_BRANCH,
  type MetadataLogEntry,
  type Snapshot,
  type SnapshotLogEntry,
  type SnapshotRef,
} from './snapshot.ts'
import {
  parseEncryptionKey,
  parseMetadataLogEntry,
  parsePartitionStatisticsFile,
  parseSnapshot,
  parseSnapshotLogEntry,
  parseSnapshotRef,
  parseStatisticsFile,
  printMetadataLogEntry,
  printSnapshot,
  printSnapshotLogEntry,
  printSnapshotRef,
  unknownMembers,
} from './snapshot-json.ts'
import { printSortOrder } from './sort-order.ts'
import type { FormatVersion, TableMetadata } from './table-metadata.ts'
import { currentSchema, defaultSpec, withoutTrailingSlash } from './table-metadata-access.ts'
import { checkDefaults, checkIds, parsePartitionSpecs, parseSchemas, parseSortOrders } from './table-shape-json.ts'

/** How far log timestamps may go back: writers' clocks differ a little (Java's tolerance). */
const CLOCK_TOLERANCE_MS = 60_000

/** Members that the codec reads or replaces; all others are carried in `extra`. */
const KNOWN_MEMBERS: ReadonlySet<string> = new Set([
  'format-version',
  'table-uuid',
  'location',
  'last-sequence-number',
  'last-updated-ms',
  'last-column-id',
  'schema',
  'schemas',
  'current-schema-id',
  'partition-spec',
  'partition-specs',
  'default-spec-id',
  'last-partition-id',
  'sort-orders',
  'default-sort-order-id',
  'properties',
  'current-snapshot-id',
  'next-row-id',
  'encryption-keys',
  'refs',
  'snapshots',
  'statistics',
  'partition-statistics',
  'snapshot-log',
  'metadata-log',
])

/**
 * Reads a metadata file of version 1, 2 or 3; `location` names it in errors.
 * Errors: InvalidDataError with the path of what is wrong, UnsupportedError for a higher version.
 */
export function parseTableMetadata(text: string, location: string): TableMetadata {
  const root = new JsonCursor(parseJson(text, location), location)
  const formatVersion = parseFormatVersion(root.get('format-version'))
  const currentSnapshotId = root.optional('current-snapshot-id', (c) => (c.value === -1 ? undefined : c.long()))
  const metadata: TableMetadata = {
    formatVersion,
    tableUuid: parseUuid(root.get('table-uuid'), formatVersion),
    location: withoutTrailingSlash(root.get('location').string()),
    lastSequenceNumber: formatVersion === 1 ? 0n : root.get('last-sequence-number').long(),
    lastUpdatedMs: root.get('last-updated-ms').integer(),
    lastColumnId: root.get('last-column-id').integer(),
    ...parseSchemas(root, formatVersion),
    ...parsePartitionSpecs(root, formatVersion),
    ...parseSortOrders(root, formatVersion),
    properties: root.optional('properties', (c) => c.stringMap()) ?? {},
    currentSnapshotId,
    nextRowId: formatVersion >= 3 ? root.get('next-row-id').long() : 0n,
    encryptionKeys: parseList(root, 'encryption-keys', parseEncryptionKey),
    refs: parseRefs(root, currentSnapshotId),
    snapshots: parseList(root, 'snapshots', parseSnapshot),
    statistics: parseList(root, 'statistics', parseStatisticsFile),
    partitionStatistics: parseList(root, 'partition-statistics', parsePartitionStatisticsFile),
    snapshotLog: parseList(root, 'snapshot-log', parseSnapshotLogEntry),
    metadataLog: parseList(root, 'metadata-log', parseMetadataLogEntry),
    extra: unknownMembers(root, KNOWN_MEMBERS) ?? {},
  }
  checkDefaults(metadata, root)
  checkSnapshots(metadata, root)
  checkRefs(metadata, root)
  checkLogs(metadata, root)
  return metadata
}

/** These are many, and the next version of the metadata has all but the newest again: each is printed once. */
const snapshotText = memoizeWeak((snapshot: Snapshot) => printJsonText(printSnapshot(snapshot)))
const snapshotLogText = memoizeWeak((entry: SnapshotLogEntry) => printJsonText(printSnapshotLogEntry(entry)))
const metadataLogText = memoizeWeak((entry: MetadataLogEntry) => printJsonText(printMetadataLogEntry(entry)))

/** Prints the metadata in its own format version, compact. */
export function printTableMetadata(metadata: TableMetadata): string {
  return printJson(tableMetadataMembers(metadata))
}

/** What is printed. In the lists of snapshots and logs, what was in an earlier version is the same text again. */
export function tableMetadataMembers(metadata: TableMetadata): PrintableObject {
  const { formatVersion, partitionSpecs, sortOrders, encryptionKeys } = metadata
  return {
    'format-version': formatVersion,
    'table-uuid': metadata.tableUuid === '' ? undefined : metadata.tableUuid,
    location: metadata.location,
    'last-sequence-number': formatVersion > 1 ? metadata.lastSequenceNumber : undefined,
    'last-updated-ms': metadata.lastUpdatedMs,
    'last-column-id': metadata.lastColumnId,
    // Readers of v1 know only the singular forms.
    schema: formatVersion === 1 ? printSchema(currentSchema(metadata)) : undefined,
    'current-schema-id': metadata.currentSchemaId,
    schemas: metadata.schemas.map(printSchema),
    'partition-spec': formatVersion === 1 ? printPartitionFields(defaultSpec(metadata)) : undefined,
    'default-spec-id': metadata.defaultSpecId,
    'partition-specs': partitionSpecs.map(printPartitionSpec),
    'last-partition-id': metadata.lastPartitionId,
    'default-sort-order-id': metadata.defaultSortOrderId,
    'sort-orders': sortOrders.map(printSortOrder),
    properties: metadata.properties,
    'current-snapshot-id': metadata.currentSnapshotId ?? (formatVersion >= 3 ? null : -1),
    'next-row-id': formatVersion >= 3 ? metadata.nextRowId : undefined,
    'encryption-keys': encryptionKeys.length > 0 ? encryptionKeys : undefined,
    refs: Object.fromEntries(Object.entries(metadata.refs).map(([name, ref]) => [name, printSnapshotRef(ref)])),
    snapshots: metadata.snapshots.map(snapshotText),
    statistics: metadata.statistics,
    'partition-statistics': metadata.partitionStatistics,
    'snapshot-log': metadata.snapshotLog.map(snapshotLogText),
    'metadata-log': metadata.metadataLog.map(metadataLogText),
    ...metadata.extra,
  }
}

function parseFormatVersion(cursor: JsonCursor): FormatVersion {
  const version = cursor.integer()
  if (version === 1 || version === 2 || version === 3) return version
  if (version < 1) return cursor.fail('a format version from 1 to 3')
  throw new UnsupportedError(`the table has format version ${version} and firn reads 1 to 3: use a newer firn`, {
    context: { location: cursor.location, path: cursor.path, formatVersion: version },
  })
}

/** Version 1 did not ask for one. */
function parseUuid(cursor: JsonCursor, version: FormatVersion): string {
  if (version === 1 && cursor.value === undefined) return ''
  const uuid = cursor.string()
  return uuid === '' && version > 1 ? cursor.fail('a uuid') : uuid
}

function parseList<T>(root: JsonCursor, key: string, parse: (cursor: JsonCursor) => T): readonly T[] {
  return root.optional(key, (list) => list.array().map(parse)) ?? []
}

/** Tables from before references have a current snapshot only: it is what `main` points at. */
function parseRefs(root: JsonCursor, currentSnapshotId: bigint | undefined): Readonly<Record<string, SnapshotRef>> {
  const listed = root.optional('refs', (refs) => refs.entries()) ?? []
  const refs = Object.fromEntries(listed.map(([name, ref]) => [name, parseSnapshotRef(ref)]))
  if (currentSnapshotId === undefined || Object.hasOwn(refs, MAIN_BRANCH)) return refs
  return { [MAIN_BRANCH]: { type: 'branch', snapshotId: currentSnapshotId }, ...refs }
}

function checkSnapshots({ snapshots, lastSequenceNumber }: TableMetadata, root: JsonCursor): void {
  const list = root.get('snapshots')
  checkIds(
    list,
    'snapshot-id',
    snapshots.map((snapshot) => snapshot.snapshotId),
  )
  const late = snapshots.findIndex((snapshot) => snapshot.sequenceNumber > lastSequenceNumber)
  if (late >= 0) list.array()[late]?.get('sequence-number').fail(`at most last-sequence-number (${lastSequenceNumber})`)
}

function checkRefs({ refs, snapshots, currentSnapshotId }: TableMetadata, root: JsonCursor): void {
  const ids = new Set(snapshots.map((snapshot) => snapshot.snapshotId))
  const current = root.get('current-snapshot-id')
  if (currentSnapshotId !== undefined && !ids.has(currentSnapshotId)) current.fail('the id of one of the snapshots')
  for (const [name, ref] of Object.entries(refs)) {
    if (!ids.has(ref.snapshotId)) root.get('refs').get(name).get('snapshot-id').fail('the id of one of the snapshots')
    if (name !== MAIN_BRANCH) continue
    if (ref.type !== 'branch') root.get('refs').get(name).get('type').fail('branch')
    if (ref.snapshotId !== currentSnapshotId) current.fail(`the snapshot of the main branch (${ref.snapshotId})`)
  }
}

function checkLogs({ snapshotLog, metadataLog, lastUpdatedMs }: TableMetadata, root: JsonCursor): void {
  checkLog(root, { key: 'snapshot-log', times: snapshotLog.map((entry) => entry.timestampMs), lastUpdatedMs })
  checkLog(root, { key: 'metadata-log', times: metadataLog.map((entry) => entry.timestampMs), lastUpdatedMs })
}

interface LogTimes {
  readonly key: 'snapshot-log' | 'metadata-log'
  readonly times: readonly number[]
  readonly lastUpdatedMs: number
}

function checkLog(root: JsonCursor, { key, times, lastUpdatedMs }: LogTimes): void {
  for (const [index, time] of times.entries()) {
    const next = times[index + 1]
    if ((next ?? lastUpdatedMs) >= time - CLOCK_TOLERANCE_MS) continue
    const late =
      next === undefined ? root.get('last-updated-ms') : root.get(key).array()[index + 1]?.get('timestamp-ms')
    late?.fail(`a time not before ${key}[${index}] (${time})`)
  }
}
