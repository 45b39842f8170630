import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { buildPartitionSpec, UNPARTITIONED } from '../../src/spec/partition-spec.ts'
import { buildSortOrder, UNSORTED } from '../../src/spec/sort-order.ts'
import type { TableUpdate } from '../../src/spec/table-update.ts'
import type { Schema } from '../../src/spec/types.ts'
import { apply, exampleTable, FLIGHTS } from './example-metadata.ts'

/** FLIGHTS with a column more, as an update of its schema. */
function withColumn(name: string, id: number, schema: Schema = FLIGHTS): Schema {
  return { ...schema, fields: [...schema.fields, { id, name, type: { kind: 'string' }, required: false }] }
}

describe('schemas', () => {
  const wider = withColumn('carrier', 5)

  it('adds one, makes it current and remembers the highest column', () => {
    const table = apply(
      exampleTable(),
      { action: 'add-schema', schema: wider },
      { action: 'set-current-schema', schemaId: -1 },
    )
    expect(table).toMatchObject({ currentSchemaId: 1, lastColumnId: 5 })
    expect(table.schemas.map((s) => s.schemaId)).toEqual([0, 1])
    const back = apply(table, { action: 'add-schema', schema: FLIGHTS }, { action: 'set-current-schema', schemaId: -1 })
    expect(back).toMatchObject({ currentSchemaId: 0, lastColumnId: 5 })
    expect(back.schemas).toHaveLength(2)
  })

  it('never lowers the last column id, and raises it where told', () => {
    const base = apply(exampleTable(), { action: 'add-schema', schema: wider })
    expect(apply(base, { action: 'add-schema', schema: withColumn('x', 5), lastColumnId: 3 }).lastColumnId).toBe(5)
    expect(apply(base, { action: 'add-schema', schema: FLIGHTS, lastColumnId: 9 }).lastColumnId).toBe(9)
  })

  it.each<[TableUpdate, string]>([
    [{ action: 'set-current-schema', schemaId: 3 }, 'there is no schema 3, only 0'],
    [{ action: 'set-current-schema', schemaId: -1 }, 'no schema has been added'],
    [{ action: 'remove-schemas', schemaIds: [0] }, 'schema 0 is the current one'],
    [{ action: 'set-default-spec', specId: 3 }, 'there is no partition spec 3'],
    [{ action: 'set-default-spec', specId: -1 }, 'no partition spec has been added'],
    [{ action: 'remove-partition-specs', specIds: [0] }, 'partition spec 0 is the default one'],
    [{ action: 'set-default-sort-order', sortOrderId: 3 }, 'there is no sort order 3'],
  ])('refuses %o', (update, message) => {
    expect(() => apply(exampleTable(), update)).toThrow(ValidationError)
    expect(() => apply(exampleTable(), update)).toThrow(message)
  })

  it('refuses types of version 3 in version 2', () => {
    const schema: Schema = {
      ...FLIGHTS,
      fields: [...FLIGHTS.fields, { id: 5, name: 'at', type: { kind: 'timestamp_ns' }, required: false }],
    }
    expect(() => apply(exampleTable(), { action: 'add-schema', schema })).toThrow(/timestamp_ns/)
    expect(apply(exampleTable({ formatVersion: 3 }), { action: 'add-schema', schema }).schemas).toHaveLength(2)
  })

  it('refuses a current schema without the columns of the default spec or order', () => {
    const without = (name: string): TableUpdate[] => [
      { action: 'add-schema', schema: { ...FLIGHTS, fields: FLIGHTS.fields.filter((field) => field.name !== name) } },
      { action: 'set-current-schema', schemaId: -1 },
    ]
    expect(() => apply(exampleTable(), ...without('date'))).toThrow(
      'the source of partition field "date_month" is column 2',
    )
    expect(() => apply(exampleTable(), ...without('origin'))).toThrow('the source of sort field identity is column 3')
    expect(apply(exampleTable(), ...without('delay')).currentSchemaId).toBe(1)
    const unpartitioned = exampleTable({ partitionSpec: UNPARTITIONED })
    expect(apply(unpartitioned, ...without('date')).currentSchemaId).toBe(1)
  })

  it('removes schemas that are not current', () => {
    const table = apply(
      exampleTable(),
      { action: 'add-schema', schema: wider },
      { action: 'remove-schemas', schemaIds: [1] },
    )
    expect(table.schemas.map((s) => s.schemaId)).toEqual([0])
    expect(table.lastColumnId).toBe(5)
  })
})

