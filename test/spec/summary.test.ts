import { describe, expect, it } from 'vitest'
import type { DataFile } from '../../src/spec/data-file.ts'
import { buildPartitionSpec, UNPARTITIONED } from '../../src/spec/partition-spec.ts'
import type { SnapshotSummary } from '../../src/spec/snapshot.ts'
import { summarizeSnapshot } from '../../src/spec/summary.ts'
import type { SummaryInput } from '../../src/spec/summary.ts'
import { FLIGHTS } from './example-metadata.ts'

const BY_MONTH = { ...buildPartitionSpec(FLIGHTS, ['month(date)']), specId: 1 }

function file(changes: Partial<DataFile> = {}): DataFile {
  return {
    content: 'data',
    filePath: 's3://lake/flights/data/a.parquet',
    fileFormat: 'parquet',
    specId: 1,
    partition: [0],
    recordCount: 10,
    fileSizeInBytes: 100,
    ...changes,
  }
}

function summarize(input: Partial<SummaryInput>): SnapshotSummary {
  const specs = (id: number): typeof BY_MONTH => (id === 1 ? BY_MONTH : { ...UNPARTITIONED, specId: 0 })
  return summarizeSnapshot({ operation: 'append', added: [], removed: [], schema: FLIGHTS, specs, ...input })
}

const NO_TOTALS: SnapshotSummary = { operation: undefined, properties: {} }

describe('summarizeSnapshot', () => {
  it('tells of a first append', () => {
    expect(summarize({ added: [file(), file({ partition: [1], recordCount: 5 })] })).toEqual({
      operation: 'append',
      properties: {
        'added-data-files': '2',
        'added-records': '15',
        'added-files-size': '200',
        'changed-partition-count': '2',
        'total-records': '15',
        'total-files-size': '200',
        'total-data-files': '2',
        'total-delete-files': '0',
        'total-position-deletes': '0',
        'total-equality-deletes': '0',
      },
    })
  })

  it('carries totals on from the parent', () => {
    const first = summarize({ added: [file(), file()] })
    const second = summarize({
      operation: 'overwrite',
      added: [file({ recordCount: 7 })],
      removed: [file()],
      previous: first,
    })
    expect(second.properties).toMatchObject({
      'added-data-files': '1',
      'deleted-data-files': '1',
      'deleted-records': '10',
      'removed-files-size': '100',
      'changed-partition-count': '1',
      'total-records': '17',
      'total-files-size': '200',
      'total-data-files': '2',
    })
  })

  it('knows no totals where the parent tells none, or nonsense', () => {
    const previous = { operation: undefined, properties: { 'total-records': 'many', 'total-data-files': '3' } }
    const { properties } = summarize({ added: [file()], previous })
    expect(Object.keys(properties).filter((key) => key.startsWith('total-'))).toEqual(['total-data-files'])
    expect(Object.keys(summarize({ added: [file()], previous: NO_TOTALS }).properties)).not.toContain('total-records')
  })

  it('drops a total that would fall below 0, and adds beyond 2^53 exactly', () => {
    const previous = {
      operation: undefined,
      properties: { 'total-data-files': '0', 'total-records': '9223372036854775000' },
    }
    const { properties } = summarize({ operation: 'delete', removed: [file()], previous })
    expect(properties).not.toHaveProperty('total-data-files')
    expect(properties['total-records']).toBe('9223372036854774990')
  })

  it('counts delete files by kind; a vector with its own blob only', () => {
    const vector = file({
      content: 'position-deletes',
      fileFormat: 'puffin',
      recordCount: 3,
      contentSizeInBytes: 40,
      fileSizeInBytes: 900,
    })
    const positions = file({ content: 'position-deletes', recordCount: 4 })
    const equality = file({ content: 'equality-deletes', recordCount: 2 })
    expect(
      summarize({ operation: 'delete', added: [vector, equality], removed: [positions, equality, vector] }).properties,
    ).toMatchObject({
      'added-delete-files': '2',
      'added-dvs': '1',
      'added-equality-delete-files': '1',
      'added-position-deletes': '3',
      'added-equality-deletes': '2',
      'added-files-size': '140',
      'removed-delete-files': '3',
      'removed-dvs': '1',
      'removed-position-delete-files': '1',
      'removed-equality-delete-files': '1',
      'removed-position-deletes': '7',
      'removed-equality-deletes': '2',
      'removed-files-size': '240',
    })
  })

  it('tells of each partition up to the limit', () => {
    const added = [file(), file({ specId: 0, partition: [] })]
    const { properties } = summarize({ added, removed: [file({ partition: [13] })], partitionSummaryLimit: 3 })
    expect(properties).toMatchObject({
      'changed-partition-count': '3',
      'partition-summaries-included': 'true',
      'partitions.date_month=1970-01': 'added-data-files=1,added-records=10,added-files-size=100',
      'partitions.date_month=1971-02': 'deleted-data-files=1,deleted-records=10,removed-files-size=100',
    })
    expect(Object.keys(properties).filter((key) => key.startsWith('partitions.'))).toHaveLength(2)
    expect(summarize({ added, partitionSummaryLimit: 1 }).properties).not.toHaveProperty('partition-summaries-included')
    expect(summarize({ partitionSummaryLimit: 1 }).properties).toMatchObject({ 'changed-partition-count': '0' })
  })

  it('adds manifest counts, duplicates and the caller’s entries, which win over nothing computed', () => {
    const { properties } = summarize({
      added: [file()],
      manifests: { created: 1, kept: 2, replaced: 0, entriesProcessed: 9 },
      deletedDuplicateFiles: 2,
      properties: { 'engine-name': 'firn', 'total-records': '999' },
    })
    expect(properties).toMatchObject({
      'engine-name': 'firn',
      'total-records': '10',
      'manifests-created': '1',
      'manifests-kept': '2',
      'manifests-replaced': '0',
      'entries-processed': '9',
      'deleted-duplicate-files': '2',
    })
  })
})
