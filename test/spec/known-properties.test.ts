/** Every property of Java's TableProperties has its place in the list, and the list says what the code does. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { UnsupportedError } from '../../src/base/errors.ts'
import { KNOWN_PROPERTIES, checkHonoured, propertyUse } from '../../src/spec/known-properties.ts'

/** The constants of TableProperties.java as of August 2026, without the reserved ones. */
const JAVA = `
  commit.retry.num-retries
  commit.retry.min-wait-ms
  commit.retry.max-wait-ms
  commit.retry.total-timeout-ms
  commit.status-check.num-retries
  commit.status-check.min-wait-ms
  commit.status-check.max-wait-ms
  commit.status-check.total-timeout-ms
  commit.manifest.target-size-bytes
  commit.manifest.min-count-to-merge
  commit.manifest-merge.enabled
  write.format.default
  write.parquet.row-group-size-bytes
  write.delete.parquet.row-group-size-bytes
  write.parquet.page-size-bytes
  write.delete.parquet.page-size-bytes
  write.parquet.page-version
  write.delete.parquet.page-version
  write.parquet.page-row-limit
  write.delete.parquet.page-row-limit
  write.parquet.dict-size-bytes
  write.delete.parquet.dict-size-bytes
  write.parquet.compression-codec
  write.delete.parquet.compression-codec
  write.parquet.compression-level
  write.delete.parquet.compression-level
  write.parquet.shred-variants
  write.parquet.variant-inference-buffer-size
  write.parquet.row-group-check-min-record-count
  write.delete.parquet.row-group-check-min-record-count
  write.parquet.row-group-check-max-record-count
  write.delete.parquet.row-group-check-max-record-count
  write.parquet.row-group-size-track-uncompressed
  write.parquet.bloom-filter-max-bytes
  write.parquet.bloom-filter-adaptive-enabled
  write.parquet.bloom-filter-fpp.column.
  write.parquet.bloom-filter-ndv.column.
  write.parquet.bloom-filter-enabled.column.
  write.parquet.stats-enabled.column.
  write.parquet.dict-encoding-enabled.column.
  write.avro.compression-codec
  write.delete.avro.compression-codec
  write.avro.compression-level
  write.delete.avro.compression-level
  write.manifest.compression-codec
  write.manifest.compression-level
  write.orc.stripe-size-bytes
  write.orc.bloom.filter.columns
  write.orc.bloom.filter.fpp
  write.delete.orc.stripe-size-bytes
  write.orc.block-size-bytes
  write.delete.orc.block-size-bytes
  write.orc.vectorized.batch-size
  write.delete.orc.vectorized.batch-size
  write.orc.compression-codec
  write.delete.orc.compression-codec
  write.orc.compression-strategy
  write.delete.orc.compression-strategy
  read.split.target-size
  read.split.metadata-target-size
  read.split.planning-lookback
  read.split.open-file-cost
  read.split.adaptive-size.enabled
  read.parquet.vectorization.enabled
  read.parquet.vectorization.batch-size
  read.orc.vectorization.enabled
  read.orc.vectorization.batch-size
  read.data-planning-mode
  read.delete-planning-mode
  identifier-fields.rely
  write.object-storage.enabled
  write.object-storage.partitioned-paths
  write.object-storage.path
  write.location-provider.impl
  write.folder-storage.path
  write.data.path
  write.metadata.path
  write.summary.partition-limit
  write.metadata.compression-codec
  write.metadata.previous-versions-max
  write.metadata.delete-after-commit.enabled
  write.metadata.metrics.column.
  write.metadata.metrics.default
  schema.name-mapping.default
  write.wap.enabled
  write.target-file-size-bytes
  write.delete.target-file-size-bytes
  write.spark.fanout.enabled
  write.spark.accept-any-schema
  write.spark.auto-schema-evolution.enabled
  write.spark.advisory-partition-size-bytes
  compatibility.snapshot-id-inheritance.enabled
  engine.hive.enabled
  engine.hive.lock-enabled
  write.distribution-mode
  gc.enabled
  history.expire.max-snapshot-age-ms
  history.expire.min-snapshots-to-keep
  history.expire.max-ref-age-ms
  write.delete.granularity
  write.delete.isolation-level
  write.delete.mode
  write.delete.distribution-mode
  write.update.isolation-level
  write.update.mode
  write.update.distribution-mode
  write.merge.isolation-level
  write.merge.mode
  write.merge.distribution-mode
  write.upsert.enabled
  encryption.key-id
  encryption.data-key-length
  write.metadata.metrics.max-inferred-column-defaults
`
  .trim()
  .split(/\s+/)

const entries = Object.entries(KNOWN_PROPERTIES)

describe('properties of Java', () => {
  it.each(JAVA)('%s is known', (name) => {
    expect(propertyUse(name)).toBeDefined()
  })

  it('are all that is listed', () => {
    const strangers = entries.filter(([name]) => !JAVA.some((java) => java === name || java.startsWith(name)))
    expect(strangers.map(([name]) => name)).toEqual(['comment'])
  })

  it('are read where the list says that they are honoured, and nowhere else', () => {
    const src = join(import.meta.dirname, '../../src')
    const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith('.ts') && !path.endsWith('known-properties.ts'),
    )
    const text = sources.map((path) => readFileSync(join(src, path), 'utf8')).join('\n')
    const isRead = (name: string): boolean => text.includes(`'${name}'`)
    for (const [name, { use }] of entries) expect([name, isRead(name)]).toEqual([name, use === 'honoured'])
  })

  it('are refused by name where the list says so, but for values that ask for nothing', () => {
    const refused = entries.filter(([, { use }]) => use === 'refused').map(([name]) => name)
    expect(refused).toHaveLength(6)
    for (const name of refused) {
      const property = name.endsWith('.') ? `${name}id` : name
      expect(() => checkHonoured({ [property]: 'x' })).toThrow(UnsupportedError)
      expect(() => checkHonoured({ [property]: 'x' })).toThrow(`${property} is "x"`)
    }
    expect(() =>
      checkHonoured({
        'write.parquet.compression-level': 'null',
        'write.parquet.bloom-filter-enabled.column.id': 'false',
        'write.location-provider.impl': '',
        'encryption.key-id': '',
      }),
    ).not.toThrow()
  })

  it('others are let be', () => {
    expect(propertyUse('write.of-a-later-version')).toBeUndefined()
    expect(propertyUse('constructor')).toBeUndefined()
    expect(() => checkHonoured({ 'write.of-a-later-version': 'x', constructor: 'x' })).not.toThrow()
  })
})
