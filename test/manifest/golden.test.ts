/** Every manifest and list of Java, PyIceberg, Go and DuckDB among the fixtures, against what avsc reads in them. */
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/base/json.ts'
import { readManifest, readManifestList } from '../../src/manifest/manifest-io.ts'
import { decodeManifestList } from '../../src/manifest/manifest-list.ts'
import { decodeManifest } from '../../src/manifest/manifest-reader.ts'
import type { ManifestEntry } from '../../src/spec/data-file.ts'
import type { Snapshot } from '../../src/spec/snapshot.ts'
import type { TableMetadata } from '../../src/spec/table-metadata.ts'
import { readWithAvsc } from '../format/avsc-file.ts'
import { fixtureIO } from './fixture-io.ts'
import { LISTS, MANIFESTS, contextOf, metadataOf, readBytes } from './manifest-fixtures.ts'

type Raw = Readonly<Record<string, unknown>>
interface RawField {
  readonly name: string
  readonly 'field-id': number
  readonly type: unknown
}

/** A record's values by field id, from its schema as written. */
function byId(schema: unknown, record: Raw): ReadonlyMap<number, unknown> {
  const { fields } = schema as { readonly fields: readonly RawField[] }
  return new Map(fields.map((field) => [field['field-id'], plain(record[field.name])]))
}

