/** Random table metadata, of all versions, with all that hangs on it: what must survive being written and read. */
import * as fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../src/base/json.ts'
import { UNSORTED } from '../../src/spec/sort-order.ts'
import type { Snapshot, SnapshotRef } from '../../src/spec/snapshot.ts'
import type { FormatVersion, TableMetadata } from '../../src/spec/table-metadata.ts'
import { exampleTable, START_MS, UUID } from './example-metadata.ts'

const TEXT = fc.string({ unit: 'binary', maxLength: 12 })
const TEXTS = fc.dictionary(TEXT, TEXT, { maxKeys: 4 })
const LONG = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n })
const NAT = fc.nat(2 ** 31 - 1)

/** As a parser gives it: integers within 2^53 are numbers. */
const asRead = (value: bigint): number | bigint => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value)

const JSON_VALUE: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    LONG.map(asRead),
    TEXT,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(TEXT, tie('value'), { maxKeys: 3 }),
  ),
})).value

/** Members of a later version or of a writer of its own; names that no version has. */
const EXTRA: fc.Arbitrary<JsonObject> = fc.dictionary(
  TEXT.map((name) => `x-${name}`),
  JSON_VALUE,
  { maxKeys: 3 },
)

export const METADATA: fc.Arbitrary<TableMetadata> = fc
  .record({
    formatVersion: fc.constantFrom<FormatVersion>(1, 2, 3),
    ids: fc.uniqueArray(LONG, { maxLength: 5 }),
    properties: TEXTS,
    nextRowId: LONG,
    extra: EXTRA,
    encryptionKeys: fc.array(encryptionKey(), { maxLength: 2 }),
    metadataLog: fc.array(TEXT, { maxLength: 3 }),
    hasUuid: fc.boolean(),
    moreSchemas: fc.nat(2),
  })
  .chain((parts) =>
    fc
      .record({
        snapshots: fc.tuple(...parts.ids.map((id, i) => snapshot(id, i, parts.formatVersion))),
        refs: parts.ids.length === 0 ? fc.constant({}) : fc.dictionary(TEXT, ref(parts.ids), { maxKeys: 3 }),
        statistics: fc.tuple(...parts.ids.map(statisticsFile)),
        partitionStatistics: fc.tuple(...parts.ids.map(partitionStatisticsFile)),
      })
      .map((lists) => tableOf({ ...parts, ...lists })),
  )

interface Parts {
  readonly formatVersion: FormatVersion
  readonly ids: readonly bigint[]
  readonly properties: Readonly<Record<string, string>>
  readonly nextRowId: bigint
  readonly extra: JsonObject
  readonly encryptionKeys: readonly JsonObject[]
  readonly metadataLog: readonly string[]
  readonly hasUuid: boolean
  readonly moreSchemas: number
  readonly snapshots: readonly Snapshot[]
  readonly refs: Readonly<Record<string, SnapshotRef>>
  readonly statistics: readonly JsonObject[]
  readonly partitionStatistics: readonly JsonObject[]
}

function tableOf({ formatVersion, ids, nextRowId, hasUuid, moreSchemas, metadataLog, ...parts }: Parts): TableMetadata {
  const base = exampleTable({ formatVersion: formatVersion === 1 ? 2 : formatVersion })
  const [current] = ids
  const [schema] = base.schemas
  const older = Array.from({ length: schema === undefined ? 0 : moreSchemas }, (_, i) => ({
    ...schema,
    schemaId: i + 1,
  }))
  return {
    ...base,
    ...parts,
    formatVersion,
    tableUuid: formatVersion === 1 && !hasUuid ? '' : UUID,
    schemas: [...base.schemas, ...(older as typeof base.schemas)],
    sortOrders: [UNSORTED, ...base.sortOrders],
    refs: current === undefined ? {} : { ...parts.refs, main: { type: 'branch', snapshotId: current } },
    currentSnapshotId: current,
    lastSequenceNumber: formatVersion === 1 ? 0n : BigInt(ids.length),
    nextRowId: formatVersion === 3 ? nextRowId : 0n,
    snapshotLog: ids.map((snapshotId, i) => ({ snapshotId, timestampMs: START_MS - 100 + i })),
    metadataLog: metadataLog.map((metadataFile, i) => ({ metadataFile, timestampMs: START_MS - 100 + i })),
  }
}

function snapshot(snapshotId: bigint, index: number, version: FormatVersion): fc.Arbitrary<Snapshot> {
  const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
  const summary = fc.record({
    operation: fc.constantFrom('append' as const, 'replace' as const, 'overwrite' as const, 'delete' as const),
    properties: TEXTS.filter((texts) => !Object.hasOwn(texts, 'operation')),
  })
  const isEmbedded = version === 1 && index % 2 === 1
  return fc.record({
    snapshotId: fc.constant(snapshotId),
    parentSnapshotId: optional(LONG),
    sequenceNumber: fc.constant(version === 1 ? 0n : BigInt(index)),
    timestampMs: fc.nat(START_MS),
    manifestList: isEmbedded ? fc.constant(undefined) : TEXT,
    manifests: isEmbedded ? fc.array(TEXT, { maxLength: 3 }) : fc.constant(undefined),
    summary: optional(summary),
    schemaId: optional(NAT),
    firstRowId: version === 3 ? optional(LONG) : fc.constant(undefined),
    addedRows: version === 3 ? optional(LONG) : fc.constant(undefined),
    keyId: version === 3 ? optional(TEXT) : fc.constant(undefined),
    extra: EXTRA.map((extra) => (Object.keys(extra).length === 0 ? undefined : extra)),
  })
}

function ref(ids: readonly bigint[]): fc.Arbitrary<SnapshotRef> {
  const limits = { minSnapshotsToKeep: NAT, maxSnapshotAgeMs: NAT, maxRefAgeMs: NAT }
  const snapshotId = fc.constantFrom(...ids)
  return fc.record(
    { type: fc.constantFrom('branch', 'tag'), snapshotId, ...limits },
    { requiredKeys: ['type', 'snapshotId'] },
  )
}

/** Required members first; what else a later version may have is kept beside them. */
function withExtra(members: Readonly<Record<string, fc.Arbitrary<JsonValue>>>): fc.Arbitrary<JsonObject> {
  return fc.tuple(EXTRA, fc.record(members)).map(([extra, required]): JsonObject => Object.assign({}, extra, required))
}

function statisticsFile(snapshotId: bigint): fc.Arbitrary<JsonObject> {
  const blob = withExtra({
    type: TEXT,
    'snapshot-id': LONG.map(asRead),
    'sequence-number': LONG.map(asRead),
    fields: fc.array(NAT, { maxLength: 3 }),
    properties: TEXTS,
  })
  return withExtra({
    'snapshot-id': fc.constant(asRead(snapshotId)),
    'statistics-path': TEXT,
    'file-size-in-bytes': NAT,
    'file-footer-size-in-bytes': NAT,
    'key-metadata': TEXT,
    'blob-metadata': fc.array(blob, { maxLength: 2 }),
  })
}

function partitionStatisticsFile(snapshotId: bigint): fc.Arbitrary<JsonObject> {
  const id = fc.constant(asRead(snapshotId))
  return withExtra({ 'snapshot-id': id, 'statistics-path': TEXT, 'file-size-in-bytes': NAT })
}

function encryptionKey(): fc.Arbitrary<JsonObject> {
  const key = { 'key-id': TEXT, 'encrypted-key-metadata': TEXT, 'encrypted-by-id': TEXT, properties: TEXTS }
  return withExtra(key)
}
