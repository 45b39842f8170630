/** Manifests and lists of other engines, and small tables to write manifests for. */
import { readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { decodeManifestList } from '../../src/manifest/manifest-list.ts'
import { decodeTableMetadata } from '../../src/manifest/metadata-file.ts'
import { copyDataFile } from '../../src/spec/data-file.ts'
import type { DataFile, ManifestEntry, ManifestFile } from '../../src/spec/data-file.ts'
import { newTableMetadata } from '../../src/spec/new-table-metadata.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { UNPARTITIONED } from '../../src/spec/partition-spec.ts'
import { UNSORTED } from '../../src/spec/sort-order.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import type { Schema } from '../../src/spec/types.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures')
const AVRO = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.avro'))
  .toSorted()

export const MANIFESTS: readonly string[] = AVRO.filter((path) => /-m\d\.avro$/.test(path))
/** But for one that is encrypted as a whole. */
export const LISTS: readonly string[] = AVRO.filter((path) => !/-m\d\.avro$|encrypted/.test(path))

export function readBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(FIXTURES, path)))
}

/** All versions of the metadata of the table that a file belongs to, oldest first. */
export function metadataOf(path: string): TableMetadata[] {
  const folder = dirname(path)
  return readdirSync(join(FIXTURES, folder))
    .filter((name) => name.endsWith('.metadata.json'))
    .map((name) => decodeTableMetadata(readBytes(join(folder, name)), name))
    .toSorted((a, b) => a.lastUpdatedMs - b.lastUpdatedMs)
}

/** The table's metadata and what some list says of a manifest. */
export function contextOf(path: string): { readonly manifest: ManifestFile; readonly metadata: TableMetadata } {
  const lists = LISTS.filter((list) => dirname(list) === dirname(path))
  const entries = lists.flatMap((list) => decodeManifestList(readBytes(list), list))
  const manifest = entries.find(({ manifestPath }) => basename(manifestPath) === basename(path))
  const metadata = metadataOf(path).at(-1)
  if (manifest === undefined || metadata === undefined) throw new Error(`no list has ${path}`)
  return { manifest, metadata }
}

export function tableOf(schema: Schema, spec: PartitionSpec = UNPARTITIONED): TableMetadata {
  const metadata = newTableMetadata({
    schema,
    partitionSpec: UNPARTITIONED,
    sortOrder: UNSORTED,
    location: 'memory://t/table',
    properties: {},
    formatVersion: 3,
    tableUuid: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    nowMs: 1000,
  })
  return { ...metadata, schemas: [schema], currentSchemaId: schema.schemaId, partitionSpecs: [spec] }
}

export function dataFile(changes: Partial<DataFile> = {}): DataFile {
  return {
    content: 'data',
    filePath: 's3://b/t/data/1.parquet',
    fileFormat: 'parquet',
    specId: 0,
    partition: [],
    recordCount: 10,
    fileSizeInBytes: 1000,
    ...changes,
  }
}

export function entryOf(changes: Partial<ManifestEntry> = {}): ManifestEntry {
  return {
    status: 'added',
    snapshotId: undefined,
    sequenceNumber: undefined,
    fileSequenceNumber: undefined,
    dataFile: dataFile(),
    ...changes,
  }
}

/** Entries with their metrics as plain Maps, which `toEqual` can compare. */
export function plainEntry(entry: ManifestEntry): ManifestEntry {
  const { columnSizes, valueCounts, nullValueCounts, nanValueCounts, lowerBounds, upperBounds } = entry.dataFile
  return {
    ...entry,
    dataFile: copyDataFile(entry.dataFile, {
      columnSizes: columnSizes && new Map(columnSizes),
      valueCounts: valueCounts && new Map(valueCounts),
      nullValueCounts: nullValueCounts && new Map(nullValueCounts),
      nanValueCounts: nanValueCounts && new Map(nanValueCounts),
      lowerBounds: lowerBounds && new Map(lowerBounds),
      upperBounds: upperBounds && new Map(upperBounds),
    }),
  }
}
