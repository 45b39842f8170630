import { describe, expect, it } from 'vitest'
import { JsonCursor, parseJson, printJson } from '../../src/base/json.ts'
import { parseSchema, printSchema, sameSchema } from '../../src/spec/schema-json.ts'
import type { Schema } from '../../src/spec/types.ts'
import { PLACES } from './example-schema.ts'

describe('schema JSON', () => {
  const schema: Schema = {
    schemaId: 3,
    identifierFieldIds: [1],
    fields: [
      { id: 1, name: 'id', type: { kind: 'long' }, required: true, doc: 'key' },
      { id: 2, name: 'n', type: { kind: 'long' }, required: false, initialDefault: 2n ** 62n, writeDefault: 0n },
      { id: 3, name: 'b', type: { kind: 'boolean' }, required: false, initialDefault: false },
    ],
  }

  it('has the members of Java, in their order', () => {
    expect(printJson(printSchema(schema))).toBe(
      '{"type":"struct","schema-id":3,"identifier-field-ids":[1],"fields":[' +
        '{"id":1,"name":"id","required":true,"type":"long","doc":"key"},' +
        '{"id":2,"name":"n","required":false,"type":"long","initial-default":4611686018427387904,"write-default":0},' +
        '{"id":3,"name":"b","required":false,"type":"boolean","initial-default":false}]}',
    )
  })

  it('is read back', () => {
    for (const original of [schema, PLACES]) {
      const json = parseJson(printJson(printSchema(original)), 'memory:schema.json')
      expect(parseSchema(new JsonCursor(json, 'memory:schema.json'))).toEqual(original)
    }
  })

  it('may lack a schema id', () => {
    expect(parseSchema(new JsonCursor({ type: 'struct', fields: [] }, 'x'))).toEqual({
      schemaId: 0,
      fields: [],
      identifierFieldIds: [],
    })
  })

  it('tells equal schemas, whatever their ids', () => {
    expect(sameSchema(schema, { ...schema, schemaId: 9 })).toBe(true)
    expect(sameSchema(schema, { ...schema, identifierFieldIds: [] })).toBe(false)
    expect(sameSchema(schema, { ...schema, fields: schema.fields.toReversed() })).toBe(false)
    const undocumented = schema.fields.map(({ id, name, type, required }) => ({ id, name, type, required }))
    expect(sameSchema(schema, { ...schema, fields: undocumented })).toBe(false)
  })
})
