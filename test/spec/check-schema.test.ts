import { describe, expect, it } from 'vitest'
import { checkSchemaForVersion } from '../../src/spec/check-schema.ts'
import type { NestedField, Schema, Type } from '../../src/spec/types.ts'
import { PLACES } from './example-schema.ts'

const field = (type: Type, rest: Partial<NestedField> = {}): NestedField => ({
  id: 1,
  name: 'a',
  type,
  required: false,
  ...rest,
})
const schemaOf = (fields: readonly NestedField[], identifierFieldIds: readonly number[] = []): Schema => ({
  schemaId: 0,
  fields,
  identifierFieldIds,
})
const nested = (required: boolean): Type => ({
  kind: 'struct',
  fields: [{ id: 2, name: 'k', type: { kind: 'int' }, required }],
})

describe('checkSchemaForVersion', () => {
  it.each<Type['kind']>(['unknown', 'timestamp_ns', 'timestamptz_ns', 'variant', 'geometry', 'geography'])(
    'wants version 3 for %s, at any depth',
    (kind) => {
      const type = { kind } as Type
      const list: Type = { kind: 'list', elementId: 2, element: type, elementRequired: false }
      expect(() => checkSchemaForVersion(schemaOf([field(type)]), 2)).toThrow(
        `column "a": type ${kind} needs format version 3`,
      )
      expect(() => checkSchemaForVersion(schemaOf([field(list)]), 1)).toThrow('column "a.element"')
      expect(() => checkSchemaForVersion(schemaOf([field(list)]), 3)).not.toThrow()
    },
  )

  it('lets a good schema pass', () => {
    checkSchemaForVersion({ ...PLACES, identifierFieldIds: [1] }, 1)
    checkSchemaForVersion(schemaOf([field(nested(true), { required: true })], [2]), 2)
  })
})

describe('checkSchemaForVersion refuses', () => {
  it.each<[string, Schema, 2 | 3, string]>([
    [
      'a default',
      schemaOf([field({ kind: 'int' }, { initialDefault: 1 })]),
      2,
      'a default value needs format version 3',
    ],
    ['a required unknown', schemaOf([field({ kind: 'unknown' }, { required: true })]), 3, 'must be optional'],
    [
      'a struct default that tells of its fields',
      schemaOf([field(nested(true), { initialDefault: new Map([[2, 1]]) })]),
      3,
      'the default of a struct can only be null or {}',
    ],
    ['a geometry default', schemaOf([field({ kind: 'geometry' }, { writeDefault: 'x' })]), 3, 'can only be null'],
    [
      'an id used twice',
      schemaOf([field({ kind: 'int' }), field(nested(true), { id: 1, name: 'b' })]),
      2,
      'used twice',
    ],
    ['a reserved id', schemaOf([field({ kind: 'int' }, { id: 2_147_483_448 })]), 2, 'must be from 1 to 2147483447'],
    ['a missing identifier', schemaOf([], [4]), 2, 'identifier field 4 is not a field'],
    ['a nested identifier', schemaOf([field(nested(true), { required: true })], [1]), 2, 'primitive type'],
    ['an optional identifier', schemaOf([field({ kind: 'int' })], [1]), 2, 'must be required'],
    ['a double identifier', schemaOf([field({ kind: 'double' }, { required: true })], [1]), 2, 'must not be float'],
    ['an identifier in an optional struct', schemaOf([field(nested(true))], [2]), 2, 'optional struct ("a")'],
    [
      'an identifier in a list',
      schemaOf(
        [field({ kind: 'list', elementId: 3, element: nested(true), elementRequired: true }, { required: true })],
        [2],
      ),
      2,
      'must not lie in a list or map',
    ],
  ])('%s', (_, schema, version, message) => {
    expect(() => checkSchemaForVersion(schema, version)).toThrow(message)
  })
})
