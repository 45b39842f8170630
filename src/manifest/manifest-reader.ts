/**
 * Reads manifests (spec, "Manifests", "Sequence Number Inheritance", "First Row ID Inheritance"): what their entries
 * leave out comes from the manifest's entry in the manifest list.
 */
import { memoize, memoizeWeak } from '../base/memo.ts'
import type { AvroReader } from '../format/avro-codec.ts'
import type { Mutable } from '../format/avro-record.ts'
import { openAvro, readAvro, readAvroBlocksAhead } from '../format/avro.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { PartitionField, PartitionSpec } from '../spec/partition-spec.ts'
import { findField } from '../spec/schema.ts'
import { specById } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { transformResultType } from '../spec/transform.ts'
import type { PrimitiveType, Schema } from '../spec/types.ts'
import type { KeepEntry } from './entry-reader.ts'
import { manifestEntryCodec } from './manifest-schema.ts'

export interface ManifestContext {
  /** The manifest's entry in the list it was found in. */
  readonly manifest: ManifestFile
  readonly metadata: TableMetadata
  /** All are kept where it is absent. */
  readonly keep?: KeepEntry | undefined
}

/**
 * All entries that are kept, deleted ones too, in the file's order. Sequence numbers stay undefined only where a writer left them out
 * of existing or deleted entries, against the specification. Errors: InvalidDataError, UnsupportedError (codec).
 */
export function decodeManifest(bytes: Uint8Array, location: string, context: ManifestContext): ManifestEntry[] {
  const { codec, keptOf } = entryReading(context)
  return keptOf(readAvro(openAvro(bytes, location), codec))
}

/**
 * As `decodeManifest`, some hundred entries at a time: of a large manifest only these are in memory, and the blocks that are
 * inflated meanwhile.
 */
export async function* decodeManifestAhead(
  bytes: Uint8Array,
  location: string,
  context: ManifestContext,
): AsyncGenerator<ManifestEntry[], void, undefined> {
  const { codec, keptOf } = entryReading(context)
  for await (const records of readAvroBlocksAhead(openAvro(bytes, location), codec)) {
    const kept = keptOf(records)
    if (kept.length > 0) yield kept
  }
}

/** How the entries of a manifest are read. */
interface EntryReading {
  /** May leave out entries that are not kept. */
  readonly codec: AvroReader<ManifestEntry | undefined>
  /** Those of the records that are kept, with what they inherit. Asked in the file's order. */
  readonly keptOf: (records: (ManifestEntry | undefined)[]) => ManifestEntry[]
}

function entryReading({ manifest, metadata, keep }: ManifestContext): EntryReading {
  const codec = codecsOf(metadata)(manifest.partitionSpecId)
  const firstRowIdOf = rowIdsBy(manifest)
  // Row ids count on over entries that are not kept, too: all have to be read.
  const isKeptLater = keep !== undefined && firstRowIdOf !== undefined
  return {
    codec: keep === undefined || isKeptLater ? codec : codec.keeping(keep),
    keptOf(records) {
      const entries = records.every(isEntry) ? records : records.filter(isEntry)
      for (const entry of entries) inheritFrom(manifest, entry, firstRowIdOf?.(entry))
      return isKeptLater ? entries.filter(({ dataFile, status }) => keep(dataFile.partition, status)) : entries
    },
  }
}

function isEntry(record: ManifestEntry | undefined): record is ManifestEntry {
  return record !== undefined
}

/** What all manifests of a spec have in common. */
const codecsOf = memoizeWeak((metadata: TableMetadata) =>
  memoize((specId: number) => {
    const spec = specById(metadata, specId)
    const types = partitionTypes(spec, metadata)
    return manifestEntryCodec(spec, types)
  }),
)

/** Result types of a spec's fields. A dropped column has its type from the latest schema with it. */
export function partitionTypes(spec: PartitionSpec, metadata: TableMetadata): PrimitiveType[] {
  const { schemas, currentSchemaId } = metadata
  const latestFirst = schemas.toSorted((a, b) => rank(b) - rank(a))
  function rank({ schemaId }: Schema): number {
    return schemaId === currentSchemaId ? Infinity : schemaId
  }
  return spec.fields.map((field) => partitionType(field, latestFirst))
}

function partitionType(
  { sourceIds: [sourceId = -1], transform }: PartitionField,
  schemas: readonly Schema[],
): PrimitiveType {
  for (const schema of schemas) {
    const source = findField(schema, sourceId)
    if (source !== undefined) return transformResultType(transform, source.type)
  }
  return transformResultType(transform, { kind: 'unknown' })
}

/** Fills in what a freshly read entry leaves out; it is changed in place, there may be very many. */
function inheritFrom(
  { sequenceNumber, addedSnapshotId }: ManifestFile,
  entry: Mutable<ManifestEntry>,
  firstRowId: bigint | undefined,
): void {
  entry.snapshotId ??= addedSnapshotId
  // Files of v1 manifests, whose sequence number is 0, have 0 whatever their status.
  if (entry.status === 'added' || sequenceNumber === 0n) {
    entry.sequenceNumber ??= sequenceNumber
    entry.fileSequenceNumber ??= sequenceNumber
  }
  const dataFile: Mutable<DataFile> = entry.dataFile
  dataFile.firstRowId = firstRowId
}

/** Gives each entry's first row id, its own or the one it inherits, when asked in the file's order; undefined where none has one. */
function rowIdsBy({ content, firstRowId }: ManifestFile): ((entry: ManifestEntry) => bigint | undefined) | undefined {
  if (content !== 'data' || firstRowId === undefined) return undefined
  let nextRowId = firstRowId
  return ({ status, dataFile }) => {
    if (dataFile.firstRowId !== undefined || status === 'deleted') return dataFile.firstRowId
    const own = nextRowId
    nextRowId += BigInt(dataFile.recordCount)
    return own
  }
}
