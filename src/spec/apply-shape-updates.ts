/**
 * Updates of schemas, partition specs and sort orders. What is added gets the id of an equal one, or the next free id;
 * `LAST_ADDED` stands for it in the updates that follow.
 */
import { ValidationError } from '../base/errors.ts'
import { checkSchemaForVersion } from './check-schema.ts'
import { changeMetadata, type MetadataDraft } from './metadata-draft.ts'
import { FIRST_PARTITION_FIELD_ID } from './partition-spec.ts'
import type { PartitionField, PartitionSpec } from './partition-spec.ts'
import { sameSchema } from './schema-json.ts'
import { highestFieldId } from './schema.ts'
import { checkPartitionNames, checkPartitionSpec, checkSortOrder } from './shape-check.ts'
import { type SortOrder, UNSORTED } from './sort-order.ts'
import { currentSchema } from './table-metadata-access.ts'
import { lastFieldId } from './table-shape-json.ts'
import { LAST_ADDED, type ShapeUpdate } from './table-update.ts'
import { printTransform } from './transform.ts'

export function applyShapeUpdate(draft: MetadataDraft, update: ShapeUpdate): MetadataDraft {
  switch (update.action) {
    case 'add-schema':
      return addSchema(draft, update)
    case 'set-current-schema': {
      const ids = draft.metadata.schemas.map((schema) => schema.schemaId)
      return setChosen(draft, 'currentSchemaId', chooseId('schema', update.schemaId, draft.lastAddedSchemaId, ids))
    }
    case 'remove-schemas':
      return removeSchemas(draft, update.schemaIds)
    case 'add-spec':
      return addSpec(draft, update.spec)
    case 'set-default-spec': {
      const ids = draft.metadata.partitionSpecs.map((spec) => spec.specId)
      return setChosen(draft, 'defaultSpecId', chooseId('partition spec', update.specId, draft.lastAddedSpecId, ids))
    }
    case 'remove-partition-specs':
      return removeSpecs(draft, update.specIds)
    case 'add-sort-order':
      return addSortOrder(draft, update.sortOrder)
    case 'set-default-sort-order': {
      const ids = draft.metadata.sortOrders.map((order) => order.orderId)
      const id = chooseId('sort order', update.sortOrderId, draft.lastAddedSortOrderId, ids)
      return setChosen(draft, 'defaultSortOrderId', id)
    }
  }
}

type AddSchema = Extract<ShapeUpdate, { readonly action: 'add-schema' }>

/**
 * Clients derive `lastColumnId` from the schema alone, which is too low once the highest column was dropped: it can
 * only raise the table's.
 */
function addSchema(draft: MetadataDraft, { schema, lastColumnId = 0 }: AddSchema): MetadataDraft {
  const { schemas, formatVersion, lastColumnId: previous } = draft.metadata
  checkSchemaForVersion(schema, formatVersion)
  const highest = Math.max(previous, lastColumnId, highestFieldId(schema))
  const equal = schemas.find((other) => sameSchema(other, schema))
  const schemaId =
    equal?.schemaId ??
    nextId(
      0,
      schemas.map((other) => other.schemaId),
    )
  const added = { ...draft, lastAddedSchemaId: schemaId }
  if (equal !== undefined && highest === previous) return added
  return changeMetadata(added, {
    lastColumnId: highest,
    schemas: equal === undefined ? [...schemas, { ...schema, schemaId }] : schemas,
  })
}

function removeSchemas(draft: MetadataDraft, ids: readonly number[]): MetadataDraft {
  const { schemas, currentSchemaId } = draft.metadata
  if (ids.includes(currentSchemaId)) throw new ValidationError(`schema ${currentSchemaId} is the current one: it stays`)
  const kept = schemas.filter(({ schemaId }) => !ids.includes(schemaId))
  return kept.length === schemas.length ? draft : changeMetadata(draft, { schemas: kept })
}

