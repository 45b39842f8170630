import { describe, expect, it } from 'vitest'
import { projectFieldIds, selectFields } from '../../src/spec/select-fields.ts'
import type { Schema } from '../../src/spec/types.ts'
import { PLACES, idOf, texts } from './example-schema.ts'

describe('selectFields', () => {
  it('takes columns and parts of them in the order named', () => {
    const schema = selectFields(PLACES, [
      'name',
      'location.long',
      'id',
      'location.lat',
      'points.y',
      'props.value.b',
      'tags',
    ])
    expect(texts(schema)).toEqual({
      name: 'string',
      location: 'struct<long: float not null, lat: float not null> not null',
      id: 'long not null',
      points: 'list<struct<y: int>>',
      props: 'map<string, struct<b: string>>',
      tags: 'list<string>',
    })
    expect(schema.fields.map(({ name }) => name)).toEqual(['name', 'location', 'id', 'points', 'props', 'tags'])
    expect(idOf(schema, 'props.value.b')).toBe(16)
  })

  it('takes the whole over its parts, and each column once', () => {
    const whole = { location: 'struct<lat: float not null, long: float not null> not null' }
    expect(texts(selectFields(PLACES, ['location.lat', 'location']))).toEqual(whole)
    expect(texts(selectFields(PLACES, ['location', 'location.lat', 'location']))).toEqual(whole)
    expect(selectFields(PLACES, []).fields).toEqual([])
  })

  it('keeps the identifier fields it has', () => {
    const schema: Schema = { ...PLACES, identifierFieldIds: [1, 8] }
    expect(selectFields(schema, ['location.lat']).identifierFieldIds).toEqual([8])
    expect(() => selectFields(schema, ['ID'])).toThrow('no column "ID"')
    expect(selectFields(schema, ['ID'], { caseSensitive: false }).identifierFieldIds).toEqual([1])
  })
})

describe('projectFieldIds', () => {
  it('keeps what lies around and in the fields, in the order of the schema', () => {
    expect(texts(projectFieldIds(PLACES, new Set([16, 9, 1, 17, 10])))).toEqual({
      id: 'long not null',
      location: 'struct<long: float not null> not null',
      points: 'list<struct<x: int, y: int>>',
      props: 'map<string, struct<b: string>>',
      tags: 'list<string>',
    })
    expect(projectFieldIds(PLACES, new Set([99])).fields).toEqual([])
  })
})
