import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { JsonCursor } from '../../src/base/json.ts'
import { assignFreshIds, defineSchema } from '../../src/spec/define-schema.ts'
import { parseSchema } from '../../src/spec/schema-json.ts'
import { columnNames, highestFieldId } from '../../src/spec/schema.ts'
import type { Schema } from '../../src/spec/types.ts'
import { PLACES, idOf, texts } from './example-schema.ts'

describe('defineSchema', () => {
  it('numbers all fields of a level before what lies in them, as Java does', () => {
    expect(Object.fromEntries(columnNames(PLACES).map((name) => [name, idOf(PLACES, name)]))).toEqual({
      id: 1,
      location: 2,
      points: 3,
      props: 4,
      tags: 5,
      Name: 6,
      name: 7,
      'location.lat': 8,
      'location.long': 9,
      'points.element': 10,
      'points.element.x': 11,
      'points.element.y': 12,
      'props.key': 13,
      'props.value': 14,
      'props.value.a': 15,
      'props.value.b': 16,
      'tags.element': 17,
    })
    expect(PLACES.schemaId).toBe(0)
    expect(highestFieldId(PLACES)).toBe(17)
  })

  it('takes Iceberg JSON and schemas, whose ids it replaces', () => {
    const json = {
      type: 'struct',
      'schema-id': 5,
      'identifier-field-ids': [70],
      fields: [
        { id: 50, name: 'a', required: false, type: 'int', doc: 'first' },
        {
          id: 60,
          name: 's',
          required: true,
          type: { type: 'struct', fields: [{ id: 70, name: 'k', required: true, type: 'long' }] },
        },
      ],
    }
    const expected: Schema = {
      schemaId: 0,
      identifierFieldIds: [3],
      fields: [
        { id: 1, name: 'a', type: { kind: 'int' }, required: false, doc: 'first' },
        {
          id: 2,
          name: 's',
          type: { kind: 'struct', fields: [{ id: 3, name: 'k', type: { kind: 'long' }, required: true }] },
          required: true,
        },
      ],
    }
    expect(defineSchema(json)).toEqual(expected)
    expect(defineSchema(parseSchema(new JsonCursor(json, 'x')))).toEqual(expected)
    expect(defineSchema(expected)).toEqual(expected)
  })

  it('lets columns have the names of schema members', () => {
    expect(texts(defineSchema({ type: 'string', fields: 'list<int>', schemaId: 'int' }))).toEqual({
      type: 'string',
      fields: 'list<int>',
      schemaId: 'int',
    })
  })
})

describe('defineSchema refuses', () => {
  it.each<[string, object, string]>([
    ['empty name', { '': 'int' }, 'a column has an empty name'],
    ['empty nested name', { s: 'struct<"": int>' }, 'a field of "s" has an empty name'],
    ['bad type', { a: 'integr' }, 'column "a": type "integr" is not understood'],
    ['no text', { a: 5 }, `column "a": expected a type such as 'long not null'`],
    ['duplicate nested name', { s: 'struct<a: int, a: long>' }, 'two columns are named "s.a"'],
    ['dotted name of a nested field', { s: 'struct<a: int>', 's.a': 'int' }, 'two columns are named "s.a"'],
    [
      'duplicate name',
      { type: 'struct', fields: [1, 2].map((id) => ({ id, name: 'a', required: true, type: 'int' })) },
      'two columns are named "a"',
    ],
    ['bad JSON', { fields: [{ id: 1 }] }, 'the schema is not understood: $.fields[0].type'],
    ['unknown identifier', { 'identifier-field-ids': [9], fields: [] }, 'identifier field 9 is not a field'],
  ])('%s', (_, input, message) => {
    expect(() => defineSchema(input as Schema)).toThrow(ValidationError)
    expect(() => defineSchema(input as Schema)).toThrow(message)
  })
})

describe('assignFreshIds', () => {
  it('goes on from ids of a table', () => {
    let last = 100
    const schema = assignFreshIds(PLACES, () => ++last)
    expect(idOf(schema, 'id')).toBe(101)
    expect(highestFieldId(schema)).toBe(117)
  })
})
