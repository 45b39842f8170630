/**
 * Table properties: strings by the names that all engines share. The readers here parse them with firn's defaults;
 * an unreadable value is an error that names the property, never silently the default.
 */
import { ValidationError } from '../base/errors.ts'

export type TableProperties = Readonly<Record<string, string>>

export const TARGET_FILE_SIZE_BYTES = 'write.target-file-size-bytes'
export const TARGET_FILE_SIZE_BYTES_DEFAULT: number = 512 * 1024 * 1024

export const FILE_FORMAT = 'write.format.default'
export const FILE_FORMAT_DEFAULT = 'parquet'

export const PARQUET_COMPRESSION = 'write.parquet.compression-codec'
export const PARQUET_COMPRESSION_DEFAULT = 'zstd'

export const PARQUET_ROW_GROUP_SIZE_BYTES = 'write.parquet.row-group-size-bytes'
export const PARQUET_ROW_GROUP_SIZE_BYTES_DEFAULT: number = 128 * 1024 * 1024

export const PARQUET_PAGE_SIZE_BYTES = 'write.parquet.page-size-bytes'
export const PARQUET_DICT_SIZE_BYTES = 'write.parquet.dict-size-bytes'
export const PARQUET_PAGE_VERSION = 'write.parquet.page-version'

/** Replace the folders `data` and `metadata` below the table's location. */
export const DATA_LOCATION = 'write.data.path'
export const METADATA_LOCATION = 'write.metadata.path'

export const OBJECT_STORAGE_ENABLED = 'write.object-storage.enabled'

/** `none` or `gzip`; where it isn't set, large metadata is compressed. */
export const METADATA_COMPRESSION = 'write.metadata.compression-codec'

/** Entries that the metadata log keeps. */
export const METADATA_PREVIOUS_VERSIONS_MAX = 'write.metadata.previous-versions-max'
export const METADATA_PREVIOUS_VERSIONS_MAX_DEFAULT = 100
/** Whether the files of entries that fall out of the log are deleted. */
export const METADATA_DELETE_AFTER_COMMIT = 'write.metadata.delete-after-commit.enabled'

/** Whether appends merge small manifests, from how many on, and to what size. */
export const MANIFEST_MERGE_ENABLED = 'commit.manifest-merge.enabled'
export const MANIFEST_MIN_MERGE_COUNT = 'commit.manifest.min-count-to-merge'
export const MANIFEST_MIN_MERGE_COUNT_DEFAULT = 100
export const MANIFEST_TARGET_SIZE_BYTES = 'commit.manifest.target-size-bytes'
export const MANIFEST_TARGET_SIZE_BYTES_DEFAULT: number = 8 * 1024 * 1024

/** Bytes of a split for parallel readers, what a file counts at least, and splits kept open for files that fit in. */
export const SPLIT_SIZE = 'read.split.target-size'
export const SPLIT_SIZE_DEFAULT: number = 128 * 1024 * 1024
export const SPLIT_OPEN_FILE_COST = 'read.split.open-file-cost'
export const SPLIT_OPEN_FILE_COST_DEFAULT: number = 4 * 1024 * 1024
export const SPLIT_LOOKBACK = 'read.split.planning-lookback'
export const SPLIT_LOOKBACK_DEFAULT = 10

/** Changed partitions up to which a snapshot's summary tells of each. */
export const PARTITION_SUMMARY_LIMIT = 'write.summary.partition-limit'
export const PARTITION_SUMMARY_LIMIT_DEFAULT = 0

export const METRICS_MODE_DEFAULT = 'write.metadata.metrics.default'
export const METRICS_MODE_COLUMN_PREFIX = 'write.metadata.metrics.column.'

/** Columns that get metrics where no default mode is set: very wide tables would bloat their manifests. */
export const METRICS_MAX_INFERRED_COLUMNS = 'write.metadata.metrics.max-inferred-column-defaults'
export const METRICS_MAX_INFERRED_COLUMNS_DEFAULT = 100

/** Names that engines use as table properties to speak of other parts of the metadata; never stored. */
export const RESERVED_PROPERTIES: ReadonlySet<string> = new Set([
  'format-version',
  'uuid',
  'snapshot-count',
  'current-snapshot-id',
  'current-snapshot-summary',
  'current-snapshot-timestamp-ms',
  'current-schema',
  'default-partition-spec',
  'default-sort-order',
])

export function stringProperty(properties: TableProperties, key: string, fallback: string): string {
  return ownProperty(properties, key) ?? fallback
}

/** A whole number of at least 0; Long.MAX_VALUE and the like, which mean "no limit", become 2^53 − 1. */
export function longProperty(properties: TableProperties, key: string, fallback: number): number {
  const text = ownProperty(properties, key)
  if (text === undefined) return fallback
  if (!/^\s*\d+\s*$/.test(text)) return refuse(key, text, 'a whole number from 0 up')
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
}

/** `true` or `false` in any case. */
export function booleanProperty(properties: TableProperties, key: string, fallback: boolean): boolean {
  const text = ownProperty(properties, key)?.trim().toLowerCase()
  if (text === undefined) return fallback
  return text === 'true' || text === 'false' ? text === 'true' : refuse(key, text, 'true or false')
}

/** What a data file's manifest entry tells of a column: nothing, counts, counts and whole or shortened bounds. */
export type MetricsMode =
  | { readonly kind: 'none' | 'counts' | 'full' }
  | { readonly kind: 'truncate'; readonly length: number }

const TRUNCATE_16: MetricsMode = { kind: 'truncate', length: 16 }

/** The mode that the properties give a column by its dotted name; see metrics-modes.ts for what a schema adds. */
export function metricsModeFor(properties: TableProperties, columnName: string): MetricsMode {
  return metricsModeProperty(properties, METRICS_MODE_COLUMN_PREFIX + columnName) ?? defaultMetricsMode(properties)
}

/** `write.metadata.metrics.default`, or truncate(16). */
export function defaultMetricsMode(properties: TableProperties): MetricsMode {
  return metricsModeProperty(properties, METRICS_MODE_DEFAULT) ?? TRUNCATE_16
}

/** The mode in a property, `truncate(16)`, `full`, `counts` or `none`; undefined where it isn't set. */
export function metricsModeProperty(properties: TableProperties, key: string): MetricsMode | undefined {
  const text = ownProperty(properties, key)
  const mode = text?.trim().toLowerCase()
  if (text === undefined || mode === undefined) return undefined
  if (mode === 'none' || mode === 'counts' || mode === 'full') return { kind: mode }
  const length = Number(/^truncate\((\d+)\)$/.exec(mode)?.[1] ?? 0)
  return length > 0 ? { kind: 'truncate', length } : refuse(key, text, 'none, counts, full or truncate(16)')
}

/** Property names come from users: one like `constructor` must not find what all objects have. */
function ownProperty(properties: TableProperties, key: string): string | undefined {
  return Object.hasOwn(properties, key) ? properties[key] : undefined
}

function refuse(key: string, text: string, expected: string): never {
  throw new ValidationError(`table property ${key} is ${JSON.stringify(text)}, expected ${expected}`, {
    context: { property: key, value: text },
  })
}
