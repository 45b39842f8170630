import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { buildPartitionSpec, UNPARTITIONED } from '../../src/spec/partition-spec.ts'
import { buildSortOrder, UNSORTED } from '../../src/spec/sort-order.ts'
import { parseTableMetadata, printTableMetadata } from '../../src/spec/table-metadata-json.ts'
import type { Schema } from '../../src/spec/types.ts'
import { exampleTable, FLIGHTS, START_MS, UUID } from './example-metadata.ts'

const PLAIN = { partitionSpec: UNPARTITIONED, sortOrder: UNSORTED }

describe('newTableMetadata', () => {
  it('is the table before its first snapshot', () => {
    const table = exampleTable()
    expect(table).toMatchObject({
      formatVersion: 2,
      tableUuid: UUID,
      location: 's3://lake/flights',
      lastSequenceNumber: 0n,
      lastUpdatedMs: START_MS,
      lastColumnId: 4,
      currentSchemaId: 0,
      defaultSpecId: 0,
      lastPartitionId: 1000,
      defaultSortOrderId: 1,
      currentSnapshotId: undefined,
      nextRowId: 0n,
      refs: {},
      snapshots: [],
      snapshotLog: [],
      metadataLog: [],
    })
    expect(parseTableMetadata(printTableMetadata(table), 'x')).toEqual(table)
  })

  it('numbers partitions from 1000 and knows tables without partitions and order', () => {
    const table = exampleTable(PLAIN)
    expect(table).toMatchObject({ lastPartitionId: 999, defaultSortOrderId: 0, sortOrders: [UNSORTED] })
  })

  it('gives ids anew and takes spec, order and identifiers along by name', () => {
    const schema: Schema = {
      schemaId: 12,
      identifierFieldIds: [70],
      fields: [
        { id: 70, name: 'id', type: { kind: 'long' }, required: true },
        {
          id: 30,
          name: 'at',
          required: true,
          type: { kind: 'struct', fields: [{ id: 9, name: 'day', type: { kind: 'date' }, required: false }] },
        },
      ],
    }
    const partitionSpec = {
      specId: 4,
      fields: [{ fieldId: 1044, sourceIds: [9], transform: { kind: 'month' }, name: 'm' }],
    } as const
    const table = exampleTable({ schema, partitionSpec, sortOrder: buildSortOrder(schema, ['id desc']) })
    expect(table.schemas[0]).toMatchObject({ schemaId: 0, identifierFieldIds: [1] })
    expect(table.lastColumnId).toBe(3)
    expect(table.partitionSpecs).toEqual([
      { specId: 0, fields: [{ fieldId: 1000, sourceIds: [3], transform: { kind: 'month' }, name: 'm' }] },
    ])
    expect(table.sortOrders[0]).toMatchObject({ orderId: 1, fields: [{ sourceIds: [1], direction: 'desc' }] })
  })

  it('stores the codec that new tables are written with, and no reserved properties', () => {
    const stored = exampleTable({ properties: { owner: 'me', 'format-version': '3', uuid: 'x' } }).properties
    expect(stored).toEqual({ 'write.parquet.compression-codec': 'zstd', owner: 'me' })
    const own = exampleTable({ properties: { 'write.parquet.compression-codec': 'snappy' } }).properties
    expect(own).toEqual({ 'write.parquet.compression-codec': 'snappy' })
  })

  it('takes the slash off the location', () => {
    expect(exampleTable({ location: 's3://b/t/' }).location).toBe('s3://b/t')
  })

  it.each<[string, Parameters<typeof exampleTable>[0], string]>([
    ['types of version 3 in version 2', { ...PLAIN, schema: defineSchema({ at: 'timestamp_ns' }) }, 'timestamp_ns'],
    [
      'a partition by a column of another schema',
      { schema: defineSchema({ a: 'int' }), sortOrder: UNSORTED },
      'column 2',
    ],
    [
      'a partition named like another column',
      { ...PLAIN, partitionSpec: buildSpec('delay') },
      'partition field name "delay" is the name of another column',
    ],
    ['metrics of an unknown column', { properties: { 'write.metadata.metrics.column.x': 'full' } }, 'no column "x"'],
    [
      'an unreadable metrics mode',
      { properties: { 'write.metadata.metrics.default': 'all' } },
      'write.metadata.metrics.default is "all"',
    ],
    [
      'an unreadable metrics mode of a column',
      { properties: { 'write.metadata.metrics.column.id': 'x' } },
      'column.id is "x"',
    ],
    [
      'unreadable commit properties',
      { properties: { 'commit.retry.num-retries': '-1' } },
      'commit.retry.num-retries is "-1"',
    ],
  ])('refuses %s', (_, input, message) => {
    expect(() => exampleTable(input)).toThrow(message)
  })

  it('refuses with a ValidationError', () => {
    expect(() => exampleTable({ partitionSpec: buildSpec('delay') })).toThrow(ValidationError)
  })
})

/** A partition of `origin` under another name. */
function buildSpec(name: string): typeof UNPARTITIONED {
  const [origin] = buildPartitionSpec(FLIGHTS, ['origin']).fields
  return { specId: 0, fields: origin === undefined ? [] : [{ ...origin, name }] }
}
