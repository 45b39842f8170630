/**
 * Every table property of Iceberg's Java implementation (TableProperties, 1.11), and what becomes of it here. Properties
 * are always stored, for the engines that read them; what firn can't honour and a user would miss ends the write by name.
 */
import { UnsupportedError } from '../base/errors.ts'
import type { TableProperties } from './properties.ts'

/**
 * - `honoured`: read, and an unreadable value is an error that names it.
 * - `refused`: firn writes nothing to a table with it, unless its value is one that asks for nothing.
 * - `moot`: of no meaning here, or a hint that changes neither rows nor what readers find.
 */
export type PropertyUse =
  | { readonly use: 'honoured' }
  | { readonly use: 'refused'; readonly harmless: RegExp; readonly reason: string }
  | { readonly use: 'moot'; readonly reason: string }

const HONOURED: PropertyUse = { use: 'honoured' }
const LAYOUT: PropertyUse = { use: 'moot', reason: 'the encoder decides; rows and metrics are the same' }
const OTHER_FORMATS: PropertyUse = { use: 'moot', reason: 'only Parquet files are written' }
const ROW_LEVEL: PropertyUse = { use: 'moot', reason: 'rows are only added: there are no deletes and updates' }
const ONE_ENGINE: PropertyUse = { use: 'moot', reason: 'speaks to another engine' }
const READ_PLANS: PropertyUse = { use: 'moot', reason: 'scans size their own tasks' }
const UPKEEP: PropertyUse = { use: 'moot', reason: 'read by expiry and orphan removal of other engines' }
const CERTAIN: PropertyUse = {
  use: 'moot',
  reason: "a commit's outcome is read from the pointer, as often as it takes",
}

function refused(harmless: RegExp, reason: string): PropertyUse {
  return { use: 'refused', harmless, reason }
}

/** By name; one that ends in a point stands for all names that begin so. */
export const KNOWN_PROPERTIES: Readonly<Record<string, PropertyUse>> = {
  'commit.retry.num-retries': HONOURED,
  'commit.retry.min-wait-ms': HONOURED,
  'commit.retry.max-wait-ms': HONOURED,
  'commit.retry.total-timeout-ms': HONOURED,
  'commit.status-check.num-retries': CERTAIN,
  'commit.status-check.min-wait-ms': CERTAIN,
  'commit.status-check.max-wait-ms': CERTAIN,
  'commit.status-check.total-timeout-ms': CERTAIN,
  'commit.manifest.target-size-bytes': HONOURED,
  'commit.manifest.min-count-to-merge': HONOURED,
  'commit.manifest-merge.enabled': HONOURED,

  'write.format.default': HONOURED,
  'write.target-file-size-bytes': HONOURED,
  // One process writes: rows of a partition are together in any mode, and in order over all its files where they are sorted.
  'write.distribution-mode': refused(/^(none|hash|range)$/i, 'it is none, hash or range'),
  'write.summary.partition-limit': HONOURED,
  'write.data.path': HONOURED,
  'write.folder-storage.path': HONOURED,
  'write.object-storage.enabled': HONOURED,
  'write.object-storage.partitioned-paths': HONOURED,
  'write.object-storage.path': HONOURED,
  'write.location-provider.impl': refused(/^\s*$/, "it names a Java class, which firn can't run"),
  'write.manifest.compression-codec': { use: 'moot', reason: 'manifests are deflated; readers find the codec in them' },
  'write.manifest.compression-level': { use: 'moot', reason: 'the level of manifests is fixed' },

  'write.metadata.path': HONOURED,
  'write.metadata.compression-codec': HONOURED,
  'write.metadata.previous-versions-max': HONOURED,
  'write.metadata.delete-after-commit.enabled': HONOURED,
  'write.metadata.metrics.default': HONOURED,
  'write.metadata.metrics.column.': HONOURED,
  'write.metadata.metrics.max-inferred-column-defaults': HONOURED,

  'write.parquet.compression-codec': HONOURED,
  'write.parquet.compression-level': refused(/^(null|\s*)$/i, 'the level of compression is fixed'),
  'write.parquet.row-group-size-bytes': HONOURED,
  'write.parquet.page-size-bytes': HONOURED,
  'write.parquet.page-version': HONOURED,
  'write.parquet.dict-size-bytes': HONOURED,
  'write.parquet.page-row-limit': LAYOUT,
  'write.parquet.dict-encoding-enabled.column.': LAYOUT,
  'write.parquet.stats-enabled.column.': LAYOUT,
  'write.parquet.row-group-check-min-record-count': LAYOUT,
  'write.parquet.row-group-check-max-record-count': LAYOUT,
  'write.parquet.row-group-size-track-uncompressed': LAYOUT,
  'write.parquet.shred-variants': refused(/^false$/i, 'variants are written whole'),
  'write.parquet.variant-inference-buffer-size': LAYOUT,
  'write.parquet.bloom-filter-enabled.column.': refused(/^false$/i, 'bloom filters are not written'),
  'write.parquet.bloom-filter-max-bytes': LAYOUT,
  'write.parquet.bloom-filter-adaptive-enabled': LAYOUT,
  'write.parquet.bloom-filter-fpp.column.': LAYOUT,
  'write.parquet.bloom-filter-ndv.column.': LAYOUT,
  'write.avro.': OTHER_FORMATS,
  'write.orc.': OTHER_FORMATS,

  'write.delete.': ROW_LEVEL,
  'write.update.': ROW_LEVEL,
  'write.merge.': ROW_LEVEL,
  'write.upsert.enabled': ROW_LEVEL,
  'write.wap.enabled': { use: 'moot', reason: 'it takes an id of the session, which only Spark has' },
  'write.spark.': ONE_ENGINE,
  'engine.hive.': ONE_ENGINE,
  'identifier-fields.rely': ONE_ENGINE,
  'compatibility.snapshot-id-inheritance.enabled': { use: 'moot', reason: 'of version 1, which is only read' },

  'read.split.target-size': HONOURED,
  'read.split.open-file-cost': HONOURED,
  'read.split.planning-lookback': HONOURED,
  'read.': READ_PLANS,
  'schema.name-mapping.default': HONOURED,
  'gc.enabled': UPKEEP,
  'history.expire.': UPKEEP,
  'encryption.key-id': refused(/^$/, 'encrypted files are not written'),
  'encryption.data-key-length': { use: 'moot', reason: 'of encrypted files, which are refused by their key' },
  comment: { use: 'moot', reason: 'for people' },
}

/** What becomes of a property; undefined for names that Java doesn't have. */
export function propertyUse(name: string): PropertyUse | undefined {
  if (Object.hasOwn(KNOWN_PROPERTIES, name)) return KNOWN_PROPERTIES[name]
  const family = Object.keys(KNOWN_PROPERTIES).filter((key) => key.endsWith('.') && name.startsWith(key))
  const [longest] = family.toSorted((a, b) => b.length - a.length)
  return longest === undefined ? undefined : KNOWN_PROPERTIES[longest]
}

/** UnsupportedError for the first property that firn can't honour and its user would miss. */
export function checkHonoured(properties: TableProperties): void {
  for (const [property, value] of Object.entries(properties)) {
    const known = propertyUse(property)
    if (known?.use === 'refused' && !known.harmless.test(value)) throw refusal(property, value, known.reason)
  }
}

/** The error for a value that can't be honoured. */
export function refusal(property: string, value: string, reason: string): UnsupportedError {
  return new UnsupportedError(`table property ${property} is "${value}", but ${reason}: unset it to write`, {
    context: { property, value },
  })
}
