/**
 * Reads manifests (spec, "Manifests", "Sequence Number Inheritance", "First Row ID Inheritance"): what their entries
 * leave out comes from the manifest's entry in the manifest list.
 */
import { openAvro, readAvro } from '../format/avro.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../spec/data-file.ts'
import type { PartitionField, PartitionSpec } from '../spec/partition-spec.ts'
import { findField } from '../spec/schema.ts'
import { specById } from '../spec/table-metadata-access.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'
import { transformResultType } from '../spec/transform.ts'
import type { PrimitiveType, Schema } from '../spec/types.ts'
import { manifestEntryCodec } from './manifest-schema.ts'

export interface ManifestContext {
  /** The manifest's entry in the list it was found in. */
  readonly manifest: ManifestFile
  readonly metadata: TableMetadata
}

/**
 * All entries, deleted ones too, in the file's order. Sequence numbers stay undefined only where a writer left them out
 * of existing or deleted entries, against the specification. Errors: InvalidDataError, UnsupportedError (codec).
 */
export function decodeManifest(bytes: Uint8Array, location: string, context: ManifestContext): ManifestEntry[] {
  const { manifest, metadata } = context
  const spec = specById(metadata, manifest.partitionSpecId)
  const codec = manifestEntryCodec(spec, partitionTypes(spec, metadata))
  const entries = readAvro(openAvro(bytes, location), codec)
  inheritFrom(manifest, entries)
  return entries
}

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

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Fills in what freshly read entries leave out; they are changed in place, there may be very many. */
function inheritFrom(manifest: ManifestFile, entries: readonly Mutable<ManifestEntry>[]): void {
  const { sequenceNumber, addedSnapshotId, content } = manifest
  let nextRowId = content === 'data' ? manifest.firstRowId : undefined
  for (const entry of entries) {
    const { status } = entry
    const dataFile: Mutable<DataFile> = entry.dataFile
    entry.snapshotId ??= addedSnapshotId
    // Files of v1 manifests, whose sequence number is 0, have 0 whatever their status.
    if (status === 'added' || sequenceNumber === 0n) {
      entry.sequenceNumber ??= sequenceNumber
      entry.fileSequenceNumber ??= sequenceNumber
    }
    if (nextRowId === undefined) {
      dataFile.firstRowId = undefined
    } else if (dataFile.firstRowId === undefined && status !== 'deleted') {
      dataFile.firstRowId = nextRowId
      nextRowId += BigInt(dataFile.recordCount)
    }
  }
}
