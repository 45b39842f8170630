import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { parseNameMapping, printNameMapping } from '../../src/spec/name-mapping.ts'

/** The example of the specification, with a list and a map. */
const TEXT = `[ { "field-id": 1, "names": ["id", "record_id"] },
  { "field-id": 2, "names": ["data.raw"] },
  { "names": ["ignored"] },
  { "field-id": 3, "names": ["location"], "fields": [
      { "field-id": 4, "names": ["latitude", "lat"] },
      { "field-id": 5, "names": [] } ] },
  { "field-id": 6, "names": ["tags"], "fields": [{ "field-id": 7, "names": ["element"] }] },
  { "field-id": 8, "names": ["props"], "fields": [
      { "field-id": 9, "names": ["key"] }, { "field-id": 10, "names": ["value"] } ] } ]`

describe('name mappings', () => {
  it('are read, and print to the same', () => {
    const mapping = parseNameMapping(TEXT)
    expect(mapping).toEqual([
      { fieldId: 1, names: ['id', 'record_id'] },
      { fieldId: 2, names: ['data.raw'] },
      { names: ['ignored'] },
      {
        fieldId: 3,
        names: ['location'],
        fields: [
          { fieldId: 4, names: ['latitude', 'lat'] },
          { fieldId: 5, names: [] },
        ],
      },
      { fieldId: 6, names: ['tags'], fields: [{ fieldId: 7, names: ['element'] }] },
      {
        fieldId: 8,
        names: ['props'],
        fields: [
          { fieldId: 9, names: ['key'] },
          { fieldId: 10, names: ['value'] },
        ],
      },
    ])
    expect(JSON.parse(printNameMapping(mapping))).toEqual(JSON.parse(TEXT))
    expect(parseNameMapping(printNameMapping(mapping))).toEqual(mapping)
    expect(parseNameMapping('[]')).toEqual([])
  })

  it('may leave out names, ids and fields, or have them null', () => {
    const text = '[{"field-id": null, "names": ["a", "a"], "fields": null}, {"field-id": 3}]'
    expect(parseNameMapping(text)).toEqual([{ names: ['a'] }, { fieldId: 3, names: [] }])
  })

  it('allow a name on several levels, and one that belongs to no field besides', () => {
    const text = `[{"field-id": 1, "names": ["x"], "fields": [{"field-id": 3, "names": ["x"]}]},
      {"field-id": 2, "names": ["y"], "fields": [{"field-id": 4, "names": ["x"]}]}, {"names": ["x"]}]`
    expect(parseNameMapping(text)).toHaveLength(3)
  })

  it.each([
    ['{"type": "struct", "fields": []}', 'schema.name-mapping.default: expected an array, found an object'],
    ['[{"field-id": "1", "names": []}]', 'schema.name-mapping.default[0].field-id: expected an integer'],
    ['[{"field-id": 1.5}]', 'schema.name-mapping.default[0].field-id: expected an integer'],
    ['[[1]]', 'schema.name-mapping.default[0]: expected an object'],
    ['[{"field-id": 1, "names": "a"}]', 'schema.name-mapping.default[0].names: expected an array'],
    ['[{"field-id": 1, "names": [7]}]', 'schema.name-mapping.default[0].names[0]: expected a string'],
    [
      '[{"field-id": 1, "names": ["s"], "fields": [{"field-id": 2, "names": ["a"]}, {"field-id": 3, "names": ["a"]}]}]',
      'schema.name-mapping.default[0].fields[1].names: expected names that differ, not "a" again',
    ],
    [
      '[{"field-id": 1, "names": ["a"]}, {"field-id": 1, "names": ["b"]}]',
      'schema.name-mapping.default[1].field-id: expected ids that differ, not 1 again',
    ],
    ['[{', 'not valid JSON'],
    ['', 'not valid JSON'],
  ])('refuses %s', (text, message) => {
    expect(() => parseNameMapping(text)).toThrow(InvalidDataError)
    expect(() => parseNameMapping(text)).toThrow(message)
  })
})
