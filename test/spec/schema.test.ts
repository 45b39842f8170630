import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { ancestorIds, columnName, fieldsOf, findField, findFieldByName, requireField } from '../../src/spec/schema.ts'
import { PLACES } from './example-schema.ts'

describe('schema lookup', () => {
  it('finds by id at any depth', () => {
    expect(findField(PLACES, 11)).toMatchObject({ name: 'x', type: { kind: 'int' } })
    expect(findField(PLACES, 10)).toMatchObject({ name: 'element', required: false })
    expect(findField(PLACES, 13)).toMatchObject({ name: 'key', required: true })
    expect(findField(PLACES, 99)).toBeUndefined()
    expect(columnName(PLACES, 15)).toBe('props.value.a')
    expect(columnName(PLACES, 99)).toBeUndefined()
    expect(ancestorIds(PLACES, 15)).toEqual([4, 14])
    expect(ancestorIds(PLACES, 1)).toEqual([])
    expect(fieldsOf(PLACES)).toHaveLength(17)
  })

  it('finds by full and by short name', () => {
    expect(findFieldByName(PLACES, 'points.element.x')?.id).toBe(11)
    expect(findFieldByName(PLACES, 'points.x')?.id).toBe(11)
    expect(findFieldByName(PLACES, 'props.b')?.id).toBe(16)
    expect(findFieldByName(PLACES, 'points')?.id).toBe(3)
    expect(findFieldByName(PLACES, 'tags.element')?.id).toBe(17)
    expect(findFieldByName(PLACES, 'LOCATION.lat')).toBeUndefined()
  })

  it('prefers a full name to a short one', () => {
    const schema = defineSchema({ m: 'map<string, struct<key: int, x: int>>' })
    expect(findFieldByName(schema, 'm.key')).toMatchObject({ id: 2, type: { kind: 'string' } })
    expect(findFieldByName(schema, 'm.value.key')).toMatchObject({ type: { kind: 'int' } })
  })

  it('ignores case on demand, but not where that is ambiguous', () => {
    expect(findFieldByName(PLACES, 'LOCATION.LAT', { caseSensitive: false })?.id).toBe(8)
    expect(findFieldByName(PLACES, 'missing', { caseSensitive: false })).toBeUndefined()
    expect(() => findFieldByName(PLACES, 'name', { caseSensitive: false })).toThrow('"Name", "name"')
    expect(findFieldByName(PLACES, 'name')?.id).toBe(7)
  })

  it('proposes the closest columns', () => {
    expect(() => requireField(PLACES, 'location.lta')).toThrow('no column "location.lta": did you mean "location.lat"')
    expect(() => requireField(PLACES, 'nmae')).toThrow(ValidationError)
    expect(() => requireField(defineSchema({}), 'a')).toThrow('the table has no columns')
  })
})
