/** What becomes of each property of Java's that concerns data files: honoured, of no effect, or refused by name. */
import { describe, expect, it } from 'vitest'
import { UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import { metricsModes } from '../../src/spec/metrics-modes.ts'
import { UNSORTED, buildSortOrder } from '../../src/spec/sort-order.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { readWriteSettings } from '../../src/write/write-settings.ts'

const DEFAULTS = { targetFileSizeBytes: 512 * 2 ** 20, rowGroupSizeBytes: 128 * 2 ** 20 }
const ENCODING = { codec: 'zstd', pageVersion: 'v1' }

describe('settings of data files', () => {
  it.each<[string, string, object, object]>([
    ['write.target-file-size-bytes', '1000', { targetFileSizeBytes: 1000 }, {}],
    ['write.format.default', 'PARQUET', {}, {}],
    ['write.parquet.row-group-size-bytes', '1000', { rowGroupSizeBytes: 1000 }, {}],
    ['write.parquet.compression-codec', 'SNAPPY', {}, { codec: 'snappy' }],
    ['write.parquet.compression-codec', 'none', {}, { codec: 'uncompressed' }],
    ['write.parquet.page-size-bytes', '1000', {}, { pageSizeBytes: 1000 }],
    ['write.parquet.page-size-bytes', '0', {}, { pageSizeBytes: 1 }],
    ['write.parquet.dict-size-bytes', '1000', {}, { dictionarySizeBytes: 1000 }],
    ['write.parquet.page-version', 'V2', {}, { pageVersion: 'v2' }],
  ])('%s = %s is honoured', (property, value, settings, encoding) => {
    expect(readWriteSettings({ [property]: value })).toEqual({
      ...DEFAULTS,
      ...settings,
      encoding: { ...ENCODING, ...encoding },
    })
  })

  // They tune how a file is laid out: readers see the same rows and bounds.
  it.each([
    ['write.parquet.page-row-limit', '20000'],
    ['write.parquet.row-group-check-min-record-count', '100'],
    ['write.parquet.row-group-check-max-record-count', '10000'],
    ['write.parquet.bloom-filter-max-bytes', '1048576'],
    ['write.parquet.bloom-filter-fpp.column.id', '0.01'],
    ['write.parquet.bloom-filter-ndv.column.id', '100'],
    ['write.parquet.stats-enabled.column.id', 'false'],
    ['write.parquet.variant-inference-buffer-size', '10000'],
    ['write.delete.parquet.compression-codec', 'gzip'],
    ['write.avro.compression-codec', 'gzip'],
    ['write.parquet.of-a-later-version', 'x'],
    ['write.parquet.compression-level', 'null'],
    ['write.parquet.bloom-filter-enabled.column.id', 'false'],
    ['write.parquet.shred-variants', 'false'],
    ['write.distribution-mode', 'none'],
    ['write.distribution-mode', 'HASH'],
    ['write.distribution-mode', 'range'],
  ])('%s = %s has no effect', (property, value) => {
    expect(readWriteSettings({ [property]: value })).toEqual({ ...DEFAULTS, encoding: ENCODING })
  })

  // They ask for something in the file that would be missed.
  it.each([
    ['write.format.default', 'orc'],
    ['write.parquet.compression-codec', 'lzo'],
    ['write.parquet.page-version', 'v3'],
    ['write.location-provider.impl', 'com.example.P'],
    ['write.parquet.compression-level', '9'],
    ['write.parquet.bloom-filter-enabled.column.id', 'true'],
    ['write.parquet.shred-variants', 'true'],
    ['write.distribution-mode', 'scatter'],
    ['encryption.key-id', 'key'],
  ])('%s = %s is refused', (property, value) => {
    expect(() => readWriteSettings({ [property]: value })).toThrow(UnsupportedError)
    expect(() => readWriteSettings({ [property]: value })).toThrow(value)
  })

  it('values that are none are refused', () => {
    expect(() => readWriteSettings({ 'write.target-file-size-bytes': 'big' })).toThrow('write.target-file-size-bytes')
  })
})

describe('settings of metrics', () => {
  const schema = defineSchema({ id: 'long', place: 'struct<name: string, at: geometry>', v: 'variant' })
  const modeOf = (properties: Record<string, string>, name: string, sortBy: readonly string[] = []): object => {
    const ids: Readonly<Record<string, number>> = { id: 1, 'place.name': 4, 'place.at': 5, v: 3 }
    const sortOrder = sortBy.length === 0 ? UNSORTED : buildSortOrder(schema, sortBy)
    return metricsModes({ schema, sortOrder, properties })(ids[name] ?? 0)
  }
  const sixteen = { kind: 'truncate', length: 16 }
  it.each<[Record<string, string>, string, object]>([
    [{}, 'id', sixteen],
    [{}, 'v', sixteen],
    [{ 'write.metadata.metrics.default': 'counts' }, 'id', { kind: 'counts' }],
    [{ 'write.metadata.metrics.default': 'FULL' }, 'place.name', { kind: 'full' }],
    [{ 'write.metadata.metrics.default': 'truncate(4)' }, 'id', { kind: 'truncate', length: 4 }],
    [{ 'write.metadata.metrics.column.place.name': 'none' }, 'place.name', { kind: 'none' }],
    [{ 'write.metadata.metrics.column.place.name': 'none' }, 'id', sixteen],
    [{ 'write.metadata.metrics.default': 'none', 'write.metadata.metrics.column.id': 'full' }, 'id', { kind: 'full' }],
    // Those of a level come before those nested in it.
    [{ 'write.metadata.metrics.max-inferred-column-defaults': '2' }, 'v', sixteen],
    [{ 'write.metadata.metrics.max-inferred-column-defaults': '2' }, 'place.name', { kind: 'none' }],
    [{ 'write.metadata.metrics.max-inferred-column-defaults': '4' }, 'place.at', sixteen],
  ])('%o: %s', (properties, name, expected) => {
    expect(modeOf(properties, name)).toEqual(expected)
  })

  it('columns that the table is sorted by keep bounds', () => {
    const properties = { 'write.metadata.metrics.default': 'counts' }
    expect(modeOf(properties, 'id', ['id desc'])).toEqual(sixteen)
    expect(modeOf(properties, 'id', ['bucket(4, id)'])).toEqual({ kind: 'counts' })
  })

  it.each(['sometimes', 'truncate(0)', ''])('%o is refused', (value) => {
    expect(() => modeOf({ 'write.metadata.metrics.default': value }, 'id')).toThrow(ValidationError)
  })
})
