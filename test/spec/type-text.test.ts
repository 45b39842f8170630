import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { JsonCursor, parseJson, printJson } from '../../src/base/json.ts'
import { parsePrimitive } from '../../src/spec/primitive-type.ts'
import { parseType, printType } from '../../src/spec/type-json.ts'
import { parseTypeText, printTypeText } from '../../src/spec/type-text.ts'
import type { Type } from '../../src/spec/types.ts'
import { typesWithIds } from './arbitraries.ts'

const INT: Type = { kind: 'int' }

describe('parsePrimitive', () => {
  it.each<[string, Type]>([
    ['long', { kind: 'long' }],
    ['LONG', { kind: 'long' }],
    ['timestamptz_ns', { kind: 'timestamptz_ns' }],
    ['variant', { kind: 'variant' }],
    ['decimal(9,2)', { kind: 'decimal', precision: 9, scale: 2 }],
    ['decimal( 9 , 2 )', { kind: 'decimal', precision: 9, scale: 2 }],
    ['fixed[16]', { kind: 'fixed', length: 16 }],
    ['fixed[ 16 ]', { kind: 'fixed', length: 16 }],
    ['fixed(16)', { kind: 'fixed', length: 16 }],
    ['geometry', { kind: 'geometry' }],
    ['geometry(OGC:CRS84)', { kind: 'geometry' }],
    ['geometry( srid:4326 )', { kind: 'geometry', crs: 'srid:4326' }],
    ['geography(srid:4326,Karney)', { kind: 'geography', crs: 'srid:4326', algorithm: 'karney' }],
    ['geography(srid:4326, spherical)', { kind: 'geography', crs: 'srid:4326' }],
    ['geography(projjson:my-crs)', { kind: 'geography', crs: 'projjson:my-crs' }],
  ])('reads %s', (text, type) => {
    expect(parsePrimitive(text)).toEqual(type)
  })

  it.each(['', 'text', 'decimal', 'decimal(9)', 'decimal(39,2)', 'decimal(0,0)', 'decimal(4,5)', 'decimal(9,-2)'])(
    'refuses %j',
    (text) => {
      expect(parsePrimitive(text)).toBeUndefined()
    },
  )

  it.each([
    'fixed',
    'fixed[0]',
    'fixed[-1]',
    'fixed[99999999999]',
    'fixed[1)',
    'geography(srid:1, euclid)',
    'geometry()',
  ])('refuses %j', (text) => {
    expect(parsePrimitive(text)).toBeUndefined()
  })
})

describe('type text', () => {
  it.each<[string, Type, boolean]>([
    ['long not null', { kind: 'long' }, true],
    ['  Decimal( 9, 2 )  NOT NULL ', { kind: 'decimal', precision: 9, scale: 2 }, true],
    [
      'list<string not null>',
      { kind: 'list', elementId: 0, element: { kind: 'string' }, elementRequired: true },
      false,
    ],
    [
      'map<string, int not null> not null',
      { kind: 'map', keyId: 0, key: { kind: 'string' }, valueId: 0, value: INT, valueRequired: true },
      true,
    ],
    ['struct<>', { kind: 'struct', fields: [] }, false],
    [
      'struct<a: int not null, "b, ""c""": fixed[2]>',
      {
        kind: 'struct',
        fields: [
          { id: 0, name: 'a', type: INT, required: true },
          { id: 0, name: 'b, "c"', type: { kind: 'fixed', length: 2 }, required: false },
        ],
      },
      false,
    ],
  ])('%s is read', (text, type, required) => {
    expect(parseTypeText(text)).toEqual({ type, required })
  })

  it.each([
    ['bigint', 'no type "bigint", did you mean long?'],
    ['stirng', 'no type "stirng", did you mean string?'],
    ['varchar(10)', 'did you mean string?'],
    ['array<int>', 'did you mean list<type>?'],
    ['decimal(40,2)', 'no type "decimal(40,2)", did you mean decimal(p,s)?'],
    ['', 'expected a type, found the end'],
    ['list', 'expected "<", found the end'],
    ['list<int', 'expected ">", found the end'],
    ['list<>', 'expected a type, found ">"'],
    ['map<string>', 'expected ",", found ">"'],
    ['struct<a int>', 'expected ":", found "int"'],
    ['struct<a: int,>', 'expected a field name, found ">"'],
    ['int not', '"not" must be followed by "null"'],
    ['int null', 'unexpected "null" after the type'],
    ['int; drop', 'no type "int;"'],
    ['list<"int>', 'unexpected """'],
    ['list<'.repeat(200) + 'int' + '>'.repeat(200), 'nest deeper than 100 levels'],
  ])('%s is refused', (text, message) => {
    expect(() => parseTypeText(text)).toThrow(ValidationError)
    expect(() => parseTypeText(text)).toThrow(message)
  })

  it('is read back as printed', () => {
    fc.assert(
      fc.property(typesWithIds(fc.constant(0)), fc.boolean(), (type, required) => {
        const text = printTypeText(type) + (required ? ' not null' : '')
        expect(parseTypeText(text)).toEqual({ type, required })
      }),
    )
  })
})

describe('type JSON', () => {
  it('is read back as printed', () => {
    fc.assert(
      fc.property(typesWithIds(fc.nat()), (type) => {
        const json = parseJson(printJson(printType(type)), 'memory:type.json')
        expect(parseType(new JsonCursor(json, 'memory:type.json'))).toEqual(type)
      }),
    )
  })

  it('is the one of the specification', () => {
    expect(printType({ kind: 'decimal', precision: 9, scale: 2 })).toBe('decimal(9, 2)')
    expect(printType({ kind: 'fixed', length: 16 })).toBe('fixed[16]')
    expect(printType({ kind: 'geography', algorithm: 'karney' })).toBe('geography(OGC:CRS84, karney)')
    expect(
      printType({ kind: 'map', keyId: 4, key: { kind: 'string' }, valueId: 5, value: INT, valueRequired: false }),
    ).toEqual({ type: 'map', 'key-id': 4, key: 'string', 'value-id': 5, value: 'int', 'value-required': false })
  })

  it.each([
    ['text', '$: expected an Iceberg type, found "text"'],
    [7, '$: expected an object, found 7'],
    [{ type: 'tuple' }, '$.type: expected "struct", "list" or "map", found "tuple"'],
    [{ type: 'list', element: 'int', 'element-required': true }, '$.element-id: expected an integer, found nothing'],
    [
      { type: 'struct', fields: [{ id: 1, name: 'a', required: 1, type: 'int' }] },
      '$.fields[0].required: expected true or false, found 1',
    ],
  ])('%j is refused with its path', (json, message) => {
    expect(() => parseType(new JsonCursor(json, 'memory:x'))).toThrow(message)
  })

  it('is refused where it nests without end', () => {
    let json: object | string = 'int'
    for (let i = 0; i < 200; i++) json = { type: 'list', 'element-id': 1, element: json, 'element-required': true }
    const cursor = new JsonCursor(json as never, 'memory:x')
    expect(() => parseType(cursor)).toThrow('at most 100 levels')
  })
})
