/**
 * Writes manifests (spec, "Manifests"). Entries that a commit adds leave their sequence numbers to be inherited, so a
 * manifest is written once and stays good however often the commit is retried.
 */
import { UnsupportedError, ValidationError } from '../base/errors.ts'
import { printJson } from '../base/json.ts'
import { memoize, memoizeWeak } from '../base/memo.ts'
import { encodeAvro } from '../format/avro.ts'
import { copyDataFile } from '../spec/data-file.ts'
import type { FieldSummary, ManifestContent, ManifestEntry, ManifestFile, PartitionData } from '../spec/data-file.ts'
import { partitionFieldTypes, printPartitionFields } from '../spec/partition-spec.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import { schemaText } from '../spec/schema-json.ts'
import { encodeSingleValue } from '../spec/single-value.ts'
import type { FormatVersion } from '../spec/table-metadata.ts'
import type { PrimitiveType, Schema, Value } from '../spec/types.ts'
import { comparatorOf } from '../spec/value.ts'
import { manifestEntryCodec } from './manifest-schema.ts'

/** Stands for the sequence number that the commit will get, until the manifest list is written. */
export const UNASSIGNED_SEQUENCE_NUMBER = -1n

export interface ManifestInput {
  readonly entries: readonly ManifestEntry[]
  readonly spec: PartitionSpec
  readonly schema: Schema
  readonly formatVersion: FormatVersion
  readonly content: ManifestContent
  /** The snapshot that adds the manifest. */
  readonly snapshotId: bigint
  readonly path: string
}

export interface EncodedManifest {
  readonly bytes: Uint8Array
  /** Its entry in a manifest list; sequence numbers and first row id are the list writer's to assign. */
  readonly manifestFile: ManifestFile
}

/** Errors: ValidationError for entries that do not belong here, UnsupportedError for version 1. */
export function encodeManifest(input: ManifestInput): EncodedManifest {
  const { entries, spec, schema, formatVersion, content, snapshotId, path } = input
  checkWritable(formatVersion)
  const { types, codecOf } = layoutOf(schema)(spec)
  const stored = entries.map((entry) => prepareEntry(checkEntry(entry, input)))
  const bytes = encodeAvro(codecOf(formatVersion), stored, {
    metadata: {
      schema: schemaText(schema),
      'schema-id': String(schema.schemaId),
      'partition-spec': printJson(printPartitionFields(spec)),
      'partition-spec-id': String(spec.specId),
      'format-version': String(formatVersion),
      content,
    },
  })
  const manifestFile: ManifestFile = {
    manifestPath: path,
    manifestLength: bytes.length,
    partitionSpecId: spec.specId,
    content,
    sequenceNumber: UNASSIGNED_SEQUENCE_NUMBER,
    minSequenceNumber: minSequenceNumber(entries),
    addedSnapshotId: snapshotId,
    ...countEntries(entries),
    partitions: summarizePartitions(
      types,
      entries.map(({ dataFile }) => dataFile.partition),
    ),
  }
  return { bytes, manifestFile }
}

/** What all manifests of a schema and a spec have in common. */
const layoutOf = memoizeWeak((schema: Schema) =>
  memoizeWeak((spec: PartitionSpec) => {
    const types = partitionFieldTypes(spec, schema)
    return { types, codecOf: memoize((version: FormatVersion) => manifestEntryCodec(spec, types, version)) }
  }),
)

/** UnsupportedError where manifests of a format version are not written. */
export function checkWritable(formatVersion: FormatVersion): void {
  if (formatVersion > 1) return
  throw new UnsupportedError('format version 1 is read only: upgrade the table to version 2 to write to it', {
    context: { formatVersion },
  })
}

type ManifestCounts = Pick<
  ManifestFile,
  | 'addedFilesCount'
  | 'existingFilesCount'
  | 'deletedFilesCount'
  | 'addedRowsCount'
  | 'existingRowsCount'
  | 'deletedRowsCount'
>

/** Files and rows of a manifest by status. */
export function countEntries(entries: readonly ManifestEntry[]): ManifestCounts {
  const files = { added: 0, existing: 0, deleted: 0 }
  const rows = { added: 0, existing: 0, deleted: 0 }
  for (const { status, dataFile } of entries) {
    files[status] += 1
    rows[status] += dataFile.recordCount
  }
  return {
    addedFilesCount: files.added,
    existingFilesCount: files.existing,
    deletedFilesCount: files.deleted,
    addedRowsCount: rows.added,
    existingRowsCount: rows.existing,
    deletedRowsCount: rows.deleted,
  }
}

/** One summary for each partition field over all entries, deleted ones too. */
function summarizePartitions(
  types: readonly PrimitiveType[],
  partitions: readonly PartitionData[],
): readonly FieldSummary[] {
  return types.map((type, i) =>
    summarizeField(
      type,
      partitions.map((partition) => partition[i] ?? null),
    ),
  )
}

function summarizeField(type: PrimitiveType, values: readonly (Value | null)[]): FieldSummary {
  const compare = comparatorOf(type)
  let lower: Value | undefined
  let upper: Value | undefined
  let containsNull = false
  let containsNan = false
  for (const value of values) {
    if (value === null) containsNull = true
    else if (Number.isNaN(value)) containsNan = true
    else {
      if (lower === undefined || compare(value, lower) < 0) lower = value
      if (upper === undefined || compare(value, upper) > 0) upper = value
    }
  }
  return {
    containsNull,
    containsNan,
    lowerBound: lower === undefined ? undefined : encodeSingleValue(type, lower),
    upperBound: upper === undefined ? undefined : encodeSingleValue(type, upper),
  }
}

/** The lowest data sequence number of live files; unassigned where all of them inherit it. */
function minSequenceNumber(entries: readonly ManifestEntry[]): bigint {
  let lowest: bigint | undefined
  for (const { status, sequenceNumber } of entries) {
    if (status === 'deleted' || sequenceNumber === undefined) continue
    if (lowest === undefined || sequenceNumber < lowest) lowest = sequenceNumber
  }
  return lowest ?? UNASSIGNED_SEQUENCE_NUMBER
}

function checkEntry(entry: ManifestEntry, { spec, content, snapshotId, path }: ManifestInput): ManifestEntry {
  const { status, dataFile } = entry
  const refuse = (message: string): never => {
    throw new ValidationError(message, { context: { manifest: path, file: dataFile.filePath } })
  }
  if ((dataFile.content === 'data') !== (content === 'data')) {
    refuse(`a file of ${dataFile.content} can't be listed in a manifest of ${content}`)
  }
  if (dataFile.specId !== spec.specId || dataFile.partition.length !== spec.fields.length) {
    refuse(`a file of partition spec ${dataFile.specId} can't be listed in a manifest of spec ${spec.specId}`)
  }
  if (entry.sequenceNumber === undefined && (status !== 'added' || (entry.snapshotId ?? snapshotId) !== snapshotId)) {
    refuse(`an entry with status ${status} needs its sequence number: only files added by this snapshot inherit it`)
  }
  return entry
}

/** Row ids belong to data files alone, sort orders not to position deletes. */
function prepareEntry(entry: ManifestEntry): ManifestEntry {
  const { content, firstRowId, sortOrderId } = entry.dataFile
  const dataFile = copyDataFile(entry.dataFile, {
    firstRowId: content === 'data' ? firstRowId : undefined,
    sortOrderId: content === 'position-deletes' ? undefined : sortOrderId,
  })
  return { ...entry, dataFile }
}
