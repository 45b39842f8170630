/** The table of W4: manifests, list and metadata of data files that are not there, with metrics of seven columns each. */
import type { FileIO } from '../src/io/file-io.ts'
import { encodeManifestList } from '../src/manifest/manifest-list.ts'
import { encodeManifest } from '../src/manifest/manifest-writer.ts'
import { encodeTableMetadata } from '../src/manifest/metadata-file.ts'
import type { DataFile, ManifestFile } from '../src/spec/data-file.ts'
import { defineSchema } from '../src/spec/define-schema.ts'
import { newTableMetadata } from '../src/spec/new-table-metadata.ts'
import type { PartitionSpec } from '../src/spec/partition-spec.ts'
import type { TableProperties } from '../src/spec/properties.ts'
import { encodeSingleValue } from '../src/spec/single-value.ts'
import { UNSORTED } from '../src/spec/sort-order.ts'
import { currentSchema, defaultSpec } from '../src/spec/table-metadata-access.ts'
import type { TableMetadata } from '../src/spec/table-metadata.ts'
import type { Schema, Value } from '../src/spec/types.ts'
import { isPrimitive } from '../src/spec/types.ts'
import { Random } from '../test/simulation/random.ts'
import { EVENT_SCHEMA } from './event-rows.ts'

const DAYS = 100
const FIRST_DAY = 20_454 // 2026-01-01
/** Whole days in each manifest, and never more than 30,000 entries. */
const MANIFESTS = 10
const MANIFESTS_OF_LARGE = 50
const LARGE_FILES = 300_000
const MICROS_PER_DAY = 86_400_000_000n

/** A filter that holds for one day, so for a hundredth of the files, all of them in one manifest. */
export const ONE_DAY = "ts >= '2026-02-10T00:00:00+00:00' and ts < '2026-02-11T00:00:00+00:00'"

export interface PlanningTable {
  readonly io: FileIO
  readonly metadata: TableMetadata
  readonly metadataLocation: string
  readonly files: number
  /** Keys below the place, the list first. */
  readonly keys: readonly string[]
  /** The list, and the manifest of the one day. */
  readonly prunedKeys: readonly string[]
  readonly manifests: number
  readonly manifestBytes: number
}

/** Partitioned by day, in manifests by day, as a compaction of manifests leaves them. */
export async function writePlanningTable(io: FileIO, location: string, files: number): Promise<PlanningTable> {
  const empty = emptyTable(location)
  const schema = currentSchema(empty)
  const random = new Random(4)
  const manifests: ManifestFile[] = []
  const keys = ['list.avro']
  const count = files > LARGE_FILES ? MANIFESTS_OF_LARGE : MANIFESTS
  for (let i = 0; i < count; i += 1) {
    const path = `${location}/m${i}.avro`
    const perDay = files / DAYS
    const dataFiles = Array.from({ length: files / count }, (_, j) =>
      describeFile(schema, random, { location, day: (DAYS / count) * i + Math.floor(j / perDay), serial: j }),
    )
    const { bytes, manifestFile } = encodeManifest({
      entries: dataFiles.map((dataFile) => ({
        status: 'added',
        snapshotId: 1n,
        sequenceNumber: undefined,
        fileSequenceNumber: undefined,
        dataFile,
      })),
      spec: defaultSpec(empty),
      schema,
      formatVersion: 2,
      content: 'data',
      snapshotId: 1n,
      path,
    })
    await io.write(path, bytes)
    manifests.push(manifestFile)
    keys.push(`m${i}.avro`)
  }
  const manifestList = `${location}/list.avro`
  const list = encodeManifestList({ manifests, snapshotId: 1n, sequenceNumber: 1n, formatVersion: 2 })
  await io.write(manifestList, list.bytes)
  const metadata: TableMetadata = {
    ...empty,
    currentSnapshotId: 1n,
    lastSequenceNumber: 1n,
    snapshots: [{ snapshotId: 1n, sequenceNumber: 1n, timestampMs: 1000, manifestList, schemaId: schema.schemaId }],
  }
  const manifestBytes = manifests.reduce((sum, { manifestLength }) => sum + manifestLength, 0)
  const metadataLocation = `${location}/v1.metadata.json`
  await io.write(metadataLocation, encodeTableMetadata(metadata))
  // The fortieth day.
  const prunedKeys = ['list.avro', `m${(40 * count) / DAYS}.avro`]
  return { io, metadata, metadataLocation, files, keys, prunedKeys, manifests: count, manifestBytes }
}

/** Of event rows, partitioned by day. */
export function emptyTable(location: string, properties: TableProperties = {}): TableMetadata {
  const schema = defineSchema(EVENT_SCHEMA)
  const ts = schema.fields.find(({ name }) => name === 'ts')?.id ?? -1
  const partitionSpec: PartitionSpec = {
    specId: 0,
    fields: [{ fieldId: 1000, sourceIds: [ts], transform: { kind: 'day' }, name: 'ts_day' }],
  }
  return newTableMetadata({
    schema,
    partitionSpec,
    sortOrder: UNSORTED,
    location,
    properties,
    formatVersion: 2,
    tableUuid: 'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    nowMs: 1000,
  })
}

interface FilePlace {
  readonly location: string
  readonly day: number
  readonly serial: number
}

function describeFile(schema: Schema, random: Random, { location, day, serial }: FilePlace): DataFile {
  const date = FIRST_DAY + day
  const rows = 10_000 + random.int(10_000)
  const name = `${String(serial).padStart(5, '0')}-${random.uuid()}`
  const midnight = BigInt(date) * MICROS_PER_DAY
  const bounds: Record<string, readonly [Value, Value]> = {
    id: [BigInt(random.int(1e9)), BigInt(random.int(1e9)) + 2_000_000_000n],
    ts: [midnight + BigInt(random.int(1e9)), midnight + MICROS_PER_DAY - BigInt(random.int(1e9) + 1)],
    user: [`user-${random.int(5)}`, `user-${90_000 + random.int(9999)}`],
    kind: ['cart', 'view'],
    url: ['https://shop.exa', 'https://shop.exb'],
    value: [random.int(100) / 100, 9900 + random.int(9999) / 100],
    flag: [false, true],
  }
  const perColumn = <T>(of: (name: string) => T): ReadonlyMap<number, T> =>
    new Map(schema.fields.map((field) => [field.id, of(field.name)]))
  const encoded = (side: 0 | 1): ReadonlyMap<number, Uint8Array> =>
    new Map(
      schema.fields.map(({ id, name: column, type }) => {
        const value = bounds[column]?.[side]
        if (value === undefined || !isPrimitive(type)) throw new Error(`no bound for ${column}`)
        return [id, encodeSingleValue(type, value)]
      }),
    )
  return {
    content: 'data',
    filePath: `${location}/data/ts_day=${new Date(date * 86_400_000).toISOString().slice(0, 10)}/${name}.parquet`,
    fileFormat: 'parquet',
    specId: 0,
    partition: [date],
    recordCount: rows,
    fileSizeInBytes: rows * 40 + random.int(10_000),
    columnSizes: perColumn(() => 1000 + random.int(200_000)),
    valueCounts: perColumn(() => rows),
    nullValueCounts: perColumn(() => 0),
    nanValueCounts: new Map([[schema.fields.find((field) => field.name === 'value')?.id ?? -1, 0]]),
    lowerBounds: encoded(0),
    upperBounds: encoded(1),
    splitOffsets: [4],
    sortOrderId: 0,
  }
}