describe('partition specs and sort orders', () => {
  const byOrigin = {
    specId: 0,
    fields: [{ fieldId: 1001, sourceIds: [3], transform: { kind: 'identity' }, name: 'origin' }],
  } as const

  it('adds a spec under the next id and remembers the highest field id', () => {
    const table = apply(
      exampleTable(),
      { action: 'add-spec', spec: byOrigin },
      { action: 'set-default-spec', specId: -1 },
    )
    expect(table).toMatchObject({ defaultSpecId: 1, lastPartitionId: 1001 })
    expect(table.partitionSpecs[1]).toEqual({ ...byOrigin, specId: 1 })
    const back = apply(table, { action: 'set-default-spec', specId: 0 })
    expect(back).toMatchObject({ defaultSpecId: 0, lastPartitionId: 1001 })
    expect(apply(back, { action: 'remove-partition-specs', specIds: [1] }).partitionSpecs).toHaveLength(1)
  })

  it('never lowers the last partition id', () => {
    const day = { fieldId: 1005, sourceIds: [2], transform: { kind: 'day' }, name: 'd' } as const
    const base = apply(exampleTable(), { action: 'add-spec', spec: { specId: 0, fields: [day] } })
    expect(base.lastPartitionId).toBe(1005)
    expect(apply(base, { action: 'add-spec', spec: byOrigin }).lastPartitionId).toBe(1005)
  })

  it('reuses an equal spec, whatever its field ids', () => {
    const spec = buildPartitionSpec(FLIGHTS, ['month(date)'])
    const [month] = spec.fields
    if (month === undefined) throw new Error('no field')
    const renumbered = { ...spec, specId: 9, fields: [{ ...month, fieldId: 1007 }] }
    const base = apply(
      exampleTable(),
      { action: 'add-spec', spec: byOrigin },
      { action: 'set-default-spec', specId: -1 },
    )
    const table = apply(base, { action: 'add-spec', spec: renumbered }, { action: 'set-default-spec', specId: -1 })
    expect(table.defaultSpecId).toBe(0)
    expect(table.partitionSpecs).toHaveLength(2)
  })

  it.each<[string, (typeof byOrigin.fields)[number] | object, RegExp]>([
    ['the id of another field', { fieldId: 1000 }, /id 1000 of another field/],
    ['an unknown column', { sourceIds: [9] }, /column 9, which the schema does not have/],
    ['the name of another column', { name: 'delay' }, /"delay" is the name of another column/],
    ['an empty name', { name: '' }, /is empty/],
    ['a transform that does not suit', { transform: { kind: 'hour' } }, /hour/],
  ])('refuses a spec with %s', (_, changes, message) => {
    const spec = { ...byOrigin, fields: [{ ...byOrigin.fields[0], ...changes }] }
    expect(() => apply(exampleTable(), { action: 'add-spec', spec })).toThrow(ValidationError)
    expect(() => apply(exampleTable(), { action: 'add-spec', spec })).toThrow(message)
  })

  it('refuses two fields of one id or one name', () => {
    const [field] = byOrigin.fields
    const bucket = { ...field, transform: { kind: 'bucket', buckets: 4 }, name: 'b' } as const
    expect(() => apply(exampleTable(), { action: 'add-spec', spec: { specId: 0, fields: [field, bucket] } })).toThrow(
      'the id 1001',
    )
    const twice = { ...bucket, fieldId: 1002, name: 'origin' }
    expect(() => apply(exampleTable(), { action: 'add-spec', spec: { specId: 0, fields: [field, twice] } })).toThrow(
      'used twice',
    )
  })

  it('lets a field keep its id in a spec that has it too', () => {
    const [month] = buildPartitionSpec(FLIGHTS, ['month(date)']).fields
    if (month === undefined) throw new Error('no field')
    const table = apply(exampleTable(), {
      action: 'add-spec',
      spec: { specId: 0, fields: [month, ...byOrigin.fields] },
    })
    expect(table.partitionSpecs[1]?.fields.map((field) => field.fieldId)).toEqual([1000, 1001])
  })

  it('refuses sources within lists', () => {
    const schema = defineSchema({ tags: 'list<string>' })
    const base = exampleTable({ schema, partitionSpec: UNPARTITIONED, sortOrder: UNSORTED })
    const spec = { specId: 0, fields: [{ ...byOrigin.fields[0], sourceIds: [2], name: 't' }] }
    expect(() => apply(base, { action: 'add-spec', spec })).toThrow('lies in a list or map')
  })

  it('adds sort orders, the empty one always as 0', () => {
    const byDelay = buildSortOrder(FLIGHTS, ['delay desc'])
    const table = apply(
      exampleTable(),
      { action: 'add-sort-order', sortOrder: byDelay },
      { action: 'set-default-sort-order', sortOrderId: -1 },
    )
    expect(table.defaultSortOrderId).toBe(2)
    const unsorted = apply(
      table,
      { action: 'add-sort-order', sortOrder: { orderId: 5, fields: [] } },
      { action: 'set-default-sort-order', sortOrderId: -1 },
    )
    expect(unsorted.defaultSortOrderId).toBe(0)
    expect(unsorted.sortOrders.map((order) => order.orderId)).toEqual([1, 2, 0])
    const again = apply(
      unsorted,
      { action: 'add-sort-order', sortOrder: byDelay },
      { action: 'set-default-sort-order', sortOrderId: -1 },
    )
    expect(again.defaultSortOrderId).toBe(2)
  })
})