/** Buffers as arrays, key-value records as a Map, longs as numbers where they fit. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return new Uint8Array(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (!Array.isArray(value)) return value ?? undefined
  const items = value as readonly Raw[]
  const isMap = items.some((item) => typeof item === 'object' && 'key' in item)
  return isMap ? new Map(items.map((item) => [plain(item['key']), plain(item['value'])])) : items.map(plain)
}

/** Ours in the same terms; an empty map can't be told from an empty list. */
function ours(value: unknown): unknown {
  if (typeof value === 'bigint') return plain(value)
  if (value instanceof Uint8Array || value === undefined || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(ours)
  const entries = [...(value as ReadonlyMap<unknown, unknown>)]
  return entries.length === 0 ? [] : new Map(entries.map(([key, item]) => [key, ours(item)]))
}

const LIST_FIELDS = {
  500: 'manifestPath',
  501: 'manifestLength',
  502: 'partitionSpecId',
  503: 'addedSnapshotId',
  504: 'addedFilesCount',
  505: 'existingFilesCount',
  506: 'deletedFilesCount',
  512: 'addedRowsCount',
  513: 'existingRowsCount',
  514: 'deletedRowsCount',
  515: 'sequenceNumber',
  516: 'minSequenceNumber',
  519: 'keyMetadata',
  520: 'firstRowId',
} as const
const FILE_FIELDS = {
  100: 'filePath',
  103: 'recordCount',
  104: 'fileSizeInBytes',
  108: 'columnSizes',
  109: 'valueCounts',
  110: 'nullValueCounts',
  125: 'lowerBounds',
  128: 'upperBounds',
  131: 'keyMetadata',
  132: 'splitOffsets',
  135: 'equalityIds',
  137: 'nanValueCounts',
  140: 'sortOrderId',
  143: 'referencedDataFile',
  144: 'contentOffset',
  145: 'contentSizeInBytes',
} as const

describe('manifest lists of other engines', () => {
  it.each(LISTS)('%s', (path) => {
    const { schema, records } = readWithAvsc(readBytes(path))
    const manifests = decodeManifestList(readBytes(path), path)
    expect(manifests).toHaveLength(records.length)
    for (const [i, manifest] of manifests.entries()) {
      const raw = byId(schema, records[i] ?? {})
      for (const [id, key] of Object.entries(LIST_FIELDS)) {
        // Version 1 has no sequence numbers.
        const absent = key === 'sequenceNumber' || key === 'minSequenceNumber' ? 0 : undefined
        expect(ours(manifest[key]), key).toEqual(raw.get(Number(id)) ?? absent)
      }
      expect(manifest.content).toBe(raw.get(517) === 1 ? 'deletes' : 'data')
      const summaries = (raw.get(507) ?? []) as readonly Raw[]
      expect(manifest.partitions ?? []).toHaveLength(summaries.length)
      for (const [j, summary] of summaries.entries()) {
        expect(manifest.partitions?.[j]).toEqual({
          containsNull: summary['contains_null'],
          containsNan: plain(summary['contains_nan']),
          lowerBound: plain(summary['lower_bound']),
          upperBound: plain(summary['upper_bound']),
        })
      }
    }
  })
})

describe('manifests of other engines', () => {
  it.each(MANIFESTS)('%s', (path) => {
    const { schema, records } = readWithAvsc(readBytes(path))
    const { manifest, metadata } = contextOf(path)
    const entries = decodeManifest(readBytes(path), path, { manifest, metadata })
    expect(entries).toHaveLength(records.length)
    const fileSchema = (schema['fields'] as unknown as readonly RawField[]).find(
      (field) => field['field-id'] === 2,
    )?.type
    for (const [i, { status, dataFile, ...numbers }] of entries.entries()) {
      const raw = byId(schema, records[i] ?? {})
      expect(['existing', 'added', 'deleted'].indexOf(status)).toBe(raw.get(0))
      expect(ours(numbers.snapshotId)).toBe(raw.get(1) ?? ours(manifest.addedSnapshotId))
      expect(ours(numbers.sequenceNumber)).toBe(raw.get(3) ?? ours(manifest.sequenceNumber))
      expect(ours(numbers.fileSequenceNumber)).toBe(raw.get(4) ?? ours(manifest.sequenceNumber))
      const file = byId(fileSchema, raw.get(2) as Raw)
      for (const [id, key] of Object.entries(FILE_FIELDS))
        expect(ours(dataFile[key]), key).toEqual(file.get(Number(id)))
      expect(dataFile.fileFormat.toUpperCase()).toBe(String(file.get(101)).toUpperCase())
      expect(['data', 'position-deletes', 'equality-deletes'].indexOf(dataFile.content)).toBe(file.get(134) ?? 0)
      expect(dataFile.specId).toBe(manifest.partitionSpecId)
      expect(partitionText(dataFile.partition)).toEqual(
        partitionText(Object.values(file.get(102) as JsonObject).map(plain)),
      )
    }
  })

  it('has partitions of all kinds', () => {
    const partitions = MANIFESTS.flatMap((path) =>
      decodeManifest(readBytes(path), path, contextOf(path)).flatMap((entry) => entry.dataFile.partition),
    )
    expect(partitions).toEqual(expect.arrayContaining([9223372036854775807n, -9223372036854775808n]))
    expect(partitions).toEqual(expect.arrayContaining([12345432n, 425630n, 45296000000n, 1684161045000000n]))
    expect(partitions).toEqual(expect.arrayContaining([19724, 'purchase', 'alpha', Uint8Array.of(0xaa, 0xbb, 0xcc)]))
  })
})

/** As text, since avsc leaves decimals as bytes. */
function partitionText(values: readonly unknown[]): string[] {
  return values.map((value) => {
    if (!(value instanceof Uint8Array) || value.length !== 4) return String(value)
    return String(BigInt.asIntN(32, BigInt(`0x${Buffer.from(value).toString('hex')}`)))
  })
}

const SNAPSHOTS = LISTS.filter((path) => path.startsWith('duckdb/')).flatMap((path) => {
  const found = metadataOf(path)
    .flatMap((metadata) => metadata.snapshots.map((snapshot) => ({ metadata, snapshot })))
    .find(({ snapshot }) => basename(snapshot.manifestList ?? '') === basename(path))
  return found === undefined ? [] : [{ path, ...found }]
})

describe('snapshots of other engines', () => {
  async function readEntries(path: string, metadata: TableMetadata, snapshot: Snapshot): Promise<ManifestEntry[]> {
    const io = fixtureIO(path)
    const manifests = await readManifestList(io, snapshot)
    const entries = await Promise.all(manifests.map((manifest) => readManifest(io, manifest, metadata)))
    return entries.flat()
  }

  it('are found', () => {
    expect(SNAPSHOTS.length).toBeGreaterThan(20)
  })

  it.each(SNAPSHOTS)('$path has the totals of its summary', async ({ path, metadata, snapshot }) => {
    const live = (await readEntries(path, metadata, snapshot)).filter(({ status }) => status !== 'deleted')
    const data = live.filter(({ dataFile }) => dataFile.content === 'data')
    const totals = {
      'total-data-files': String(data.length),
      'total-delete-files': String(live.length - data.length),
      'total-records': String(data.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0)),
    }
    const { properties = {} } = snapshot.summary ?? {}
    for (const [key, total] of Object.entries(totals)) {
      if (properties[key] !== undefined) expect([key, total]).toEqual([key, properties[key]])
    }
  })
})
