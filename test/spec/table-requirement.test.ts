import { describe, expect, it } from 'vitest'
import { CommitFailedError } from '../../src/base/errors.ts'
import { checkRequirements } from '../../src/spec/table-requirement.ts'
import type { TableRequirement } from '../../src/spec/table-requirement.ts'
import { parseTableMetadata } from '../../src/spec/table-metadata-json.ts'
import { readFixture } from './example-metadata.ts'

const table = parseTableMetadata(readFixture('iceberg-java/core/TableMetadataV2Valid.json'), 'x')
const MAIN = 3055729675574597004n

const holding: TableRequirement[] = [
  { type: 'assert-table-uuid', uuid: '9c12d441-03fe-4693-9a96-a0705ddf69c1' },
  { type: 'assert-table-uuid', uuid: '9C12D441-03FE-4693-9A96-A0705DDF69C1' },
  { type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: MAIN },
  { type: 'assert-ref-snapshot-id', ref: 'dev', snapshotId: undefined },
  { type: 'assert-ref-snapshot-id', ref: 'constructor', snapshotId: undefined },
  { type: 'assert-last-assigned-field-id', lastAssignedFieldId: 3 },
  { type: 'assert-current-schema-id', currentSchemaId: 1 },
  { type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: 1000 },
  { type: 'assert-default-spec-id', defaultSpecId: 0 },
  { type: 'assert-default-sort-order-id', defaultSortOrderId: 3 },
]

const failing: [TableRequirement, string][] = [
  [{ type: 'assert-create' }, 'the table exists already'],
  [{ type: 'assert-table-uuid', uuid: 'x' }, 'the table uuid is 9c12d441-03fe-4693-9a96-a0705ddf69c1, expected x'],
  [{ type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: MAIN + 1n }, `branch "main" moved to snapshot ${MAIN}`],
  [
    { type: 'assert-ref-snapshot-id', ref: 'main', snapshotId: undefined },
    'branch "main" was created by another writer',
  ],
  [{ type: 'assert-ref-snapshot-id', ref: 'dev', snapshotId: 1n }, 'branch or tag "dev" is missing'],
  [{ type: 'assert-last-assigned-field-id', lastAssignedFieldId: 4 }, 'the last assigned field id is 3, expected 4'],
  [{ type: 'assert-current-schema-id', currentSchemaId: 0 }, 'the current schema id is 1, expected 0'],
  [{ type: 'assert-last-assigned-partition-id', lastAssignedPartitionId: 999 }, 'partition id is 1000, expected 999'],
  [{ type: 'assert-default-spec-id', defaultSpecId: 1 }, 'the default partition spec id is 0, expected 1'],
  [{ type: 'assert-default-sort-order-id', defaultSortOrderId: 0 }, 'the default sort order id is 3, expected 0'],
]

describe('checkRequirements', () => {
  it('passes what holds', () => {
    expect(() => checkRequirements(table, [])).not.toThrow()
    expect(() => checkRequirements(table, holding)).not.toThrow()
    expect(() => checkRequirements(undefined, [{ type: 'assert-create' }])).not.toThrow()
  })

  it.each(failing)('%o fails', (requirement, message) => {
    expect(() => checkRequirements(table, [...holding, requirement])).toThrow(CommitFailedError)
    expect(() => checkRequirements(table, [requirement])).toThrow(message)
  })

  it.each(holding)('%o fails without a table', (requirement) => {
    expect(() => checkRequirements(undefined, [requirement])).toThrow('the table does not exist')
  })
})
