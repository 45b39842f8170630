/**
 * What a commit expects of the table it lands on, by the REST specification's names. A catalog checks them against its
 * newest base; one that fails means that somebody else changed the table first.
 */
import { CommitFailedError } from '../base/errors.ts'
import type { TableMetadata } from './table-metadata.ts'
import { findRef } from './table-metadata-access.ts'

export type TableRequirement =
  | { readonly type: 'assert-create' }
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  /** Undefined: the reference must not exist. */
  | { readonly type: 'assert-ref-snapshot-id'; readonly ref: string; readonly snapshotId: bigint | undefined }
  | { readonly type: 'assert-last-assigned-field-id'; readonly lastAssignedFieldId: number }
  | { readonly type: 'assert-current-schema-id'; readonly currentSchemaId: number }
  | { readonly type: 'assert-last-assigned-partition-id'; readonly lastAssignedPartitionId: number }
  | { readonly type: 'assert-default-spec-id'; readonly defaultSpecId: number }
  | { readonly type: 'assert-default-sort-order-id'; readonly defaultSortOrderId: number }

/** Checks all; `metadata` is undefined where there is no table. CommitFailedError for the first that fails. */
export function checkRequirements(
  metadata: TableMetadata | undefined,
  requirements: readonly TableRequirement[],
): void {
  for (const requirement of requirements) {
    const reason = metadata === undefined ? failsWithoutTable(requirement) : failsOn(metadata, requirement)
    if (reason === undefined) continue
    throw new CommitFailedError(`${reason}: load the table and commit again`, {
      context: { requirement: requirement.type },
    })
  }
}

function failsWithoutTable(requirement: TableRequirement): string | undefined {
  return requirement.type === 'assert-create' ? undefined : 'the table does not exist'
}

/** Why the requirement does not hold, or undefined. */
function failsOn(metadata: TableMetadata, requirement: TableRequirement): string | undefined {
  switch (requirement.type) {
    case 'assert-create':
      return 'the table exists already'
    case 'assert-table-uuid':
      return changed('table uuid', requirement.uuid.toLowerCase(), metadata.tableUuid.toLowerCase())
    case 'assert-ref-snapshot-id':
      return refChanged(metadata, requirement.ref, requirement.snapshotId)
    case 'assert-last-assigned-field-id':
      return changed('last assigned field id', requirement.lastAssignedFieldId, metadata.lastColumnId)
    case 'assert-current-schema-id':
      return changed('current schema id', requirement.currentSchemaId, metadata.currentSchemaId)
    case 'assert-last-assigned-partition-id':
      return changed('last assigned partition id', requirement.lastAssignedPartitionId, metadata.lastPartitionId)
    case 'assert-default-spec-id':
      return changed('default partition spec id', requirement.defaultSpecId, metadata.defaultSpecId)
    case 'assert-default-sort-order-id':
      return changed('default sort order id', requirement.defaultSortOrderId, metadata.defaultSortOrderId)
  }
}

function refChanged(metadata: TableMetadata, name: string, expected: bigint | undefined): string | undefined {
  const ref = findRef(metadata, name)
  if (ref?.snapshotId === expected) return undefined
  if (ref === undefined) return `branch or tag "${name}" is missing, expected it at snapshot ${expected}`
  if (expected === undefined) return `${ref.type} "${name}" was created by another writer`
  return `${ref.type} "${name}" moved to snapshot ${ref.snapshotId}, expected ${expected}`
}

function changed(what: string, expected: number | string, found: number | string): string | undefined {
  return expected === found ? undefined : `the ${what} is ${found}, expected ${expected}`
}