function addSpec(draft: MetadataDraft, spec: PartitionSpec): MetadataDraft {
  const { metadata } = draft
  const { partitionSpecs, formatVersion, lastPartitionId } = metadata
  const equal = partitionSpecs.find((other) => sameFields(other, spec))
  if (equal !== undefined) return { ...draft, lastAddedSpecId: equal.specId }
  const schema = currentSchema(metadata)
  checkPartitionSpec(spec, schema)
  checkPartitionNames(spec, schema)
  checkFieldIds(spec, partitionSpecs)
  if (formatVersion === 1 && spec.fields.some((field, index) => field.fieldId !== FIRST_PARTITION_FIELD_ID + index)) {
    throw new ValidationError('in format version 1 partition field ids count up from 1000: upgrade the table first')
  }
  const specId = nextId(
    0,
    partitionSpecs.map((other) => other.specId),
  )
  return changeMetadata(
    { ...draft, lastAddedSpecId: specId },
    {
      partitionSpecs: [...partitionSpecs, { ...spec, specId }],
      lastPartitionId: Math.max(lastPartitionId, lastFieldId([spec])),
    },
  )
}

function sameFields(a: PartitionSpec, b: PartitionSpec): boolean {
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => {
      const other = b.fields[i]
      return other !== undefined && field.name === other.name && sameTerm(field, other)
    })
  )
}

/** A partition field id means the same term in all specs: partition tuples of several specs are read by it. */
function checkFieldIds({ fields }: PartitionSpec, existing: readonly PartitionSpec[]): void {
  const known = existing.flatMap((spec) => spec.fields)
  for (const [index, field] of fields.entries()) {
    const uses = known.filter((other) => other.fieldId === field.fieldId)
    const repeated = fields.findIndex((other) => other.fieldId === field.fieldId) !== index
    if (!repeated && (uses.length === 0 || uses.some((other) => sameTerm(other, field)))) continue
    throw new ValidationError(
      `partition field "${field.name}" has the id ${field.fieldId} of another field: count on from last-partition-id`,
      { context: { field: field.name, fieldId: field.fieldId } },
    )
  }
}

type Term = Pick<PartitionField, 'sourceIds' | 'transform'>

function sameTerm(a: Term, b: Term): boolean {
  return a.sourceIds.join() === b.sourceIds.join() && printTransform(a.transform) === printTransform(b.transform)
}

function removeSpecs(draft: MetadataDraft, ids: readonly number[]): MetadataDraft {
  const { partitionSpecs, defaultSpecId } = draft.metadata
  if (ids.includes(defaultSpecId))
    throw new ValidationError(`partition spec ${defaultSpecId} is the default one: it stays`)
  const kept = partitionSpecs.filter(({ specId }) => !ids.includes(specId))
  return kept.length === partitionSpecs.length ? draft : changeMetadata(draft, { partitionSpecs: kept })
}

/** Order 0 is always "unsorted", and every order without fields is that one. */
function addSortOrder(draft: MetadataDraft, order: SortOrder): MetadataDraft {
  const { metadata } = draft
  const { sortOrders } = metadata
  const equal = sortOrders.find((other) => sameOrder(other, order))
  if (equal !== undefined) return { ...draft, lastAddedSortOrderId: equal.orderId }
  checkSortOrder(order, currentSchema(metadata))
  const orderId =
    order.fields.length === 0
      ? UNSORTED.orderId
      : nextId(
          1,
          sortOrders.map((other) => other.orderId),
        )
  return changeMetadata(
    { ...draft, lastAddedSortOrderId: orderId },
    { sortOrders: [...sortOrders, { ...order, orderId }] },
  )
}

function sameOrder(a: SortOrder, b: SortOrder): boolean {
  return (
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => {
      const other = b.fields[i]
      return (
        other !== undefined &&
        field.direction === other.direction &&
        field.nullOrder === other.nullOrder &&
        sameTerm(field, other)
      )
    })
  )
}

function nextId(first: number, ids: readonly number[]): number {
  return Math.max(first - 1, ...ids) + 1
}

function chooseId(what: string, id: number, lastAdded: number | undefined, ids: readonly number[]): number {
  const chosen = id === LAST_ADDED ? lastAdded : id
  if (chosen !== undefined && ids.includes(chosen)) return chosen
  const reason =
    chosen === undefined ? `no ${what} has been added` : `there is no ${what} ${chosen}, only ${ids.join(', ')}`
  throw new ValidationError(`cannot choose the ${what}: ${reason}`, { context: { id } })
}

type ChosenId = 'currentSchemaId' | 'defaultSpecId' | 'defaultSortOrderId'

function setChosen(draft: MetadataDraft, key: ChosenId, id: number): MetadataDraft {
  return draft.metadata[key] === id ? draft : changeMetadata(draft, { [key]: id })
}
